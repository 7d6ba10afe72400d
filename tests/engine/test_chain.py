"""When a researcher that cannot answer is asked again, and who speaks meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from autoresearch_tui.engine.chain import FIRST_S, LONGEST_S, Chain, again
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.researchers.openai import OpenAI
from autoresearch_tui.researchers.sweep import Sweep
from tests.journal.runs import numbered
from tests.servers import openai
from tests.servers.wire import serving

NOBODY = "http://127.0.0.1:9/v1"


def failed(times: int) -> Run:
    return fold(numbered([e.ResearcherDown("openai:toy", "no answer", 0.0)] * times))


@pytest.mark.parametrize(
    ("times", "least", "seconds"),
    [(0, 0.0, FIRST_S), (1, 0.0, 2 * FIRST_S), (3, 0.0, 8 * FIRST_S), (100, 0.0, LONGEST_S), (0, 40.0, 40.0), (100, 1.0, LONGEST_S)],
    ids=["once", "twice", "four times", "all night", "it asked for forty seconds", "it asks for less than it takes"],
)
def test_it_is_looked_for_later_each_time_and_not_before_it_asked_for_itself(times: int, least: float, seconds: float) -> None:
    assert again(failed(times), "openai:toy", least) - time.time() == pytest.approx(seconds, abs=0.5)


def test_the_first_that_can_answer_speaks() -> None:
    chain = Chain([OpenAI("toy", NOBODY), Sweep()])
    assert chain.speaker(Run()) is chain.first
    assert chain.speaker(failed(1)) is chain.researchers[1]
    everybody = fold(numbered([e.ResearcherDown(name, "no answer") for name in chain.names]))
    assert chain.speaker(everybody) is None


def looked(run: Run, address: str) -> list[e.Event]:
    facts: list[e.Event] = []
    asyncio.run(Chain([OpenAI("toy", address), Sweep()]).look(lambda: run, facts.append))
    return facts


def test_one_that_is_back_is_seen_and_one_that_is_not_is_left_alone_for_longer() -> None:
    with serving(openai.OpenAI().answer) as wire:
        assert looked(failed(1), wire.address) == [e.ResearcherUp("openai:toy")]
    still = looked(failed(3), NOBODY)
    assert isinstance(still[0], e.ResearcherDown) and still[0].until is not None
    assert still[0].until - time.time() == pytest.approx(8 * FIRST_S, abs=0.5)


def test_nobody_is_asked_before_its_time_and_none_that_was_given_up() -> None:
    later = fold(numbered([e.ResearcherDown("openai:toy", "no answer", time.time() + 60)]))
    given_up = fold(numbered([e.ResearcherDown("openai:toy", "it declined ten requests in a row", for_good=True)]))
    assert looked(later, NOBODY) == looked(given_up, NOBODY) == []
