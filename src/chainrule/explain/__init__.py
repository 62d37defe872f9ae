"""To see everything: derivations, steps with all their numbers, claims, and where things broke."""

from chainrule.explain.claims import ClaimReport, check_claims
from chainrule.explain.derived import Derived, derive
from chainrule.explain.flow import GradientFlow, gradient_flow
from chainrule.explain.landscape import (
    LossCurve,
    LossSurface,
    loss_along_gradient,
    loss_over_weight,
    loss_surface,
)
from chainrule.explain.nonfinite import find_nonfinite
from chainrule.explain.step import Step
from chainrule.explain.stepping import explain

__all__ = [
    "ClaimReport",
    "Derived",
    "GradientFlow",
    "LossCurve",
    "LossSurface",
    "Step",
    "check_claims",
    "derive",
    "explain",
    "find_nonfinite",
    "gradient_flow",
    "loss_along_gradient",
    "loss_over_weight",
    "loss_surface",
]
