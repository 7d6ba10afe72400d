"""Nights on a Ray cluster of three nodes: two and three trials at a time, and nodes that die and join in the middle."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.workspace import commit_all
from tests.engine.clusters import Nodes
from tests.engine.nights import check_whole, engine, journal_of, make_checkout, state, tui, wait_for

pytestmark = pytest.mark.slow
NIGHT = ("run", "--tag", "night", "--researcher", "sweep", "--executor", "ray")


def test_without_a_cluster_a_sentence_says_how_one_is_started(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    said = tui(lab, *NIGHT, code=1, RAY_ADDRESS="")
    assert "no Ray cluster can be used on this machine" in said and "ray start --head" in said
    assert len(said.strip().splitlines()) == 1
    assert not list(lab.glob(".autoresearch/*/journal.sqlite")), "nothing is begun"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nodes]:
    with Nodes(tmp_path_factory.mktemp("nodes")) as cluster:
        yield cluster


@pytest.fixture
def lab(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    monkeypatch.setenv("AUTORESEARCH_DEVICE", "cpu")
    folder = make_checkout(tmp_path / "lab")
    # How long it trains is said in the file: what stands in the environment here is not the nodes'.
    train = (folder / "train.py").read_text().replace('float(os.environ.get("TORCH_STUB_SECONDS", "0"))', "3.0")
    (folder / "train.py").write_text(train)
    subprocess.run(["git", "commit", "-qam", "It takes its time"], cwd=folder, check=True)
    return folder


def begun(lab: Path, *arguments: str) -> subprocess.Popen[str]:
    return engine(lab, *NIGHT, *arguments)


def under_way(lab: Path) -> list[Trial]:
    return [trial for one in state(lab).experiments.values() for trial in one.trials if not trial.outcome]


def facts(lab: Path) -> list[e.Event]:
    with Journal(journal_of(lab)) as journal:
        return [recorded.event for recorded in journal.events()]


def of_workers(caches: Path) -> list[str]:
    """Processes of workers and trials of these nodes, by what they run or the token that they carry."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment, line = (entry / "environ").read_bytes(), (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if f"XDG_CACHE_HOME={caches}".encode() in environment and b"executors.worker" in line:
                found.append(line.replace(b"\0", b" ").decode())
            if f"AUTORESEARCH_TOKEN={caches}".encode() in environment:
                found.append(line.replace(b"\0", b" ").decode())
    return found


def rooms(caches: Path) -> set[Path]:
    """Folders of slots, with whatever is in them."""
    return set(caches.glob("cache*/autoresearch-tui/nodes/runs/*/gpu*"))


def test_a_node_dies_in_the_middle_and_one_joins_and_nothing_is_lost(lab: Path, nodes: Nodes) -> None:
    night = begun(lab, "--experiments", "9")
    wait_for(lambda: len(under_way(lab)) >= 2, 90)
    one = under_way(lab)[0]
    lost = next(cache for cache in nodes.caches.iterdir() if any(str(cache) in line for line in _lines_of_trials(cache)))
    nodes.kill(lost)
    wait_for(lambda: any(trial.outcome == "interrupted" for some in state(lab).experiments.values() for trial in some.trials), 60)
    nodes.add()
    printed, _ = night.communicate(timeout=120)
    assert night.returncode == 0, printed
    run = check_whole(lab)
    assert len(run.experiments) == 9
    assert not [some for some in run.experiments.values() if some.verdict == "crash"], "no crash row"
    interrupted = [(some, trial) for some in run.experiments.values() for trial in some.trials if trial.outcome == "interrupted"]
    for some, trial in interrupted:
        assert trial.why.endswith("was lost")
        assert some.trials[trial.number].slot != trial.slot, "it ran again elsewhere"
    assert interrupted and one.slot
    assert len({trial.slot for some in run.experiments.values() for trial in some.trials}) >= 3
    equipped = [fact for fact in facts(lab) if isinstance(fact, e.Equipped)]
    assert any("was lost" in fact.why for fact in equipped) and any("joined" in fact.why for fact in equipped)
    wait_for(lambda: not of_workers(nodes.caches), 30)


def _lines_of_trials(cache: Path) -> list[str]:
    """Where trials of this node are."""
    return [str(path) for path in cache.glob("autoresearch-tui/nodes/runs/*/*/lab-*/night/trials/*-1")]


def test_an_engine_that_is_killed_leaves_nothing_on_the_nodes_and_the_next_one_goes_on(lab: Path, nodes: Nodes) -> None:
    before = rooms(nodes.caches)
    night = begun(lab, "--experiments", "5", "--slots", "2")
    wait_for(lambda: len(under_way(lab)) == 2, 90)
    night.send_signal(signal.SIGKILL)
    night.communicate()
    wait_for(lambda: not of_workers(nodes.caches), 30)
    assert rooms(nodes.caches) == before
    printed = tui(lab, *NIGHT, "--experiments", "5", "--slots", "2")
    run = check_whole(lab)
    assert len(run.experiments) == 5, printed
    assert any(trial.why.startswith("the engine died") for some in run.experiments.values() for trial in some.trials)
    assert not [some for some in run.experiments.values() if some.verdict == "crash"]
    wait_for(lambda: not of_workers(nodes.caches), 30)


def test_the_data_travels_and_the_checkpoint_comes_home(
    workspace: Path, nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", nodes.address)
    monkeypatch.setenv("AUTORESEARCH_DEVICE", "cpu")
    monkeypatch.setenv("AUTORESEARCH_STEPS", "6")
    lab = tmp_path / "lab"
    shutil.copytree(workspace, lab)
    commit_all(lab)
    before = rooms(nodes.caches)
    printed = tui(lab, *NIGHT, "--experiments", "2", "--slots", "2")
    run = check_whole(lab)
    assert {one.trust for one in run.experiments.values()} == {"verified"}, printed
    assert (lab / ".autoresearch" / "night" / "checkpoints" / "best.pt").stat().st_size > 10_000
    copies = list(nodes.caches.glob("cache*/autoresearch-tui/nodes/data/*/*/manifest.json"))
    assert copies, "its machine has the data, once"
    assert rooms(nodes.caches) == before, "and nothing else of it"
