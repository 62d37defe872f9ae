"""Weight decay that is kept apart from the gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chainrule.tracing import flatten, leaf_paths, unflatten
from chainrule.train.paths import chosen


def decayed(parameters: Any, share: Any, biases: bool, spared: Sequence[str]) -> Any:
    """Shrink the parameters that decay: ``p (1 - share)``.

    Parameters
    ----------
    parameters
        A tree of arrays.
    share
        A function from a dtype to the share of a weight that is lost.
    biases
        Whether parameters with fewer than two axes (biases, scales) decay, too.
    spared
        Paths of arrays, or of layers with all their arrays, that do not decay.

    >>> import numpy as np
    >>> p = {"a.weight": np.ones((1, 1)), "a.bias": np.ones(1), "b.weight": np.ones((1, 1))}
    >>> {k: float(x.sum()) for k, x in decayed(p, lambda dtype: 0.5, False, ["b"]).items()}
    {'a.weight': 0.5, 'a.bias': 1.0, 'b.weight': 1.0}
    """
    leaves, tree = flatten(parameters)
    paths = leaf_paths(parameters)
    kept = chosen(spared, paths, "spare from decay")
    return unflatten(
        tree,
        [
            p if path in kept or (p.ndim < 2 and not biases) else p * (1 - share(p.dtype))
            for path, p in zip(paths, leaves, strict=True)
        ],
    )
