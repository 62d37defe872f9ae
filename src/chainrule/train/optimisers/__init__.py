"""Optimisers: how a step changes the parameters, a file for each."""

from chainrule.train.optimisers.adadelta import Adadelta
from chainrule.train.optimisers.adagrad import Adagrad
from chainrule.train.optimisers.adam import Adam
from chainrule.train.optimisers.adamax import Adamax
from chainrule.train.optimisers.adamw import AdamW
from chainrule.train.optimisers.by_path import ByPath
from chainrule.train.optimisers.lion import Lion
from chainrule.train.optimisers.muon import Muon
from chainrule.train.optimisers.nadam import Nadam
from chainrule.train.optimisers.optimiser import Optimiser
from chainrule.train.optimisers.rmsprop import RMSprop
from chainrule.train.optimisers.sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "ByPath",
    "Lion",
    "Muon",
    "Nadam",
    "Optimiser",
    "RMSprop",
]
