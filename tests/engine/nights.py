"""Nights for tests: a checkout whose training takes no time, real engines on it, and what must be true of it whatever happened."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import write
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal

TRAIN = '''"""A training that takes as long as it is told. Its number is a smooth bowl over its knobs, so there is something to find."""
import math
import os
import time

DEPTH = 4
WIDTH = 256
MATRIX_LR = 0.01
EMBEDDING_LR = 0.1
WEIGHT_DECAY = 0.4
WARMUP_RATIO = 0.2
SOFTCAP = 30.0
ACTIVATION = "relu2"  # one of: relu2, gelu, silu

SECONDS = float(os.environ.get("TORCH_STUB_SECONDS", "0"))
best = {"DEPTH": 8, "WIDTH": 512, "MATRIX_LR": 0.04, "EMBEDDING_LR": 0.6, "WEIGHT_DECAY": 0.2, "WARMUP_RATIO": 0.05, "SOFTCAP": 15.0}
value = 1.0 + sum(0.01 * math.log2(max(globals()[name], 1e-6) / at) ** 2 for name, at in best.items())
began = time.time()
print(f"step 00000 (0.0%) | loss: {value + 3:.6f} | lrm: 1.00 | dt: 1ms | tok/sec: 1,000 | mfu: n/a | epoch: 1 | remaining: 1s", end="\\r")
while time.time() - began < SECONDS:
    time.sleep(0.01)
print(f"\\n---\\nval_bpb:          {value:.6f}\\ntraining_seconds: {time.time() - began:.1f}\\npeak_vram_mb:     512.0")
print("total_tokens_M:   0.1\\nnum_steps:        10\\ndepth:            4")
'''
PREPARE = '"""Nothing to prepare."""\nTIME_BUDGET = 5\n'


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def make_checkout(folder: Path, train: str = TRAIN) -> Path:
    """A checkout as upstream's: three files, one commit, no settings."""
    folder.mkdir(parents=True)
    (folder / "train.py").write_text(train)
    (folder / "prepare.py").write_text(PREPARE)
    (folder / "program.md").write_text("# Lower is better.\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "Somebody")
    git(folder, "config", "user.email", "somebody@example.org")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "A beginning")
    return folder


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "autoresearch_tui", *arguments]


def tui(folder: Path, *arguments: str, code: int | None = 0, **environment: str) -> str:
    """`autoresearch-tui ARGUMENTS --dir FOLDER`, as a person would; what it printed."""
    done = subprocess.run(
        command(*arguments, "--dir", str(folder)), env=os.environ | environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert code is None or done.returncode == code, f"exit code {done.returncode}: {done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done.stdout + done.stderr


def engine(folder: Path, *arguments: str, seconds: float = 0.0, wrapped: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """An engine on its way, in a session of its own, as in a terminal of its own."""
    environment = os.environ | {"TORCH_STUB_SECONDS": str(seconds)}
    module = wrapped or ("-m", "autoresearch_tui")
    line = [sys.executable, *module, *arguments, "--dir", str(folder)]
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def journal_of(folder: Path, tag: str = "night") -> Path:
    return folder / ".autoresearch" / tag / "journal.sqlite"


def state(folder: Path, tag: str = "night") -> Run:
    if not journal_of(folder, tag).exists():
        return Run()
    with Journal(journal_of(folder, tag)) as journal:
        return fold(journal.events())


def facts_of(folder: Path, tag: str = "night") -> list[e.Event]:
    with Journal(journal_of(folder, tag)) as journal:
        return [recorded.event for recorded in journal.events()]


def wait_for(condition: object, seconds: float = 30.0) -> None:
    """Until `condition()` is true."""
    until = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.01)


def send(folder: Path, wish: Callable[[Run], c.Command]) -> None:
    """At once, for a trial is over before a command line has begun."""
    with Journal(journal_of(folder)) as journal:
        journal.send(wish(journal.refresh()), "somebody")


def stop(folder: Path, slots: int = 1) -> None:
    """While all of them train: a change that is only made by then waits for the next start."""
    wait_for(lambda: len(state(folder).under_way) == slots)
    send(folder, lambda run: c.Stop(run.session))


def leftovers(folder: Path) -> list[str]:
    """Processes of any trial of this checkout, launchers included, by the token in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                environment = (entry / "environ").read_bytes()
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if f"AUTORESEARCH_TOKEN={folder}".encode() in environment:
                found.append(f"{entry.name} {line}")
    return found


def check_whole(folder: Path, tag: str = "night") -> Run:
    """Whatever was killed: nothing is lost, nothing is there twice, and the world says what the journal says."""
    run = state(folder, tag)
    numbers = sorted(run.experiments)
    assert numbers == list(range(len(numbers))), f"holes in the numbering: {numbers}"
    listed = git(folder, "for-each-ref", "--format=%(refname:lstrip=3) %(objectname) %(parent)", f"refs/autoresearch/{tag}/").splitlines()
    refs = {int(name): rest for name, *rest in (line.split() for line in listed) if "/" not in name}
    assert sorted(refs) == numbers, f"refs and experiments differ: {sorted(refs)}"
    for one in run.experiments.values():
        assert one.settled, f"#{one.number} is unfinished"
        assert [trial.number for trial in one.trials] == list(range(1, len(one.trials) + 1))
        assert sum(trial.counts and not trial.purpose for trial in one.trials) <= 1, f"#{one.number} was measured twice"
        assert refs[one.number][0] == one.commit
        if one.parent is not None:
            assert refs[one.number][1:] == [run.experiments[one.parent].commit]
        assert f"{tag} #{one.number} {one.verdict}" in git(folder, "notes", "--ref=autoresearch", "show", one.commit)
    fingerprints = [one.fingerprint for one in run.experiments.values() if one.fingerprint]
    assert len(fingerprints) == len(set(fingerprints)), "the same code was tried twice"
    if run.tip is not None:
        assert git(folder, "rev-parse", f"refs/heads/autoresearch/{tag}") == run.experiments[run.tip].commit
    assert (folder / ".autoresearch" / tag / "results.tsv").read_text() == write(run.rows)
    assert not list((folder / ".autoresearch" / tag / "trials").glob("*")), "a trial's folder was left"
    check_slots(facts_of(folder, tag))
    wait_for(lambda: not leftovers(folder), 15)
    assert git(folder, "status", "--porcelain") == "", "the checkout was touched"
    return run


def check_slots(facts: list[e.Event]) -> None:
    """An experiment had one trial at a time, a slot too, and each trial ran where there was a slot."""
    there: tuple[str, ...] = ("",)
    under_way: dict[int, str] = {}
    for fact in facts:
        match fact:
            case e.EngineStarted():
                there = ("",)
            case e.Equipped(slots=slots):
                there = tuple(slot.name for slot in slots)
            case e.Launched(number=number, slot=slot):
                assert slot in there, f"#{number} trained in {slot or 'a slot without a name'}, of {there}"
                assert number not in under_way, f"#{number} had two trials at a time"
                assert slot not in under_way.values(), f"{slot} had two trials at a time"
                under_way[number] = slot
            case e.Ended(number=number):
                assert number in under_way, f"#{number} ended twice, or never began"
                del under_way[number]
    assert not under_way, f"trials that never ended: {under_way}"
