"""What the server answers is what Python computes."""

from __future__ import annotations

import itertools
import json
import signal
from pathlib import Path
from typing import Any
from urllib import request
from urllib.parse import quote

import numpy as np
import pytest

from chainrule.app.serve.address import Address
from chainrule.app.serve.course import Library
from chainrule.app.serve.frame import Moments, frame
from chainrule.app.serve.material import Material, from_table
from chainrule.app.serve.setup import Setup
from chainrule.app.serve.shelf import Shelf
from chainrule.app.serve.worked import WORKED
from chainrule.explaining.stepping import explain
from tests.app.process import chainrule
from tests.app.serve.conftest import Ask, start_server

E1 = {"source": "example:e1"}
E5 = {"source": "example:e5"}


def numbers(frame: Any, key: str) -> Any:
    return np.asarray(frame["arrays"][key]["values"], np.float64)


def test_the_numbers_of_e1_are_those_of_the_mission(ask: Ask) -> None:
    frame = ask("/api/frame", E1)
    np.testing.assert_allclose(numbers(frame, "z(1)"), [0.21, 0.315], atol=1e-12)
    np.testing.assert_allclose(numbers(frame, "a(1)"), [0.552308, 0.578105], atol=5e-7)
    np.testing.assert_allclose(numbers(frame, "delta(1)"), [0.00272759, 0.00807143], atol=5e-9)
    np.testing.assert_allclose(numbers(frame, "W'(2)"), [[0.279691], [0.878743]], atol=5e-7)
    after = ask("/api/frame", {**E1, "step": 1})
    assert numbers(after, "a(2)")[0] == pytest.approx(0.659554, abs=5e-7)
    assert after["loss"] == pytest.approx(frame["lossAfter"], rel=1e-12)


def test_e5_keeps_its_biases_and_reaches_the_known_loss(ask: Ask) -> None:
    assert ask("/api/frame", E5)["lossAfter"] == pytest.approx(0.2910277737, abs=5e-11)
    end = ask("/api/frame", {**E5, "step": 10_000})
    assert end["loss"] == pytest.approx(3.510188e-05, abs=5e-12)
    assert numbers(end, "b(1)").tolist() == [0.35, 0.35]
    trained = ask("/api/frame", {**E5, "settings": {"biases": True}})
    assert trained["lossAfter"] == pytest.approx(0.2804714468, abs=5e-11)


@pytest.mark.parametrize("source", ["example:e1", "example:e5", "sample:xor", "sample:iris"])
def test_every_number_is_the_one_of_explain(ask: Ask, source: str) -> None:
    name = source.removeprefix("example:")
    material = WORKED[name]() if name in WORKED else from_table(source)
    setup = material.setup
    frame = ask("/api/frame", {"source": source, "row": 1})
    rows = frame["rows"]
    step = explain(
        material.build(setup),
        tuple(x[rows] for x in material.inputs),
        material.targets(setup.loss, material.labels)[rows],
        setup.make_loss(),
        setup.make_optimiser(),
    )
    assert frame["loss"] == step.loss
    for key in step.keys():  # noqa: SIM118 - a step is no dict
        if key.startswith(("b'", "z", "a", "delta", "W", "dL", "x")):
            value = step[key]
            of_rows = key == "x" or key.startswith(("z", "a(", "delta", "dL/da"))
            expected = value[frame["row"]] if of_rows else value
            if not (key.startswith("b'") and not setup.biases):
                np.testing.assert_array_equal(numbers(frame, key), expected, key)


def test_equations_hold_the_numbers_of_the_step(ask: Ask) -> None:
    unit = ask("/api/about", {"state": E1, "pick": [1, 0]})
    said = {each["name"]: each["text"] for each in unit["equations"]}
    assert said["weighted sum"].endswith("= 0.2·0.35 + 0.2·0.7 = 0.21")
    edge = ask("/api/about", {"state": E1, "pick": [2, 1, 0]})
    assert edge["title"] == "h2 → o"
    assert [each["name"] for each in edge["equations"]] == ["weight", "gradient", "new weight"]
    assert edge["equations"][2]["value"] == pytest.approx(0.878743, abs=5e-7)
    assert edge["equations"][2]["mathml"].startswith("<math>")


def test_a_cell_of_a_picture_has_the_equation_of_its_entry(ask: Ask) -> None:
    state = {"source": "network:recurrence", "row": 2}
    maps = {each["key"]: each for each in ask("/api/frame", state)["maps"]}
    states = np.reshape(maps["h_1(1)"]["values"], (8, 8))  # steps by units
    told = ask("/api/about", {"state": state, "key": "h_1(1)", "pick": [0, 4, 3]})
    (entry,) = told["equations"]
    assert entry["key"] == "h_5(1)"
    assert entry["index"] == [2, 3]
    assert entry["value"] == states[4, 3]
    wrong = ask("/api/about", {"state": state, "key": "h_1(1)", "pick": [0, 9, 3]})
    assert "there is no step 10" in wrong["error"]
    wrong = ask("/api/about", {"state": state, "key": "W(2)", "pick": [0, 99, 3]})
    assert "there is no entry" in wrong["error"]


