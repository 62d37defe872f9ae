"""From a Python function and example arrays to a graph.

`capture` runs a function on traced arrays, which write down every operation; `replay` runs a
graph again, on NumPy arrays (then it computes) or inside another tracing (then it is inlined).
"""

from chainrule.tracing.array import Array, Recorder
from chainrule.tracing.capture import (
    Captured,
    begin,
    capture,
    fresh_input,
    measure,
    replay,
    spec_of,
)
from chainrule.tracing.functions.windows import per_axis
from chainrule.tracing.loops import Loop, Written, enclose, scan
from chainrule.tracing.record import apply, compute, filled, named, record
from chainrule.tracing.tapping import tap, taps
from chainrule.tracing.tree import Tree, flatten, leaf_paths, map_leaves, static, unflatten
from chainrule.tracing.values import as_array, dtype_name, show, type_of

__all__ = [
    "Array",
    "Captured",
    "Loop",
    "Recorder",
    "Tree",
    "Written",
    "apply",
    "as_array",
    "begin",
    "capture",
    "compute",
    "dtype_name",
    "enclose",
    "filled",
    "flatten",
    "fresh_input",
    "leaf_paths",
    "map_leaves",
    "measure",
    "named",
    "per_axis",
    "record",
    "replay",
    "scan",
    "show",
    "spec_of",
    "static",
    "tap",
    "taps",
    "type_of",
    "unflatten",
]
