"""To see everything: derivations, steps with all their numbers, claims, and where things broke."""

from chainrule.explaining.claims import ClaimReport, check_claims
from chainrule.explaining.derived import Derived, derive
from chainrule.explaining.flow import GradientFlow, gradient_flow
from chainrule.explaining.landscape import loss_along_gradient, loss_over_weight, loss_surface
from chainrule.explaining.loss_slices import LossCurve, LossSurface
from chainrule.explaining.nonfinite import find_nonfinite
from chainrule.explaining.rate_search import RateSearch, find_learning_rate
from chainrule.explaining.step import Step
from chainrule.explaining.stepping import explain

__all__ = [
    "ClaimReport",
    "Derived",
    "GradientFlow",
    "LossCurve",
    "LossSurface",
    "RateSearch",
    "Step",
    "check_claims",
    "derive",
    "explain",
    "find_learning_rate",
    "find_nonfinite",
    "gradient_flow",
    "loss_along_gradient",
    "loss_over_weight",
    "loss_surface",
]
