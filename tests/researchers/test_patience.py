"""A server is waited for so long and no longer, and whatever ends the waiting ends the request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from email.utils import formatdate

import pytest

from autoresearch_tui.researchers import Part, ResearcherDown
from autoresearch_tui.researchers.patience import Patience, asked_to_wait, patiently

SHORT = Patience(first=0.3, gap=0.1, whole=30.0)
BRIEF = Patience(first=5.0, gap=5.0, whole=0.2)


class Server:
    """Says a word after each of these waits, and remembers whether it was let go."""

    def __init__(self, *waits: float, error: Exception | None = None) -> None:
        self.waits = waits
        self.error = error
        self.let_go = False

    async def parts(self) -> AsyncGenerator[Part, None]:
        try:
            for wait in self.waits:
                await asyncio.sleep(wait)
                yield Part("text", "word ")
            if self.error:
                raise self.error
        finally:
            self.let_go = True


async def heard(server: Server, patience: Patience = SHORT) -> str:
    return "".join([part.text async for part in patiently("it", server.parts(), patience)])


def test_a_server_that_is_quick_enough_is_heard_to_its_end() -> None:
    server = Server(0.02, 0.01, 0.0)
    assert asyncio.run(heard(server)) == "word word word "
    assert server.let_go


@pytest.mark.parametrize(
    ("waits", "patience", "sentence"),
    [
        ((5.0,), SHORT, "it said nothing for 0.3 s before its first word: the request was ended."),
        ((0.0, 5.0), SHORT, "it said nothing for 0.1 s in the middle of a reply: the request was ended."),
        ((0.05,) * 100, BRIEF, "it talked for 0.2 s: the request was ended."),
    ],
    ids=["no first word", "silent midway", "endless"],
)
def test_too_long_a_wait_ends_the_request_and_says_which(waits: tuple[float, ...], patience: Patience, sentence: str) -> None:
    server = Server(*waits)
    began = time.monotonic()
    with pytest.raises(ResearcherDown) as down:
        asyncio.run(heard(server, patience))
    assert str(down.value) == sentence
    assert not down.value.for_good
    assert server.let_go
    assert time.monotonic() - began < 3.0


def test_the_first_word_may_take_longer_than_the_later_ones() -> None:
    assert asyncio.run(heard(Server(0.15, 0.0))) == "word word "


def test_a_timeout_of_the_network_is_not_taken_for_impatience() -> None:
    with pytest.raises(TimeoutError, match="the network"):
        asyncio.run(heard(Server(0.0, error=TimeoutError("the network"))))


def test_who_closes_it_early_lets_the_server_go_at_once() -> None:
    server = Server(0.0, 5.0)

    async def close_early() -> None:
        parts = patiently("it", server.parts(), Patience())
        assert (await anext(parts)).text == "word "
        await parts.aclose()
        assert server.let_go

    asyncio.run(close_early())


def test_who_is_cancelled_while_waiting_lets_the_server_go_at_once() -> None:
    server = Server(5.0)

    async def cancel() -> None:
        task = asyncio.create_task(heard(server, Patience()))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.let_go

    asyncio.run(cancel())


def test_a_wait_is_asked_for_in_seconds_or_until_a_date() -> None:
    assert asked_to_wait("7") == 7.0
    assert asked_to_wait("0.5") == 0.5
    assert asked_to_wait("-3") == 0.0
    until = asked_to_wait(formatdate(time.time() + 60, usegmt=True))
    assert until is not None and 55 < until <= 60
    assert asked_to_wait(formatdate(time.time() - 60, usegmt=True)) == 0.0


@pytest.mark.parametrize("unit", [1, 1000])
def test_a_wait_may_be_a_time_since_1970_in_seconds_or_milliseconds(unit: int) -> None:
    until = asked_to_wait(str((time.time() + 60) * unit))
    assert until is not None and 55 < until <= 60


def test_nobody_is_waited_for_longer_than_a_day() -> None:
    assert asked_to_wait("1e8") == 86_400.0


@pytest.mark.parametrize("nothing", [None, "", "soon", "nan", "inf", "Mon, 99 Foo 2026"])
def test_what_cannot_be_read_asks_for_no_wait(nothing: str | None) -> None:
    assert asked_to_wait(nothing) is None
