"""Whole nights of a local model and a training on one card: nothing is inferred while a trial's clock runs, and what was unloaded is proved
to be gone before the launch.

The card is `tests.cards`' stand-in, which the engine's own process reads through the real bindings; the model's server is a stand-in
too, which writes down when it computed. What the two have to do with each other is this file's: a model that is loaded takes memory of
the card, and gives it back a moment after its server says that it did.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from tests.cards import GB, Card, OnCard, write
from tests.engine.models import turning
from tests.engine.nights import check_whole, engine, journal_of, make_checkout
from tests.servers.ollama import Ollama
from tests.servers.ollama_shapes import Model
from tests.servers.wire import serving

pytestmark = pytest.mark.needs("gcc")

MODEL = Model("qwen3:8b", size=5 * GB, load_s=0.05, tokens_per_s=100.0)  # a reply takes as long as a trial: beside one it would show
LATE_S = 0.3  # a driver tidies up after a process has ended
TRAINS_S = 0.3


class CardOfTheNight:
    """What is on the card: a desktop, and the model while it is loaded."""

    def __init__(self, scenario: Path, card: Card, server: int) -> None:
        self.scenario = scenario
        self.card = card
        self.server = server
        """The process that holds the model."""
        self.gone_at: list[float] = []
        """When the driver let go of a model's memory."""
        self.show(0)

    def show(self, size: int) -> None:
        there = (OnCard(900, self.card.used, draws=True), *((OnCard(self.server, size),) if size else ()))
        write(self.scenario, msgspec.structs.replace(self.card, used=self.card.used + size, processes=there))
        if not size:
            self.gone_at.append(time.time())

    def hear(self, size: int) -> None:
        if size:
            self.show(size)
        else:
            threading.Timer(LATE_S, self.show, (0,)).start()


class Night(msgspec.Struct):
    """What came of it."""

    run: Run
    facts: list[Recorded]
    ollama: Ollama
    card: CardOfTheNight

    def all(self, kind: type[e.Event]) -> list[Recorded]:
        return [fact for fact in self.facts if isinstance(fact.event, kind)]

    def windows(self) -> Iterator[tuple[float, float]]:
        """From each launch to the end of that trial."""
        return zip((fact.at for fact in self.all(e.Launched)), (fact.at for fact in self.all(e.Ended)), strict=True)


@pytest.fixture
def server() -> Iterator[int]:
    """The process of a model's server, by its name."""
    with subprocess.Popen(["ollama", "600"], executable=shutil.which("sleep")) as sleeping:
        yield sleeping.pid
        sleeping.kill()


def night(folder: Path, server: int, sharing: str, total: float, experiments: int = 3) -> Night:
    mark = f"mark={folder.name}"
    its_own = f"GPU-{uuid.uuid5(uuid.NAMESPACE_URL, mark)}"  # or nights that go on beside it would wait in line for one card
    card = CardOfTheNight(folder / "scenario", Card(its_own, total=round(total * GB), whose={mark: 2 * GB}), server)
    ollama = Ollama(turning(), [MODEL])
    ollama.record.heard = card.hear
    lab = make_checkout(folder / "lab")
    (lab / ".git" / "info" / "exclude").write_text("autoresearch.toml\n")
    with serving(ollama.answer) as listening:
        settings = f'[gpu]\nsharing = "{sharing}"\n[ollama]\naddress = "{listening.address}"\n'
        (lab / "autoresearch.toml").write_text(settings + f'[experiment]\ntrain = ["python3", "train.py", "{mark}"]\n')
        beside = ("-m", "tests.cards", "--scenario", str(card.scenario), "--", sys.executable, "-m", "autoresearch_tui")
        asked = ("run", "--tag", "night", "--researcher", f"ollama:{MODEL.name}", "--experiments", str(experiments))
        running = engine(lab, *asked, seconds=TRAINS_S, wrapped=beside)
        said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    run = check_whole(lab)
    with Journal(journal_of(lab)) as journal:
        return Night(run, list(journal.events()), ollama, card)


@pytest.mark.slow
def test_in_swap_nothing_is_inferred_in_a_timed_window_and_the_unload_is_proved_before_the_launch(tmp_path: Path, server: int) -> None:
    swap = night(tmp_path, server, "swap", 24)
    assert len(swap.ollama.record.inferences) >= 2
    assert_nothing_was_inferred_meanwhile(swap)
    for began, ended in swap.windows():
        assert not [move for move in swap.ollama.record.moves if began <= move.at <= ended], "the model stays where it is"
    unloads = [move.at for move in swap.ollama.record.moves if not move.loaded]
    proofs = [fact for fact in swap.all(e.Unloaded) if isinstance(fact.event, e.Unloaded) and fact.event.freed_gb > 1]
    assert len(unloads) == len(proofs) >= 2
    launches = [fact.at for fact in swap.all(e.Launched)]
    for unload, proof, gone in zip(unloads, proofs, swap.card.gone_at[1:], strict=True):
        assert unload < gone < proof.at < min(launch for launch in launches if launch > unload), "proved by the driver, then launched"
        assert isinstance(proof.event, e.Unloaded)
        assert proof.event.freed_gb == pytest.approx(MODEL.size / 2**30, abs=0.01)
        assert proof.event.seconds >= LATE_S
    assert swap.run.sharing is not None and swap.run.sharing.mode == "swap"
    assert swap.run.sharing.why.startswith("swap: asked for")


@pytest.mark.slow
def test_in_share_the_model_stays_and_nothing_is_inferred_in_a_timed_window(tmp_path: Path, server: int) -> None:
    share = night(tmp_path, server, "auto", 24)
    assert len(share.ollama.record.inferences) >= 2
    assert_nothing_was_inferred_meanwhile(share)
    assert [move.loaded for move in share.ollama.record.moves][:1] == [True]
    assert share.run.sharing is not None and share.run.sharing.mode == "share"
    assert share.run.sharing.why.startswith("share: LLM 4.7 GB")
    assert "fit the card's 22.4 GB" in share.run.sharing.why


@pytest.mark.slow
def test_a_card_too_small_for_both_is_used_in_turn_by_itself(tmp_path: Path, server: int) -> None:
    swap = night(tmp_path, server, "auto", 5.4, experiments=2)
    assert_nothing_was_inferred_meanwhile(swap)
    assert swap.run.sharing is not None and swap.run.sharing.mode == "swap"
    assert len(swap.all(e.Unloaded)) >= 1


def assert_nothing_was_inferred_meanwhile(night: Night) -> None:
    for began, ended in night.windows():
        assert not [span for span in night.ollama.record.inferences if span.touches(began, ended)], "the budget is a wall clock's"
