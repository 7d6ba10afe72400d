"""Numbers as they are told in every form of the account: fixed decimals, times in words, amounts of money. Pure.

Owns how a single number or name is said. Does not own sentences, nor what a terminal, Markdown or HTML makes of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

LARGE = 1e6  # from there on six decimals say nothing


def number(value: float | None) -> str:
    """A value of the metric."""
    return "-" if value is None else f"{value:.6f}" if abs(value) < LARGE else f"{value:.6g}"


def gain(value: float | None) -> str:
    """With its sign: above zero is better."""
    return "-" if value is None else f"{value + 0.0:+.6f}" if abs(value) < LARGE else f"{value:+.6g}"


def chance(p: float | None) -> str:
    return "" if p is None else f"p {p:.3f}" if p >= 0.001 else "p < 0.001"


def share(part: float, whole: float) -> str:
    """In percent of the whole; a tenth of one where that is all there is."""
    if not whole or not math.isfinite(part / whole):
        return "-"
    percent = 100 * part / whole
    return f"{percent:.0f}%" if abs(percent) >= 9.95 or percent == 0 else f"{percent:.1f}%"


def duration(seconds: float) -> str:
    """In the two largest units that say something."""
    if seconds < 59.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 or seconds == 0 else f"{seconds:.1f} s"
    if seconds < 599.5:
        return f"{round(seconds) // 60} min {round(seconds) % 60:02} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def money(amount: float, currency: str = "USD") -> str:
    return f"{amount:.2f} {currency}" if amount >= 0.005 or amount <= 0 else f"{amount:.4f} {currency}"


def amounts(parts: Mapping[str, float] | None) -> str:
    """By currency, those that are anything; where nothing cost anything, that."""
    if parts is None:
        return "-"
    return " + ".join(money(amount, currency) for currency, amount in parts.items() if amount) or "nothing"


def thousands(count: int) -> str:
    """Tokens."""
    return f"{count}" if count < 10_000 else f"{count / 1e3:.0f} k" if count < 9_999_500 else f"{count / 1e6:.1f} M"


def several(count: int, one: str, more: str = "") -> str:
    """`1 experiment`, `2 experiments`."""
    return f"{count} {one if count == 1 else more or one + 's'}"


def numbered(numbers: tuple[int, ...], most: int = 12) -> str:
    """`#3, #7 and 4 more`."""
    shown = ", ".join(f"#{one}" for one in numbers[:most])
    return f"{shown} and {len(numbers) - most} more" if len(numbers) > most else shown
