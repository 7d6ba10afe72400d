"""How a colour arrives: through a terminal of 256 colours, without colour, and in eyes that lack one kind of cone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations

from rich.color import Color, ColorSystem

RGB = tuple[int, ...]

CONES = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
"""What is left of linear light: Machado, Oliveira and Fernandes (2009), at full severity."""


def exact(colour: str) -> RGB:
    return tuple(Color.parse(colour.lower()).get_truecolor())


def in_256(colour: str) -> RGB:
    """As it is sent to a terminal that says no more than its TERM."""
    return tuple(Color.parse(colour.lower()).downgrade(ColorSystem.EIGHT_BIT).get_truecolor())


def in_greys(colour: str) -> RGB:
    """As Textual sends it under NO_COLOR."""
    red, green, blue = exact(colour)
    return (round(red * 0.2126 + green * 0.7152 + blue * 0.0722),) * 3


def contrast(one: RGB, other: RGB) -> float:
    """WCAG 2.2: 1 to 21."""
    low, high = sorted(0.2126 * red + 0.7152 * green + 0.0722 * blue for red, green, blue in (_linear(one), _linear(other)))
    return (high + 0.05) / (low + 0.05)


def nearest(colours: Iterable[str]) -> tuple[float, str]:
    """The smallest difference between two of these to any kind of eye: 100 times the distance in OKLab, in which 2 is just seen."""
    found = [
        (100 * math.dist(_seen(one, kind), _seen(other, kind)), f"{one} and {other} with {kind}")
        for one, other in combinations(colours, 2)
        for kind in CONES
    ]
    return min(found)


def _linear(colour: RGB) -> list[float]:
    return [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]


def _seen(colour: str, kind: str) -> list[float]:
    """In OKLab."""
    light = _linear(exact(colour))
    red, green, blue = (min(1.0, max(0.0, _times(row, light))) for row in CONES[kind])
    cones = (
        0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue,
        0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue,
        0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue,
    )
    roots = [part ** (1 / 3) for part in cones]
    return [
        _times((0.2104542553, 0.7936177850, -0.0040720468), roots),
        _times((1.9779984951, -2.4285922050, 0.4505937099), roots),
        _times((0.0259040371, 0.7827717662, -0.8086757660), roots),
    ]


def _times(row: Iterable[float], column: Iterable[float]) -> float:
    return sum(a * b for a, b in zip(row, column, strict=True))
