"""Trees come apart and go together again."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chainrule.backprop import grad
from chainrule.errors import TreeError
from chainrule.tracing import flatten, leaf_paths, map_leaves, static, unflatten


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Layer:
    weight: Any
    bias: Any
    activation: str = static(default="tanh")


@dataclass(frozen=True)
class Guarded:
    """A dataclass whose `__init__` would refuse what unflattening puts in."""

    value: Any

    def __post_init__(self) -> None:
        if not isinstance(self.value, float):
            raise TypeError("only floats")


TREE = {"layers": [Layer(1.0, 2.0), Layer(3.0, None, "relu")], "scale": Pair(4.0, (5.0, ()))}

trees = st.recursive(
    st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.builds(Layer, inner, inner, st.text(max_size=3))
        | st.builds(Pair, inner, inner)
        | st.none()
    ),
    max_leaves=10,
)


@given(trees)
def test_a_tree_survives_being_taken_apart(tree: Any) -> None:
    leaves, structure = flatten(tree)
    assert unflatten(structure, leaves) == tree
    assert flatten(unflatten(structure, leaves))[1] == structure
    assert len(leaf_paths(tree)) == len(leaves)
    assert map_leaves(lambda x: x, tree) == tree
    assert hash(structure) == hash(flatten(tree)[1])


def test_leaves_come_in_the_order_in_which_they_are_written() -> None:
    assert flatten(TREE)[0] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_a_leaf_is_named_as_one_reaches_it_in_python() -> None:
    assert leaf_paths(TREE, "net") == [
        "net.layers[0].weight",
        "net.layers[0].bias",
        "net.layers[1].weight",
        "net.scale[0]",
        "net.scale[1][0]",
    ]
    assert leaf_paths({3: 1.0, "a": 2.0}) == ["[3]", "a"]
    assert leaf_paths(1.0) == [""]


def test_types_of_containers_are_kept() -> None:
    mapped = map_leaves(lambda x: x + 1, OrderedDict(a=Pair(1.0, 2.0)))
    assert isinstance(mapped, OrderedDict)
    assert mapped["a"] == Pair(2.0, 3.0)


def test_what_is_static_belongs_to_the_structure() -> None:
    doubled = map_leaves(lambda x: 2 * x, Layer(1.0, 2.0, "relu"))
    assert doubled == Layer(2.0, 4.0, "relu")
    assert flatten(Layer(1.0, 2.0, "relu"))[1] != flatten(Layer(1.0, 2.0, "tanh"))[1]


def test_a_dataclass_is_rebuilt_without_running_its_checks() -> None:
    assert map_leaves(str, Guarded(1.0)).value == "1.0"


def test_several_trees_are_mapped_together() -> None:
    total = map_leaves(lambda a, b, c: a + b + c, [1, (2,)], [10, (20,)], [100, (200,)])
    assert total == [111, (222,)]


@pytest.mark.parametrize("other", [[1, 2], (1, (2,)), [1, (2, 3)], [1, [2]], {"a": 1}, 1])
def test_trees_that_differ_in_structure_are_refused(other: Any) -> None:
    with pytest.raises(TreeError, match="two trees differ in structure"):
        map_leaves(lambda a, b: a, [1, (2,)], other)


def test_the_number_of_leaves_has_to_fit() -> None:
    structure = flatten([1, 2])[1]
    with pytest.raises(TreeError, match="fewer leaves than the tree has places"):
        unflatten(structure, [1])
    with pytest.raises(TreeError, match="1 more leaves than the tree has places"):
        unflatten(structure, [1, 2, 3])


def test_a_gradient_has_the_structure_of_its_argument() -> None:
    tree = {"a": np.array([1.0, 2.0]), "b": (Layer(np.array(3.0), None), [np.float64(4.0)])}
    slope = grad(lambda t: (t["a"] ** 2).sum() * t["b"][0].weight * t["b"][1][0])(tree)
    assert flatten(slope)[1] == flatten(tree)[1]
    assert slope["a"].tolist() == [24.0, 48.0]
    assert float(slope["b"][0].weight) == 20.0
    assert float(slope["b"][1][0]) == 15.0
