"""The harness as a person uses it: `python train.py` and the verbs of prepare.py, each a real process."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.trials import HARNESS, Outcome, edited, knob, measure, run_python

UPSTREAM = (
    "val_bpb", "training_seconds", "total_seconds", "peak_vram_mb", "mfu_percent", "total_tokens_M", "num_steps", "num_params_M", "depth",
)  # fmt: skip
OURS = ("startup_seconds", "eval_seconds", "trust", "device")


def summary(output: str) -> dict[str, str]:
    """The lines after the last `---`, as the tools of this world read them."""
    return {name: value.strip() for name, value in re.findall(r"(?m)^(\w+): +(.*)$", output.split("---\n")[-1])}


@pytest.fixture(scope="module")
def trained(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A workspace of its own after `python train.py`."""
    folder = tmp_path_factory.mktemp("by-hand") / "lab"
    shutil.copytree(workspace, folder)
    return folder, run_python(folder, "train.py", AUTORESEARCH_STEPS="6")


def test_train_py_alone_trains_saves_and_measures(trained: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    _, done = trained
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\rstep 0000") == 6
    assert tuple(summary(done.stdout)) == UPSTREAM + OURS
    assert 1.0 < float(summary(done.stdout)["val_bpb"]) < 4.5
    assert summary(done.stdout)["trust"] == "verified, uncontained"


def test_the_judge_measures_the_checkpoint_again_to_the_same_number_and_the_audit_file_too(
    trained: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, done = trained
    number = summary(done.stdout)["val_bpb"]
    assert summary(run_python(folder, "prepare.py", "judge").stdout)["val_bpb"] == number
    audit = measure(folder, folder / "checkpoint.pt", folder / "train.py", "", split="audit")
    assert f"{audit['val_bpb']:.6f}" != number


@pytest.mark.slow
def test_a_judge_can_be_started_before_there_is_a_checkpoint(workspace: Path, trained: tuple[Path, object], tmp_path: Path) -> None:
    command = [sys.executable, "prepare.py", "judge", "--wait", "--checkpoint", str(tmp_path / "checkpoint.pt"), "--result", "1"]
    judge = subprocess.Popen(command, cwd=workspace, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        judge.wait(2.5)
    shutil.copy(trained[0] / "checkpoint.pt", tmp_path)
    assert '"val_bpb": ' in judge.communicate("go\n", timeout=60)[0]


def test_sample_writes_text_that_goes_on_from_the_prompt(trained: tuple[Path, object]) -> None:
    done = run_python(trained[0], "prepare.py", "sample", "--prompt", "def main", "--tokens", "12")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("def main") and len(done.stdout) > len("def main\n")


@pytest.mark.slow
def test_a_checkpoint_of_another_vocabulary_is_refused_with_both_sizes(trained: tuple[Path, object], tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(trained[0], other)
    profile = other / "profile.toml"
    profile.write_text(profile.read_text().replace("vocab_size = 1024", "vocab_size = 512"))
    done = run_python(other, "prepare.py", "judge")
    assert_one_sentence(done, "python prepare.py")  # that vocabulary has no data yet
    done = run_python(other, "-c", "import prepare; prepare.load_model(prepare.CHECKPOINT, prepare.HERE / 'train.py')")
    assert_one_sentence(done, "vocabulary of 1024", "has 512")


def assert_one_sentence(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    for part in parts:
        assert part in lines[0]


@pytest.mark.slow
def test_fit_halves_the_device_batch_until_it_fits_and_keeps_the_total(workspace: Path, tmp_path: Path) -> None:
    folder = tmp_path / "lab"
    shutil.copytree(workspace, folder)
    train = folder / "train.py"
    too_much = "    if DEVICE_BATCH_SIZE > 2:\n        raise torch.OutOfMemoryError('CUDA out of memory.')\n"  # what a full card says
    train.write_text(edited(train.read_text(), ("def main() -> None:\n", "def main() -> None:\n" + too_much)))
    done = run_python(folder, "prepare.py", "fit")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("does not fit") == 1
    assert "fits: DEVICE_BATCH_SIZE = 2, " in done.stdout
    assert knob(train, "DEVICE_BATCH_SIZE") == "2"
    assert knob(train, "TOTAL_BATCH_SIZE") == knob(workspace / "train.py", "TOTAL_BATCH_SIZE")


def test_out_of_memory_is_one_line_that_says_what_to_lower(trial: Callable[..., Outcome], train: str) -> None:
    hungry = "    torch.empty(10**15, device='cpu')\n"
    outcome = trial(edited(train, ("def main() -> None:\n", "def main() -> None:\n" + hungry)))
    assert outcome.code == 1
    assert re.fullmatch(r"out of memory: lower DEVICE_BATCH_SIZE \(now 4\), then DEPTH; the machine has [\d.]+ GB\.", outcome.log.strip())


@pytest.mark.parametrize("poison", ["float('nan')", "1e6"])
def test_a_loss_that_is_no_number_or_explodes_fails_at_once(poison: str, trial: Callable[..., Outcome], train: str) -> None:
    outcome = trial(edited(train, ("        clock.step(loss, lrm)\n", f"        clock.step(loss * {poison}, lrm)\n")))
    assert (outcome.code, outcome.log.strip().splitlines()[-1]) == (1, "FAIL")


def test_a_bug_in_train_py_keeps_its_traceback(trial: Callable[..., Outcome], train: str) -> None:
    outcome = trial(edited(train, ("def main() -> None:\n", "def main() -> None:\n    undefined_name\n")))
    assert outcome.code == 1
    assert "Traceback" in outcome.log and "NameError: name 'undefined_name'" in outcome.log


CONTRACT = {
    "has no build_model": (
        [("def build_model()", "def make_model()"), ("model = build_model()", "model = make_model()")],
        "has no function build_model",
    ),
    "gives build_model an argument": (
        [("def build_model()", "def build_model(depth)"), ("model = build_model()", "model = build_model(2)")],
        "must take no arguments",
    ),
    "returns a tuple in eval mode": (
        [("        return logits if targets is None else", "        return (logits, None) if targets is None else")],
        "must return logits",
    ),
    "returns logits of too many tokens": (
        [("self.head = nn.Linear(WIDTH, prepare.VOCAB_SIZE", "self.head = nn.Linear(WIDTH, 2048")],
        "must return logits",
    ),
}


@pytest.mark.parametrize("breach", CONTRACT)
def test_a_train_py_is_refused_in_one_sentence_when_it(breach: str, trial: Callable[..., Outcome], train: str) -> None:
    changes, sentence = CONTRACT[breach]
    outcome = trial(edited(train, *changes))
    assert outcome.code == 1
    assert outcome.log.startswith("contract: ") and sentence in outcome.log and "Traceback" not in outcome.log


def test_a_device_that_torch_cannot_use_is_said_and_not_replaced(workspace: Path, tmp_path: Path) -> None:
    done = run_python(workspace, "train.py", AUTORESEARCH_DEVICE="cuda")
    assert_one_sentence(done, "cannot use the device cuda", "AUTORESEARCH_DEVICE=cpu")
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\n")
    driver.chmod(0o755)
    done = run_python(workspace, "train.py", AUTORESEARCH_DEVICE="auto", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert_one_sentence(done, "NVIDIA", "AUTORESEARCH_DEVICE=cpu")


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("budget_seconds = 10", "budget = 10"), ("profile.toml", "`budget_seconds` is missing")),
        (("vocab_size = 1024", "vocab_size = 100"), ("profile.toml", "`vocab_size` is 100")),
        (("sequence_length = 256", "sequence_length = ="), ("profile.toml", "is not a profile")),
    ],
)
def test_a_broken_profile_is_one_sentence_that_names_file_and_key(
    change: tuple[str, str], parts: tuple[str, ...], workspace: Path, tmp_path: Path
) -> None:
    shutil.copy(workspace / "prepare.py", tmp_path)
    (tmp_path / "profile.toml").write_text(edited((workspace / "profile.toml").read_text(), change))
    assert_one_sentence(run_python(tmp_path, "prepare.py"), *parts)


def test_a_python_without_the_packages_is_one_sentence_with_the_cure(workspace: Path) -> None:
    done = run_python(workspace, "-c", "import sys\nsys.modules['numpy'] = None\nimport prepare")
    assert_one_sentence(done, "numpy is not installed", "pip install 'autoresearch-tui[harness]'")
    hide_torch = "import importlib.util as u\nfind = u.find_spec\nu.find_spec = lambda name: None if name == 'torch' else find(name)\n"
    assert_one_sentence(run_python(workspace, "-c", hide_torch + "import prepare"), "torch is not installed")


def test_new_refuses_a_folder_that_holds_a_workspace_and_a_profile_that_is_none(workspace: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in workspace.iterdir() if path.is_file()}
    assert_one_sentence(run_python(HARNESS, "prepare.py", "new", str(workspace), "--profile", "demo"), "holds a workspace already")
    assert {path.name: path.read_bytes() for path in workspace.iterdir() if path.is_file()} == before
    assert_one_sentence(run_python(HARNESS, "prepare.py", "new", str(tmp_path / "lab"), "--profile", "h200"), "no profile 'h200'", "h100")
    assert not (tmp_path / "lab").exists()
    assert_one_sentence(run_python(workspace, "prepare.py", "new", str(tmp_path / "lab")), "the bundled harness makes new ones")


PROFILES = sorted(path.stem for path in (HARNESS / "profiles").glob("*.toml"))


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of each profile."""
    folder = tmp_path_factory.mktemp("profiles")
    script = f"import prepare\nfrom pathlib import Path\nfor name in {PROFILES}:\n    prepare.new(Path({str(folder)!r}, name), name)"
    done = run_python(HARNESS, "-c", script)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_gives_a_workspace_whose_numbers_fit_each_other(name: str, laid: Path) -> None:
    profile = tomllib.loads((laid / name / "profile.toml").read_text())
    train = laid / name / "train.py"
    numbers = {key: int(eval(knob(train, key))) for key in ("TOTAL_BATCH_SIZE", "DEVICE_BATCH_SIZE", "HEAD_DIM", "DEPTH", "ASPECT_RATIO")}
    for key, value in profile["knobs"].items():
        assert knob(train, key) == repr(value)
    assert numbers["TOTAL_BATCH_SIZE"] % (numbers["DEVICE_BATCH_SIZE"] * profile["sequence_length"]) == 0
    assert profile["eval_tokens"] % profile["sequence_length"] == 0
    assert {path.name for path in (laid / name).iterdir()} == {"prepare.py", "train.py", "profile.toml", "program.md"}


@pytest.mark.slow
def test_auto_prepares_and_fits_what_it_chose(tmp_path: Path) -> None:
    """On a machine without a GPU that is the cpu profile; the steps that follow are the ones of a GPU."""
    folder = tmp_path / "lab"
    done = run_python(HARNESS, "prepare.py", "new", str(folder), "--profile", "auto", AUTORESEARCH_DEVICE="cpu")
    assert done.returncode == 0, done.stderr
    assert "the profile cpu" in done.stdout and "ready: " in done.stdout and "fits: DEVICE_BATCH_SIZE = " in done.stdout
