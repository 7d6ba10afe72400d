"""The clock, asked with a time that the test makes: what a step costs, when the budget ends, and what is printed to the letter."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.harness.trials import make_workspace

UPSTREAM = (
    r"\rstep \d{5} \(\d+\.\d%\) \| loss: \d+\.\d{6} \| lrm: \d\.\d\d \| dt: \d+ms \| tok/sec: [\d,]+"
    r" \| mfu: (\d+\.\d%|n/a) \| epoch: \d+ \| remaining: \d+s    "
)
FACTS: dict[str, Any] = {
    "val_bpb": 0.9979, "training_seconds": 300.1, "total_seconds": 325.9, "peak_vram_mb": 45060.2, "mfu_percent": 39.8,
    "total_tokens_M": 499.6, "num_steps": 953, "num_params_M": 50.3, "depth": 8, "startup_seconds": 20.04, "eval_seconds": 5.5,
    "trust": "verified", "device": "cpu, 1 thread",
}  # fmt: skip
SUMMARY = """---
val_bpb:          0.997900
training_seconds: 300.1
total_seconds:    325.9
peak_vram_mb:     45060.2
mfu_percent:      39.80
total_tokens_M:   499.600
num_steps:        953
num_params_M:     50.3
depth:            8
startup_seconds:  20.0
eval_seconds:     5.5
trust:            verified
device:           cpu, 1 thread
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("clock") / "lab")


