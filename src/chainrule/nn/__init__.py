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
from chainrule.nn.batch_norm import BatchNorm
from chainrule.nn.dense import Dense
from chainrule.nn.dropout import Dropout
from chainrule.nn.embedding import Embedding
from chainrule.nn.flatten import Flatten
from chainrule.nn.group_norm import GroupNorm, InstanceNorm
from chainrule.nn.layer_norm import LayerNorm, RMSNorm
from chainrule.nn.module import (
    Module,
    count_parameters,
    run_with_state,
    state,
    state_paths,
    walk,
)
from chainrule.nn.noise import AlphaDropout, GaussianDropout, GaussianNoise
from chainrule.nn.scope import Variable
from chainrule.nn.sequential import MLP, Sequential
from chainrule.tracing import static

__all__ = [
    "ELU",
    "GELU",
    "MLP",
    "SELU",
    "AlphaDropout",
    "BatchNorm",
    "Dense",
    "Dropout",
    "Embedding",
    "Flatten",
    "GaussianDropout",
    "GaussianNoise",
    "GroupNorm",
    "Identity",
    "InstanceNorm",
    "LayerNorm",
    "LeakyReLU",
    "LogSoftmax",
    "Mish",
    "Module",
    "RMSNorm",
    "ReLU",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Variable",
    "count_parameters",
    "initialisers",
    "run_with_state",
    "state",
    "state_paths",
    "static",
    "walk",
]
