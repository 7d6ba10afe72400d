"""A hopeless training ends early and leaves nothing; one that only looks like it goes on to its end."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autoresearch_tui.engine.trainer import Outcome, Training, spawn
from autoresearch_tui.telemetry.curve import Curve, curve_of
from autoresearch_tui.telemetry.progress import Progress
from tests.engine.trainings import CLINGING, alive, order, run

LINES = 40
TRAIN = """
import time
for step in range(LINES):
    fraction = FRACTION
    line = f"step {step:05d} ({100 * fraction:.1f}%) | loss: {LOSS:.6f} | dt: 10ms | tok/sec: {RATE:,} | remaining: 9s    "
    print("\\r" + line, end="", flush=True)
    time.sleep(SECONDS)
print("\\n---\\nval_bpb: 1.0")
"""


def training(loss: str = "4.0", rate: str = "1000", fraction: str = "step / LINES", seconds: str = "0.01", lines: int = LINES) -> str:
    """A training that says this of every step; each is an expression."""
    words = {"FRACTION": fraction, "LOSS": loss, "RATE": rate, "SECONDS": seconds, "LINES": str(lines)}
    source = TRAIN
    for name, expression in words.items():
        source = source.replace(name, expression.replace("LINES", str(lines)))
    return source


def trunk() -> Curve:
    found = curve_of(Progress(step, step / LINES, 4.0, tokens_per_s=1000.0) for step in range(LINES + 1))
    assert found is not None
    return found


def ended(folder: Path, source: str, then: Callable[[Training], None] | None = None, **how: Any) -> Outcome:
    """Beside the trunk, unless something else is said."""
    return run(order(folder / "trial", source, **{"trunk": trunk(), "hopeless": 2.0} | how), then)


@pytest.fixture(autouse=True)
def _looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoresearch_tui.engine.trainer.TICK_S", 0.03)


def test_a_loss_far_above_the_trunks_ends_it_and_leaves_nothing(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", CLINGING + training("9.127", lines=150), trunk=trunk(), hopeless=2.0)
    found = run(one)
    assert (found.outcome, found.crash, found.slow) == ("hopeless", "", False)
    assert re.fullmatch(r"at [1-9]\d%: loss 9.13 where the trunk's was 4.00", found.why)
    assert not alive(one)
    assert "---" not in one.log.read_text()


def test_a_pace_far_below_the_trunks_ends_it(tmp_path: Path) -> None:
    found = ended(tmp_path, training(rate="410 if step > 9 else 3", lines=150))
    assert (found.outcome, found.slow) == ("hopeless", True)
    assert re.fullmatch(r"at [1-9]\d%: 41% of the trunk's pace", found.why)


@pytest.mark.parametrize("how", [{"trunk": None}, {"hopeless": 0.0}], ids=["without a trunk", "switched off"])
def test_without_a_measure_nothing_is_hopeless(tmp_path: Path, how: dict[str, Any]) -> None:
    assert ended(tmp_path, training("90.0", "1"), **how).outcome == "finished"


def test_one_that_somebody_wants_kept_goes_on(tmp_path: Path) -> None:
    assert ended(tmp_path, training("90.0", "1"), Training.spare).outcome == "finished"


def test_one_that_is_wanted_before_its_release_goes_on_too(tmp_path: Path) -> None:
    async def trial() -> Outcome:
        running = await spawn(order(tmp_path / "trial", training("90.0", "1"), trunk=trunk(), hopeless=2.0))
        running.spare()
        running.release()
        return await asyncio.wait_for(running.wait(), 20)

    assert asyncio.run(trial()).outcome == "finished"


def test_a_spike_ends_nothing(tmp_path: Path) -> None:
    """It stands for several looks, and is seen."""
    assert ended(tmp_path, training("90.0 if step == 20 else 4.0", seconds="0.2 if step == 20 else 0.005")).outcome == "finished"


def test_in_the_first_tenth_nothing_is_hopeless(tmp_path: Path) -> None:
    assert ended(tmp_path, training("90.0", "1", fraction="0.0999 * step / LINES")).outcome == "finished"


def test_a_person_who_ended_it_before_is_believed(tmp_path: Path) -> None:
    found = ended(tmp_path, training("90.0", lines=150), Training.end)
    assert (found.outcome, found.why) == ("skipped", "skipped by hand")
