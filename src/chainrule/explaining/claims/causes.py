"""Why a printed number may be wrong: what comes out under the usual mistakes.

There are mistakes of the whole calculation, such as steps uphill, which give another `Run`, and
slips of one number, such as a lost sign. A cause is a run, a slip, or a slip in a run; what
explains more claims and is simpler comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from itertools import pairwise, product
from typing import Any

import numpy as np

from chainrule.explaining.claims.file import Claim, ClaimFile
from chainrule.explaining.claims.quantity import Quantity
from chainrule.explaining.claims.textbook import Keep, Mistakes, Snapshot, run
from chainrule.explaining.claims.verdict import rounds_to, significant_digits

MOST_UPDATES = 100  # rounding and printed numbers are carried on by hand, so not further
_MOST_READINGS = 16  # ways to read the numbers where several are printed for one quantity


@dataclass(frozen=True)
class Cause:
    """What gives a printed number.

    Attributes
    ----------
    name
        In one or two words, for programs: "sequential", "sign", "power of ten+carried".
    text
        In a sentence that goes on from "… is what you get when".
    value
        What comes out, unrounded.
    """

    name: str
    text: str
    value: float


@dataclass(frozen=True, eq=False)
class Run:
    """One way to do the whole calculation.

    Attributes
    ----------
    name, text
        As in `Cause`; both empty for the right way.
    find
        Gives the value of a quantity; None where this way does not apply.
    """

    name: str
    text: str
    find: Callable[[Quantity], float | None]


class Calculation:
    """Everything that can be asked about one network of a claim file.

    Parameters
    ----------
    file
        The claims.
    setting
        Which of its networks.
    """

    def __init__(self, file: ClaimFile, setting: int) -> None:
        self.task = file.settings[setting]
        self.shape = file.shape
        self.sign = file.delta_sign
        self.claims = [claim for claim in file.claims if claim.setting == setting]
        self._moments = {0, *(claim.quantity.after for claim in self.claims)}
        self._seen: dict[tuple[Any, ...], Mapping[int, Snapshot]] = {}

    @cached_property
    def exact(self) -> Run:
        """The right way."""
        return self._variant("", "", Mistakes())

    @cached_property
    def variants(self) -> list[Run]:
        """Mistakes of the whole calculation."""
        task = self.task
        found = [
            self._variant(
                "sequential",
                "hidden deltas use already updated weights",
                Mistakes(sequential=True),
            ),
            self._variant(
                "ascent",
                "the step goes up the gradient, which is ascent instead of descent",
                Mistakes(ascent=True),
            ),
            self._variant(
                "half",
                "the ½ of the loss is missing, so that every step is twice as long",
                Mistakes(factor=2.0),
            ),
            self._variant(
                "half again",
                "every step is half as long, as if the loss had one more ½",
                Mistakes(factor=0.5),
            ),
        ]
        if len(task.inputs) > 1:
            how = "summed" if task.mean else "averaged"
            text = f"the gradient is {how} over the rows"
            found.append(self._variant(how, text, Mistakes(mean=not task.mean)))
        if any(b.any() for b in task.biased):
            wrong = "not updated" if task.train_biases else "updated, too"
            mistake = Mistakes(train_biases=not task.train_biases)
            found.append(self._variant("biases", f"biases are {wrong}", mistake))
        if any(w.shape[-1] == w.shape[-2] > 1 for w in task.weights):
            swapped = "input and output index of the weights are swapped"
            both = Mistakes(swapped_forward=True, swapped_backward=True)
            found.append(self._variant("swapped", swapped, both))
            back = f"{swapped} in the backward pass"
            found.append(self._variant("swapped back", back, Mistakes(swapped_backward=True)))
        found.append(Run("count", "one update fewer is made", self._earlier))
        return found

    @cached_property
    def roundings(self) -> list[Run]:
        """Every intermediate number rounded, to one decimal up to five."""

        def rounded(digits: int) -> Run:
            def keep(after: int, kind: str, layer: int, value: Any) -> Any:
                return np.round(value, digits)

            text = f"every number on the way is rounded to {digits} decimals"
            return self._variant("rounding", text, Mistakes(), keep, digits)

        return [rounded(digits) for digits in range(1, 6)]

    def carried(self, trusted: Sequence[Claim], text: str) -> list[Run]:
        """Work on with printed numbers, in each way to read them where several are printed."""
        readings: dict[Quantity, list[Decimal]] = {}
        for claim in trusted:
            readings.setdefault(claim.quantity, []).append(claim.printed)
        choices = product(*readings.values())
        runs = []
        for chosen, _ in zip(choices, range(_MOST_READINGS), strict=False):
            printed = dict(zip(readings, map(float, chosen), strict=True))
            runs.append(Run("carried", text, self._on_paper(printed)))
        return runs

    def value(self, quantity: Quantity) -> float:
        """Compute the right number."""
        snapshot = self._snapshot(quantity.after, Mistakes(), None, None)
        return float(quantity.value(self.task, snapshot, self.sign))

    def _variant(
        self,
        name: str,
        text: str,
        mistakes: Mistakes,
        keep: Keep | None = None,
        digits: int | None = None,
    ) -> Run:
        def find(quantity: Quantity) -> float | None:
            if keep is not None and quantity.after > MOST_UPDATES:
                return None
            if quantity.after == 0 and mistakes.ascent:
                return None  # only updates differ
            snapshot = self._snapshot(quantity.after, mistakes, keep, digits)
            return float(quantity.value(self.task, snapshot, self.sign))

        return Run(name, text, find)

    def _snapshot(
        self, after: int, mistakes: Mistakes, keep: Keep | None, digits: int | None
    ) -> Snapshot:
        # Short runs stop early: the long one is done only for claims that need it.
        near = {m for m in self._moments if m <= MOST_UPDATES} | {0, 1}
        moments = near if after in near else self._moments | {after}
        key = (mistakes, digits, max(moments))
        if key not in self._seen:
            self._seen[key] = run(self.task, moments, mistakes, *([keep] if keep else []))
        if after not in self._seen[key]:
            self._seen[key] = run(self.task, moments | {after}, mistakes)
        return self._seen[key][after]

    def _earlier(self, quantity: Quantity) -> float | None:
        if quantity.after < 2:
            return None
        return self.value(replace(quantity, after=quantity.after - 1))

    def _on_paper(self, printed: Mapping[Quantity, float]) -> Callable[[Quantity], float | None]:
        """Values that follow from printed numbers, each from those printed before it."""
        computed: dict[tuple[int, str, int], Any] = {}

        def keep(after: int, kind: str, layer: int, value: Any) -> Any:
            computed[after, kind, layer] = value
            value = value.copy()
            for quantity, number in printed.items():
                if (quantity.after, quantity.kind, quantity.layer) == (after, kind, layer):
                    front = (
                        () if kind in ("w", "b") or len(quantity.place) == 2 else (quantity.row,)
                    )
                    number = self.sign * number if kind == "delta" else number
                    value[(*front, *quantity.place)] = number
            return value

        moments = {m for m in self._moments if m <= MOST_UPDATES}
        snapshots = run(self.task, moments, Mistakes(), keep)

        def find(quantity: Quantity) -> float | None:
            if quantity.after > MOST_UPDATES:
                return None
            key = (quantity.after, quantity.kind, quantity.layer)
            if key not in computed or (quantity.kind == "gradient" and len(quantity.place) == 1):
                return float(quantity.value(self.task, snapshots[quantity.after], self.sign))
            front = () if quantity.is_parameter or len(quantity.place) == 2 else (quantity.row,)
            value = float(computed[key][(*front, *quantity.place)])
            return self.sign * value if quantity.kind == "delta" else value

        return find

    def start(self, quantity: Quantity) -> float | None:
        """Value of a weight or bias before its updates; None for anything else, or before any."""
        if not quantity.is_parameter or quantity.after == 0:
            return None
        return self.value(replace(quantity, after=0))

    def slope_of_bias(self, way: Run, quantity: Quantity) -> float | None:
        """What a first update would take from a weight if its input were 1."""
        if quantity.kind != "w" or quantity.after != 1:
            return None
        unit = replace(quantity, kind="gradient", place=quantity.place[1:], after=0)
        slope = (self.exact if way.name == "ascent" else way).find(unit)
        if slope is None:
            return None
        return self.task.rate * (-slope if way.name == "ascent" else slope)

    def siblings(self, quantity: Quantity) -> Iterator[Quantity]:
        """Quantities of the same kind, of other edges or units."""
        layers: Sequence[Sequence[str]] = (self.shape.inputs, *self.shape.layers)
        for k, (sources, units) in enumerate(pairwise(layers)):
            edges = quantity.kind == "w" or len(quantity.place) == 2
            fits = edges or quantity.kind in ("net", "out", "delta", "b") or k == len(layers) - 2
            if not fits or not quantity.name:
                continue
            for j, unit in enumerate(units):
                for i, source in enumerate(sources if edges else [""]):
                    name = f"{source}->{unit}" if edges else unit
                    place = (i, j) if edges else (j,)
                    other = replace(quantity, name=name, layer=k, place=place)
                    if other != quantity:
                        yield other


def slips(calculation: Calculation, way: Run, quantity: Quantity) -> Iterator[Cause]:
    """What comes out if one number slips, on a way that is otherwise kept to."""
    value = way.find(quantity)
    if value is None:
        return
    start = calculation.start(quantity)
    step = value if start is None else value - start
    base = 0.0 if start is None else start
    what = "the number" if start is None else "the change"
    if step:
        yield Cause("sign", f"the sign of {what} is lost", base - step)
        for power in (1, -1, 2, -2, 3, -3):
            how = f"{10 ** abs(power)} times too {'large' if power > 0 else 'small'}"
            yield Cause("power of ten", f"{what} is {how}", base + step * 10.0**power)
    if start is None:
        for other in calculation.siblings(quantity):
            elsewhere = way.find(other)
            if elsewhere is not None:
                yield Cause("other", f"it is mixed up with {other}", elsewhere)
        return
    if step:
        yield Cause("twice", "the change is made twice", base + 2 * step)
        yield Cause("half of it", "only half of the change is made", base + step / 2)
    slope = calculation.slope_of_bias(way, quantity)
    if slope is not None:
        yield Cause("input", "its input counts as 1, as that of a bias does", base - slope)
    for other in calculation.siblings(quantity):
        after, before = way.find(other), calculation.start(other)
        if after is None or before is None:
            continue
        change = after - before
        yield Cause("other", f"it is mixed up with {other}", after)
        yield Cause("other change", f"the change of {other} is made", base + change)
        if step:
            text = f"the change is made to the old {other}"
            yield Cause("other weight", text, before + step)
            text = f"the change is made to the new {other}"
            yield Cause("other weight", text, after + step)
            text = f"the change of {other} is made, too"
            yield Cause("other as well", text, value + change)
            yield Cause("other as well", f"{text}, with its sign lost", value - change)


def find_causes(calculation: Calculation, wrong: Sequence[Claim]) -> dict[Claim, Cause]:
    """Search for the cause of each wrong claim; those without a usual one are left out."""
    found: dict[Claim, Cause] = {}
    text = "the numbers printed before it are carried on"
    on_paper = calculation.carried(calculation.claims, text)
    near = [claim for claim in wrong if claim.quantity.after <= MOST_UPDATES]
    explained = {way: sum(_gives(way, claim) for claim in near) for way in calculation.variants}
    by_weight = sorted(calculation.variants, key=lambda way: -explained[way])

    for way in [*by_weight, *on_paper, *calculation.roundings]:
        for claim in wrong:
            if claim not in found and _gives(way, claim):
                found[claim] = Cause(way.name, way.text, way.find(claim.quantity) or 0.0)

    established = [way for way in by_weight if explained[way] > 1]
    for way in [calculation.exact, *established, *on_paper]:
        for claim in near:
            digits = _evidence(calculation, claim)
            for slip in slips(calculation, way, claim.quantity):
                # Few digits are met by chance if much is tried.
                needed = 1 if way in established else 2 + slip.name.startswith("other")
                if claim not in found and digits >= needed and rounds_to(claim.printed, slip.value):
                    name, text = (
                        _joined("+", slip.name, way.name),
                        _joined(" and ", way.text, slip.text),
                    )
                    found[claim] = Cause(name, text, slip.value)
    return found


def _joined(glue: str, *parts: str) -> str:
    return glue.join(part for part in parts if part)


def _gives(way: Run, claim: Claim) -> bool:
    """Whether a way of calculating gives what was printed."""
    value = way.find(claim.quantity)
    return value is not None and rounds_to(claim.printed, value)


def _evidence(calculation: Calculation, claim: Claim) -> int:
    """Significant digits that were printed: of a new weight, those of its change."""
    start = calculation.start(claim.quantity)
    if start is None:
        return significant_digits(claim.printed)
    change = claim.printed - Decimal(str(start))
    return significant_digits(change.normalize()) if change else 0
