"""A session without a card: its processor is kept in the journal for whoever looks, and decides nothing."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import pytest

from autoresearch_tui.engine.conditions import Conditions, Neighbours
from autoresearch_tui.telemetry.owners import Seen

pytestmark = pytest.mark.needs("proc")

HOLD = """
import sys, time
size = int(sys.argv[1])
kept = bytearray(size << 20)
kept[::4096] = b"x" * (size << 8)
print(flush=True)
time.sleep(60)
"""
MB = 2**20


@contextmanager
def holding(size: int, called: str = sys.executable) -> Iterator[subprocess.Popen[bytes]]:
    """A process with so many megabytes, by this name."""
    words = [called, "-S", "-c", HOLD, str(size)]
    with subprocess.Popen(words, executable=sys.executable, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


async def watch(conditions: Conditions, kept: list[Seen], trial: int | None = None) -> Seen:
    """What is seen of a trial below this process, or below another one."""
    await conditions.begin()
    conditions.launched(trial or os.getpid())
    return await look(conditions, kept)


async def look(conditions: Conditions, kept: list[Seen], looks: int = 3) -> Seen:
    """The last of some looks."""
    seen = len(kept) + looks
    while len(kept) < seen:
        conditions.hurry()
        await asyncio.sleep(0.01)
        conditions.look()
    return kept[-1]


@pytest.fixture
def kept() -> list[Seen]:
    return []


@pytest.fixture
def conditions(kept: list[Seen]) -> Iterator[Conditions]:
    watched = Conditions(lambda *rows: kept.extend(msgspec.json.decode(body, type=Seen) for _, body in rows), trains_on_card=False)
    yield watched
    watched.end()


def test_the_memory_of_the_trial_is_the_training_s_and_a_server_s_is_the_model_s(conditions: Conditions, kept: list[Seen]) -> None:
    with holding(60), holding(30, "ollama"):
        seen = asyncio.run(watch(conditions, kept))
    assert seen.card.name.startswith("CPU x") and seen.card.source == "cpu"
    assert seen.owned.training is not None and seen.owned.training > 60 * MB
    assert seen.owned.llm is not None and 30 * MB <= seen.owned.llm < 60 * MB
    assert seen.card.memory_total == sum(part or 0 for part in (seen.owned.llm, seen.owned.training, seen.owned.others, seen.owned.free))


def test_slots_on_one_machine_keep_it_once_and_what_each_of_them_trains_is_training(kept: list[Seen]) -> None:
    def keep(*rows: tuple[float, str]) -> None:
        kept.extend(msgspec.json.decode(body, type=Seen) for _, body in rows)

    neighbours, others = Neighbours(), list[tuple[float, str]]()
    first = Conditions(keep, trains_on_card=False, cores=(0,), neighbours=neighbours)
    second = Conditions(lambda *rows: others.extend(rows), trains_on_card=False, cores=(1,), neighbours=neighbours)

    async def through() -> tuple[Seen, Seen]:
        await first.begin()
        began = time.monotonic()
        await second.begin()
        assert time.monotonic() - began < 1, "it waits for no word of its own"
        second.launched(os.getpid())
        second.look()
        during = await look(first, kept)
        second.ended()
        return during, await look(first, kept)

    with holding(60):
        during, after = asyncio.run(through())
    first.end()
    second.end()
    assert during.owned.training is not None and during.owned.training > 60 * MB
    assert after.owned.training == 0 and not others


def test_a_server_that_nobody_here_started_is_found_too(conditions: Conditions, kept: list[Seen]) -> None:
    with holding(10) as trial, holding(30, "ollama"):
        seen = asyncio.run(watch(conditions, kept, trial.pid))
    assert seen.owned.training == 0 and seen.owned.llm is not None and seen.owned.llm >= 30 * MB


def test_what_a_server_says_to_have_on_a_card_is_not_in_the_machine_s_memory(conditions: Conditions, kept: list[Seen]) -> None:
    conditions.llm_said = 5 * 2**30
    assert not asyncio.run(watch(conditions, kept)).owned.llm


def test_nothing_is_judged_by_it(conditions: Conditions, kept: list[Seen]) -> None:
    with holding(60):
        assert asyncio.run(watch(conditions, kept)).owned.training
        assert (conditions.card, conditions.fault, conditions.stranger) == (None, "", "")
        assert (conditions.others_memory, conditions.peak, conditions.ours) == (0, None, None)
        assert conditions.ended() == (None, None), "no card, no energy, and too short to tell of the cores"


def test_after_the_trial_nothing_is_the_training_s(conditions: Conditions, kept: list[Seen]) -> None:
    async def through() -> Seen:
        await watch(conditions, kept)
        conditions.ended()
        return await look(conditions, kept)

    with holding(60):
        assert asyncio.run(through()).owned.training == 0
