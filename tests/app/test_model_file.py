"""The model file: what goes in comes out, and nothing that is wrong with it goes unnoticed."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule.numpy as cnp
from chainrule import nn
from chainrule.app.model import load_model, save_model
from chainrule.errors import DataError, ModelFileError
from chainrule.ir import text
from chainrule.tracing import scan
from tests.app.models import model, table
from tests.app.process import environment

MANIFEST, WEIGHTS = "manifest.json", "weights.safetensors"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a small model file."""
    path = tmp_path_factory.mktemp("stored") / "model.chainrule"
    save_model(model("binary"), path)
    return path.read_bytes()


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", compression) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return memory.getvalue()


def changed(data: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The same file with another manifest."""
    parts = parts_of(data)
    manifest = json.loads(parts[MANIFEST])
    change(manifest)
    return packed({**parts, MANIFEST: json.dumps(manifest).encode()})


def refused(data: bytes, folder: Path) -> str:
    """The sentence with which a file is refused."""
    path = folder / "bad.chainrule"
    path.write_bytes(data)
    with pytest.raises(ModelFileError) as caught:
        load_model(path)
    message = str(caught.value)
    assert message.count(str(path)) == 1
    assert "\n" not in message
    return message.replace(str(path), "FILE")


# ---------------------------------------------------------------------------------------------
# What goes in comes out.


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
@pytest.mark.parametrize("embed", [False, 3])
def test_a_model_that_was_stored_predicts_the_same_bits(
    task: str, embed: bool | int, tmp_path: Path
) -> None:
    before = model(task, embed=embed)
    save_model(before, tmp_path / "model.chainrule")
    after = load_model(tmp_path / "model.chainrule")
    rows = table(task)
    assert np.array_equal(after.predict(rows), before.predict(rows))
    if task != "regression":
        assert np.array_equal(after.predict_proba(rows), before.predict_proba(rows))
    assert text(after.program) == text(before.program)
    assert repr(after.network) == repr(before.network)
    assert after.summary() == before.summary()
    assert after.evaluate(rows) == before.evaluate(rows)
    assert (after.encoder, after.target) == (before.encoder, before.target)
    assert (after.report, after.version) == (before.report, before.version)


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_model(model("multiclass"), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_storing_what_was_loaded_gives_the_same_bytes(tmp_path: Path) -> None:
    save_model(model("binary", embed=3), tmp_path / "a")
    save_model(load_model(tmp_path / "a"), tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_run_folder_stands_for_its_model(tmp_path: Path) -> None:
    save_model(model("binary"), tmp_path / "model.chainrule")
    assert load_model(tmp_path).target.name == "y"
    with pytest.raises(ModelFileError, match=r"holds no model\.chainrule"):
        load_model(tmp_path.parent)


class Odd(nn.Module):
    """A layer of a user's own, with a constant array and an infinite number in its program."""

    dense: nn.Module = nn.Dense(1)

    def __call__(self, x: Any, *, key: Any = None) -> Any:
        scaled = self.dense(x) * np.array([[1.5]], np.float32)
        shift = np.arange(x.shape[1], dtype=np.float32)
        return cnp.minimum(scaled + cnp.sum(x + shift, axis=1, keepdims=True), np.inf)


def test_a_network_with_layers_of_a_users_own_is_stored_as_its_program(tmp_path: Path) -> None:
    before = model("regression", body=Odd())
    assert {"constant", "full"} <= {node.card.name for node in before.program.nodes}
    save_model(before, tmp_path / "model.chainrule")
    after = load_model(tmp_path / "model.chainrule")
    assert after.network is None
    assert np.array_equal(after.predict(table("regression")), before.predict(table("regression")))


def test_a_loaded_network_can_be_called_and_changed(tmp_path: Path) -> None:
    before = model("binary")
    save_model(before, tmp_path / "model.chainrule")
    after = load_model(tmp_path / "model.chainrule")
    assert after.network is not None
    rows = after.encoder.transform(table("binary")).numeric
    z = np.asarray(after.network(rows))
    shares = after.predict_proba(table("binary"))
    assert np.allclose(shares[:, 1:], 1 / (1 + np.exp(-z)), atol=1e-6)  # float32 sigmoid


def test_many_rows_predict_as_they_do_alone() -> None:
    one = model("multiclass")
    rows = table("multiclass", rows=300)
    together = one.predict_proba(rows)
    alone = np.concatenate([one.predict_proba(rows[i : i + 1]) for i in range(0, 300, 37)])
    # BLAS adds products in another order for one row, so the last digits of float32 differ.
    assert np.allclose(together[::37], alone, atol=1e-6)


def test_predicting_needs_no_llvm_and_no_scikit_learn(tmp_path: Path) -> None:
    save_model(model("binary"), tmp_path / "model.chainrule")
    table("binary").drop("y").write_csv(tmp_path / "new.csv")
    code = (
        "import sys; sys.modules['llvmlite'] = sys.modules['sklearn'] = None; "
        "import chainrule; print(len(chainrule.load_model('model.chainrule').predict('new.csv')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("60", "")


# ---------------------------------------------------------------------------------------------
# Files that are not what they should be.


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"nothing\.chainrule.*No such file"):
        load_model(tmp_path / "nothing.chainrule")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "this is not a chainrule model file"),
        (b"age,income\n41,<=50K\n", "this is not a chainrule model file"),
        (b"PK\x03\x04", "damaged or cut short"),
        (packed({"letter.txt": b"dear"}), "a zip archive, but not a chainrule model file"),
    ],
)
def test_a_foreign_file_is_refused(data: bytes, words: str, tmp_path: Path) -> None:
    assert words in refused(data, tmp_path)


