"""Modules: networks and layers as frozen trees whose leaves are arrays."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Self, dataclass_transform

from chainrule import random
from chainrule.backprop import checkpoint
from chainrule.errors import ChainruleError, ParameterError, ShapeError, TreeError
from chainrule.ir import ArrayType, Dim, is_float
from chainrule.nn.network_summary import Summary, open_type, summarise
from chainrule.nn.scope import Building, Call, Remembered, Scope, Variable, current, entered
from chainrule.nn.tree import array_places, below, children, field_path, rebuilt, with_fields
from chainrule.tracing import (
    Array,
    as_array,
    capture,
    flatten,
    leaf_paths,
    map_leaves,
    named,
    spec_of,
    static,
)


def state(**options: Any) -> Any:
    """Declare a field of arrays that steps hand on but that no gradient changes.

    Running statistics are such: they are saved with the network and left alone by optimisers.
    """
    return dataclasses.field(metadata={"state": True}, **options)


@dataclass_transform(
    frozen_default=True, eq_default=False, field_specifiers=(static, state, dataclasses.field)
)
class Module(ABC):
    """A layer or a network: a frozen tree of arrays that can be called.

    Write your own as a class with fields and a ``__call__``; the class becomes a frozen dataclass
    by itself. Fields hold arrays, other modules, or tuples, lists and dictionaries of these;
    settings that are not arrays are marked with `static`.

    Called with ``key=`` a random key, a module trains (dropout is active); without one it predicts.
    Layers are made without the sizes of their inputs. `initialise`, or training, finds the sizes
    by running the network once on types and returns a network that holds arrays.

    A module is a tree: an object that stands in two places is two layers. To share weights, hold
    a layer once and call it twice.

    >>> import chainrule.numpy as cnp
    >>> from chainrule import nn
    >>> class Residual(nn.Module):
    ...     wide: nn.Module = nn.Dense(8)
    ...     back: nn.Module = nn.Dense(3)
    ...
    ...     def __call__(self, x, *, key=None):
    ...         return x + self.back(cnp.tanh(self.wide(x)))
    >>> network = Residual().initialise(0, ArrayType((1, 3)))
    >>> sorted(network.arrays())
    ['back.bias', 'back.weight', 'wide.bias', 'wide.weight']
    """

    def __init_subclass__(cls, **options: Any) -> None:
        """Make the class a frozen dataclass, whose calls know where they stand."""
        super().__init_subclass__(**options)
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        cls.__fixed_fields__ = _fixed_fields(cls)  # type: ignore[attr-defined]
        if "__call__" in cls.__dict__:
            cls.__call__ = _placed(cls.__call__)  # type: ignore[method-assign]

    @abstractmethod
    def __call__(self, *inputs: Any, **options: Any) -> Any:
        """Compute the output; `key` is the random key of training, None for prediction."""

    def declare(self, *inputs: Any, **options: Any) -> Mapping[str, Variable]:
        """Say which arrays this module holds itself, for inputs of these types.

        Parameters
        ----------
        inputs
            An `ArrayType` for each array that the call receives, in the same trees.

        Returns
        -------
        For each field its shape and how it begins; nothing for modules that only hold others.
        """
        return {}

    def initialise(self, seed: Any, *examples: Any, dtype: str = "float32") -> Self:
        """Return this network with arrays in every place, their shapes found by running it.

        Arrays that are there already stay, cast to `dtype`.

        Parameters
        ----------
        seed
            A whole number, or a random key.
        examples
            What a call receives: arrays, or an `ArrayType` for each; only the types are used, and
            floats count as `dtype`.
        dtype
            Of the parameters: float32 or float64.

        >>> from chainrule import nn
        >>> nn.Dense(2).initialise(0, ArrayType((1, 3))).weight.shape
        (3, 2)
        """
        if not is_float(dtype):
            raise ParameterError(f"parameters are float32 or float64, not {dtype}")
        key = random.key(seed) if isinstance(seed, int) else seed
        fresh = rebuilt(self, "", {}, dtype)
        building = Building(key, dtype)

        def call(key: Any, *inputs: Any) -> Any:
            return fresh(*inputs, key=key)

        specs = map_leaves(lambda x: _as_dtype(spec_of(x), dtype), examples)
        with entered(Scope(module_paths(fresh), building)):
            capture(call, (key, *specs))
        built: Self = rebuilt(fresh, "", building.arrays, dtype)
        return built

    def arrays(self) -> dict[str, Any]:
        """Give every array by its path, such as ``layers[0].weight``."""
        return dict(zip(leaf_paths(self), flatten(self)[0], strict=True))

    def with_arrays(self, arrays: Mapping[str, Any]) -> Self:
        """Return this network with some arrays replaced, given by their paths.

        >>> from chainrule import nn
        >>> layer = nn.Dense(1).with_arrays({"weight": [[2.0]], "bias": [1.0]})
        >>> layer([[3.0]]).tolist()
        [[7.0]]
        """
        known = {place for path, module in walk(self) for place in array_places(path, module)}
        for path in arrays:
            if path not in known | set(leaf_paths(self)):
                raise ParameterError(
                    f"there is no array {path!r}; the network has {', '.join(sorted(known))}"
                )
        concrete = {p: x if isinstance(x, Array) else as_array(x) for p, x in arrays.items()}
        changed: Self = rebuilt(self, "", concrete, None)
        return changed

    def summary(
        self, *examples: Any, frozen: Sequence[str] = (), depth: int | None = None
    ) -> Summary:
        """Say what this network is made of: every layer with its shape, parameters and work.

        Parameters
        ----------
        examples
            What a call receives: arrays (rows, ...), whose number of rows is left open, or an
            `ArrayType` for each.
        frozen
            Paths of layers or arrays that count as fixed.
        depth
            How deep layers are shown; None shows all.

        Returns
        -------
        A table to print. The network itself stays as it is, with or without arrays.

        >>> from chainrule import nn
        >>> nn.Sequential(nn.Dense(4), nn.ReLU()).summary(ArrayType((1, 3))).parameters
        16
        """
        if not examples:
            raise ParameterError(
                "a summary needs an example of what the network receives, as network.summary(X) "
                "has; one row is enough"
            )
        specs = map_leaves(open_type, examples)
        calls: list[Call] = []

        def call(network: Module, *inputs: Any) -> Any:
            with entered(Scope(module_paths(network), calls=calls)):
                return network(*inputs)

        network = self.initialise(0, *specs)
        graph = capture(call, (network, *specs)).graph
        return summarise(calls, graph, network, frozen=frozen, depth=depth)

    def hand_on(self, **values: Any) -> None:
        """Set state for the next step: called by a layer while it computes in training.

        Parameters
        ----------
        values
            New values of fields that were declared with `state`.
        """
        scope = current()
        if scope is not None and id(self) in scope.paths:
            for name, value in values.items():
                scope.changes[field_path(scope.paths[id(self)], name)] = value

    def remembering(self, first: Callable[[int], Any]) -> Remembered | None:
        """Give what this layer kept at the places before; None where whole sequences are read.

        Parameters
        ----------
        first
            Makes what it begins with, for so many places.
        """
        scope = current()
        if scope is None or scope.memory is None or id(self) not in scope.paths:
            return None
        name, past = scope.memory.recall(scope.paths[id(self)], first)
        return Remembered(scope.memory, name, past)

    def __repr__(self) -> str:
        shown = []
        for f in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, f.name)
            if f.metadata.get("static"):
                if value != f.default:
                    shown.append(f"{f.name}={value!r}")
            elif value is not None:
                kind = isinstance(value, (Module, tuple, list, dict))
                shown.append(f"{f.name}={value!r}" if kind else f"{f.name}={spec_of(value)}")
        return f"{type(self).__name__}({', '.join(shown)})"


def entry(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method as another way to call a module, beside ``__call__``.

    Within a method that is marked, the module's fields hold arrays also where they are being
    drawn; `declare` is asked with the method's inputs. An embedding, say, has one to compare with
    its vectors, so that the output of a language model can share them.

    >>> from chainrule import nn
    >>> class Scale(nn.Module):
    ...     factor: float = None
    ...
    ...     def declare(self, x):
    ...         return {"factor": nn.Variable((), nn.initialisers.Constant(2.0))}
    ...
    ...     def __call__(self, x):
    ...         return self.factor * x
    ...
    ...     @nn.entry
    ...     def back(self, x):
    ...         return x / self.factor
    >>> layer = Scale().initialise(0, ArrayType(()))
    >>> float(layer.back(layer(3.0)))
    3.0
    """
    return _placed(method)


