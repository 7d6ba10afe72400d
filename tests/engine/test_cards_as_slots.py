"""A slot for each card: real nights on two of `tests.cards`' stand-ins, whose trainings say which card they were shown."""

from __future__ import annotations

import fcntl
import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.engine.cardlock import FOLDER
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.telemetry.owners import Seen
from tests.cards import GB, Card, OnCard, write
from tests.engine.nights import TRAIN, check_whole, engine, journal_of, make_checkout, state

pytestmark = pytest.mark.needs("gcc")

SHOWS = 'print("it sees", os.environ.get("CUDA_VISIBLE_DEVICES"))\n'
CLASS = "NVIDIA GeForce RTX 4090 450 W, driver 570.86.15"


@pytest.fixture
def cards(tmp_path: Path) -> tuple[Card, Card]:
    """Of this test alone: another one would wait in line for them."""
    first, second = (f"GPU-{uuid.uuid5(uuid.NAMESPACE_URL, f'{tmp_path} {place}')}" for place in range(2))
    return Card(first, used=GB), Card(second, used=2 * GB)


@pytest.fixture
def lab(tmp_path: Path, cards: tuple[Card, Card]) -> Path:
    write(tmp_path / "scenario", *cards, driver="570.86.15")
    lab = make_checkout(tmp_path / "lab", TRAIN + SHOWS)
    (lab / ".git" / "info" / "exclude").write_text("autoresearch.toml\n")
    (lab / "autoresearch.toml").write_text('[sandbox]\nkind = "off"\n')
    return lab


def beside(lab: Path) -> tuple[str, ...]:
    return ("-m", "tests.cards", "--scenario", str(lab.with_name("scenario")), "--", sys.executable)


def night(lab: Path, *asked: str, code: int = 0, seconds: float = 0.2) -> str:
    words = ("run", "--tag", "night", "--researcher", "sweep", *asked)
    with engine(lab, *words, seconds=seconds, wrapped=(*beside(lab), "-m", "autoresearch_tui")) as running:
        said, _ = running.communicate(timeout=60)
    assert running.returncode == code, said
    return said


def saw(lab: Path, run: Run) -> dict[str, set[str]]:
    """By slot, which cards its trainings were shown."""
    shown: dict[str, set[str]] = {}
    for one in run.experiments.values():
        for trial in one.trials:
            log = (lab / ".autoresearch" / "night" / "logs" / f"{one.number:04}-{trial.number}.log").read_text()
            shown.setdefault(trial.slot, set()).add(log.partition("it sees ")[2].split()[0])
    return shown


def samples(lab: Path) -> list[Seen]:
    with Journal(journal_of(lab)) as journal:
        return [msgspec.json.decode(body, type=Seen) for _, _, body in journal.samples()]


def test_each_slot_trains_on_its_card_and_watches_that_one_alone(lab: Path, cards: tuple[Card, Card]) -> None:
    night(lab, "--slots", "2", "--experiments", "3", seconds=0.7)
    run, (first, second) = check_whole(lab), cards
    assert [(slot.name, slot.card, slot.device) for slot in run.slots] == [("gpu0", first.uuid, CLASS), ("gpu1", second.uuid, CLASS)]
    assert saw(lab, run) == {"gpu0": {first.uuid}, "gpu1": {second.uuid}}
    assert {trial.device for one in run.experiments.values() for trial in one.trials} == {CLASS}
    assert run.key["device"] == "NVIDIA GeForce RTX 4090", "another driver is another class, and the same run"
    assert {(seen.card.uuid, seen.card.memory_used) for seen in samples(lab)} == {(first.uuid, GB), (second.uuid, 2 * GB)}


@pytest.mark.slow
def test_one_slot_is_told_nothing_and_says_its_class_all_the_same(lab: Path, cards: tuple[Card, Card]) -> None:
    night(lab, "--experiments", "1")
    run = check_whole(lab)
    assert run.slots == () and run.experiments[0].trials[0].device == CLASS
    assert saw(lab, run) == {"": {"None"}}
    assert {seen.card.uuid for seen in samples(lab)} == {cards[0].uuid}


@pytest.mark.slow
def test_a_person_names_the_cards_and_their_order(lab: Path, cards: tuple[Card, Card]) -> None:
    night(lab, "--slots", "2", "--experiments", "2", "--gpu", "1,0")
    assert [(slot.name, slot.card) for slot in state(lab).slots] == [("gpu1", cards[1].uuid), ("gpu0", cards[0].uuid)]


