"""Moments and how long something lasts, in words; moments in the zone of whoever looks. Pure.

A journal may come from anywhere, and with any clock: a moment that no calendar has is said to be one.
"""

from __future__ import annotations

import math
from datetime import datetime

NEVER = "some day"  # as wide as a time of day


def written(at: float, form: str = "%H:%M:%S") -> str:
    """Such as `07:30:00`; the form is that of `strftime`."""
    try:
        return datetime.fromtimestamp(at).astimezone().strftime(form)
    except (OverflowError, OSError, ValueError):
        return NEVER


def lasting(seconds: float) -> str:
    """`3:41`, and with hours `1:03:41`."""
    whole = int(max(0.0, seconds)) if math.isfinite(seconds) else 0
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def ago(seconds: float) -> str:
    """`34 s`, and from a minute on as a clock counts it."""
    return f"{int(max(0.0, seconds))} s" if seconds < 60 else lasting(seconds)


def left(seconds: float) -> str:
    """`in 3 h 05`; whether it is over."""
    if seconds <= 0:
        return "over"
    hours, minutes = divmod(int(seconds / 60) if math.isfinite(seconds) else 0, 60)
    return f"in {hours} h {minutes:02}" if hours else f"in {minutes} min"
