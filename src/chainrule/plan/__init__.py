"""From a graph to a plan: what is computed together, in which order, and where it lies."""

from chainrule.plan.cost import count_bytes, count_work
from chainrule.plan.fuse import Group, fuse
from chainrule.plan.loops import LoopPlan
from chainrule.plan.memory import Placement, lower_bound, place
from chainrule.plan.passes import PASSES, Plan, plan
from chainrule.plan.simplify import bind_sizes, simplify

__all__ = [
    "PASSES",
    "Group",
    "LoopPlan",
    "Placement",
    "Plan",
    "bind_sizes",
    "count_bytes",
    "count_work",
    "fuse",
    "lower_bound",
    "place",
    "plan",
    "simplify",
]
