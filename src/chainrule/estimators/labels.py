"""Labels of rows, one of several or any of several, as what a network learns and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.sparse import csr_matrix, issparse
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import _check_y

from chainrule.estimators.gaps import require_labels


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels that rows may have.

    Parameters
    ----------
    classes
        Of one of several labels the labels themselves, sorted; of any of several the numbers of
        the columns of indicators.
    several
        Whether a row may have any of them, or none.
    sparse
        Whether indicators came as a sparse matrix, and so go out as one.
    """

    classes: Any
    several: bool = False
    sparse: bool = False

    @classmethod
    def of(cls, y: Any, model: str) -> Self:
        """Learn them from checked targets; see `checked`.

        Raises
        ------
        ValueError
            If there is one class only; `model` names who cannot learn that.

        >>> Labels.of(np.array(["no", "yes", "no"]), "It").classes.tolist()
        ['no', 'yes']
        """
        if y.ndim == 2:
            return cls(np.arange(y.shape[1]), several=True, sparse=issparse(y))
        classes = np.unique(y)
        if len(classes) < 2:
            raise ValueError(
                f"{model} needs at least two classes, but y holds only one class: "
                f"{classes[:1].tolist()[0]!r}"
            )
        return cls(classes)

    def codes(self, y: Any, name: str = "y") -> Any:
        """Give positions int32 (n,) of one of several, or 0 and 1 in float32 (n, labels).

        Raises
        ------
        ValueError
            If there are labels that were not learnt, or another number of columns.
        """
        if (y.ndim == 2) != self.several or (self.several and y.shape[1] != len(self.classes)):
            wanted = f"(n, {len(self.classes)})" if self.several else "(n,)"
            raise ValueError(f"{name} has the shape {y.shape}, but the model learnt from {wanted}")
        if self.several:
            indicators: Any = y
            return np.asarray(indicators.toarray() if issparse(y) else y, np.float32)
        unknown = np.setdiff1d(y, self.classes)
        if len(unknown):
            raise ValueError(f"{name} has classes that y has not: {unknown}")
        return np.searchsorted(self.classes, y).astype(np.int32)

    def chosen(self, codes: Any) -> Any:
        """Give the labels of positions (n,), or indicators (n, labels) of truth values.

        >>> Labels(np.array(["no", "yes"])).chosen(np.array([1, 0])).tolist()
        ['yes', 'no']
        """
        if not self.several:
            return self.classes[codes]
        return csr_matrix(codes, dtype=np.int64) if self.sparse else codes.astype(np.int64)


def checked(y: Any, model: Any) -> Any:
    """Check targets of a classifier: labels (n,), or indicators (n, labels) of 0 and 1.

    Raises
    ------
    ValueError
        If a label is missing, labels are of two kinds, are numbers with fractions, or are several
        columns that are no indicators.

    >>> checked(["no", "yes"], None).tolist()
    ['no', 'yes']
    """
    require_labels(y)
    y = _check_y(y, multi_output=True, estimator=model)
    kind = type_of_target(y, input_name="y", raise_unknown=True)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"y has {y.shape[1]} columns that are no indicators of 0 and 1: several questions "
            "with several answers each need a model for each (as MultiOutputClassifier makes)"
        )
    check_classification_targets(y)
    return y if kind.startswith("multilabel") else column_or_1d(y, warn=True)
