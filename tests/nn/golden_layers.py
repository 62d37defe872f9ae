"""Makes golden_layers.json: layers, their values and all their gradients by PyTorch, in float64.

Run it where PyTorch and chainrule are installed: ``python -m tests.nn.golden_layers``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.nn.layer_cases import ALLOWED, MASK, cases, drawn, fingerprint

PLACE = Path(__file__).with_suffix(".json")


def _first(x: Any) -> Any:
    """Channels behind the batch, where PyTorch expects them."""
    return x.movedim(-1, 1)


def _last(x: Any) -> Any:
    return x.movedim(1, -1)


def _batch(f: Any, p: dict[str, Any], x: Any, training: bool) -> Any:
    """Batch norm with copies of the running statistics, which PyTorch overwrites."""
    mean, variance = (p[name].detach().clone() for name in ("mean", "variance"))
    return f.batch_norm(x, mean, variance, p["scale"], p["bias"], training, 0.1, 1e-5)


def _attention(f: Any, p: dict[str, Any], q: Any, k: Any, v: Any, heads: int, **how: Any) -> Any:
    """Multi-head attention around PyTorch's scaled_dot_product_attention."""
    turn = how.pop("turn", lambda x: x)

    def split(name: str, x: Any, count: int) -> Any:
        y = f.linear(x, p[f"{name}_weight"].T, p.get(f"{name}_bias"))
        return y.unflatten(-1, (count, -1)).transpose(1, 2)

    groups = how.pop("groups", heads)
    q, k, v = split("query", q, heads), split("key", k, groups), split("value", v, groups)
    y = f.scaled_dot_product_attention(turn(q), turn(k), v, enable_gqa=True, **how)
    return f.linear(y.transpose(1, 2).flatten(2), p["output_weight"].T, p.get("output_bias"))


def _whole(f: Any, p: dict[str, Any], x: Any, heads: int) -> Any:
    """PyTorch's own multi-head attention, which wants (places, batch, width)."""
    names = ("query", "key", "value")
    x = x.transpose(0, 1)
    y, _ = f.multi_head_attention_forward(
        *(x, x, x, x.shape[-1], heads),
        *(None, _joined([p[f"{n}_bias"] for n in names]), None, None, False, 0.0),
        *(p["output_weight"].T, p["output_bias"]),
        use_separate_proj_weight=True,
        **{f"{n[0]}_proj_weight": p[f"{n}_weight"].T for n in names},
    )
    return y.transpose(0, 1)


def _tensor(array: Any) -> Any:
    import torch

    return torch.tensor(array)


def _joined(parts: list[Any]) -> Any:
    import torch

    return torch.cat(parts)


def _turned(x: Any) -> Any:
    """Rotary positions by complex numbers: pairs turn by place / 10000^(pair / pairs)."""
    import torch

    half = x.shape[-1] // 2
    pairs = torch.complex(x[..., :half], x[..., half:])
    frequency = 10_000.0 ** (-torch.arange(half, dtype=torch.float64) / half)
    angle = torch.arange(x.shape[-2], dtype=torch.float64)[:, None] * frequency
    pairs = pairs * torch.polar(torch.ones_like(angle), angle)
    return torch.cat([pairs.real, pairs.imag], dim=-1)


def _distances(heads: int, places: int) -> Any:
    """ALiBi for a power of two of heads, entry by entry."""
    import torch

    rows = [
        [
            [-(2.0 ** (-8 * (h + 1) / heads)) * abs(i - j) for j in range(places)]
            for i in range(places)
        ]
        for h in range(heads)
    ]
    return torch.tensor(rows, dtype=torch.float64)


_PARTS = {
    "feed_forward.wide": "linear1",
    "feed_forward.back": "linear2",
    "attention.output": "self_attn.out_proj",
    "cross_attention.output": "multihead_attn.out_proj",
}


def _renamed(p: dict[str, Any]) -> dict[str, Any]:
    """The arrays of a block under PyTorch's names."""
    import torch

    found = {}
    for ours, theirs in _PARTS.items():
        if f"{ours}_weight" in p:
            found[f"{theirs}.weight"] = p[f"{ours}_weight"].T
            found[f"{theirs}.bias"] = p[f"{ours}_bias"]
    for ours, theirs in (("attention", "self_attn"), ("cross_attention", "multihead_attn")):
        if f"{ours}.query_weight" in p:
            parts = [f"{ours}.{name}" for name in ("query", "key", "value")]
            found[f"{theirs}.in_proj_weight"] = torch.cat([p[f"{x}_weight"].T for x in parts])
            found[f"{theirs}.in_proj_bias"] = torch.cat([p[f"{x}_bias"] for x in parts])
    for i in range(3):
        if f"norms[{i}].scale" in p:
            found[f"norm{i + 1}.weight"] = p[f"norms[{i}].scale"]
            found[f"norm{i + 1}.bias"] = p[f"norms[{i}].bias"]
    return found


def _block(p: dict[str, Any], *inputs: Any, heads: int, hidden: int, **how: Any) -> Any:
    """PyTorch's own encoder or decoder layer."""
    import torch

    options = {name: how.pop(name) for name in ("memory_key_padding_mask",) if name in how}
    decodes = len(inputs) == 2
    kind = torch.nn.TransformerDecoderLayer if decodes else torch.nn.TransformerEncoderLayer
    layer = kind(
        inputs[0].shape[-1],
        heads,
        hidden,
        dropout=0.0,
        batch_first=True,
        dtype=torch.float64,
        **{"activation": "gelu", "norm_first": True, **how},
    )
    if decodes:
        places = inputs[0].shape[1]
        options["tgt_mask"] = torch.ones(places, places, dtype=bool).triu(1)
    return torch.func.functional_call(layer, _renamed(p), inputs, options)


