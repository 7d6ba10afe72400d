"""What a run costs, for each experiment and each gain that is sure."""

from __future__ import annotations

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.money import spending
from autoresearch_tui.journal.state import Run
from tests.journal.runs import numbered

ENGINE = e.EngineStarted(1, 1, "boot", "1", "gpt", rates=e.Rates(2.0, 0.5, "EUR"))


def trained(number: int, value: float, verdict: str = "discard") -> tuple[e.Event, ...]:
    return (
        e.Proposed(number, parent=0 if number else None),
        e.Committed(number, f"c{number}"),
        e.Launched(number, 1, 42, 1, 1, "boot"),
        e.Ended(number, 1, "finished", seconds=900.0),
        e.Measured(number, 1, value),
        e.Judged(number, verdict, "because", number if verdict == "keep" else 0),
    )


def spent(*facts: e.Event) -> Run:
    return fold(numbered([e.RunStarted("night", "c0", sigma=0.001), ENGINE, *facts]))


def test_tokens_and_hours_are_shared_by_experiments_and_by_sure_gains() -> None:
    reply = (e.Drafting("d1", "tune", 0, "gpt"), e.Asked("d1", "gpt"), e.Replied("d1", 1.0, 100, 10, 0.5))
    found = spending(spent(*trained(0, 1.0, "keep"), *reply, *trained(1, 0.9, "keep"), *trained(2, 0.9999, "keep"), *trained(3, 1.1)))
    assert (found.researchers, found.gpu_hours, found.gpu, found.currency) == (0.5, 1.0, 2.0, "EUR")
    assert found.shared(found.experiments) == {"USD": 0.125, "EUR": 0.5}
    assert found.sure_gains == 1
    assert found.shared(found.sure_gains) == {"USD": 0.5, "EUR": 2.0}


def test_dollars_are_added_to_dollars() -> None:
    engine = e.EngineStarted(1, 1, "boot", "1", "gpt", rates=e.Rates(4.0))
    reply = (e.Drafting("d1", "tune", 0, "gpt"), e.Spent("d1", "gpt", 10, 1, 0.25))
    found = spending(fold(numbered([engine, *trained(0, 1.0, "keep"), *reply])))
    assert found.shared(1) == {"USD": 1.25}


def test_nothing_is_shared_among_none() -> None:
    assert spending(Run()).shared(0) is None
    assert spending(Run()).sure_gains == 0


@pytest.mark.parametrize("fact", [e.Replied("d1", 1.0, 100, 10, None), e.Spent("d1", "gpt", 100)], ids=["a reply", "one that broke off"])
def test_what_nobody_priced_is_said_to_be_so(fact: e.Event) -> None:
    assert spending(spent(e.Drafting("d1", "tune", 0, "gpt"), fact)).unpriced == 1


def test_energy_is_paid_for_as_far_as_the_card_says_what_it_took() -> None:
    launched = (e.Launched(0, 2, 42, 1, 1, "boot"), e.Ended(0, 2, "finished", seconds=900.0, kwh=0.2))
    found = spending(spent(*trained(0, 1.0, "keep"), *launched))
    assert (found.gpu_hours, found.kwh) == (0.5, 0.2)
    assert found.gpu == pytest.approx(0.5 * 2.0 + 0.2 * 0.5)
    assert spending(spent(*trained(0, 1.0, "keep"))).kwh is None
