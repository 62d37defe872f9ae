"""``"conv 32, pool, dense 128"``: a network in words, taken apart."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chainrule.data.wording import listing, suggest
from chainrule.errors import ParameterError

_NUMBER = re.compile(r"\d+(\.\d+)?")

Value = int | float | bool


@dataclass(frozen=True)
class Spelling:
    """How a word is written.

    Parameters
    ----------
    numbers
        Names of the numbers behind it, in order; each may also be given as ``name=number``.
    needed
        How many of them have to be there.
    flags
        Words that may follow, such as "bidirectional".
    shares
        Names of numbers that lie between 0 and 1; all others are whole and at least 1.
    """

    numbers: tuple[str, ...] = ()
    needed: int = 0
    flags: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()


@dataclass(frozen=True)
class Word:
    """One layer, as it was written.

    Parameters
    ----------
    name
        Without blanks and hyphens.
    values
        Numbers and flags by name.
    text
        As the user wrote it.
    """

    name: str
    values: Mapping[str, Value]
    text: str


def parse(text: str, spellings: Mapping[str, Spelling]) -> tuple[Word, ...]:
    """Take a network apart.

    Parameters
    ----------
    text
        Layers with commas between them; behind each name its numbers.
    spellings
        The words that are known, without blanks and hyphens.

    Raises
    ------
    ParameterError
        If a word is not known, or its numbers are not what it takes; the message names the word.

    >>> parse("batch norm, dense 128", {"batchnorm": Spelling(), "dense": Spelling(("units",), 1)})
    (Word(name='batchnorm', values={}, text='batch norm'),
     Word(name='dense', values={'units': 128}, text='dense 128'))
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise ParameterError(
            f"--network {text!r}: expected layers with one comma between them, as in "
            "'conv 32, pool, dense 128'"
        )
    return tuple(_word(part, spellings) for part in parts)


def _word(text: str, spellings: Mapping[str, Spelling]) -> Word:
    tokens = text.lower().split()
    name, count = _name(tokens, spellings)
    spelling = spellings.get(name)
    if spelling is None:
        raise ParameterError(
            f"--network: there is no layer {text!r}; {suggest(name or text, spellings)}"
        )
    values: dict[str, Value] = {}
    names = list(spelling.numbers)
    for token in tokens[count:]:
        key, equals, number = token.rpartition("=")
        if token in spelling.flags:
            values[token] = True
            continue
        if not equals and names:
            key = names.pop(0)
        elif key in names:
            names.remove(key)
        else:
            raise ParameterError(
                f"--network: {text!r} has {token!r}, but {name} takes {_takes(spelling)}"
            )
        values[key] = _number(number, key, text, spelling)
    absent = [each for each in spelling.numbers[: spelling.needed] if each not in values]
    if absent:
        raise ParameterError(f"--network: {text!r} lacks {_article(absent[0])}, as in '{name} 64'")
    return Word(name, values, text)


def _name(tokens: Sequence[str], spellings: Mapping[str, Spelling]) -> tuple[str, int]:
    """Join the longest run of tokens that is a name; give it, and how many tokens it took."""
    joined = ["".join(tokens[:n]).replace("-", "").replace("_", "") for n in range(1, 4)]
    for count in range(min(3, len(tokens)), 0, -1):
        if joined[count - 1] in spellings:
            return joined[count - 1], count
    return joined[0], 1


def _number(token: str, key: str, text: str, spelling: Spelling) -> Value:
    number = float(token) if _NUMBER.fullmatch(token) else -1.0
    if key in spelling.shares:
        if 0 <= number < 1:
            return number
        raise ParameterError(f"--network: {text!r}: {key} lies from 0 to below 1, not {token!r}")
    if number < 1 or number != int(number):
        raise ParameterError(
            f"--network: {text!r}: {key} is a whole number of at least 1, not {token!r}"
        )
    return int(number)


def _takes(spelling: Spelling) -> str:
    what = [*spelling.numbers, *spelling.flags]
    return listing(what) if what else "nothing"


def _article(name: str) -> str:
    return f"the number of {name}" if name.endswith("s") else f"the {name}"
