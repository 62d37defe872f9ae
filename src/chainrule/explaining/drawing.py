"""Small charts as SVG: they need no library, and take light or dark from where they stand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from chainrule.errors import ParameterError

WIDE, TALL = 460, 300
LEFT, RIGHT, TOP, LOW = 58, 16, 30, 44

# Told apart with any colour vision, and seen on white and on black.
BLUE, ORANGE, GREEN = "#2b83c9", "#d96c1a", "#1d9a78"
# Five tones of viridis, from small to large.
_TONES = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))

Points = Sequence[tuple[float, float]]


def number(value: float) -> str:
    """Write a number shortly, with a real minus sign.

    >>> number(-0.000012345), number(1500.0)
    ('−1.23e−05', '1500')
    """
    whole = value.is_integer() and abs(value) < 1e5
    return (str(int(value)) if whole else f"{value:.3g}").replace("-", "−")


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Choose round numbers between two others.

    >>> ticks(0, 10)
    [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    """
    if not high > low:
        return [low]
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * n for n in (1, 2, 5, 10) if power * n >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return [round((first + i) * step, 12) for i in range(max(count, 1))]


class Frame:
    """Two axes with their ticks; gives the place of a point in the drawing.

    Parameters
    ----------
    x, y
        Smallest and largest value of each axis.
    titles
        What the axes show: "learning rate", "loss".
    """

    def __init__(
        self, x: tuple[float, float], y: tuple[float, float], titles: tuple[str, str]
    ) -> None:
        self._x, self._y = _wide(x), _wide(y)
        middle = (LEFT + WIDE - RIGHT) / 2
        self.parts = [
            text(middle, TALL - 8, titles[0], "middle"),
            text(LEFT - 44, 18, titles[1], "start"),
        ]
        for tick in ticks(*self._x):
            at = self.x(tick)
            self.parts.append(text(at, TALL - LOW + 16, number(tick), "middle", 11))
        for tick in ticks(*self._y):
            at = self.y(tick)
            self.parts.append(line(LEFT, at, WIDE - RIGHT, at, "currentColor", 0.5, 0.3))
            self.parts.append(text(LEFT - 6, at + 4, number(tick), "end", 11))

    def x(self, value: float) -> float:
        """Place along the width."""
        low, high = self._x
        return LEFT + (value - low) / (high - low) * (WIDE - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Place along the height."""
        low, high = self._y
        return TALL - LOW - (value - low) / (high - low) * (TALL - LOW - TOP)

    def path(self, points: Points, colour: str, width: float = 2, dashes: str = "") -> str:
        """Draw a line through points."""
        steps = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        return (
            f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="{width}" '
            f'stroke-linejoin="round"{dashed}/>'
        )

    def dot(self, x: float, y: float, colour: str, radius: float = 5) -> str:
        """Draw a dot at a point."""
        return f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius}" fill="{colour}"/>'


def _wide(span: tuple[float, float]) -> tuple[float, float]:
    low, high = span
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def line(
    x1: float, y1: float, x2: float, y2: float, colour: str, width: float, opacity: float = 1
) -> str:
    """Draw a straight line."""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
        f'stroke-width="{width}" opacity="{opacity}"/>'
    )


def text(x: float, y: float, said: str, anchor: str, size: float = 12.5) -> str:
    """Write a text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="currentColor">{escape(said)}</text>'
    )


def rectangle(
    x: float, y: float, width: float, height: float, colour: str, opacity: float = 1
) -> str:
    """Fill a rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.2f}" height="{height:.2f}" '
        f'fill="{colour}" opacity="{opacity}" shape-rendering="crispEdges"/>'
    )


def drawing(title: str, parts: Sequence[str], tall: float = TALL, wide: float = WIDE) -> str:
    """Put a drawing together; the title is read out by screen readers."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {tall:.0f}" '
        f'width="{wide}" height="{tall:.0f}" role="img" aria-label="{escape(title)}" '
        'style="max-width:100%;height:auto;font-family:system-ui,sans-serif">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def tone(share: float) -> str:
    """Give the colour of a number between 0 and 1, dark for small ones; grey for NaN.

    >>> tone(0), tone(1), tone(float("nan"))
    ('#440154', '#fde725', '#999999')
    """
    if not math.isfinite(share):
        return "#999999"
    place = min(max(share, 0.0), 1.0) * (len(_TONES) - 1)
    i = min(int(place), len(_TONES) - 2)
    mixed = [
        round(a + (b - a) * (place - i)) for a, b in zip(_TONES[i], _TONES[i + 1], strict=True)
    ]
    return "#" + "".join(f"{c:02x}" for c in mixed)


def span(values: Any) -> tuple[float, float]:
    """Give the smallest and largest finite number.

    Raises
    ------
    ParameterError
        If there is none.
    """
    finite = np.asarray(values, float)
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        raise ParameterError("there is no finite number to be drawn")
    return float(finite.min()), float(finite.max())
