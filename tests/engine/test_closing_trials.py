"""The closing measurement's trials: compiled afresh, and measured on the second held-out file too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autoresearch_tui.engine import caches
from autoresearch_tui.journal import events as e
from autoresearch_tui.workspace import commit_all
from tests.engine.beds import Bed
from tests.engine.nights import git, make_checkout

TRAIN = """
import os
graph = os.path.join(os.environ["TORCHINDUCTOR_CACHE_DIR"], "graph")
print("warm" if os.path.exists(graph) else "cold")
open(graph, "w").close()
open("checkpoint.pt", "w").close()
print("---\\nval_bpb: 9.0\\npeak_vram_mb: 2048.0")
"""
PREPARE = '''
"""The processes of the bundled harness, without a model: hosts that wait, a judge whose number depends on the file alone."""
import json, socket, sys

def host():
    socket.socket(fileno=int(sys.argv[-2])).recv(1)

def judge(split):
    numbers = {"validation": {"val_bpb": 1.25}, "audit": {"val_bpb": 1.5}}
    if not open("program.md").read().startswith("# Lower"):
        numbers["audit"] = {"refused": "the audit file is too small"}
    with open("asked", "a") as asked:
        asked.write(split)
    with open(int(sys.argv[sys.argv.index("--result") + 1]), "w") as out:
        json.dump(numbers[split], out)

if sys.argv[1] == "host":
    host()
else:
    judge(sys.argv[sys.argv.index("--split") + 1])
'''


def harness(folder: Path) -> Path:
    """A workspace with processes like the bundled harness's."""
    lab = make_checkout(folder, TRAIN)
    (lab / "prepare.py").write_text(PREPARE)
    (lab / "profile.toml").write_text("budget_seconds = 5\n")
    git(lab, "add", ".")
    git(lab, "commit", "-q", "-m", "A harness")
    return lab


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return harness(tmp_path / "lab")


def test_it_compiles_afresh_and_leaves_the_trunk_its_cache(lab: Path) -> None:
    bed = Bed(lab)
    for trial, purpose in enumerate(("", "noise", "closing", "again"), 1):
        assert bed.train(0, trial, purpose).outcome == "finished"
        caches.adopt(bed.folder, 0)
    said = [bed.folder.log(0, trial).read_text().splitlines()[0] for trial in (1, 2, 3, 4)]
    assert said == ["cold", "warm", "cold", "warm"]


def test_it_is_measured_on_both_files_and_others_on_one(lab: Path) -> None:
    bed = Bed(lab)
    for trial, purpose in enumerate(("", "drift", "closing"), 1):
        bed.train(0, trial, purpose)
    found = [bed.measure(0, trial) for trial in (1, 2, 3)]
    assert [(one.value, one.audit, one.refused) for one in found] == [(1.25, None, ""), (1.25, None, ""), (1.25, 1.5, "")]
    assert {one.memory_gb for one in found} == {2.0}
    assert not (bed.folder.folder / "bench").exists()


def test_without_a_number_on_the_second_file_the_first_one_stays(lab: Path) -> None:
    (lab / "program.md").write_text("no audit\n")
    git(lab, "commit", "-q", "-a", "-m", "no audit")
    bed = Bed(lab)
    bed.train(0, 1, "closing")
    found = bed.measure(0, 1)
    assert (found.value, found.audit, found.refused, found.trust) == (1.25, None, "", "verified, uncontained")
    assert "no number on the audit file: the audit file is too small" in (bed.folder.folder / "logs" / "0000-1.evaluation.log").read_text()


def test_an_upstream_checkout_has_no_second_file(tmp_path: Path) -> None:
    bed = Bed(make_checkout(tmp_path / "lab"))
    bed.train(0, 1, "closing")
    assert bed.measure(0, 1).audit is None
    assert bed.measure(0, 1).trust == "reported"


def test_the_next_trial_is_not_expected_to_compile_afresh(lab: Path) -> None:
    bed = Bed(lab)
    for trial, purpose, seconds in ((1, "", 300.0), (2, "closing", 900.0)):
        bed.launched(0, trial, purpose)
        bed.add(e.Ended(0, trial, "finished", seconds=seconds))
    assert bed.jobs.expected_s(bed.run) == pytest.approx(300 * 1.1 + 5)


@pytest.mark.slow
def test_the_bundled_harness_measures_both_files(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_STEPS", "6")
    lab = tmp_path / "lab"
    shutil.copytree(workspace, lab)
    commit_all(lab)
    bed = Bed(lab)
    assert bed.train(0, 1, "closing").outcome == "finished"
    found = bed.measure(0, 1)
    assert found.refused == "" and found.value and found.audit
    assert found.value != found.audit
    assert abs(found.value - found.audit) < 0.3, "the same kind of text"
