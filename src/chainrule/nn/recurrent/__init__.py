"""Recurrent layers: a state that is handed on from step to step of a sequence."""

from chainrule.nn.recurrent.cell import RecurrentCell
from chainrule.nn.recurrent.gru import GRU, GRUCell
from chainrule.nn.recurrent.layer import RecurrentLayer
from chainrule.nn.recurrent.lstm import LSTM, LSTMCell, LSTMState
from chainrule.nn.recurrent.simple import SimpleRNN, SimpleRNNCell

__all__ = [
    "GRU",
    "LSTM",
    "GRUCell",
    "LSTMCell",
    "LSTMState",
    "RecurrentCell",
    "RecurrentLayer",
    "SimpleRNN",
    "SimpleRNNCell",
]
