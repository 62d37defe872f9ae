"""Makes golden_recurrent.json: recurrent layers, their values and gradients by PyTorch, in float64.

Run it where PyTorch and chainrule are installed: ``python -m tests.nn.golden_recurrent``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.nn.layer_cases import drawn, fingerprint
from tests.nn.recurrent_cases import LENGTHS, ROWS, TIME, UNITS, cases

PLACE = Path(__file__).with_suffix(".json")


def _renamed(p: dict[str, Any], directions: int) -> dict[str, Any]:
    """The arrays of all cells under PyTorch's names."""
    import torch

    found = {}
    for path, x in p.items():
        number, name = int(path[len("cells[") : path.index("]")]), path.rpartition(".")[2]
        place = f"l{number // directions}" + ("_reverse" if number % directions else "")
        if name == "bias":
            found[f"bias_ih_{place}"] = x
            zeros = torch.zeros_like(x)
            of_n = p.get(path.replace(".bias", ".recurrent_bias"))
            parts = [zeros] if of_n is None else [zeros[: 2 * UNITS], of_n]
            found[f"bias_hh_{place}"] = torch.cat(parts)
        elif name != "recurrent_bias":
            side = {"input_weight": "ih", "recurrent_weight": "hh"}[name]
            found[f"weight_{side}_{place}"] = x.T
    return found


def _states(name: str, count: int) -> Any:
    """The first states of the case, stacked as PyTorch expects them."""
    import torch

    parts = [
        torch.tensor([drawn(f"state {i} {part}", (ROWS, UNITS)).tolist() for i in range(count)],
                     dtype=torch.float64)
        for part in "hc"
    ]  # fmt: skip
    return tuple(parts) if name.startswith("lstm") else parts[0]


def _run(name: str, p: dict[str, Any], x: Any) -> Any:
    """PyTorch's own layer, with our results in our order."""
    import torch

    layer = cases()[name].layer
    kinds = {"simple": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}
    options = {"nonlinearity": "relu"} if name.endswith("relu") else {}
    theirs = kinds[name.partition(",")[0]](
        x.shape[-1],
        UNITS,
        layer.layers,
        bias=layer.use_bias,
        batch_first=True,
        bidirectional=layer.bidirectional,
        dtype=torch.float64,
        **options,
    )
    directions = 2 if layer.bidirectional else 1
    state = _states(name, len(layer.cells)) if name.endswith("from a state") else None
    masked = name.endswith("lengths")
    if masked:
        lengths = torch.tensor(LENGTHS.tolist())
        x = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, True, enforce_sorted=False)
    arrays = _renamed(p, directions)
    y, last = torch.func.functional_call(theirs, arrays, (x, state))
    if masked:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, True, total_length=TIME)
    if layer.returns == "last":
        return y[:, -1]
    ends = last if isinstance(last, tuple) else (last,)
    states = [part[i] for i in range(len(layer.cells)) for part in ends]
    return torch.cat([part.reshape(-1) for part in (y, *states)])


def main() -> None:
    """Write the file."""
    import torch

    found = {}
    for name, case in cases().items():
        arrays = {k: torch.tensor(x, requires_grad=True) for k, x in case.arrays().items()}
        x = torch.tensor(case.inputs[0], requires_grad=True)
        value = _run(name, arrays, x)
        value.backward(torch.tensor(drawn("cotangent", tuple(value.shape))))
        found[name] = {
            "value": fingerprint(value.detach()),
            "arrays": {k: fingerprint(a.grad) for k, a in arrays.items()},
            "inputs": [fingerprint(x.grad)],
        }
    content = {"source": f"PyTorch {torch.__version__}", "layers": found}
    PLACE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
