"""What is right, what is rounded and what is wrong about printed numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.backprop.formula import fold_line
from chainrule.explaining.claims.causes import Calculation, Cause, Run, find_causes
from chainrule.explaining.claims.file import Claim, ClaimFile, read_claims
from chainrule.explaining.claims.textbook import Mistakes, run
from chainrule.explaining.claims.verdict import (
    EXACT,
    PLAUSIBLE,
    ROUNDED,
    UNLIKELY,
    VERDICTS,
    WRONG,
    agreeing_digits,
    is_close,
    is_exact,
    rounds_to,
    significant_digits,
    unit_of_last_place,
)
from chainrule.explaining.page import document, paragraph, text_table


@dataclass(frozen=True)
class Finding:
    """What came out of one claim.

    Attributes
    ----------
    claim
        The printed number, and what it is said to be.
    verdict
        "exact", "rounded" or "wrong"; with random starts "plausible" or "unlikely".
    value
        The right number; the mean over random starts.
    digits
        Significant digits that are right; for a new weight, in its change.
    low, high
        Range over random starts; both the value without.
    cause
        What gives a number whose digits are not all right, if a usual mistake does.
    """

    claim: Claim
    verdict: str
    value: float
    digits: int
    low: float
    high: float
    cause: Cause | None = None

    @property
    def text(self) -> str:
        """The verdict in a sentence."""
        printed = self.claim.printed
        if self.verdict in (PLAUSIBLE, UNLIKELY):
            if not np.isfinite([self.low, self.high]).all():
                return "cannot be said, the training diverges from some of the random starts"
            inside = "within" if self.verdict == PLAUSIBLE else "outside of"
            return f"{inside} the range of the random starts, {self.low:.4g} to {self.high:.4g}"
        why = f": {printed} is what you get when {self.cause.text}" if self.cause else ""
        if self.verdict == EXACT:
            return "exact"
        if not np.isfinite(self.value):
            return f"wrong, the training diverges and gives {self.value}"
        if self.verdict == WRONG:
            return f"wrong, it is {self.value:.9g}{why or '; no usual mistake gives this number'}"
        if self.digits >= significant_digits(printed):
            return f"rounded to {_count(significant_digits(printed))}"
        right = f"right to {_count(self.digits)}, it is {self.value:.9g}"
        return f"rounded on the way, {right}{why}"

    def to_dict(self) -> dict[str, Any]:
        """Give the finding as plain data."""
        cause = self.cause
        return {
            "part": self.claim.part,
            "quantity": str(self.claim.quantity),
            "after": self.claim.quantity.after,
            "row": self.claim.quantity.row + 1,
            "printed": str(self.claim.printed),
            "value": _finite(self.value),
            "low": _finite(self.low),
            "high": _finite(self.high),
            "verdict": self.verdict,
            "digits": self.digits,
            "cause": cause and {"name": cause.name, "text": cause.text, "value": cause.value},
            "text": self.text,
        }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None


def _count(digits: int) -> str:
    return f"{digits} digit{'s' if digits != 1 else ''}"


@dataclass(frozen=True, eq=False, repr=False)
class ClaimReport:
    """Findings about the numbers of a claim file; print it.

    Attributes
    ----------
    file
        What was read.
    findings
        One for each printed number, in the order of the file.
    """

    file: ClaimFile
    findings: tuple[Finding, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How often each verdict was given, those that occur."""
        found = Counter(finding.verdict for finding in self.findings)
        return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}

    def __getitem__(self, quantity: str) -> Finding:
        for finding in self.findings:
            if str(finding.claim.quantity) == quantity:
                return finding
        raise KeyError(f"there is no claim about {quantity!r}")

    def text(self, width: int | None = None) -> str:
        """Print a line for each claim, folded for a terminal of some width in characters."""
        rows = [self.file.title]
        column = max(len(str(f.claim.quantity)) for f in self.findings)
        digits = max(len(str(f.claim.printed)) for f in self.findings)
        part = ""
        for finding in self.findings:
            claim = finding.claim
            if claim.part != part:
                part = claim.part
                rows.append(part)
            begin = f"  {claim.quantity!s:<{column}}  {claim.printed!s:>{digits}}  "
            rows.append(fold_line(begin + finding.text, width, len(begin)))
        rows.append(self._summary())
        return "\n".join(rows)

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain data, ready for JSON."""
        return {
            "kind": "claims",
            "title": self.file.title,
            "about": self.file.about,
            "counts": self.counts,
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def html(self) -> str:
        """Give a page of its own that needs nothing else."""
        return document(self.file.title, self._body())

    def _repr_html_(self) -> str:
        return self._body()

    def __repr__(self) -> str:
        return self.text()

    def _body(self) -> str:
        rows = [
            (f.claim.part, f.verdict, (str(f.claim.quantity), str(f.claim.printed), f.text))
            for f in self.findings
        ]
        table = text_table(("quantity", "printed", "verdict"), rows)
        return "".join([paragraph(self.file.about), table, paragraph(self._summary())])

    def _summary(self) -> str:
        counts = ", ".join(f"{n} {verdict}" for verdict, n in self.counts.items())
        many = "s" if len(self.findings) > 1 else ""
        return f"{len(self.findings)} printed number{many}: {counts}"


def check_claims(source: str | Path | Mapping[str, Any]) -> ClaimReport:
    """Say of each number of a claim file whether it is right, and why not.

    A number is *exact* if it is the value itself; *rounded* if its digits are right, the last one
    excepted, or if it follows from rounded numbers printed before it and agrees in at least one
    digit; else it is *wrong*. New weights are judged by their change, whose sign and size a slip
    spoils long before the weight itself looks odd. Where weights began at random and nobody knows
    how, a number is *plausible* within the range of some random starts, and *unlikely* outside.

    Parameters
    ----------
    source
        A path, ``"example:E1"`` to ``"example:E5"``, or the content as a dictionary.

    Raises
    ------
    DataError
        If the file cannot be used, with the line and the reason.

    >>> report = check_claims("example:E4")
    >>> report.counts
    {'exact': 10}
    """
    file = read_claims(source)
    # A network that diverges is an answer, too.
    with np.errstate(over="ignore", invalid="ignore"):
        return ClaimReport(file, tuple(_random_findings(file) if file.seeds else _judged(file)))


def _judged(file: ClaimFile) -> Sequence[Finding]:
    found: dict[Claim, Finding] = {}
    for setting in range(len(file.settings)):
        calculation = Calculation(file, setting)
        if calculation.claims:
            found |= _findings(calculation)
    return [found[claim] for claim in file.claims]


def _findings(calculation: Calculation) -> dict[Claim, Finding]:
    found = {claim: _judge(calculation, claim) for claim in calculation.claims}
    _excuse_rounding(calculation, found)
    wrong = [claim for claim in found if found[claim].verdict == WRONG]
    if wrong:
        for claim, cause in find_causes(calculation, wrong).items():
            found[claim] = replace(found[claim], cause=cause)
    return found


def _judge(calculation: Calculation, claim: Claim) -> Finding:
    """Judge a claim from its number alone."""
    value, printed = calculation.value(claim.quantity), claim.printed
    digits = significant_digits(printed)
    if is_exact(printed, value):
        verdict = EXACT
    elif rounds_to(printed, value):
        verdict = ROUNDED
    else:
        start = calculation.start(claim.quantity) or 0.0
        digits = agreeing_digits(float(printed) - start, value - start)
        verdict = ROUNDED if is_close(printed, value) and digits else WRONG
    return Finding(claim, verdict, value, digits, value, value)


def _excuse_rounding(calculation: Calculation, found: dict[Claim, Finding]) -> None:
    """Count as rounded what follows from rounded numbers; what is excused may excuse others."""
    text = "the rounded numbers printed before it are carried on"
    while True:
        sound = [claim for claim in found if found[claim].verdict != WRONG]
        ways = [*calculation.carried(sound, text), *calculation.roundings]
        excused = False
        for claim, finding in found.items():
            right = rounds_to(claim.printed, finding.value)
            if right or finding.cause is not None or not finding.digits:
                continue
            cause = _reproduced(ways, claim)
            if cause is not None:
                found[claim] = replace(finding, verdict=ROUNDED, cause=cause)
                excused = True
        if not excused:
            return


def _reproduced(ways: Sequence[Run], claim: Claim) -> Cause | None:
    for way in ways:
        value = way.find(claim.quantity)
        if value is not None and rounds_to(claim.printed, value):
            return Cause(way.name, way.text, value)
    return None


def _random_findings(file: ClaimFile) -> Sequence[Finding]:
    """Compare with the range of random starts, of which nobody knows the printed one."""
    moments = [claim.quantity.after for claim in file.claims]
    snapshots = run(file.settings[0], moments, Mistakes())
    findings = []
    for claim in file.claims:
        quantity = claim.quantity
        values = quantity.value(file.settings[0], snapshots[quantity.after], file.delta_sign)
        low, high = float(values.min()), float(values.max())
        slack = unit_of_last_place(claim.printed) / 2
        inside = low - slack <= float(claim.printed) <= high + slack
        verdict = PLAUSIBLE if inside else UNLIKELY
        findings.append(Finding(claim, verdict, float(values.mean()), 0, low, high))
    return findings
