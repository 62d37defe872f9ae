"""Which networks can read a sequence place by place."""

from __future__ import annotations

from chainrule.nn import activations
from chainrule.nn.attention import MultiHeadAttention
from chainrule.nn.dense import Dense
from chainrule.nn.dropout import Dropout
from chainrule.nn.embedding import Embedding
from chainrule.nn.feed_forward import FeedForward
from chainrule.nn.gpt import GPT
from chainrule.nn.layer_norm import LayerNorm, RMSNorm
from chainrule.nn.module import Module, walk
from chainrule.nn.positions import LearntPositions, SinusoidalPositions
from chainrule.nn.recurrent import GRU, LSTM, RecurrentCell, RecurrentLayer, SimpleRNN
from chainrule.nn.sequential import Sequential
from chainrule.nn.transformer import TransformerEncoder
from chainrule.nn.transformer_block import TransformerEncoderBlock

_ALONE: tuple[type[Module], ...] = (
    *(Dense, Dropout, Embedding, FeedForward, LayerNorm, RMSNorm),
    *(Sequential, TransformerEncoder, TransformerEncoderBlock, GPT),
)
_PLACED: tuple[type[Module], ...] = (MultiHeadAttention, LearntPositions, SinusoidalPositions)
_RECURRENT: tuple[type[Module], ...] = (SimpleRNN, GRU, LSTM)


def reads_stepwise(network: Module) -> bool:
    """Tell whether `run_step` gives what a call on the whole sequence gives at each place.

    All modules have to be ours, since another one may look at other places in ways of its own;
    attention has to be causal, and recurrent layers to run forwards and give all outputs.

    >>> from chainrule import nn
    >>> reads_stepwise(nn.GPT(65, 8)), reads_stepwise(nn.Sequential(nn.Conv1D(8)))
    (True, False)
    """
    return all(_steps(each) for _, each in walk(network))


def _steps(module: Module) -> bool:
    kind = type(module)
    if isinstance(module, MultiHeadAttention):
        return kind is MultiHeadAttention and module.causal
    if isinstance(module, RecurrentLayer):
        return kind in _RECURRENT and not module.bidirectional and module.returns == "sequence"
    if isinstance(module, RecurrentCell):
        return True  # below a layer, which was asked
    # Softmax is over features where it stands alone; all other activations are of each number.
    return kind in (*_ALONE, *_PLACED) or kind.__module__ == activations.__name__


def knows_places(network: Module) -> bool:
    """Tell whether a network has room for so many places only, as attention has.

    >>> from chainrule import nn
    >>> knows_places(nn.GPT(65, 8)), knows_places(nn.LSTM(3))
    (True, False)
    """
    return any(isinstance(each, _PLACED) for _, each in walk(network))
