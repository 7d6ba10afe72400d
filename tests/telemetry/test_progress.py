"""A training's own words: the line of progress, the summary, and files that cannot be trusted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.telemetry.progress import LINES, WORD, Progress, last_progress, read_tail, summary

LINE = "step 00042 (4.4%) | loss: 5.123456 | lrm: 1.00 | dt: 315ms | tok/sec: 1,664,406 | mfu: 39.9% | epoch: 1 | remaining: 287s    "
WHOLE = Progress(42, 0.044, 5.123456, 1.0, 315.0, 1_664_406.0, 39.9, 1, 287.0)
SUMMARY = """---
val_bpb:          0.997900
training_seconds: 300.1
total_seconds:    325.9
peak_vram_mb:     45060.2
mfu_percent:      39.80
total_tokens_M:   499.6
num_steps:        953
num_params_M:     50.3
depth:            8
"""


def progress(text: str) -> Progress | None:
    return last_progress(text.encode())


def test_a_line_of_progress_is_read_whole() -> None:
    found = progress("\r" + LINE)
    assert found is not None
    assert found.fraction == pytest.approx(0.044)
    assert (found.step, found.loss, found.dt_ms, found.tokens_per_s, found.mfu, found.epoch, found.remaining_s) == (
        42, 5.123456, 315.0, 1_664_406.0, 39.9, 1, 287.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("step 00007 (1.0%) | loss: 2.5\n", Progress(7, 0.01, 2.5)),
        ("step 7 | remaining: 12s | loss: 2.5\n", Progress(7, None, 2.5, remaining_s=12.0)),
        ("step 00007 (1.0%) | mfu: n/a | loss: nan | epoch: 3\n", Progress(7, 0.01, epoch=3)),
        ("step 00007 (140.0%) | loss: inf | dt: 1.5s\n", Progress(7, 1.0, dt_ms=1500.0)),
        ("step 00007 (nan%) | loss: 1e999 | tok/sec: 1.2M\n", Progress(7, tokens_per_s=1_200_000.0)),
        ("step 00007 (1.0%) | loss: " + "9" * 5000 + "\n", Progress(7, 0.01)),
        ("step 00001 (1.0%) | loss: 9.0\rstep 00002 (2.0%) | loss: 8.0\n\x1b[0mcompiling\n", Progress(2, 0.02, 8.0)),
    ],
)
def test_what_a_line_does_not_say_is_none(text: str, expected: Progress) -> None:
    assert progress(text) == expected


@pytest.mark.parametrize("text", ["", "hello\n", "the step 7 | loss: 1\n", "steps 7\n", "\r\r\n"])
def test_other_lines_are_no_progress(text: str) -> None:
    assert progress(text) is None


def test_a_line_that_is_cut_at_either_end_does_not_lie() -> None:
    for cut in range(len(LINE)):
        found = progress("\r" + LINE + "\r" + LINE[:cut])
        assert found is None or found == progress("\r" + LINE), LINE[:cut]
        alone = progress("\r" + LINE[:cut])
        assert alone is None or alone.loss in (None, WHOLE.loss), LINE[:cut]
        assert alone is None or alone.remaining_s in (None, WHOLE.remaining_s), LINE[:cut]
        assert progress(LINE[cut:] + "\r" + LINE) == progress(LINE)


@given(st.binary() | st.text(alphabet="step 0123456789().%|:,\r\nlosmfunae-+").map(str.encode))
def test_any_bytes_are_progress_or_none(tail: bytes) -> None:
    found = last_progress(tail)
    assert found is None or found.step >= 0
    assert found is None or found.fraction is None or 0 <= found.fraction <= 1


def test_upstreams_summary_is_read_whole() -> None:
    found = summary(f"\r{LINE}\n{SUMMARY}")
    assert found is not None
    assert (found.value, found.lines, found.training_seconds, found.total_seconds, found.peak_vram_mb) == (0.9979, 1, 300.1, 325.9, 45060.2)
    assert (found.mfu, found.total_tokens_m, found.num_steps, found.num_params_m, found.depth) == (39.8, 499.6, 953, 50.3, 8)
    assert found.other == {}


def test_without_the_line_of_dashes_there_is_none() -> None:
    assert summary("val_bpb: 0.9\n") is None


def test_only_what_follows_the_last_dashes_counts_but_every_line_of_the_metric_is_counted() -> None:
    found = summary("val_bpb: 0.1\n---\nval_bpb: 0.2\n---\nval_bpb: 0.9\nval_bpb: 0.3\n")
    assert found is not None
    assert (found.value, found.lines) == (0.9, 4)


def test_a_summary_without_its_metric_says_so() -> None:
    found = summary("---\ntraining_seconds: 10.0\ntrust: verified\ndevice: cpu, float32\n")
    assert found is not None
    assert (found.value, found.lines, found.training_seconds) == (None, 0, 10.0)
    assert found.other == {"trust": "verified", "device": "cpu, float32"}


def test_another_metric_may_be_below_zero() -> None:
    found = summary("---\naccuracy: -0.5\nval_bpb: 1.0\n", "accuracy")
    assert found is not None
    assert (found.value, found.other) == (-0.5, {"val_bpb": "1.0"})


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "1e300", "9" * 400, "ten", "0x10", "1_0", "--1"])
def test_a_number_that_is_none_is_kept_as_its_text(text: str) -> None:
    found = summary(f"---\nval_bpb: {text}\npeak_vram_mb: {text}\nmfu_percent: n/a\n")
    assert found is not None
    assert (found.value, found.peak_vram_mb, found.mfu) == (None, None, None)
    assert found.other == {"val_bpb": text[:WORD], "peak_vram_mb": text[:WORD]}


def test_a_flood_of_lines_stays_small() -> None:
    found = summary("---\n" + "".join(f"name_{number}: {'x' * 5000}\x1b[2J\n" for number in range(500)))
    assert found is not None
    assert len(found.other) == LINES
    assert all(len(value) == WORD and value.isprintable() for value in found.other.values())


@given(st.text())
def test_any_text_is_a_summary_or_none(text: str) -> None:
    summary(text)
    summary("---\n" + text)


def test_the_end_of_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"0123456789")
    assert read_tail(path, 4) == b"6789"
    assert read_tail(path, 100) == b"0123456789"


def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("dear")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "folder", "pipe", "nothing"):
        with pytest.raises(OSError):
            read_tail(tmp_path / name, 100)
    os.link(tmp_path / "file", tmp_path / "second")
    with pytest.raises(OSError, match="2 names"):
        read_tail(tmp_path / "file", 100)
