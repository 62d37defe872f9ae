"""The layers of a network, as ``chainrule show`` lists them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from chainrule import nn
from chainrule.app.screen import Screen
from chainrule.ir import ArrayType
from chainrule.nn import summary


def layers_of(network: nn.Module | None, types: Sequence[ArrayType]) -> list[dict[str, Any]]:
    """Give path, class, settings, output, parameters and work of every layer that holds no other.

    Parameters
    ----------
    network
        None gives no layers.
    types
        Of what a call takes.
    """
    if network is None:
        return []
    calls = summary(network, *types).layers
    rows = {row.path: row for row in reversed(calls)}  # the first call counts
    return [
        {
            "path": path or "network",
            "kind": type(layer).__name__,
            "settings": _settings(layer),
            "output": rows[path].output,
            "parameters": rows[path].parameters,
            "flops": rows[path].flops,
        }
        for path, layer in nn.walk(network)
        if path in rows and sum(1 for _ in nn.walk(layer)) == 1
    ]


def show_layers(screen: Screen, layers: Sequence[dict[str, Any]]) -> None:
    """Print a table of layers, or why there is none."""
    if layers:
        titles = ["Layer", "kind", "output", "parameters", "flops per row"]
        screen.table(titles, [_row(layer) for layer in layers], words=3)
    else:
        screen.say("Layers: of a user's own; the program below is what predicts.")


def _settings(layer: nn.Module) -> dict[str, Any]:
    fixed = [f for f in dataclasses.fields(layer) if f.metadata.get("static")]  # type: ignore[arg-type]
    values = {f.name: getattr(layer, f.name) for f in fixed}
    plain = bool | int | float | str | None
    return {k: v if isinstance(v, plain) else repr(v) for k, v in values.items()}


def _row(layer: dict[str, Any]) -> list[object]:
    # How arrays began says little about what they are now; None is what a layer does not do.
    known = {k: v for k, v in layer["settings"].items() if v is not None}
    shown = {k: v for k, v in known.items() if not k.startswith("initial")}
    settings = ", ".join(f"{k}={v}" for k, v in shown.items())
    kind = f"{layer['kind']}({settings})"
    counts = (f"{layer[name]:,}" for name in ("parameters", "flops"))
    return [layer["path"], kind, layer["output"], *counts]
