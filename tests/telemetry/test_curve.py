"""How a training went, out of its log: by its fractions of the budget, smoothed, and never read without end."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.telemetry.curve import POINTS, Curve, Point, curve_of, read_curve
from autoresearch_tui.telemetry.progress import Progress


def line(step: int, fraction: float, loss: float | str, rate: int = 1000) -> str:
    numbers = f"loss: {loss} | lrm: 1.00 | dt: 10ms | tok/sec: {rate:,} | mfu: n/a | epoch: 1 | remaining: 9s    "
    return f"\rstep {step:05d} ({100 * fraction:.1f}%) | {numbers}"


def whole(steps: int, between: str = "") -> str:
    """A training whose loss falls from 10 to 5, and that compiled in its first ten steps."""
    lines = [line(step, step / steps, f"{10 - 5 * step / steps:.6f}", 1000 if step >= 10 else 3) for step in range(steps)]
    return "compiling\n" + between.join(lines) + "\n---\nval_bpb: 1.0\n"


def read(path: Path, text: str) -> Curve:
    path.write_text(text)
    curve = read_curve(path)
    assert curve is not None
    return curve


def test_loss_steps_and_pace_are_read(tmp_path: Path) -> None:
    curve = read(tmp_path / "log", whole(1000))
    assert len(curve.points) == POINTS
    for fraction in (0.1, 0.4, 0.777, 0.99):
        assert curve.loss_at(fraction) == pytest.approx(10 - 5 * fraction, abs=0.02)
        assert curve.step_at(fraction) == pytest.approx(1000 * fraction, abs=4)
        assert curve.pace_until(fraction) == 1000
    assert curve.pace_until(0.009) is None, "so far it compiled"


@pytest.mark.parametrize("steps", [20, 61])
def test_of_few_steps_it_is_a_line_between_them(tmp_path: Path, steps: int) -> None:
    curve = read(tmp_path / "log", whole(steps))
    assert curve.loss_at(0.5) == pytest.approx(7.5, abs=0.01)
    assert curve.step_at(0.5) == pytest.approx(0.5 * steps, abs=0.1)


def test_beyond_what_is_known_it_says_nothing(tmp_path: Path) -> None:
    curve = read(tmp_path / "log", "".join(line(step, step / 100, 5.0) for step in range(20, 60)) + "\n")
    assert (curve.loss_at(0.199), curve.loss_at(0.2), curve.loss_at(0.59), curve.loss_at(0.6)) == (None, 5.0, 5.0, None)
    assert (curve.step_at(0.1), curve.pace_until(0.1)) == (None, None)


def test_wild_and_missing_losses_leave_no_trace(tmp_path: Path) -> None:
    wild = [line(step, step / 1000, "nan" if step % 3 == 0 else 90.0 if 40 < step % 100 < 50 else 4.0) for step in range(1000)]
    curve = read(tmp_path / "log", "".join(wild) + "\n")
    assert {curve.loss_at(step / 1000) for step in range(10, 990)} == {4.0}


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_a_loss_at_or_below_zero_has_no_multiples(tmp_path: Path, low: float) -> None:
    text = "".join(line(step, step / 1000, 4.0 if step < 500 else low) for step in range(1000))
    curve = read(tmp_path / "log", text + "\n")
    assert curve.loss_at(0.2) is None
    assert curve.pace_until(0.2) == 1000


def test_a_loss_next_to_zero_has_none_there(tmp_path: Path) -> None:
    curve = read(tmp_path / "log", "".join(line(step, step / 1000, 4.0 if step < 500 else 0.01) for step in range(1000)) + "\n")
    assert (curve.loss_at(0.2), curve.loss_at(0.8)) == (4.0, None)


@pytest.mark.parametrize("text", ["", "hello\n", line(7, 0.1, 2.0) + "\n", "step 7 | loss: 2.0\nstep 8 | loss: 2.0\n", "\0" * 5000])
def test_without_two_points_there_is_no_curve(tmp_path: Path, text: str) -> None:
    (tmp_path / "log").write_text(text)
    assert read_curve(tmp_path / "log") is None


def test_a_last_line_that_is_torn_does_not_count(tmp_path: Path) -> None:
    curve = read(tmp_path / "log", line(1, 0.1, 4.0) + line(2, 0.2, 4.0) + line(3, 0.3, 4.0)[:25])
    assert [point.step for point in curve.points] == [1, 2]


def test_a_packed_log_is_read_as_well(tmp_path: Path) -> None:
    plain = read(tmp_path / "log", whole(1000))
    (tmp_path / "log").unlink()
    (tmp_path / "log.gz").write_bytes(gzip.compress(whole(1000).encode()))
    assert read_curve(tmp_path / "log") == plain


@pytest.mark.parametrize("damage", [b"", b"not packed at all", gzip.compress(whole(1000).encode())[:-900]], ids=["empty", "other", "torn"])
def test_a_packed_log_that_is_damaged_is_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "log.gz").write_bytes(damage)
    assert read_curve(tmp_path / "log") is None


def test_no_line_of_a_log_that_is_not_huge_is_left_out(tmp_path: Path) -> None:
    curve = read(tmp_path / "log", ("\n" + "x" * 300_000).join(line(step, step / 10, 4.0) for step in range(10)) + "\n")
    assert [point.step for point in curve.points] == [*range(10)]


def test_of_a_huge_log_a_part_is_read(tmp_path: Path) -> None:
    """A terabyte, most of it a hole; at its end as many lines as a window holds."""
    with (tmp_path / "log").open("wb") as file:
        file.write(whole(1000).encode())
        file.truncate(2**40)
    before, began = time.process_time(), time.monotonic()
    curve = read_curve(tmp_path / "log")
    assert curve is not None and curve.loss_at(0.05) == pytest.approx(9.75, abs=0.02)
    assert time.process_time() - before < 2 and time.monotonic() - began < 10


def test_between_much_else_enough_is_found(tmp_path: Path) -> None:
    curve = read(tmp_path / "log", whole(500, between="\n" + "x" * 20_000 + "\nstep by step\n"))
    assert len(curve.points) > POINTS / 3
    assert curve.loss_at(0.5) == pytest.approx(7.5, abs=0.05)


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(whole(100))
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    assert [read_curve(tmp_path / name) for name in ("link", "folder", "pipe", "nothing")] == [None] * 4


@given(st.lists(st.builds(Progress, st.integers(0, 9), st.none() | st.floats(0, 1), st.none() | st.floats(-9, 9))))
def test_any_lines_are_a_curve_or_none(lines: list[Progress]) -> None:
    curve = curve_of(lines)
    points: tuple[Point, ...] = curve.points if curve else ()
    assert [point.fraction for point in points] == sorted({point.fraction for point in points})
    for at in (0.0, 0.5, 1.0):
        loss = curve.loss_at(at) if curve else None
        assert loss is None or 0 < loss <= 9


@given(st.binary() | st.text(alphabet="step 0123456789().%|:,\r\nlosmfunae-+").map(str.encode))
def test_any_bytes_are_a_curve_or_none(tmp_path_factory: pytest.TempPathFactory, text: bytes) -> None:
    log = tmp_path_factory.mktemp("any") / "log"
    log.write_bytes(text)
    read_curve(log)