@pytest.mark.parametrize(
    ("hidden", "there"),
    [
        ({}, "there are 2, 0 (NVIDIA GeForce RTX 4090), 1 (NVIDIA GeForce RTX 4090): `--slots 2` takes all"),
        ({"CUDA_VISIBLE_DEVICES": "1"}, "there is one, 1 (NVIDIA GeForce RTX 4090): `--slots 1` takes all"),
        ({"SLURM_JOB_ID": "4711", "SLURM_JOB_END_TIME": "2000000000", "SLURM_GPUS_ON_NODE": "1"}, "there is one, 0 ("),
    ],
)
@pytest.mark.slow
def test_more_slots_than_cards_begin_no_run(lab: Path, monkeypatch: pytest.MonkeyPatch, hidden: dict[str, str], there: str) -> None:
    for name, value in hidden.items():
        monkeypatch.setenv(name, value)
    said = night(lab, "--slots", "3", code=1)
    assert said.startswith("autoresearch-tui: 3 slots want a card each, and ") and there in said
    assert not list((lab / ".autoresearch").glob("*/journal.sqlite"))


@pytest.mark.slow
def test_slices_of_a_card_are_cards(lab: Path, cards: tuple[Card, Card]) -> None:
    names = [f"MIG-{card.uuid.removeprefix('GPU-')}" for card in cards]
    slices = tuple(Card(name, "NVIDIA H200 MIG 3g.71gb", used=GB, limit=None, energy=None) for name in names)
    whole = msgspec.structs.replace(cards[0], name="NVIDIA H200", limit=700_000, slices=slices)
    write(lab.with_name("scenario"), whole)
    night(lab, "--slots", "2", "--experiments", "3", seconds=1.5)
    run = check_whole(lab)
    assert [(slot.name, slot.card, slot.device) for slot in run.slots] == [
        (f"gpu{place}", name, "NVIDIA H200 MIG 3g.71gb 700 W") for place, name in enumerate(names)
    ]
    assert saw(lab, run) == {"gpu0": {names[0]}, "gpu1": {names[1]}}
    assert [trial.kwh for one in run.experiments.values() for trial in one.trials if trial.kwh is not None] == []


@pytest.mark.slow
def test_a_card_that_another_run_has_is_left_to_it_and_the_other_trains(lab: Path, cards: tuple[Card, Card]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with (FOLDER / cards[0].uuid).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        night(lab, "--slots", "2", "--experiments", "2")
    assert set(saw(lab, check_whole(lab))) == {"gpu1"}


@pytest.mark.slow
def test_another_driver_is_another_class_and_the_run_goes_on(lab: Path, cards: tuple[Card, Card]) -> None:
    night(lab, "--slots", "2", "--experiments", "2")
    write(lab.with_name("scenario"), *cards, driver="580.10")
    night(lab, "--slots", "2", "--experiments", "4")
    run = check_whole(lab)
    assert run.devices == (CLASS, CLASS.replace("570.86.15", "580.10"))
    again = [trial.device for number in run.trunk for trial in run.experiments[number].trials if trial.purpose == "device"]
    assert again == [run.devices[1]], "the trunk is trained there too before anything is compared with it"


WATCHED = """
import asyncio, json, sys, time
from autoresearch_tui.engine.conditions import Conditions

async def main():
    slots = [Conditions(lambda *rows: None, which=which) for which in sys.argv[1:]]
    began = time.monotonic()
    await asyncio.gather(*(one.begin() for one in slots))
    seconds = time.monotonic() - began
    for one in slots:
        one.look()
    print(json.dumps([seconds, *(one.holds_model for one in slots)]))
    for one in slots:
        one.end()

asyncio.run(main())
"""


@pytest.fixture
def server() -> Iterator[int]:
    """A process that is called as a model's server."""
    with subprocess.Popen(["ollama", "600"], executable="/bin/sleep") as sleeping:
        yield sleeping.pid
        sleeping.kill()


def test_the_card_that_holds_the_model_is_known_and_two_are_met_as_fast_as_one(lab: Path, cards: tuple[Card, Card], server: int) -> None:
    first, second = (msgspec.structs.replace(card, blocks={"nvmlDeviceGetMemoryInfo": 0.6}) for card in cards)
    with_model = msgspec.structs.replace(second, processes=(OnCard(server, 5 * GB),))
    silent = msgspec.structs.replace(first, uuid=f"{first.uuid}-silent", processes=(OnCard(2**30, GB),))
    write(lab.with_name("scenario"), first, with_model, silent)
    words = [sys.executable, *beside(lab), "-c", WATCHED, first.uuid, second.uuid, silent.uuid]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    seconds, *held = json.loads(done.stdout)
    assert held == [False, True, None], "of whom nobody here has the name, nobody knows what it is"
    assert seconds < 1.7, "one after the other they would take 1.8"
