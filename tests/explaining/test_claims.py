"""Claims: what is said about the worked examples, and about numbers that one can check by hand."""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from importlib import resources
from typing import Any

import pytest

from chainrule.explaining import ClaimReport, check_claims
from chainrule.explaining.claims import EXAMPLES, Finding
from chainrule.explaining.claims.verdict import agreeing_digits, is_close, rounds_to


def named(report: ClaimReport, part: str = "") -> dict[str, Finding]:
    return {
        str(finding.claim.quantity): finding
        for finding in report.findings
        if finding.claim.part.startswith(part)
    }


def wrong(report: ClaimReport) -> dict[str, str | None]:
    """Printed numbers that are wrong, with the names of their causes."""
    return {
        str(f.claim.printed): f.cause.name if f.cause else None
        for f in report.findings
        if f.verdict == "wrong"
    }


@pytest.fixture(scope="module")
def reports() -> dict[str, ClaimReport]:
    return {name: check_claims(f"example:{name}") for name in EXAMPLES}


# ---------------------------------------------------------------------------------------------
# The worked examples.


def test_e1_has_seven_wrong_numbers_and_most_causes_are_found(
    reports: dict[str, ClaimReport],
) -> None:
    assert wrong(reports["E1"]) == {
        "-0.0819": "power of ten+carried",
        "0.086615": None,
        "0.200945": "sign+carried",
        "0.273225": "other as well+carried",
        "0.269445": "other weight+carried",
        "0.18534": "twice+carried",
        "0.61": None,
    }
    assert reports["E1"]["w[x1->h2]"].text == (
        "wrong, it is 0.297175: 0.273225 is what you get when the numbers printed before it are "
        "carried on and the change of w[x2->h1] is made, too, with its sign lost"
    )
    assert reports["E1"].counts == {"exact": 2, "rounded": 11, "wrong": 7}


def test_e1_says_what_is_right(reports: dict[str, ClaimReport]) -> None:
    exact = {
        "net[o]": 0.685987,
        "error[o]": -0.165074,
        "delta[o]": -0.0367703,
        "delta[h1]": -0.00272759,
        "delta[h2]": -0.00807143,
        "w[h2->o]": 0.878743,
        "w[h1->o]": 0.279691,
        "w[x1->h1]": 0.199045,
        "w[x1->h2]": 0.297175,
        "w[x2->h1]": 0.198091,
        "w[x2->h2]": 0.294350,
    }
    found = named(reports["E1"])
    for quantity, value in exact.items():
        assert found[quantity].value == pytest.approx(value, rel=3e-6)
    later = named(reports["E1"], "forward pass after")
    for quantity, value in {"out[h1]": 0.551895, "out[h2]": 0.576899, "out[o]": 0.659554}.items():
        assert later[quantity].value == pytest.approx(value, abs=5e-7)
    assert found["delta[h2]"].text == (
        "wrong, it is -0.00807142732: -0.0819 is what you get when the numbers printed before it "
        "are carried on and the number is 10 times too large"
    )
    assert "the sign of the change is lost" in found["w[x1->h1]"].text


def test_e1_excuses_what_follows_from_rounded_numbers(reports: dict[str, ClaimReport]) -> None:
    found = named(reports["E1"])
    for quantity in ("net[o]", "delta[o]", "w[h2->o]"):
        assert found[quantity].verdict == "rounded"
        assert found[quantity].cause is not None
        assert found[quantity].cause.name == "carried"
        assert found[quantity].digits == 1


def test_e2_is_compared_with_a_range_of_random_starts(reports: dict[str, ClaimReport]) -> None:
    first, later, *predictions = reports["E2"].findings
    assert first.verdict == "plausible"
    assert 0.25 < first.low < first.high < 0.35
    assert later.verdict == "unlikely"
    assert 0.0015 < later.low < later.high < 0.0055
    assert "outside of the range of the random starts, 0.00196" in later.text
    assert [finding.verdict for finding in predictions] == ["plausible"] * 4
    assert all(abs(f.value - float(f.claim.printed)) < 0.07 for f in predictions)


