"""A contest goes on on the class of device that it began on, and on no other."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import cast

import pytest

from autoresearch_tui.contest import places
from autoresearch_tui.contest.places import first_of
from autoresearch_tui.engine import opening
from autoresearch_tui.engine.executors.devices import Device
from autoresearch_tui.journal import events as e
from autoresearch_tui.sections import GPU, Settings
from autoresearch_tui.verbs.contesting import _devices
from autoresearch_tui.verbs.shared import Failed
from autoresearch_tui.workspace import Workspace
from tests.contest.games import trained_again
from tests.engine.histories import History

CARD = "NVIDIA H200 700 W, driver 570.86.15, torch 2.7.0"


@pytest.mark.parametrize(
    ("began", "now"),
    [
        (CARD, CARD.replace("700 W", "600 W")),
        (CARD, CARD.replace("570.86", "580.65")),
        (CARD, CARD.replace("torch 2.7.0", "torch 2.8.0")),
        ("cpu AMD EPYC x4", "cpu AMD EPYC x2"),
    ],
)
def test_a_contest_does_not_go_on_on_another_class_of_device(monkeypatch: pytest.MonkeyPatch, began: str, now: str) -> None:
    with pytest.raises(Failed) as raised:
        found(monkeypatch, began, now)
    assert f"was begun on slots of {began}, and these are {now}: take as many as then, with the same driver" in str(raised.value)


@pytest.mark.parametrize(("began", "now"), [(CARD, CARD), ("", CARD), (CARD, "")])
def test_it_goes_on_on_the_same_and_where_nobody_knows(monkeypatch: pytest.MonkeyPatch, began: str, now: str) -> None:
    assert found(monkeypatch, began, now)[0].about.device == now


def test_the_class_is_that_of_the_card_that_a_person_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, CARD, CARD, card="1")[0].about.device == CARD


def found(monkeypatch: pytest.MonkeyPatch, began: str, now: str, card: str = "") -> list[Device]:
    """The slots of a machine of this class, once its card is taken, for a contest whose baseline was trained on that one."""
    history = History()
    history.begin()
    history.add(e.Proposed(0))
    history.add(e.Committed(0, "c0"))
    trained_again(history, 0, 1.0, began)
    taken: list[str] = []
    machine = import_module("autoresearch_tui.engine.executors.devices")
    monkeypatch.setattr(places, "state", lambda _: history.run)
    monkeypatch.setattr(opening, "take_card", taken.append)
    monkeypatch.setattr(machine, "devices", lambda *_: [Device(e.Slot("", now if taken == [card] else "the first card"))])
    return cast(list[Device], _devices(cast(Workspace, None), Settings(gpu=GPU(card=card)), first_of(Path("home"))))