@pytest.fixture
def prepare(lab: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """A workspace's prepare.py as a module of its own, with a budget of 300 s and nothing drawn yet."""
    hook = sys.excepthook
    monkeypatch.setenv("AUTORESEARCH_STEPS", "0")
    spec = importlib.util.spec_from_file_location("prepare_of_the_clock", lab / "prepare.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "prepare_of_the_clock", module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "TIME_BUDGET", 300.0)
    yield module
    sys.excepthook = hook


class Training:
    """Steps that take as long as they are told to, of batches of 1,000 tokens."""

    def __init__(self, prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, flops_per_token: float = 0.0) -> None:
        self.prepare = prepare
        self.now = 1000.0
        monkeypatch.setattr(prepare.time, "perf_counter", lambda: self.now)
        self.clock = prepare.Clock(flops_per_token)

    def step(self, seconds: float, *, batches: int = 1, loss: float = 5.0, times: int = 1, lrm: float = 1.0) -> None:
        for _ in range(times):
            self.now += seconds
            self.prepare.Batches.drawn += batches
            self.prepare.Batches.tokens_drawn += 1000 * batches
            self.clock.step(self.prepare.torch.tensor(loss), lrm)


@pytest.fixture
def training(prepare: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Training:
    return Training(prepare, monkeypatch)


def test_the_first_ten_steps_are_charged_at_the_median_of_the_later_ones(training: Training) -> None:
    training.step(7.0, times=10)
    for seconds in (1.0, 2.0, 30.0):
        training.step(seconds)
    assert training.clock.seconds == pytest.approx(10 * 2.0 + 33.0)


def test_a_long_first_step_which_compiles_is_not_charged(training: Training) -> None:
    training.step(1200.0)
    assert training.clock.progress == 0.0
    training.step(1.0, times=19)
    assert training.clock.seconds == pytest.approx(20.0)
    assert training.clock.progress == pytest.approx(20 / 300)


def test_a_later_step_is_charged_what_it_took_however_long(training: Training) -> None:
    training.step(1.0, times=10)
    training.step(1.0, times=9)
    training.step(120.0)
    assert training.clock.seconds == pytest.approx(139.0)


def test_a_step_in_the_warm_up_pays_for_every_batch_that_it_drew(training: Training) -> None:
    training.step(0.1, batches=50)
    training.step(1.0, times=19)
    assert training.clock.seconds == pytest.approx(50 + 19)


def test_a_step_without_a_batch_of_its_own_is_charged_as_one(training: Training) -> None:
    training.step(1.0, batches=0, times=20)
    assert training.clock.seconds == pytest.approx(20.0)


def test_progress_never_goes_down(training: Training) -> None:
    seen = []
    for seconds in [5.0] * 10 + [8.0, 1.0, 1.0, 0.5, 0.5, 0.1, 0.1, 0.1]:
        training.step(seconds)
        seen.append((training.clock.progress, training.clock.seconds))
    assert all(before[0] <= after[0] for before, after in pairwise(seen))
    assert any(before[1] > after[1] for before, after in pairwise(seen)), "the charge itself must have gone down for this to say anything"


def test_the_budget_ends_when_it_is_charged_and_not_before(training: Training) -> None:
    training.step(10.0, times=29)
    assert not training.clock.over
    training.step(10.0)
    assert training.clock.over
    assert training.clock.progress == 1.0


def test_the_budget_ends_in_the_warm_up_when_a_step_is_that_long(training: Training) -> None:
    training.step(100.0, times=3)
    assert training.clock.over


def test_a_number_of_steps_takes_the_place_of_the_budget(prepare: ModuleType, training: Training, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "STEPS", 4)
    training.step(1000.0, times=3)
    assert not training.clock.over
    training.step(0.001)
    assert training.clock.over


def test_the_progress_line_is_upstreams_to_the_letter(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "peak_flops", lambda: 989.5e12)
    training = Training(prepare, monkeypatch, flops_per_token=2.372e8)
    training.clock.durations = [(0.315, 1)] * 42
    training.clock.late_seconds = 12.885 - 0.315
    training.clock.smooth_loss = 5.123456 * (1 - 0.9**42)
    training.now += 0.315
    prepare.Batches.drawn += 1
    prepare.Batches.tokens_drawn += 2**19
    training.clock.step(prepare.torch.tensor(5.123456, dtype=prepare.torch.float64))
    line = capsys.readouterr().out
    assert line == (
        "\rstep 00042 (5.3%) | loss: 5.123456 | lrm: 1.00 | dt: 315ms | tok/sec: 1,664,406 | mfu: 39.9% | epoch: 1 | remaining: 284s    "
    )
    assert re.fullmatch(UPSTREAM, line)


def test_where_the_peak_of_the_device_is_unknown_there_is_no_mfu(
    prepare: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(prepare, "peak_flops", lambda: None)
    Training(prepare, monkeypatch, flops_per_token=1e9).step(0.5, lrm=0.25)
    line = capsys.readouterr().out
    assert " | lrm: 0.25 | dt: 500ms | tok/sec: 2,000 | mfu: n/a | epoch: 1 | " in line
    assert re.fullmatch(UPSTREAM, line)


def test_the_lines_overwrite_each_other_and_the_last_one_is_ended(training: Training, capsys: pytest.CaptureFixture[str]) -> None:
    training.step(30.0, times=10)
    printed = capsys.readouterr().out
    assert printed.count("\r") == 10
    assert printed.count("\n") == 1 and printed.endswith("remaining: 0s    \n")
    assert [line[:10] for line in printed.split("\r")[1:3]] == ["step 00000", "step 00001"]


def test_the_loss_shown_is_smoothed_and_right_from_the_first_step(training: Training, capsys: pytest.CaptureFixture[str]) -> None:
    training.step(1.0, loss=8.0)
    training.step(1.0, loss=4.0)
    first, second = re.findall(r"loss: (\S+)", capsys.readouterr().out)
    assert (first, second) == ("8.000000", f"{(0.9 * 0.8 + 0.4) / (1 - 0.9**2):.6f}")


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 100.5])
def test_a_loss_that_has_exploded_prints_fail_and_ends_with_one(
    loss: float, training: Training, capsys: pytest.CaptureFixture[str]
) -> None:
    training.step(1.0, loss=100.0)
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        training.step(1.0, loss=loss)
    assert end.value.code == 1
    assert capsys.readouterr().out == "\nFAIL\n"


@pytest.mark.parametrize("wrap", [lambda loss: loss, float, lambda loss: loss.requires_grad_(), lambda loss: loss.bfloat16()])
def test_the_loss_may_be_a_tensor_or_a_number(wrap: Callable[[Any], Any], prepare: ModuleType, training: Training) -> None:
    training.now += 1.0
    training.clock.step(wrap(prepare.torch.tensor(5.0)))
    assert training.clock.smooth_loss == pytest.approx(0.5)


def test_the_facts_tell_what_was_charged_and_drawn(prepare: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "peak_flops", lambda: 1e9)
    training = Training(prepare, monkeypatch, flops_per_token=1e5)
    training.step(50.0)
    training.step(1.0, times=19)
    facts = training.clock.facts()
    assert facts["training_seconds"] == pytest.approx(20.0)
    assert facts["mfu_percent"] == pytest.approx(100 * 1e5 * 1000 / 1e9)  # of the steps after the warm-up, and not of the compilation
    assert (facts["total_tokens_M"], facts["num_steps"]) == (0.02, 20)
    assert facts["startup_seconds"] == pytest.approx(1000.0 - prepare.IMPORTED)


def test_the_summary_has_upstreams_nine_lines_in_their_order_and_ours_after(
    prepare: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    prepare.print_summary(FACTS)
    printed = capsys.readouterr().out
    assert printed == SUMMARY


def test_the_summary_leaves_out_what_is_not_known_yet(prepare: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    known = {name: value for name, value in FACTS.items() if name not in ("val_bpb", "eval_seconds", "trust")}
    prepare.print_summary(known | {"mfu_percent": None})
    printed = capsys.readouterr().out
    assert "val_bpb" not in printed and "eval_seconds" not in printed and "trust" not in printed
    assert "mfu_percent:      n/a\n" in printed


def test_on_a_terminal_the_line_is_cut_to_its_width_so_that_it_stays_one_line(
    training: Training, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    training.step(1.0)
    assert len(capsys.readouterr().out) > 80  # in a log: upstream's whole line
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    training.step(1.0)
    assert len(capsys.readouterr().out) == len("\r") + 79
