"""Times of day: the next 07:30, and whether 22:00-07:00 is now. Pure; the zone is that of the moment that is given.

A day of 23 or 25 hours is where this goes wrong elsewhere. A time that the clock jumps over is the moment of the jump. A time that
it shows twice comes twice; a window opens the first time and closes the last, so it is open whenever the clock shows a time in it.
Two moments of one zone subtract as their clocks do: take `timestamp()` of both to learn how long something lasts.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
TIME = rf"\A(?:{_TIME}|24:00)\Z"
WINDOW = rf"\A(?!(.{{5}})-\1\Z)(?!00:00-24:00)({_TIME})-({_TIME}|24:00)\Z"
TIME_WORDS = 'a time of day such as "07:30"'
WINDOW_WORDS = 'a window such as "22:00-07:00", with two different times of day'
EPOCH = datetime(1970, 1, 1)


class Local(tzinfo):
    """This machine's zone with its rules for summer; `astimezone()` alone would freeze today's offset."""

    def utcoffset(self, at: datetime | None) -> timedelta | None:
        if at is None:
            return None
        shown = at.replace(tzinfo=None, microsecond=0)
        return timedelta(seconds=(shown - EPOCH).total_seconds() - shown.timestamp())

    def dst(self, at: datetime | None) -> timedelta | None:
        return None  # the system does not say

    def tzname(self, at: datetime | None) -> str | None:
        return None if at is None else at.replace(tzinfo=None).astimezone().tzname()

    def fromutc(self, at: datetime) -> datetime:
        shown = at.replace(tzinfo=UTC).astimezone()
        first = shown.replace(tzinfo=self, fold=0)
        return first if first.utcoffset() == shown.utcoffset() else first.replace(fold=1)


LOCAL = Local()


def next_time(hhmm: str, now: datetime) -> datetime:
    """The first moment after now at which the clock of now's zone shows this time."""
    if not re.search(TIME, hhmm):
        raise ValueError(f"it has to be {TIME_WORDS}")
    zone, moment = _zone(now), now.astimezone(UTC)
    days = [now.date() + timedelta(days) for days in range(-1, 3)]
    return min(shown for day in days for shown in _moments(day, hhmm, zone) if shown > moment).astimezone(zone)


def inside(between: str, now: datetime) -> tuple[bool, datetime]:
    """Whether now is in the window, which may pass midnight, and when that changes."""
    if not re.search(WINDOW, between):
        raise ValueError(f"it has to be {WINDOW_WORDS}")
    start, end = between.split("-")
    zone, moment = _zone(now), now.astimezone(UTC)
    days = [now.date() + timedelta(days) for days in range(-2, 4)]
    windows = [(_moments(day, start, zone)[0], _moments(day + timedelta(end <= start), end, zone)[-1]) for day in days]
    edge = moment
    for opened, closed in windows:  # one that closes where the next has opened passes over into it
        if opened <= edge < closed:
            edge = closed
    if edge > moment:
        return True, edge.astimezone(zone)
    return False, min(opened for opened, closed in windows if moment < opened < closed).astimezone(zone)


def _zone(now: datetime) -> tzinfo:
    if now.tzinfo is None:
        raise TypeError("a time of day needs a zone: now has none")
    return now.tzinfo


def _moments(day: date, hhmm: str, zone: tzinfo) -> list[datetime]:
    """When the clock shows this time on this day: once, twice where it goes back, or the end of the gap that swallows it."""
    hours, minutes = int(hhmm[:2]), int(hhmm[3:])
    shown = datetime(day.year, day.month, day.day, hours % 24, minutes, tzinfo=zone) + timedelta(hours // 24)
    first, last = (shown.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if first <= last:
        return [first, last]
    low, high = last, first  # read with the offset after the gap it lies before it, and the other way round
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return [high]
