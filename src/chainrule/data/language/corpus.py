"""A text file, its parts, and stretches of tokens with what follows each of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from chainrule.data.formats import decoded_text
from chainrule.errors import DataError, ParameterError


@dataclass(frozen=True)
class Corpus:
    """A text in three parts, one behind the other.

    What is learnt from the first part is judged on what comes later, as it should be: neighbouring
    stretches of a text tell about each other.

    Parameters
    ----------
    train, validation, test
        The parts; together they are the whole text.
    notes
        What a user should know.
    """

    train: str
    validation: str
    test: str
    notes: tuple[str, ...] = ()

    @classmethod
    def split(
        cls, text: str, validation: float = 0.1, test: float = 0.0, notes: tuple[str, ...] = ()
    ) -> Corpus:
        """Cut a text; the last part tests, the part before it validates.

        Parameters
        ----------
        text
            The whole text.
        validation, test
            Shares of its characters.

        Raises
        ------
        ParameterError
            If the shares leave nothing to train on.

        >>> Corpus.split("abcdefghij", validation=0.2, test=0.1)
        Corpus(train='abcdefg', validation='hi', test='j', notes=())
        """
        if validation < 0 or test < 0 or not validation + test < 1:
            raise ParameterError(
                f"the shares validation={validation} and test={test} should not be negative, and "
                "should leave text for training"
            )
        last = len(text) - round(test * len(text))
        middle = last - round(validation * len(text))
        return cls(text[:middle], text[middle:last], text[last:], notes)


def read_text(path: str | Path) -> tuple[str, tuple[str, ...]]:
    """Read a text file, or all ``.txt`` files of a folder one behind the other.

    Returns
    -------
    The text, lines ended by line feeds, and notes on what was guessed.

    Raises
    ------
    DataError
        If there is no such file, it is empty, or it is no text.
    """
    place = Path(path)
    files = sorted(place.rglob("*.txt")) if place.is_dir() else [place]
    if not files:
        raise DataError(f"the folder {str(place)!r} holds no .txt file")
    texts: list[str] = []
    notes: tuple[str, ...] = ()
    for each in files:
        try:
            data = each.read_bytes()
        except FileNotFoundError:
            raise DataError(f"there is no file {str(each)!r}") from None
        except OSError as error:
            raise DataError(f"{str(each)!r} cannot be read: {error.strerror}") from error
        text, told = decoded_text(data, repr(str(each)))
        texts.append(text)
        notes += told
    joined = "\n".join(texts)
    if not joined.strip():
        raise DataError(f"{str(place)!r} is empty")
    return joined, notes


def stretches(
    tokens: NDArray[np.int32], length: int, step: int | None = None
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Cut tokens into stretches, each with the tokens that follow its own.

    Parameters
    ----------
    tokens
        int32 [n].
    length
        Tokens in a stretch.
    step
        From the begin of one to the begin of the next; by default they follow each other.

    Returns
    -------
    Inputs and targets, int32 [stretches, length]; a target is the token behind its input. What is
    left over at the end is passed over.

    Raises
    ------
    DataError
        If there are not enough tokens for one stretch.

    >>> stretches(np.arange(6, dtype=np.int32), 2)
    (array([[0, 1], [2, 3]], dtype=int32), array([[1, 2], [3, 4]], dtype=int32))
    """
    if length < 1 or (step is not None and step < 1):
        raise ParameterError("a stretch has at least one token, and so has the step between two")
    if len(tokens) < length + 1:
        raise DataError(
            f"the text has {len(tokens):,} tokens, too few for a stretch of {length} and one more"
        )
    windows = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[:: step or length]
    return windows[:, :-1].copy(), windows[:, 1:].copy()