def _gpt(f: Any, p: dict[str, Any], symbols: Any) -> Any:
    """A tied GPT of one block, written out."""
    x = p["embedding.weight"][symbols.long()] + p["positions.weight"][: symbols.shape[1]]
    x = _stack(f, p, x, 1, 2, "body.")
    return x @ p["embedding.weight"].T


def _stack(f: Any, p: dict[str, Any], x: Any, depth: int, heads: int, prefix: str = "") -> Any:
    """Causal blocks that normalise first, written out."""
    for i in range(depth):
        start = f"{prefix}blocks[{i}]."
        q = {k.removeprefix(start): v for k, v in p.items() if k.startswith(start)}
        inner = {k.removeprefix("attention."): v for k, v in q.items()}
        y = _normal(f, q, "norms[0]", x)
        x = x + _attention(f, inner, y, y, y, heads, is_causal=True)
        y = _normal(f, q, "norms[1]", x)
        x = x + _feed(f, q, "feed_forward.", y)
    return _normal(f, p, f"{prefix}norm", x)


def _normal(f: Any, p: dict[str, Any], name: str, x: Any) -> Any:
    return f.layer_norm(x, x.shape[-1:], p[f"{name}.scale"], p[f"{name}.bias"])


def _feed(f: Any, p: dict[str, Any], name: str, x: Any) -> Any:
    wide = x @ p[f"{name}wide_weight"] + p[f"{name}wide_bias"]
    if f"{name}gate_weight" in p:
        wide = f.silu(x @ p[f"{name}gate_weight"] + p[f"{name}gate_bias"]) * wide
    else:
        wide = f.gelu(wide)
    return wide @ p[f"{name}back_weight"] + p[f"{name}back_bias"]


def functions(f: Any) -> dict[str, Any]:
    """For each case a function of its arrays by path, and its inputs."""
    return {
        "batch norm, training": lambda p, x: _batch(f, p, x, True),
        "batch norm, predicting": lambda p, x: _batch(f, p, x, False),
        "batch norm, images": lambda p, x: _last(_batch(f, p, _first(x), True)),
        "batch norm, channels first": lambda p, x: _batch(f, p, x, True),
        "layer norm": lambda p, x: f.layer_norm(x, (8,), p["scale"], p["bias"]),
        "layer norm, whole": lambda p, x: f.layer_norm(x, (3, 8), p["scale"]),
        "rms norm": lambda p, x: f.rms_norm(x, (8,), p["scale"], 1e-6),
        "group norm": lambda p, x: _last(f.group_norm(_first(x), 3, p["scale"], p["bias"])),
        "group norm, table": lambda p, x: f.group_norm(x, 2, p["scale"], p["bias"]),
        "instance norm": lambda p, x: _last(
            f.instance_norm(_first(x), weight=p["scale"], bias=p["bias"])
        ),
        "attention": lambda p, x: _whole(f, p, x, 2),
        "attention, causal": lambda p, x: _attention(f, p, x, x, x, 3, is_causal=True),
        "attention, cross": lambda p, q, k, v: _attention(f, p, q, k, v, 2),
        "attention, padded": lambda p, q, m: _attention(
            f, p, q, m, m, 2, attn_mask=_tensor(MASK)[:, None, None]
        ),
        "attention, allowed": lambda p, x: _attention(f, p, x, x, x, 2, attn_mask=_tensor(ALLOWED)),
        "attention, grouped": lambda p, x: _attention(f, p, x, x, x, 4, groups=2, is_causal=True),
        "attention, rotary": lambda p, x: _attention(f, p, x, x, x, 1, turn=_turned),
        "attention, distance": lambda p, x: _attention(
            f, p, x, x, x, 2, attn_mask=_distances(2, x.shape[1])
        ),
        "feed forward": lambda p, x: _feed(f, p, "", x),
        "feed forward, gated": lambda p, x: _feed(f, p, "", x),
        "encoder block": lambda p, x: _block(p, x, heads=2, hidden=10),
        "encoder block, norm last": lambda p, x: _block(
            p, x, heads=2, hidden=10, activation="relu", norm_first=False
        ),
        "decoder block": lambda p, x, m: _block(
            p, x, m, heads=3, hidden=10, memory_key_padding_mask=~_tensor(MASK)
        ),
        "decoder block, norm last": lambda p, x, m: _block(
            p, x, m, heads=3, hidden=10, norm_first=False
        ),
        "encoder": lambda p, x: _stack(f, p, x, 2, 2),
        "gpt, tied": lambda p, x: _gpt(f, p, x),
        "learnt positions": lambda p, x: x + p["weight"][: x.shape[1]],
    }


def main() -> None:
    """Write the file."""
    import torch

    found = {}
    for name, function in functions(torch.nn.functional).items():
        case = cases()[name]
        arrays = {k: torch.tensor(x, requires_grad=True) for k, x in case.arrays().items()}
        inputs = [torch.tensor(x, requires_grad=x.dtype.kind == "f") for x in case.inputs]
        value = function(arrays, *inputs)
        value.backward(torch.tensor(drawn("cotangent", tuple(value.shape))))
        found[name] = {
            "value": fingerprint(value.detach()),
            "arrays": {k: fingerprint(x.grad) for k, x in arrays.items() if x.grad is not None},
            "inputs": [None if x.grad is None else fingerprint(x.grad) for x in inputs],
        }
    content = {"source": f"PyTorch {torch.__version__}", "layers": found}
    PLACE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