def test_steps_with_a_memory_go_on_from_it(ask: Ask) -> None:
    state = {"source": "sample:xor", "settings": {"optimiser": "adam", "rate": 0.1}}
    for step in range(3):
        frame = ask("/api/frame", {**state, "step": step})
        fresh = ask("/api/frame", {**state, "step": step + 1})
        for key in ("W", "b", "m_W", "s_W"):
            np.testing.assert_allclose(
                numbers(frame, f"{key}'(1)"), numbers(fresh, f"{key}(1)"), rtol=1e-12
            )


def test_a_change_holds_from_its_step_on(ask: Ask) -> None:
    change = [2, "weight", "layers[0].weight", [0, 1], 0.75]
    plain = ask("/api/frame", {**E1, "step": 1})
    assert ask("/api/frame", {**E1, "step": 1, "changes": [change]}) == plain
    changed = ask("/api/frame", {**E1, "step": 2, "changes": [change]})
    assert numbers(changed, "W(1)")[0, 1] == 0.75
    again = [*[change], [3, "set", "", [], {"rate": 5.0, "activation": "tanh"}]]
    later = ask("/api/frame", {**E1, "step": 3, "changes": again})
    assert later["setup"]["rate"] == 5.0
    assert later["network"]["layers"][1]["activation"] == "tanh"
    np.testing.assert_allclose(numbers(later, "a(1)"), np.tanh(numbers(later, "z(1)")))
    np.testing.assert_allclose(numbers(changed, "W'(1)"), numbers(later, "W(1)"), rtol=1e-12)


def test_inputs_and_targets_can_be_changed(ask: Ask) -> None:
    changes = [[0, "input", "", [0, 1], 0.9], [0, "target", "", [0, 0], 0.1]]
    frame = ask("/api/frame", {**E1, "changes": changes})
    assert numbers(frame, "x").tolist() == [0.35, 0.9]
    assert frame["prediction"]["target"] == [0.1]


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"source": "sample:nothing"}, "there is no sample"),
        ({"source": "example:e9"}, "there is nothing called"),
        ({"source": "opened:gone"}, "open it again"),
        ({**E1, "step": -1}, "step lies between"),
        ({**E1, "step": "1"}, "step must be a whole number"),
        ({**E1, "settings": {"rate": "fast"}}, "rate must be a number"),
        ({**E1, "settings": {"speed": 1}}, "there is no setting 'speed'"),
        ({**E1, "settings": {"activation": "step"}}, "activation is one of"),
        ({"source": "sample:xor", "settings": {"hidden": [0]}}, "hidden takes up to"),
        ({**E1, "changes": [[0, "weight", "nowhere", [0], 1.0]]}, "there is no trained array"),
        ({**E1, "changes": [[0, "weight", "layers[0].weight", [9, 9], 1]]}, "there is no entry"),
        ({**E1, "changes": [[3, "set", "", [], {}], [1, "set", "", [], {}]]}, "in the order"),
        ([], "a state is a JSON object"),
    ],
)
def test_a_wrong_state_gets_one_sentence(ask: Ask, state: Any, said: str) -> None:
    answer = ask("/api/frame", state)
    assert answer["status"] == 400
    assert said in answer["error"]


def test_a_rate_that_is_too_high_is_told_with_its_step(ask: Ask) -> None:
    wild = {"source": "example:e4", "settings": {"rate": 1000.0}, "step": 500}
    answer = ask("/api/frame", wild)
    assert answer["status"] == 400
    assert "NaN or infinity in step" in answer["error"]


def test_other_sites_are_refused(ask: Ask) -> None:
    assert ask("/api/frame", E1, Origin="http://elsewhere.example")["status"] == 403
    with pytest.raises(json.JSONDecodeError):  # the answer is plain text
        ask("/api/start", Host="elsewhere.example")


def test_training_is_told_while_it_runs(server: str) -> None:
    state = quote(json.dumps({"source": "sample:spirals"}))
    events = []
    with request.urlopen(f"{server}/api/train?state={state}&most=30000", timeout=60) as stream:
        for line in stream:
            if line.startswith(b"data: "):
                events.append(json.loads(line[6:]))
    updates = [event for event in events if event["kind"] == "update"]
    assert events[-1]["kind"] == "ended"
    assert updates[-1]["step"] == 30_000
    steps = [event["step"] for event in updates]
    assert steps == sorted(set(steps))
    assert 0 < updates[-1]["share"] <= 1
    assert {"surface", "weights", "held", "losses", "norms"} <= set(updates[-1])


