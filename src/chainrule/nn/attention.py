"""Multi-head attention: several attentions beside each other, each on projections of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import chainrule.numpy as cnp
from chainrule.errors import ParameterError, ShapeError
from chainrule.ir import ArrayType
from chainrule.nn.attend import dot_product_attention
from chainrule.nn.dropout import check_rate
from chainrule.nn.initialisers import GlorotUniform, Initialiser, Zeros
from chainrule.nn.module import Module
from chainrule.nn.positions import distance_bias, rotary, rotary_at
from chainrule.nn.scope import Remembered, Variable
from chainrule.tracing import dtype_name, spec_of, static

POSITIONS = ("none", "rotary", "distance")
"""How attention itself can know places: not at all, by rotation (RoPE), by distance (ALiBi)."""


class MultiHeadAttention(Module):
    """Look at a sequence with several heads, and join what they found.

    Vaswani and others, "Attention is all you need", 2017, section 3.2.2. Each head projects
    queries, keys and values and attends (see `dot_product_attention`); the heads' results stand
    side by side and are projected once more.

    Parameters
    ----------
    heads
        Number of heads.
    size
        Size of each head; None divides the width of the queries by `heads`.
    groups
        Number of heads that keys and values have, a divisor of `heads`; None gives each its own.
        With fewer, heads share them (grouped-query attention); 1 is multi-query attention.
    causal
        Whether nothing later in the sequence can be seen.
    dropout
        Rate at which weights of the average are left out in training.
    position
        "none"; "rotary" turns queries and keys by their places (see `rotary`); "distance" lowers
        weights with the distance (see `distance_bias`).
    use_bias
        Whether projections add a bias.
    initial
        How the four weights begin.
    query_weight, key_weight, value_weight, output_weight
        Shapes (query width, heads size), (key width, groups size), (value width, groups size) and
        (heads size, query width).
    query_bias, key_bias, value_bias, output_bias
        They begin at zero.

    A call takes queries (batch, places, width) and, for cross attention, keys (batch, sources, key
    width) and values (batch, sources, value width); keys alone serve as values too, and without
    both the queries look at themselves. It returns (batch, places, width).

    >>> import numpy as np
    >>> from chainrule import nn
    >>> x = np.ones((2, 5, 8), np.float32)
    >>> layer = nn.MultiHeadAttention(heads=2).initialise(0, x)
    >>> layer(x).shape
    (2, 5, 8)
    >>> y, weights = layer(x, with_weights=True)
    >>> weights.shape
    (2, 2, 5, 5)
    """

    heads: int = static()
    size: int | None = static(default=None)
    groups: int | None = static(default=None)
    causal: bool = static(default=False)
    dropout: float = static(default=0.0)
    position: str = static(default="none")
    use_bias: bool = static(default=True)
    initial: Initialiser = static(default=GlorotUniform())
    query_weight: Any = None
    query_bias: Any = None
    key_weight: Any = None
    key_bias: Any = None
    value_weight: Any = None
    value_bias: Any = None
    output_weight: Any = None
    output_bias: Any = None

    def __post_init__(self) -> None:
        """Check the settings."""
        check_rate(self.dropout)
        if min(self.heads, self._groups) < 1 or self.heads % self._groups:
            raise ParameterError(
                f"groups divide heads, received {self.heads} heads and {self._groups} groups"
            )
        if self.position not in POSITIONS:
            raise ParameterError(
                f"unknown position {self.position!r}; expected one of {', '.join(POSITIONS)}"
            )

    @property
    def _groups(self) -> int:
        return self.heads if self.groups is None else self.groups

    def declare(
        self, query: ArrayType, keys: ArrayType | None = None, values: ArrayType | None = None
    ) -> Mapping[str, Variable]:
        """Say which arrays this layer holds, for inputs of these types."""
        keys = query if keys is None else keys
        values = keys if values is None else values
        if any(x.ndim != 3 for x in (query, keys, values)):
            raise ShapeError(
                "MultiHeadAttention expects sequences (batch, places, width), received "
                f"{', '.join(map(str, (query, keys, values)))}"
            )
        width: Any = query.shape[2]
        if self.size is None and width % self.heads:
            raise ShapeError(
                f"a width of {width} cannot be divided among {self.heads} heads: give their size"
            )
        size = self.size or width // self.heads
        shapes = {
            "query": (width, self.heads * size),
            "key": (keys.shape[2], self._groups * size),
            "value": (values.shape[2], self._groups * size),
            "output": (self.heads * size, width),
        }
        held = {f"{name}_weight": Variable(s, self.initial) for name, s in shapes.items()}
        if self.use_bias:
            held |= {f"{name}_bias": Variable(s[1:], Zeros()) for name, s in shapes.items()}
        return held

    def __call__(
        self,
        query: Any,
        keys: Any = None,
        values: Any = None,
        *,
        mask: Any = None,
        allowed: Any = None,
        with_weights: bool = False,
        key: Any = None,
    ) -> Any:
        """Attend.

        Parameters
        ----------
        query, keys, values
            See the class.
        mask
            None, or truth values (batch, sources): False at padding, which nobody looks at.
        allowed
            None, or truth values (places, sources), (batch, places, sources) or (batch, heads,
            places, sources): who may look where, beside `mask` and `causal`.
        with_weights
            Whether the weights of the averages (batch, heads, places, sources) are returned too.
        key
            Random key of training, None for prediction.
        """
        keys = query if keys is None else keys
        values = keys if values is None else values
        q = self._heads(query, self.query_weight, self.query_bias, self.heads)
        k = self._heads(keys, self.key_weight, self.key_bias, self._groups)
        v = self._heads(values, self.value_weight, self.value_bias, self._groups)
        bias = None
        remembered = self.remembering(lambda n: _room((k, v), n)) if self.causal else None
        if remembered is not None:
            found = self._attend_one(remembered, q, k, v)
            return _projected(self._joined(found), self.output_weight, self.output_bias)
        if self.position == "rotary":
            q, k = rotary(q, first=max(k.shape[2] - q.shape[2], 0)), rotary(k)
        elif self.position == "distance":
            bias = distance_bias(self.heads, q.shape[2], k.shape[2]).astype(dtype_name(q.dtype))
        found, weights = dot_product_attention(
            q,
            k,
            v,
            allowed=_allowed(mask, allowed),
            causal=self.causal,
            bias=bias,
            dropout=self.dropout,
            key=key,
        )
        output = _projected(self._joined(found), self.output_weight, self.output_bias)
        return (output, weights) if with_weights else output

    def _attend_one(self, remembered: Remembered, q: Any, k: Any, v: Any) -> Any:
        """Attend at one place to its own key and those that were kept of the places before."""
        place, length = remembered.place, remembered.length
        every = np.arange(length, dtype=np.int32)
        bias = None
        if self.position == "rotary":
            q, k = rotary_at(q, place, length), rotary_at(k, place, length)
        elif self.position == "distance":
            table = distance_bias(self.heads, length, length).astype(dtype_name(q.dtype))
            bias = cnp.take(table, place, axis=1)
        here = cnp.reshape(cnp.equal(every, place), (length, 1))
        keys, values = (
            cnp.where(here, new, old) for new, old in zip((k, v), remembered.past, strict=True)
        )
        remembered.keep((keys, values))
        seen = cnp.less_equal(every, place)
        return dot_product_attention(q, keys, values, allowed=seen, bias=bias)[0]

    def _joined(self, found: Any) -> Any:
        """Put the heads of (batch, heads, places, size) side by side."""
        batch, heads, places, size = found.shape
        return cnp.reshape(cnp.permute_dims(found, (0, 2, 1, 3)), (batch, places, heads * size))

    def _heads(self, x: Any, weight: Any, bias: Any, heads: int) -> Any:
        """Project a sequence and give it as (batch, heads, places, size)."""
        y = _projected(x, weight, bias)
        batch, places, width = y.shape
        return cnp.permute_dims(
            cnp.reshape(y, (batch, places, heads, width // heads)), (0, 2, 1, 3)
        )


def _room(arrays: tuple[Any, ...], length: int) -> tuple[Any, ...]:
    """Give zeros like some arrays (batch, heads, places, size) for another number of places."""
    return tuple(cnp.zeros((*x.shape[:2], length, x.shape[3]), dtype_name(x.dtype)) for x in arrays)


def _projected(x: Any, weight: Any, bias: Any) -> Any:
    y = cnp.matmul(x, weight)
    return y if bias is None else y + bias


def _allowed(mask: Any, allowed: Any) -> Any:
    """Both masks as one that broadcasts to (batch, heads, places, sources)."""
    if mask is not None:
        mask = cnp.asarray(mask)
        if mask.ndim != 2 or mask.dtype.kind != "b":
            raise ShapeError(
                f"mask expects truth values (batch, sources), received {spec_of(mask)}"
            )
        mask = cnp.reshape(mask, (mask.shape[0], 1, 1, mask.shape[1]))
    if allowed is None:
        return mask
    allowed = cnp.asarray(allowed)
    if allowed.ndim not in (2, 3, 4) or allowed.dtype.kind != "b":
        raise ShapeError(
            "allowed expects truth values (places, sources), with a batch and heads in front or "
            f"not, received {spec_of(allowed)}"
        )
    if allowed.ndim == 3:
        batch, places, sources = allowed.shape
        allowed = cnp.reshape(allowed, (batch, 1, places, sources))
    return allowed if mask is None else cnp.logical_and(mask, allowed)