def test_e3_goes_up_the_gradient(reports: dict[str, ClaimReport]) -> None:
    report = reports["E3"]
    assert report.counts == {"exact": 5, "wrong": 13}
    found = named(report)
    for quantity in ("w[h1->o]", "b[o]", "b[h2]"):
        assert found[quantity].value == pytest.approx(0.6)
        assert found[quantity].cause is not None
        assert found[quantity].cause.name == "ascent"
    assert found["w[x2->h3]"].value == 1
    assert found["w[x2->h3]"].cause is not None
    assert found["w[x2->h3]"].cause.name == "input+ascent"
    assert "its input counts as 1" in found["w[x2->h3]"].text


def test_e3_ascends_to_an_output_of_7_28_where_descent_gives_1_68() -> None:
    with resources.files("chainrule.explaining.claims").joinpath("e3.toml").open("rb") as file:
        content = tomllib.load(file)
    content["claims"] = [{"after": 1, "values": {"out[o]": ["7.28", "1.68"]}}]
    uphill, downhill = check_claims(content).findings
    assert downhill.verdict == "exact"
    assert uphill.verdict == "wrong"
    assert uphill.cause is not None
    assert uphill.cause.name == "ascent"


def test_e4_is_right(reports: dict[str, ClaimReport]) -> None:
    assert reports["E4"].counts == {"exact": 10}


def test_e5_uses_weights_that_were_updated_already(reports: dict[str, ClaimReport]) -> None:
    report = reports["E5"]
    assert report.counts == {"rounded": 13, "wrong": 3}
    assert wrong(report) == dict.fromkeys(
        ["0.291027924", "0.015912196", "0.984065734"], "sequential"
    )
    loss = named(report, "after the first")["loss"]
    assert loss.value == pytest.approx(0.2910277737, abs=5e-11)
    assert loss.text == (
        "wrong, it is 0.291027774: 0.291027924 is what you get when hidden deltas use already "
        "updated weights"
    )
    outputs = named(report, "after 10,000")
    assert outputs["out[o1]"].value == pytest.approx(0.01591362, abs=5e-9)
    assert outputs["out[o2]"].value == pytest.approx(0.98406427, abs=5e-9)


# ---------------------------------------------------------------------------------------------
# Causes, on networks made for one cause each.


def one_weight(values: dict[str, Any], after: int = 1, **changes: Any) -> dict[str, Any]:
    """y = 3 x on the rows (1, 0) and (2, 0): the summed gradient is 15, the rate 0.01."""
    return {
        "title": "one weight",
        "network": {
            "inputs": ["x"],
            "layers": [{"units": ["y"], "activation": "identity"}],
            "weights": {"x->y": 3},
            "biases": {"y": 0},
        },
        "data": {"inputs": [[1], [2]], "targets": [[0], [0]]},
        "training": {"rate": 0.01, "train_biases": False, **changes},
        "claims": [{"after": after, "values": values}],
    }


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        ("2.850", "exact"),
        ("3.150", "ascent"),
        ("2.700", "half"),
        ("2.925", None),
        ("1.500", "power of ten"),
        ("2.985", "power of ten"),
    ],
)
def test_the_cause_of_a_wrong_weight_is_found(printed: str, cause: str | None) -> None:
    finding = check_claims(one_weight({"w[x->y]": printed})).findings[0]
    if cause == "exact":
        assert finding.verdict == "exact"
        return
    assert finding.verdict == "wrong"
    assert finding.cause is not None
    # Half a step and the mean of two rows are the same thing here.
    assert finding.cause.name in ([cause] if cause else ["averaged", "half again"])


def test_updated_biases_and_a_missing_update_are_found() -> None:
    updated = check_claims(one_weight({"net[y]": "2.7600"}))["net[y]"]
    assert updated.value == pytest.approx(2.85)
    assert updated.cause is not None
    assert updated.cause.text == "biases are updated, too"
    early = check_claims(one_weight({"w[x->y]": "2.8500"}, after=2))["w[x->y]"]
    assert early.value == pytest.approx(2.7075)
    assert early.cause is not None
    assert early.cause.text == "one update fewer is made"


def test_a_lost_sign_and_a_number_of_another_unit_are_found() -> None:
    network = {
        "inputs": ["x"],
        "layers": [{"units": ["p", "q"], "activation": "identity"}],
        "weights": {"x->p": 0.123, "x->q": -0.456},
    }
    content = {
        "title": "two outputs",
        "network": network,
        "data": {"inputs": [[1]], "targets": [[0, 0]]},
        "claims": [{"values": {"delta[p]": "-0.123", "out[p]": "-0.456"}}],
    }
    found = named(check_claims(content))
    assert found["delta[p]"].cause is not None
    assert found["delta[p]"].cause.text == "the sign of the number is lost"
    assert found["out[p]"].cause is not None
    assert found["out[p]"].cause.text == "it is mixed up with out[q]"
    content["training"] = {"delta": "descent"}
    assert named(check_claims(content))["delta[p]"].verdict == "exact"