def walk(value: Any, path: str = "") -> Iterator[tuple[str, Module]]:
    """Go through all modules of a tree, outer ones first, each with its path."""
    if isinstance(value, Module):
        if _fixed_fields(type(value)) != type(value).__fixed_fields__:  # type: ignore[attr-defined]
            raise TreeError(
                f"{type(value).__name__} has lost its static fields: a subclass of Module is a "
                "frozen dataclass already, so remove @dataclass above it"
            )
        yield path, value
    for step, child in children(value):
        yield from walk(child, below(path, step))


def _fixed_fields(kind: Any) -> frozenset[str]:
    return frozenset(f.name for f in dataclasses.fields(kind) if f.metadata.get("static"))


def module_paths(module: Module) -> dict[int, str]:
    """The path of every module in a network, by its identity."""
    return {id(each): path for path, each in walk(module)}


def _as_dtype(kind: ArrayType, dtype: str) -> ArrayType:
    return ArrayType(kind.shape, dtype) if is_float(kind.dtype) else kind


def _placed(call: Callable[..., Any]) -> Callable[..., Any]:
    """A module's call, which knows its place: it checks or draws arrays, and names its output."""
    parameters = inspect.signature(call).parameters.values()
    takes_key = any(p.name == "key" or p.kind is p.VAR_KEYWORD for p in parameters)

    @functools.wraps(call)
    def placed(self: Module, *inputs: Any, **options: Any) -> Any:
        if not takes_key:
            options.pop("key", None)
        inputs = tuple(map(_as_input, inputs))
        scope = current()
        if scope is not None and id(self) in scope.paths:
            return _run(call, self, inputs, options, scope)
        with entered(Scope(module_paths(self))) as scope:
            return _run(call, self, inputs, options, scope)

    return placed