def test_a_slow_speed_is_kept(server: str) -> None:
    state = quote(json.dumps({"source": "sample:xor"}))
    address = f"{server}/api/train?state={state}&speed=40&most=20"
    with request.urlopen(address, timeout=60) as stream:
        events = [json.loads(line[6:]) for line in stream if line.startswith(b"data: ")]
    last = [event for event in events if event["kind"] == "update"][-1]
    assert last["step"] == 20
    assert last["seconds"] > 0.4  # 20 steps at 40 a second


def test_training_by_stream_and_by_steps_agree(ask: Ask, server: str) -> None:
    state = {"source": "sample:moons", "settings": {"seed": 5}}
    stepped = ask("/api/frame", {**state, "step": 40})
    address = f"{server}/api/train?state={quote(json.dumps(state))}&most=40"
    with request.urlopen(address, timeout=60) as stream:
        events = [json.loads(line[6:]) for line in stream if line.startswith(b"data: ")]
    told = [event for event in events if event["kind"] == "update"][-1]
    np.testing.assert_allclose(
        told["weights"]["layers[0].weight"], numbers(stepped, "W(1)"), rtol=1e-9
    )


def test_claims_are_those_of_the_claim_files(ask: Ask) -> None:
    from chainrule.explaining.claims import check_claims

    report = ask("/api/claims/E1")
    expected = json.loads(json.dumps(check_claims("example:E1").to_dict()))
    assert {key: report[key] for key in expected} == expected
    assert "there are no claims" in ask("/api/claims/E9")["error"]


def test_a_large_array_comes_as_bytes(server: str) -> None:
    state = {"source": "sample:digits"}
    body = json.dumps({"state": state, "key": "W(1)"}).encode()
    question = request.Request(f"{server}/api/array", body, {"Content-Type": "application/json"})
    with request.urlopen(question) as response:
        shape = tuple(map(int, response.headers["X-Shape"].split(",")))
        values = np.frombuffer(response.read(), "<f4").reshape(shape)
    material = from_table("sample:digits")
    built = material.build(material.setup)
    np.testing.assert_allclose(values, built.arrays()["layers[0].weight"], rtol=1e-6)


def send(server: str, name: str, content: bytes) -> Any:
    question = request.Request(f"{server}/api/file?name={name}", content, method="PUT")
    with request.urlopen(question) as response:
        return json.load(response)


def test_a_model_and_its_table_are_opened(ask: Ask, server: str, trained: tuple[Path, Any]) -> None:
    folder, _ = trained
    model = send(server, "model.chainrule", (folder / "run" / "model.chainrule").read_bytes())
    table = send(server, "table.csv", (folder / "table.csv").read_bytes())
    assert "age" in table["columns"]
    name = ask("/api/open", {"model": model["token"], "table": table["token"]})["name"]
    frame = ask("/api/frame", {"source": name})
    assert frame["tableRows"] == 90
    assert frame["title"] == "model.chainrule with table.csv"
    alone = ask("/api/open", {"model": model["token"], "table": None})["name"]
    assert ask("/api/frame", {"source": alone})["tableRows"] == 1


def test_a_table_alone_gets_a_new_network(ask: Ask, server: str, trained: tuple[Path, Any]) -> None:
    table = send(server, "table.csv", (trained[0] / "table.csv").read_bytes())
    name = ask("/api/open", {"table": table["token"], "target": "y"})["name"]
    assert ask("/api/frame", {"source": name})["network"]["chain"]


def test_a_wrong_model_file_is_told(ask: Ask, server: str) -> None:
    token = send(server, "model.chainrule", b"not a model")["token"]
    answer = ask("/api/open", {"model": token})
    assert answer["status"] == 400
    assert "model.chainrule" in answer["error"]
    assert "choose it again" in ask("/api/open", {"model": "../../secret"})["error"]


def test_the_command_tells_mistakes_at_once(tmp_path: Path) -> None:
    done = chainrule("open", "nothing.chainrule", "--no-browser", folder=tmp_path)
    assert "nothing.chainrule" in done.complaint
    done = chainrule("open", "sample:nothing", "--no-browser", folder=tmp_path)
    assert "there is no sample 'nothing'" in done.complaint


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_a_server_that_is_stopped_ends_well_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: int
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    process, address = start_server(tmp_path)
    send(address, "table.csv", b"x,y\n1,2\n")
    assert list(tmp_path.glob("chainrule-*"))
    process.send_signal(sign)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 0
    assert said == ""
    assert not list(tmp_path.glob("chainrule-*"))


