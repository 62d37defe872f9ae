"""Networks: modules as trees of arrays, layers, initial values, and losses."""

from chainrule.nn import initialisers
from chainrule.nn.activations import (
    ELU,
    GELU,
    SELU,
    Identity,
    LeakyReLU,
    LogSoftmax,
    Mish,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from chainrule.nn.attend import dot_product_attention, masked_softmax
from chainrule.nn.attention import MultiHeadAttention
from chainrule.nn.batch_norm import BatchNorm
from chainrule.nn.checkpoint import Checkpoint
from chainrule.nn.convolution import (
    AdaptiveAveragePool1D,
    AdaptiveAveragePool2D,
    AdaptiveAveragePool3D,
    AdaptiveMaxPool1D,
    AdaptiveMaxPool2D,
    AdaptiveMaxPool3D,
    AveragePool1D,
    AveragePool2D,
    AveragePool3D,
    Conv1D,
    Conv2D,
    Conv3D,
    ConvTranspose1D,
    ConvTranspose2D,
    ConvTranspose3D,
    DepthwiseConv1D,
    DepthwiseConv2D,
    GlobalAveragePool,
    GlobalMaxPool,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    SeparableConv1D,
    SeparableConv2D,
    UpSample,
    ZeroPad,
)
from chainrule.nn.dense import Dense
from chainrule.nn.dropout import Dropout
from chainrule.nn.embedding import Embedding
from chainrule.nn.feed_forward import FeedForward
from chainrule.nn.flatten import Flatten
from chainrule.nn.gpt import GPT
from chainrule.nn.group_norm import GroupNorm, InstanceNorm
from chainrule.nn.layer_norm import LayerNorm, RMSNorm
from chainrule.nn.module import Module, entry, state, walk
from chainrule.nn.noise import AlphaDropout, GaussianDropout, GaussianNoise
from chainrule.nn.positions import (
    LearntPositions,
    SinusoidalPositions,
    distance_bias,
    rotary,
    sinusoidal_table,
)
from chainrule.nn.recurrent import (
    GRU,
    LSTM,
    GRUCell,
    LSTMCell,
    LSTMState,
    RecurrentCell,
    RecurrentLayer,
    SimpleRNN,
    SimpleRNNCell,
)
from chainrule.nn.residual import Residual
from chainrule.nn.running import (
    count_parameters,
    run_step,
    run_with_calls,
    run_with_state,
    summary,
)
from chainrule.nn.scope import Variable
from chainrule.nn.sequential import MLP, Sequential
from chainrule.nn.stepwise import knows_places, reads_stepwise
from chainrule.nn.transformer import TransformerDecoder, TransformerEncoder
from chainrule.nn.transformer_block import TransformerDecoderBlock, TransformerEncoderBlock
from chainrule.nn.tree import state_paths
from chainrule.tracing import static

__all__ = [
    "ELU",
    "GELU",
    "GPT",
    "GRU",
    "LSTM",
    "MLP",
    "SELU",
    "AdaptiveAveragePool1D",
    "AdaptiveAveragePool2D",
    "AdaptiveAveragePool3D",
    "AdaptiveMaxPool1D",
    "AdaptiveMaxPool2D",
    "AdaptiveMaxPool3D",
    "AlphaDropout",
    "AveragePool1D",
    "AveragePool2D",
    "AveragePool3D",
    "BatchNorm",
    "Checkpoint",
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "ConvTranspose1D",
    "ConvTranspose2D",
    "ConvTranspose3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dropout",
    "Embedding",
    "FeedForward",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "GroupNorm",
    "Identity",
    "InstanceNorm",
    "LSTMCell",
    "LSTMState",
    "LayerNorm",
    "LeakyReLU",
    "LearntPositions",
    "LogSoftmax",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "Mish",
    "Module",
    "MultiHeadAttention",
    "RMSNorm",
    "ReLU",
    "RecurrentCell",
    "RecurrentLayer",
    "Residual",
    "SeparableConv1D",
    "SeparableConv2D",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "SimpleRNN",
    "SimpleRNNCell",
    "SinusoidalPositions",
    "Softmax",
    "Softplus",
    "Tanh",
    "TransformerDecoder",
    "TransformerDecoderBlock",
    "TransformerEncoder",
    "TransformerEncoderBlock",
    "UpSample",
    "Variable",
    "ZeroPad",
    "count_parameters",
    "distance_bias",
    "dot_product_attention",
    "entry",
    "initialisers",
    "knows_places",
    "masked_softmax",
    "reads_stepwise",
    "rotary",
    "run_step",
    "run_with_calls",
    "run_with_state",
    "sinusoidal_table",
    "state",
    "state_paths",
    "static",
    "summary",
    "walk",
]