def test_a_newer_file_says_that_chainrule_should_be_upgraded(stored: bytes, tmp_path: Path) -> None:
    newer = changed(stored, lambda m: m.update(format=3, chainrule="9.0", program="another form"))
    message = refused(newer, tmp_path)
    assert "a newer chainrule (9.0, format 3" in message
    assert "upgrade" in message


def test_packed_parts_are_refused_so_that_a_small_file_cannot_become_large(
    stored: bytes, tmp_path: Path
) -> None:
    bomb = packed({MANIFEST: b" " * 2**24, WEIGHTS: b""}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2**16
    assert "is packed" in refused(bomb, tmp_path)
    assert "is packed" in refused(packed(parts_of(stored), zipfile.ZIP_DEFLATED), tmp_path)


def set_op(manifest: dict[str, Any], name: str, of: str = "full") -> None:
    nodes = manifest["program"]["nodes"]
    next(node for node in nodes if node["op"] == of)["op"] = name


def set_class(manifest: dict[str, Any], name: str) -> None:
    manifest["network"]["class"] = name


def first_full(manifest: dict[str, Any]) -> dict[str, Any]:
    nodes = manifest["program"]["nodes"]
    return next(dict(node["params"]) | {"node": node} for node in nodes if node["op"] == "full")


def set_full(manifest: dict[str, Any], **params: Any) -> None:
    node = first_full(manifest)["node"]
    node["params"] = [[key, params.get(key, value)] for key, value in node["params"]]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: set_op(m, "os.system"), "this version has no operation 'os.system'"),
        (lambda m: set_op(m, "input"), "this version has no operation 'input'"),
        (lambda m: set_op(m, "reshape", of="broadcast"), "reshape takes the parameters ['shape']"),
        (lambda m: set_op(m, "relu", of="broadcast"), "relu takes no parameters"),
        (lambda m: set_op(m, "relu", of="multiply"), "relu does not take 2 inputs"),
        (lambda m: set_op(m, "logical_not", of="erf"), "(logical_not) does not fit its inputs"),
        (lambda m: set_class(m, "Popen"), "this version has no layer 'Popen'"),
        (lambda m: set_class(m, "Module"), "Module"),
        (lambda m: set_class(m, "Dense"), "Dense has the fields units"),
        (lambda m: m["program"]["nodes"][0].update(inputs=[99]), "refers to 99"),
        (lambda m: m["program"]["nodes"][0].update(inputs=[-1]), "refers to -1"),
        (lambda m: m["program"].update(outputs=[0]), "its output is not what the target needs"),
        (lambda m: m["program"]["inputs"].pop(), ""),
        (lambda m: m["program"]["inputs"][0]["type"].update(shape=[3]), ""),
        (lambda m: m["program"]["inputs"][0]["type"].update(dtype="object"), "'dtype'"),
        (lambda m: m["program"]["inputs"][0].update(name="other"), "no array 'other'"),
        (lambda m: set_full(m, shape=[2**31, 2**31]), ""),
        (lambda m: set_full(m, shape=False), "False is not a shape"),
        (lambda m: set_full(m, shape=[1.5]), "1.5 is not a size"),
        (lambda m: set_full(m, value="x"), "does not run"),
        (lambda m: m["encoder"]["columns"].pop(), "inputs are not what the encoding gives"),
        (lambda m: m["encoder"].update(extra=1), "unknown field 'extra'"),
        (lambda m: m["target"].update(task="poetry"), "'task'"),
        (lambda m: m["target"]["parts"][0].update(classes=["a", "b", "c"]), "binary"),
        (lambda m: m.update(kind="recipe"), "'kind'"),
        (lambda m: m.update(shares=[1.0]), "shares"),
        (lambda m: m.update(report=[]), "report"),
        (lambda m: m.pop("report"), "manifest: expected the fields"),
        (lambda m: m.update(more=1), "manifest: "),
        (lambda m: m["network"]["fields"][0][1]["tuple"].pop(), "network"),
    ],
)
def test_a_manifest_that_was_altered_is_refused(
    change: Callable[[dict[str, Any]], object], words: str, stored: bytes, tmp_path: Path
) -> None:
    assert words in refused(changed(stored, change), tmp_path)


