"""A contest for real: engines, git, processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from autoresearch_tui.contest.places import Entry, entries, first_of, state
from autoresearch_tui.terminal import works
from tests.engine.nights import TRAIN, check_whole, command, git, make_checkout, tui, wait_for

pytestmark = pytest.mark.slow

WORDS = ("climb", "--repeats", "2", "--experiments", "3")


def home(lab: Path) -> Path:
    return lab / ".autoresearch" / "bench"


def begun(lab: Path, *words: str, seconds: float = 0.0) -> subprocess.Popen[str]:
    environment = os.environ | {"TORCH_STUB_SECONDS": str(seconds)}
    line = command("bench", *words, "--dir", str(lab))
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def bench(lab: Path, *words: str, code: int = 0) -> str:
    """`autoresearch-tui bench WORDS`, to its end; what it printed."""
    line = command("bench", *words, "--dir", str(lab))
    done = subprocess.run(line, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == code and "Traceback" not in done.stderr, done.stderr
    return done.stdout or done.stderr


def check_fair(lab: Path, runs: int, experiments: int) -> list[Entry]:
    """Each run is whole, began with the same numbers, and had all its turns, none of them twice."""
    found = entries(home(lab))
    assert len(found) == runs
    shared = {tuple(trial.value for trial in state(entry).experiments[0].trials[:3]) for entry in found}
    assert len(shared) == 1
    for entry in found:
        run = check_whole(entry.folder, entry.tag)
        assert sorted(run.experiments) == list(range(experiments + 1))
        afresh = [trial for trial in run.experiments[run.tip or 0].trials if trial.purpose == "again" and trial.outcome != "interrupted"]
        assert len(afresh) == 2 + (2 if run.tip == 0 else 0)
    assert git(lab, "status", "--porcelain") == ""
    return found


def test_a_contest_gives_everybody_the_same_and_tells_who_is_better(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    said = bench(lab, *WORDS, "--slots", "2")
    check_fair(lab, 4, 3)
    assert "2 researchers, 2 runs of each, 3 experiments a run; baseline val_bpb 1.186820" in said
    first = json.loads(bench(lab, *WORDS, "--slots", "2", "--format", "json"))
    assert first == json.loads(bench(lab, "--format", "json")), "a contest that is done only says so again"
    more = json.loads(bench(lab, "climb", "--repeats", "2", "--experiments", "4", "--slots", "2", "--format", "json"))
    assert [one["experiments"] for one in more["standings"]] == [8, 8]
    assert {path.name for path in home(lab).iterdir()} == {"first", "climb-1", "climb-2", "sweep-1", "sweep-2"}
    for words in (("climb", "--slots", "2"), ()):
        less = bench(lab, *words, "--experiments", "3", code=1)
        assert less == (
            "autoresearch-tui: sweep-2 has tried 4 experiments already, and shorter runs do not compare with it: ask for"
            " `--experiments 4` or more.\n"
        )


def test_what_crashed_is_said_trained_once_and_begun_anew_when_it_is_mended(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab", "raise RuntimeError('no luck')\n")
    said = bench(lab, "climb", "--repeats", "1", "--experiments", "1", code=1)
    assert "the baseline has no number: error: RuntimeError: no luck. " in said and said.count("#0") == 1
    assert "nothing is measured yet in " in bench(lab, code=1)
    (lab / "train.py").write_text(TRAIN)
    assert "train.py in " in (dirty := bench(lab, "climb", code=1)) and "the baseline is trained" not in dirty
    git(lab, "commit", "-q", "-a", "-m", "mended")
    assert "1 experiment a run; baseline val_bpb 1.186820" in bench(lab, "climb", "--repeats", "1", "--experiments", "1")
    (lab / "train.py").write_text("DEPTH = 9\n")
    assert "is not as it was committed last" in bench(lab, "climb", "--repeats", "1", "--experiments", "1", code=1)


def test_a_contest_that_is_told_to_end_says_so_and_has_the_signals_code(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    running = begun(lab, *WORDS, seconds=30.0)
    wait_for(lambda: state(first_of(home(lab))).running is not None, 120)
    running.send_signal(signal.SIGTERM)
    said, _ = running.communicate(timeout=120)
    assert running.returncode == 143 and "Traceback" not in said and "it ends now: SIGTERM arrived" in said
    assert "It was ended before every run had begun: the same command goes on." in " ".join(said.split())
    assert not works(state(first_of(home(lab))))


@pytest.mark.parametrize("kills", [(3.0, 4.0, 5.0, 7.0)])
def test_a_contest_that_is_killed_again_and_again_goes_on_and_does_nothing_twice(tmp_path: Path, kills: tuple[float, ...]) -> None:
    lab = make_checkout(tmp_path / "lab")
    for after in kills:
        running = begun(lab, *WORDS, seconds=0.5)
        time.sleep(after)
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    bench(lab, *WORDS)
    check_fair(lab, 4, 3)


def test_an_engine_that_dies_with_its_contest_loses_nothing(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    bench(lab, "climb", "--repeats", "1", "--experiments", "1")
    running = begun(lab, "climb", "--repeats", "1", "--experiments", "2", seconds=20.0)
    wait_for(lambda: any(state(entry).under_way for entry in entries(home(lab))), 120)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    for entry in entries(home(lab)):
        run = state(entry)
        if run.under_way and run.engine:
            os.kill(run.engine.pid, signal.SIGKILL)
    bench(lab, "climb", "--repeats", "1", "--experiments", "2")
    for entry in entries(home(lab)):
        assert sorted(check_whole(entry.folder, entry.tag).experiments) == [0, 1, 2]


def test_two_contests_or_a_run_beside_one_are_refused(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    running = begun(lab, *WORDS, seconds=2.0)
    wait_for(lambda: home(lab).exists(), 120)
    for words in (("bench", *WORDS), ("run", "--tag", "night", "--experiments", "1")):
        assert f"a contest of researchers is at work in {home(lab)}, pid {running.pid}: wait for its end" in tui(lab, *words, code=1)
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=300)
    assert running.returncode == 130 and "Traceback" not in said and "it ends after the trainings that are under way" in said


def test_one_that_cannot_answer_says_so_and_the_others_go_on(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    (lab / "autoresearch.toml").write_text('[ollama]\naddress = "http://127.0.0.1:9"\n')
    words = ("--repeats", "1", "--experiments", "2", "--format", "json", "-o", str(tmp_path / "found.json"))
    said = tui(lab, "bench", "ollama:nobody", *words, code=1)
    assert said.index("ollama:nobody cannot answer now: ") < said.index("the baseline is trained, once for all")
    found = json.loads((tmp_path / "found.json").read_text())
    by_name = {one["researcher"]: one for one in found["standings"]}
    assert by_name["sweep"]["experiments"] == 2 and by_name["sweep"]["fresh"]
    assert by_name["ollama:nobody"]["experiments"] == 0 and by_name["ollama:nobody"]["gain"] is None
    assert "ollama-nobody-1: 0 of 2 experiments (" in " ".join(found["notes"])
