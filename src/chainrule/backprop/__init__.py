"""Backpropagation: a pass that turns a graph into one that also computes gradients."""

from chainrule.backprop.check import GradientCheck, check_gradients
from chainrule.backprop.custom import custom_vjp
from chainrule.backprop.derivation import Derivation
from chainrule.backprop.derive import derive
from chainrule.backprop.recompute import checkpoint
from chainrule.backprop.reverse import differentiate, pull_back
from chainrule.backprop.transforms import (
    argument_positions,
    grad,
    hessian_vector_product,
    jvp,
    value_and_grad,
    vjp,
)

__all__ = [
    "Derivation",
    "GradientCheck",
    "argument_positions",
    "check_gradients",
    "checkpoint",
    "custom_vjp",
    "derive",
    "differentiate",
    "grad",
    "hessian_vector_product",
    "jvp",
    "pull_back",
    "value_and_grad",
    "vjp",
]