def test_a_layer_with_a_setting_of_the_wrong_kind_is_refused(stored: bytes, tmp_path: Path) -> None:
    def units(manifest: dict[str, Any]) -> None:
        manifest["network"]["fields"][0][1]["tuple"][0]["fields"][0] = ["units", "many"]

    assert "'many' is not of the kind" in refused(changed(stored, units), tmp_path)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"kind": NaN}', b'{"a": 1, "a": 2}', b"\xff\xfe"],
)
def test_a_manifest_that_is_no_object_is_refused(
    manifest: bytes, stored: bytes, tmp_path: Path
) -> None:
    refused(packed({**parts_of(stored), MANIFEST: manifest}), tmp_path)


@pytest.mark.parametrize("weights", [b"", b"\x00" * 8, b"\xff" * 64])
def test_weights_that_cannot_be_read_are_refused(
    weights: bytes, stored: bytes, tmp_path: Path
) -> None:
    assert WEIGHTS in refused(packed({**parts_of(stored), WEIGHTS: weights}), tmp_path)


def test_arrays_that_nothing_uses_are_refused(stored: bytes, tmp_path: Path) -> None:
    from safetensors.numpy import load, save

    parts = parts_of(stored)
    arrays = {**load(parts[WEIGHTS]), "hidden": np.zeros(3, np.float32)}
    assert "does not use" in refused(packed({**parts, WEIGHTS: save(arrays)}), tmp_path)
    arrays = {name: array.astype(np.float16) for name, array in load(parts[WEIGHTS]).items()}
    assert "has the dtype float16" in refused(packed({**parts, WEIGHTS: save(arrays)}), tmp_path)


# Any damage gives a ModelFileError or is harmless (a date in the archive's directory).


def still_whole(data: bytes, folder: Path) -> None:
    path = folder / "fuzzed.chainrule"
    path.write_bytes(data)
    with contextlib.suppress(ModelFileError):
        rows = table("binary")
        shares = load_model(path).predict_proba(rows)
        assert np.array_equal(shares, model("binary").predict_proba(rows))


@settings(max_examples=60)
@given(st.data())
def test_a_file_that_was_cut_short_is_refused(
    stored: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    length = data.draw(st.integers(0, len(stored) - 1))
    folder = tmp_path_factory.getbasetemp()
    refused(stored[:length], folder)


@settings(max_examples=150)
@given(st.data())
def test_flipped_bits_never_raise_anything_else(
    stored: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    damaged = bytearray(stored)
    # The directory at the end and the headers say where everything is: hit them often.
    place = st.one_of(
        st.integers(0, len(stored) - 1), st.integers(len(stored) - 250, len(stored) - 1)
    )
    for where in data.draw(st.lists(place, min_size=1, max_size=4)):
        damaged[where] ^= 1 << data.draw(st.integers(0, 7))
    still_whole(bytes(damaged), tmp_path_factory.getbasetemp())


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every container and key of a tree of JSON values."""
    keys = (
        value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    )
    return [place for key in keys for place in [(value, key), *places(value[key])]]


@settings(max_examples=200)
@given(st.data())
def test_any_value_in_any_place_of_the_manifest_never_raises_anything_else(
    stored: bytes, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    parts = parts_of(stored)
    manifest = json.loads(parts[MANIFEST])
    container, key = data.draw(st.sampled_from(places(manifest)))
    container[key] = data.draw(VALUES)
    path = tmp_path_factory.getbasetemp() / "changed.chainrule"
    path.write_bytes(packed({**parts, MANIFEST: json.dumps(manifest).encode()}))
    with contextlib.suppress(ModelFileError):
        load_model(path).summary()


# ---------------------------------------------------------------------------------------------
# Writing.


def test_a_file_that_cannot_be_written_leaves_the_old_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.chainrule"
    save_model(model("binary"), path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DataError, match="not written, nor changed: No space left on device"):
        save_model(model("multiclass"), path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["model.chainrule"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="No such file or directory"):
        save_model(model("binary"), tmp_path / "nowhere" / "model.chainrule")


def test_a_loop_is_stored_with_its_step_and_gives_the_same_numbers(tmp_path: Path) -> None:
    class Running(nn.Module):
        weight: nn.Module = nn.Dense(3)

        def __call__(self, x: Any, *, key: Any = None) -> Any:
            offsets = np.array([0.5, -0.5, 0.25], np.float32)

            def step(carry: Any, part: Any) -> Any:
                carry = cnp.tanh(carry + part + offsets)
                return carry, carry * 2

            start = self.weight(x)
            last, all_of = scan(step, start, cnp.stack([start, 2 * start]), reverse=True)
            return (last + cnp.sum(all_of, axis=0))[:, :1]

    before = model("binary", body=Running())
    save_model(before, tmp_path / "m.chainrule")
    after = load_model(tmp_path / "m.chainrule")
    assert after.network is None
    rows = table("binary")
    assert np.array_equal(after.predict_proba(rows), before.predict_proba(rows))
    stored = (tmp_path / "m.chainrule").read_bytes()

    def more(manifest: Any) -> None:
        nodes = manifest["program"]["nodes"]
        loop = next(node for node in nodes if node["op"] == "scan")
        dict(loop["params"])["body"]["carries"] = 99

    assert "more carries or slices than its step" in refused(changed(stored, more), tmp_path)