def test_swapped_indices_are_found() -> None:
    content = {
        "title": "swapped",
        "network": {
            "inputs": ["p", "q"],
            "layers": [{"units": ["r", "s"], "activation": "identity"}],
            "weights": {"p->r": 1, "q->r": 2, "p->s": 3, "q->s": 5},
        },
        "data": {"inputs": [[10, 1]], "targets": [[0, 0]]},
        "claims": [{"values": {"net[r]": 13, "net[s]": 25}}],
    }
    found = named(check_claims(content))
    assert {f.value for f in found.values()} == {12, 35}
    for finding in found.values():
        assert finding.cause is not None
        assert finding.cause.name == "swapped"


def test_a_number_that_no_mistake_gives_is_just_wrong() -> None:
    finding = check_claims(one_weight({"w[x->y]": "2.1234"})).findings[0]
    assert finding.cause is None
    assert finding.text == "wrong, it is 2.85; no usual mistake gives this number"


def test_a_training_that_diverges_is_an_answer() -> None:
    report = check_claims(one_weight({"w[x->y]": "2.85"}, after=2000, rate=1000.0))
    assert report.findings[0].text == "wrong, the training diverges and gives nan"
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["findings"][0]["value"] is None
    content = one_weight({"net[y]": "0.5"}, after=0)
    content["data"]["inputs"] = [[1e308], [1]]
    assert check_claims(content).findings[0].verdict == "wrong"
    content = one_weight({"net[y]": "0.5"}, after=2000, rate=1000.0)
    content["network"] = {**content["network"], "random": {"seeds": 2}}
    del content["network"]["weights"], content["network"]["biases"]
    assert "diverges from some of the random starts" in check_claims(content).findings[0].text


# ---------------------------------------------------------------------------------------------
# Digits.


@pytest.mark.parametrize(
    ("printed", "value", "rounds", "close", "digits"),
    [
        ("0.67", 0.665074, True, True, 2),
        ("0.66", 0.665074, False, True, 1),
        ("0.56", 0.552308, False, True, 1),
        ("0.61", 0.659554, False, False, 1),
        ("-0.0819", -0.00807143, False, False, 0),
        ("1e-3", 0.00096, True, True, 1),
        ("13", 12.0, False, False, 1),
    ],
)
def test_digits_are_counted(
    printed: str, value: float, rounds: bool, close: bool, digits: int
) -> None:
    number = Decimal(printed)
    assert rounds_to(number, value) == rounds
    assert is_close(number, value) == close
    assert agreeing_digits(float(printed), value) == digits


# ---------------------------------------------------------------------------------------------
# Reports.


def test_a_report_prints_a_line_for_each_claim(reports: dict[str, ClaimReport]) -> None:
    lines = reports["E5"].text().splitlines()
    assert lines[0].startswith("E5: two inputs")
    assert "  out[h1]       0.593270  rounded to 6 digits" in lines
    assert lines[-1] == "16 printed numbers: 13 rounded, 3 wrong"
    assert repr(reports["E5"]) == reports["E5"].text()


def test_a_report_is_folded_for_a_terminal(reports: dict[str, ClaimReport]) -> None:
    lines = reports["E1"].text(width=80).splitlines()
    assert max(map(len, lines)) <= 80
    place = next(i for i, line in enumerate(lines) if line.startswith("  delta[h2]"))
    assert lines[place + 1].startswith(" " * 23 + "the numbers")
    assert " ".join(" ".join(lines).split()) == " ".join(reports["E1"].text().split())


def test_a_report_is_plain_data_and_one_page(reports: dict[str, ClaimReport]) -> None:
    data = json.loads(json.dumps(reports["E1"].to_dict()))
    assert data["counts"] == {"exact": 2, "rounded": 11, "wrong": 7}
    assert data["findings"][0]["printed"] == "0.21"
    page = reports["E1"].html()
    assert page.count('class="text wrong"') == 7
    assert "w[h1-&gt;o]" in page
    with pytest.raises(KeyError, match="no claim about 'out"):
        reports["E1"]["out[z]"]
