"""How light a colour is, and whether it can be read on another. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

RGB = tuple[int, int, int]
TEXT_CONTRAST = 4.5  # WCAG 2, level AA

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)


def parsed(colour: str) -> RGB:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def written(colour: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def mixed(one: RGB, other: RGB, share: float) -> RGB:
    """The one with that share of the other in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def contrast(one: RGB, other: RGB) -> float:
    """As WCAG 2 defines it: 1 for the same, 21 for black on white."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@lru_cache(1024)
def _luminance(colour: RGB) -> float:
    linear = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def weakest(colour: RGB, ground: Iterable[RGB]) -> float:
    """The contrast where it is hardest to read."""
    return min(contrast(colour, one) for one in ground)


def legible(colour: RGB, ground: list[RGB]) -> RGB:
    """This colour, or as little lighter or darker as makes it readable on all of these."""
    end = max(WHITE, BLACK, key=lambda one: weakest(one, ground))
    steps = (mixed(colour, end, step / 50) for step in range(51))
    return next((one for one in steps if weakest(one, ground) >= TEXT_CONTRAST), end)


def faded(text: RGB, ground: list[RGB], least: float) -> RGB:
    """The text, as near to its background as it can be read."""
    steps = (mixed(ground[0], text, step / 50) for step in range(51))
    return next((one for one in steps if weakest(one, ground) >= least), text)
