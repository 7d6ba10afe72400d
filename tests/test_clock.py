"""Times of day on ordinary days and on the two that are not: what `clock.py` says is what one would see by watching the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoresearch_tui.clock import LOCAL, inside, next_time

BERLIN = ZoneInfo("Europe/Berlin")
CHANGES = [
    (zone, datetime.fromisoformat(f"{moment}+00:00"))
    for zone, moment in (
        ("Europe/Berlin", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-10-25T01:00"),
        ("America/Havana", "2026-11-01T05:00"),  # one o'clock becomes midnight
        ("America/Sao_Paulo", "2018-11-04T03:00"),  # there was no midnight
        ("Africa/Cairo", "2024-10-31T21:00"),  # midnight becomes 23:00 of the day before
        ("Australia/Lord_Howe", "2026-04-04T15:00"),  # by half an hour
        ("Antarctica/Troll", "2026-03-29T01:00"),  # by two
        ("Pacific/Apia", "2011-12-30T10:00"),  # a whole day was left out
        ("Asia/Kathmandu", "2026-06-15T12:00"),  # nothing happens, at an odd offset
    )
]
MINUTE = timedelta(minutes=1)


@st.composite
def moments(draw: st.DrawFn) -> datetime:
    """Some second of the two days around a change."""
    zone, change = draw(st.sampled_from(CHANGES))
    return (change + timedelta(seconds=draw(st.integers(-36 * 3600, 12 * 3600)))).astimezone(ZoneInfo(zone))


def clock_times(last: str = "23:59") -> st.SearchStrategy[str]:
    """Times of day; half of them at night, where clocks change."""
    minutes = st.one_of(st.integers(0, 4 * 60), st.integers(0, 24 * 60))
    return minutes.map(lambda minute: f"{minute // 60:02}:{minute % 60:02}").filter(lambda shown: shown <= last)


windows = (
    st.tuples(clock_times(), clock_times("24:00")).filter(lambda ends: ends[0] != ends[1] and ends != ("00:00", "24:00")).map("-".join)
)


def test_the_next_such_time_is_today_or_tomorrow() -> None:
    evening = datetime(2026, 7, 1, 22, 30, tzinfo=BERLIN)
    assert next_time("23:00", evening) == datetime(2026, 7, 1, 23, tzinfo=BERLIN)
    assert next_time("07:30", evening) == datetime(2026, 7, 2, 7, 30, tzinfo=BERLIN)
    assert next_time("24:00", evening) == datetime(2026, 7, 2, tzinfo=BERLIN)
    assert next_time("22:30", evening) == datetime(2026, 7, 2, 22, 30, tzinfo=BERLIN), "now is not next"


def test_a_time_that_the_clock_jumps_over_is_the_moment_of_the_jump() -> None:
    assert str(next_time("02:30", datetime(2026, 3, 28, 22, tzinfo=BERLIN))) == "2026-03-29 03:00:00+02:00"


def test_a_time_that_is_shown_twice_comes_twice() -> None:
    first = next_time("02:30", datetime(2026, 10, 24, 22, tzinfo=BERLIN))
    assert str(first) == "2026-10-25 02:30:00+02:00"
    second = next_time("02:30", first)
    assert str(second) == "2026-10-25 02:30:00+01:00"
    assert second.timestamp() - first.timestamp() == 3600


@settings(max_examples=50, deadline=None)
@given(moments(), clock_times("24:00"))
def test_the_next_time_is_the_first_that_one_sees_by_watching(now: datetime, hhmm: str) -> None:
    assert str(next_time(hhmm, now)) == str(_watched("00:00" if hhmm == "24:00" else hhmm, now))
    assert next_time(hhmm, now).tzinfo is now.tzinfo


def _read(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def _watched(hhmm: str, now: datetime) -> datetime:
    """The first full minute after now at which the clock shows this time, or has just left it out."""
    moment, shown = now.astimezone(UTC).replace(second=0), now.replace(tzinfo=None, second=0)
    while True:
        moment += MINUTE
        due, shown = shown + MINUTE, moment.astimezone(now.tzinfo).replace(tzinfo=None)
        left_out = max(0, (shown - due) // MINUTE)
        if any(_read(shown - minutes * MINUTE) == hhmm for minutes in range(left_out + 1)):
            return moment.astimezone(now.tzinfo)


def test_a_window_may_pass_midnight_and_end_there() -> None:
    morning, evening = datetime(2026, 7, 2, 6, tzinfo=BERLIN), datetime(2026, 7, 2, 22, tzinfo=BERLIN)
    assert inside("22:00-07:00", morning) == (True, datetime(2026, 7, 2, 7, tzinfo=BERLIN))
    assert inside("22:00-07:00", datetime(2026, 7, 2, 7, tzinfo=BERLIN)) == (False, evening)
    assert inside("22:00-07:00", evening) == (True, datetime(2026, 7, 3, 7, tzinfo=BERLIN))
    assert inside("20:00-24:00", evening) == (True, datetime(2026, 7, 3, tzinfo=BERLIN))


def test_a_window_is_open_whenever_the_clock_shows_a_time_in_it() -> None:
    first, again = (datetime(2026, 10, 25, 2, 15, tzinfo=BERLIN, fold=fold) for fold in (0, 1))
    assert inside("02:10-05:00", first) == (True, datetime(2026, 10, 25, 5, tzinfo=BERLIN))
    assert inside("22:00-02:30", again) == (True, datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1))
    assert inside("02:10-05:00", again) == (True, datetime(2026, 10, 25, 5, tzinfo=BERLIN))
    swallowed = inside("02:10-02:20", datetime(2026, 3, 29, 0, tzinfo=BERLIN))
    assert swallowed == (False, datetime(2026, 3, 30, 2, 10, tzinfo=BERLIN)), "in the gap it does not open"


@settings(max_examples=50, deadline=None)
@given(moments(), windows)
@example(datetime(2026, 10, 24, 20, tzinfo=BERLIN), "02:40-02:30")  # the next opens before this one closes for the last time
@example(datetime(2026, 3, 28, 20, tzinfo=BERLIN), "02:40-02:30")
@example(datetime(2011, 12, 29, 23, tzinfo=ZoneInfo("Pacific/Apia")), "22:00-07:00")
def test_nothing_changes_before_the_edge_and_everything_at_it(now: datetime, between: str) -> None:
    start, end = between.split("-")
    within, edge = inside(between, now)
    shown = _read(now)
    if (start <= shown < end) if start < end else (shown >= start or shown < end):
        assert within
    assert edge.timestamp() > now.timestamp()
    assert inside(between, edge)[0] is not within
    for part in (0.01, 0.5, 0.99):
        between_them = datetime.fromtimestamp(now.timestamp() + part * (edge.timestamp() - now.timestamp()), now.tzinfo)
        assert inside(between, between_them) == (within, edge)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=12) | st.from_regex(r"[0-9:\-]{0,11}", fullmatch=True))
def test_what_is_no_time_of_day_is_said_to_be_none(text: str) -> None:
    for read in (next_time, inside):
        try:
            read(text, datetime(2026, 7, 1, tzinfo=UTC))
        except ValueError as error:
            assert "such as" in str(error)


@pytest.mark.parametrize("bad", ["7:30", "07:60", "25:00", "24:01", "07:30\n", "07:3\u0660", "07.30", ""])
def test_a_time_of_day_has_four_digits_and_a_colon(bad: str) -> None:
    with pytest.raises(ValueError, match='it has to be a time of day such as "07:30"'):
        next_time(bad, datetime(2026, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize("bad", ["22:00", "22:00-22:00", "00:00-24:00", "24:00-07:00", "22:00-7:00", "22:00 - 07:00", "22:00-07:00\n"])
def test_a_window_has_two_different_ends(bad: str) -> None:
    with pytest.raises(ValueError, match="with two different times of day"):
        inside(bad, datetime(2026, 7, 1, tzinfo=UTC))


def test_a_moment_without_a_zone_has_no_time_of_day() -> None:
    with pytest.raises(TypeError, match="needs a zone"):
        next_time("07:30", datetime(2026, 7, 1))


@pytest.fixture(params=sorted({zone for zone, _ in CHANGES} - {"Pacific/Apia"}))
def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ZoneInfo]:
    """This process as it would be in that zone."""
    with monkeypatch.context() as there:
        there.setenv("TZ", request.param)
        time.tzset()
        yield ZoneInfo(request.param)
    time.tzset()


def test_this_machines_zone_knows_when_its_clocks_change(here: ZoneInfo) -> None:
    for zone, change in CHANGES:
        if zone != here.key:
            continue
        for minutes in range(-48 * 60, 48 * 60, 10):
            ours, theirs = (datetime.fromtimestamp(change.timestamp() + 60 * minutes, at) for at in (LOCAL, here))
            assert (str(ours), ours.fold, ours.tzname()) == (str(theirs), theirs.fold, theirs.tzname())
            assert ours.timestamp() == theirs.timestamp()
        for hhmm in ("00:00", "00:30", "02:00", "02:30", "23:30"):
            for hours in range(-30, 6, 3):
                ours, theirs = (datetime.fromtimestamp(change.timestamp() + 3600 * hours, at) for at in (LOCAL, here))
                assert str(next_time(hhmm, ours)) == str(next_time(hhmm, theirs))