@pytest.mark.parametrize("source", ["example:e5", "sample:spirals", "network:recurrence"])
def test_further_steps_derive_and_compile_nothing(source: str) -> None:
    moments = Moments(Library(Shelf()))
    first, second = (moments.at(Address.read({"source": source, "step": n})) for n in (0, 1))
    assert second.step.derivation is first.step.derivation
    assert second.course.program is first.course.program
    plan = first.course.program.plan("auto")
    rate = moments.at(Address.read({"source": source, "step": 1, "settings": {"rate": 0.125}}))
    assert rate.step.derivation is first.step.derivation
    assert rate.course.program.plan("auto") is plan


def test_a_smaller_last_batch_has_equations_of_its_own() -> None:
    moments = Moments(Library(Shelf()))
    address = {"source": "sample:xor", "settings": {"batch": 3}}
    steps = [moments.at(Address.read({**address, "step": n})) for n in range(4)]
    assert [len(each.rows) for each in steps] == [3, 1, 3, 1]
    assert steps[2].step.derivation is steps[0].step.derivation
    assert steps[3].step.derivation is steps[1].step.derivation
    for step, later in itertools.pairwise(steps):
        np.testing.assert_array_equal(step.step["W'(1)"], later.step["W(1)"])


def test_equations_of_adam_come_with_the_factors_that_they_share(ask: Ask) -> None:
    state = {"source": "sample:spirals", "step": 2}
    edge = ask("/api/about", {"state": state, "pick": [1, 0, 0]})
    *_, rate, root, fresh = edge["equations"]
    assert rate["name"] == root["name"] == "on the way"
    assert rate["value"] == pytest.approx(0.01 / (1 - 0.9**3), rel=1e-12)
    assert root["value"] == pytest.approx((1 - 0.999**3) ** -0.5, rel=1e-12)
    assert fresh["key"] == "W'(1)"


def test_large_arrays_are_left_out_of_a_frame() -> None:
    random = np.random.default_rng(0)
    material = Material(
        "big",
        "",
        (random.normal(size=(1, 784)).astype(np.float32),),
        np.array([3], np.int32),
        "class",
        10,
        Setup((256, 128), "relu", loss="cross_entropy"),
    )
    shelf = Shelf()
    shelf.keep("big", material)
    shown = frame(Moments(Library(shelf)).at(Address.read({"source": "big"})))
    assert shown["dtype"] == "float32"
    assert shown["arrays"]["W(1)"]["values"] is None


def test_the_loss_over_the_weight_of_e4_is_a_bowl_with_the_walk_down_it(ask: Ask) -> None:
    place = {"kind": "weight", "path": "layers[0].weight", "index": [0, 0]}
    told = ask("/api/slice", {"state": {"source": "example:e4", "step": 1}, **place})
    weights, heights = np.array(told["at"]), np.array(told["losses"])
    np.testing.assert_allclose(heights, 5 * (weights - 2) ** 2, atol=1e-12)
    assert told["here"] == [2.5, 1.25]
    assert told["slope"] == 5
    # At a rate of 0.05 each step halves the distance to 2.
    np.testing.assert_allclose(np.array(told["walk"])[:3, 0], [2.5, 2.25, 2.125])
    begun = ask("/api/slice", {"state": {"source": "example:e4"}, **place})
    assert begun["at"] == told["at"]  # the picture stands still while the weight moves


def test_slices_show_what_the_next_step_gives(ask: Ask) -> None:
    frame = ask("/api/frame", E1)
    line = ask("/api/slice", {"state": E1, "kind": "gradient"})
    assert line["rate"] == 1.0
    assert line["here"] == [0.0, frame["loss"]]
    assert line["losses"][0] == frame["loss"]
    assert min(line["losses"]) < frame["lossAfter"] < frame["loss"]
    plane = ask("/api/slice", {"state": E1, "kind": "plane"})
    middle = len(plane["x"]) // 2
    assert plane["losses"][middle][middle] == pytest.approx(frame["loss"], rel=1e-12)
    assert plane["losses"][middle][middle + 1] < frame["loss"]  # a small step down the gradient


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ({"kind": "hill"}, "a slice is one of gradient, weight, plane"),
        ({"kind": "weight"}, "needs its path"),
        ({"kind": "weight", "path": "nowhere", "index": [0, 0]}, "there is no 'nowhere'"),
        ({"kind": "weight", "path": "layers[0].weight", "index": [0, 9]}, "there is no entry"),
        ({"kind": "weight", "path": "layers[0].weight", "index": 1}, "a question has"),
    ],
)
def test_a_wrong_slice_gets_one_sentence(ask: Ask, question: Any, said: str) -> None:
    answer = ask("/api/slice", {"state": E1, **question})
    assert answer["status"] == 400
    assert said in answer["error"]