def _as_input(x: Any) -> Any:
    """Nested lists of numbers are an array, however trees see them."""
    plain = isinstance(x, list) and all(isinstance(n, (int, float)) for n in flatten(x)[0])
    return as_array(x) if plain else x


def _run(call: Callable[..., Any], module: Module, inputs: Any, options: Any, scope: Scope) -> Any:
    path = scope.paths[id(module)]
    noted = Call(path, module, inputs, options)
    if scope.calls is not None:
        scope.calls.append(noted)
    try:
        ready = _ready(module, path, inputs, scope)
        if scope.recomputed.get(path) == 1:
            call = _recomputed(call)
        if ready is module:
            output = call(module, *inputs, **options)
        else:
            places = {**scope.paths, id(ready): path}
            with entered(dataclasses.replace(scope, paths=places)):
                output = call(ready, *inputs, **options)
    except ChainruleError as error:
        said = [str(error), *getattr(error, "__notes__", [])]
        if path and not any("layer " in text for text in said):
            error.add_note(f"in layer {path} ({type(module).__name__})")
        raise
    noted.output = named(output, f"{path} output" if path else "network output")
    return noted.output


def _recomputed(call: Callable[..., Any]) -> Callable[..., Any]:
    """A module's call that keeps only what it receives for the backward pass."""
    inner = checkpoint(lambda module, inputs, options: call(module, *inputs, **options))
    return lambda module, *inputs, **options: inner(module, inputs, options)


def _ready(module: Module, path: str, inputs: Any, scope: Scope) -> Module:
    if type(module).declare is Module.declare:
        return module
    wanted = module.declare(*map_leaves(spec_of, inputs))
    kind = type(module).__name__
    label = f"layer {path} ({kind})" if path else f"the layer {kind}"
    drawn = {}
    for name, variable in wanted.items():
        value = getattr(module, name)
        if any(isinstance(n, Dim) for n in variable.shape):
            raise ShapeError(
                f"{label} needs a known number of features, received {spec_of(inputs[0])}: inputs "
                "have an axis of examples and one of features, as X.reshape(-1, 1) has"
            )
        if value is None and scope.building is None:
            raise ParameterError(
                f"{label} has no {name} yet: call network.initialise(seed, example) first, or "
                "train the network; a layer must be held in a field of its module to get arrays"
            )
        if value is None:
            drawn[name] = scope.building.draw(field_path(path, name), variable)  # type: ignore[union-attr]
        elif tuple(spec_of(value).shape) != tuple(variable.shape):
            received = ", ".join(str(spec_of(x)) for x in flatten(inputs)[0])
            raise ShapeError(
                f"the {name} of {label} has the shape {tuple(spec_of(value).shape)}, but inputs "
                f"{received} need {tuple(variable.shape)}"
            )
    return with_fields(module, drawn) if drawn else module
