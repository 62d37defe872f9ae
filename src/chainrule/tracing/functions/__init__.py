"""The functions of `chainrule.numpy`, on traced arrays and on NumPy arrays alike.

Called with traced arrays they write operations down; called with NumPy arrays they compute. Names
are those of the Python array API standard, and NumPy's where the standard has none.
"""

from __future__ import annotations

from chainrule.tracing.functions.activations import (
    elu,
    gelu,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    logsumexp,
    mish,
    selu,
    silu,
    softmax,
)
from chainrule.tracing.functions.convolution import conv, conv_transpose
from chainrule.tracing.functions.creation import (
    arange,
    asarray,
    eye,
    full,
    full_like,
    linspace,
    ones,
    ones_like,
    tril,
    triu,
    zeros,
    zeros_like,
)
from chainrule.tracing.functions.dtypes import finfo, iinfo, isdtype, result_type
from chainrule.tracing.functions.einsum import einsum
from chainrule.tracing.functions.elementwise import *  # noqa: F403
from chainrule.tracing.functions.elementwise import __all__ as _elementwise
from chainrule.tracing.functions.elementwise import share
from chainrule.tracing.functions.indexing import (
    add_along_axis,
    cut,
    getitem,
    one_hot,
    scatter_add,
    take,
    take_along_axis,
)
from chainrule.tracing.functions.linear import matmul, matrix_transpose, outer, tensordot, vecdot
from chainrule.tracing.functions.pooling import (
    adaptive_average_pool,
    adaptive_max_pool,
    average_pool,
    max_pool,
)
from chainrule.tracing.functions.reductions import (
    all,
    any,
    argmax,
    argmin,
    count_nonzero,
    cumulative_sum,
    max,
    mean,
    min,
    prod,
    std,
    sum,
    var,
)
from chainrule.tracing.functions.shaping import (
    broadcast,
    broadcast_arrays,
    broadcast_to,
    concat,
    diff,
    expand_dims,
    flip,
    interior_pad,
    meshgrid,
    moveaxis,
    pad,
    permute_dims,
    repeat,
    reshape,
    roll,
    split,
    squeeze,
    stack,
    swapaxes,
    tile,
    transpose,
    unstack,
)
from chainrule.tracing.functions.sorting import argsort, sort, top_k
from chainrule.tracing.functions.windows import overlap_add, window
from chainrule.tracing.values import broadcast_shapes

concatenate = concat

__all__ = [
    *_elementwise,
    "adaptive_average_pool",
    "adaptive_max_pool",
    "add_along_axis",
    "all",
    "any",
    "arange",
    "argmax",
    "argmin",
    "argsort",
    "asarray",
    "average_pool",
    "broadcast_arrays",
    "broadcast_shapes",
    "broadcast_to",
    "concat",
    "concatenate",
    "conv",
    "conv_transpose",
    "count_nonzero",
    "cumulative_sum",
    "diff",
    "einsum",
    "elu",
    "expand_dims",
    "eye",
    "finfo",
    "flip",
    "full",
    "full_like",
    "gelu",
    "iinfo",
    "isdtype",
    "leaky_relu",
    "linspace",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "matmul",
    "matrix_transpose",
    "max",
    "max_pool",
    "mean",
    "meshgrid",
    "min",
    "mish",
    "moveaxis",
    "one_hot",
    "ones",
    "ones_like",
    "outer",
    "overlap_add",
    "pad",
    "permute_dims",
    "prod",
    "repeat",
    "reshape",
    "result_type",
    "roll",
    "scatter_add",
    "selu",
    "silu",
    "softmax",
    "sort",
    "split",
    "squeeze",
    "stack",
    "std",
    "sum",
    "swapaxes",
    "take",
    "take_along_axis",
    "tensordot",
    "tile",
    "top_k",
    "transpose",
    "tril",
    "triu",
    "unstack",
    "var",
    "vecdot",
    "window",
    "zeros",
    "zeros_like",
]
# Used by gradient rules, not part of the public namespace.
_RULES = (broadcast, cut, getitem, interior_pad, share)
