"""Which training of the trunk a trial is held against, and what becomes of one that is hopeless beside it."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path

import pytest

from autoresearch_tui.engine.ends import ended
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.telemetry.curve import Curve
from tests.engine.beds import Bed
from tests.engine.nights import make_checkout

TRAIN = """
import time
loss, tokens = 4.0, 1000
for step in range(100):
    line = f"step {step:05d} ({step:.1f}%) | loss: {loss:.6f} | dt: 10ms | tok/sec: {tokens} | remaining: 9s    "
    print("\\r" + line, end="", flush=True)
    time.sleep(0.005)
print("\\n---\\nval_bpb: 1.0")
"""


def log(loss: float, steps: int = 100) -> str:
    lines = [f"\rstep {step:05d} ({100 * step / steps:.1f}%) | loss: {loss} | tok/sec: 1000 | remaining: 9s    " for step in range(steps)]
    return "".join(lines) + "\n---\nval_bpb: 1.0\n"


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "lab", TRAIN)


def beside(bed: Bed, number: int, purpose: str = "") -> float | None:
    """The loss in the middle of the training that this trial is held against."""

    async def order() -> Curve | None:
        training = await bed.spawned(number, len(bed.run.experiments[number].trials) + 1, purpose)
        training.end("interrupted", "only asked")
        await training.wait()
        return training.order.trunk

    curve = asyncio.run(order())
    return curve.loss_at(0.5) if curve else None


def test_it_is_the_newest_fair_training_of_the_tip(lab: Path) -> None:
    bed = Bed(lab)
    bed.kept(0, log(5.0))
    bed.propose(1)
    bed.kept(1, log(4.0))
    bed.kept(1, log(3.0), trial=2)
    bed.kept(1, log(2.0), trial=3)
    bed.add(e.Tainted(1, 3, "a stranger was on the GPU"))
    bed.launched(1, 4)
    bed.add(e.Ended(1, 4, "crash", "nan"))
    bed.propose(2, 1)
    assert beside(bed, 2) == 3.0


def test_where_its_log_is_gone_or_says_nothing_it_is_an_older_one(lab: Path) -> None:
    bed = Bed(lab)
    bed.kept(0, log(5.0))
    bed.propose(1)
    bed.kept(1, "nothing of the kind\n")
    bed.kept(1, None, trial=2)
    bed.propose(2, 1)
    assert beside(bed, 2) == 5.0


def test_a_log_that_was_packed_meanwhile_is_as_good(lab: Path) -> None:
    bed = Bed(lab)
    bed.kept(0, None)
    packed = bed.folder.log(0, 1).with_name("0000-1.log.gz")
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(log(5.0).encode()))
    bed.propose(1)
    assert beside(bed, 1) == 5.0


def test_what_is_trained_to_its_end_is_held_against_nothing(lab: Path) -> None:
    bed = Bed(lab)
    assert beside(bed, 0) is None, "the baseline's first"
    bed.kept(0, log(5.0), trial=2)
    bed.propose(1)
    bed.kept(1, log(4.0))
    for purpose in ("noise", "closing", "again"):
        assert beside(bed, 0, purpose) is None
        assert beside(bed, 1, purpose) is None
    bed.propose(2, 1, by="ann")
    assert beside(bed, 2) is None, "a person wants it kept"
    bed.propose(3, 1)
    assert beside(bed, 3, "pace") == 4.0


def test_switched_off_nothing_is(lab: Path) -> None:
    bed = Bed(lab, e.Rules(hopeless=0.0))
    bed.kept(0, log(1.0))
    bed.propose(1)
    assert beside(bed, 1) is None


@pytest.fixture
def bed(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Bed:
    """Its trunk's loss is a fourth of what its train.py has now."""
    monkeypatch.setattr("autoresearch_tui.engine.trainer.TICK_S", 0.03)
    bed = Bed(lab)
    bed.kept(0, log(1.0))
    bed.propose(1)
    return bed


def test_a_hopeless_trial_is_written_down_as_that(bed: Bed) -> None:
    outcome = bed.train(1, 1)
    trial = bed.run.experiments[1].trials[0]
    assert (trial.outcome, trial.crash, trial.why, trial.slow) == ("hopeless", "", outcome.why, False)
    assert trial.why.endswith("%: loss 4.00 where the trunk's was 1.00")
    assert bed.run.experiments[1].training is False
    assert not bed.folder.log(1, 1).read_text().endswith("val_bpb: 1.0\n")
    assert bed.jobs.expected_s(bed.run) == pytest.approx(9.0 * 1.1 + 5), "as long as the one that came to its end"


def test_one_that_somebody_wants_kept_comes_to_its_number(bed: Bed) -> None:
    bed.add(e.Commanded(1, c.Keep(1), "ann", True))
    assert bed.train(1, 1).outcome == "finished"


def test_a_skip_that_comes_too_late_lapses(bed: Bed) -> None:
    bed.launched(1, 1)
    bed.add(e.Commanded(1, c.Skip(1, 1), "ann", True))
    facts = ended(bed.run, 1, 1, Outcome("hopeless", why="at 12%: 41% of the trunk's pace", slow=True))
    assert facts == [
        e.Ended(1, 1, "hopeless", why="at 12%: 41% of the trunk's pace", slow=True),
        e.Lapsed(1, "it ended by itself before"),
    ]


def test_a_skip_that_was_heard_first_holds(bed: Bed) -> None:
    bed.add(e.Commanded(1, c.Skip(1, 1), "ann", True))
    assert bed.train(1, 1).outcome == "skipped"
    assert not bed.run.wishes
