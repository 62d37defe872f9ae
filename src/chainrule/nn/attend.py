"""Attention as a function: every query looks at the values whose keys are like it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import ShapeError
from chainrule.nn.dropout import Dropout
from chainrule.tracing import dtype_name, named, spec_of


def dot_product_attention(
    query: Any,
    keys: Any,
    values: Any,
    *,
    allowed: Any = None,
    causal: bool = False,
    bias: Any = None,
    dropout: float = 0.0,
    key: Any = None,
) -> tuple[Any, Any]:
    """Average the values by how much each query is like each key.

    ``softmax(query @ keys.mT / sqrt(size) + bias) @ values`` (Vaswani and others, "Attention is
    all you need", 2017, section 3.2.1).

    Parameters
    ----------
    query
        Shape (batch, heads, places, size).
    keys, values
        Shapes (batch, groups, sources, size) and (batch, groups, sources, value size). Where there
        are fewer groups than heads, heads that stand side by side share one (grouped-query
        attention, Ainslie and others, 2023).
    allowed
        None, or truth values that broadcast to (batch, heads, places, sources): what may be looked
        at. A query that may look at nothing receives zeros.
    causal
        Whether a query sees no later sources: place i of n sees sources up to i + sources - n.
    bias
        None, or numbers that broadcast to (batch, heads, places, sources).
    dropout
        Rate at which weights are left out where there is a random key.
    key
        Random key of training, None for prediction.

    Returns
    -------
    What each query received, shape (batch, heads, places, value size), and the weights by which
    values were averaged, shape (batch, heads, places, sources), each row of sum 1 (before dropout).

    >>> x = cnp.zeros((1, 1, 2, 4))
    >>> dot_product_attention(x, x, x, causal=True)[1].tolist()
    [[[[1.0, 0.0], [0.5, 0.5]]]]
    """
    batch, heads, places, size = query.shape
    groups, sources = keys.shape[1:3]
    if heads % groups or keys.shape[0] != batch or values.shape[:3] != keys.shape[:3]:
        shapes = ", ".join(str(spec_of(x)) for x in (query, keys, values))
        raise ShapeError(
            f"attention expects queries (batch, heads, places, size) and keys and values (batch, "
            f"groups, sources, size), where groups divide heads; received {shapes}"
        )
    # The heads of a group are one matrix, so that its keys need not be repeated.
    together = (batch, groups, heads // groups * places)
    query = cnp.reshape(query * (1 / math.sqrt(size)), (*together, size))
    scores = cnp.reshape(
        cnp.matmul(query, cnp.matrix_transpose(keys)), (batch, heads, places, sources)
    )
    if bias is not None:
        scores = scores + bias
    if causal:
        seen = np.tri(places, sources, sources - places, dtype=bool)
        allowed = seen if allowed is None else cnp.logical_and(allowed, seen)
    weights = named(masked_softmax(scores, allowed), "attention weights")
    kept = Dropout(dropout)(weights, key=key)
    output = cnp.matmul(cnp.reshape(kept, (*together, sources)), values)
    return cnp.reshape(output, (batch, heads, places, values.shape[-1])), weights


def masked_softmax(scores: Any, allowed: Any = None) -> Any:
    """Softmax along the last axis over the entries that are allowed; the others get 0.

    A row without any allowed entry is all zeros, and its gradient is zero, not NaN.

    >>> import numpy as np
    >>> masked_softmax(np.array([[1.0, 1.0, 5.0]]), np.array([[True, True, False]])).tolist()
    [[0.5, 0.5, 0.0]]
    """
    if allowed is None:
        return cnp.softmax(scores)
    # The largest is taken over the lowest finite number, so that it is finite in every row, and
    # -inf less it is -inf.
    lowest = float(np.finfo(dtype_name(spec_of(scores).dtype)).min)
    top = cnp.max(cnp.where(allowed, scores, lowest), axis=-1, keepdims=True)
    weights = cnp.exp(cnp.where(allowed, scores, -np.inf) - cnp.stop_gradient(top))
    total = cnp.sum(weights, axis=-1, keepdims=True)
    return weights / cnp.where(total == 0, 1.0, total)
