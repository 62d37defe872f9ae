"""The network of a table: embeddings of some columns, beside the rest, into a perceptron."""

from __future__ import annotations

import math
from typing import Any

import chainrule.numpy as cnp
from chainrule import nn
from chainrule.data import Encoder


class TableNetwork(nn.Module):
    """Look up a vector for each embedded column, put all inputs side by side, and run the rest.

    Parameters
    ----------
    embeddings
        One for each column of codes.
    body
        Takes (rows, features + sizes of the embeddings).

    A call takes the encoded numbers (rows, features) and codes, int32 (rows, columns).
    """

    embeddings: tuple[nn.Embedding, ...] = ()
    body: nn.Module = nn.Identity()

    def __call__(self, numeric: Any, codes: Any, *, key: Any = None) -> Any:
        """Compute the body's outputs."""
        vectors = [embed(codes[:, i]) for i, embed in enumerate(self.embeddings)]
        return self.body(cnp.concat([numeric, *vectors], axis=1), key=key)


def table_network(encoder: Encoder, body: nn.Module) -> nn.Module:
    """Put what embedded columns need in front of a network; without any it stays as it is."""
    if not encoder.embedded:
        return body
    embeddings = tuple(nn.Embedding(n, embedding_size(n)) for _, n in encoder.embedded)
    return TableNetwork(embeddings, body)


def embedding_size(levels: int) -> int:
    """Choose the length of the vectors for a column with so many levels.

    The rule of thumb of fast.ai's tabular learner, ``1.6 n^0.56``, with 32 as the longest.

    >>> embedding_size(2), embedding_size(42), embedding_size(100_000)
    (2, 13, 32)
    """
    return min(32, round(1.6 * math.pow(levels, 0.56)))
