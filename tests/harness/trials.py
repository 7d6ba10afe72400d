"""Trials as a supervisor runs them: a training, two hosts and a judge, each a process of its own.

The processes are forked from this one, which has imported torch and nothing of the harness: that is what makes fifty of them
affordable. The host and the judge run a `prepare.py` that the training never saw, as they do under a supervisor.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch  # noqa: F401  (once here, instead of once in every child)

HARNESS = Path(__file__).parents[2] / "harness"


@dataclass(frozen=True)
class Outcome:
    code: int  # of the training
    log: str  # what the training printed
    result: dict[str, Any]  # what the judge says; empty if it was not asked

    @property
    def val_bpb(self) -> float:
        assert self.code == 0, self.log
        assert "val_bpb" in self.result, self.result
        return float(self.result["val_bpb"])

    @property
    def caught(self) -> str:
        """The sentence that refused it, from the training or from the judge; empty if it has a number."""
        return str(self.result.get("refused", "")) if self.code == 0 else self.log.strip().splitlines()[-1]


def make_workspace(folder: Path, *, eval_tokens: int = 8192, **knobs: Any) -> Path:
    """A workspace of the demo profile, with less to evaluate and smaller steps."""
    subprocess.run([sys.executable, HARNESS / "prepare.py", "new", folder, "--profile", "demo"], check=True, capture_output=True)
    profile = folder / "profile.toml"
    profile.write_text(profile.read_text().replace("eval_tokens = 32768", f"eval_tokens = {eval_tokens}"))
    train = folder / "train.py"
    for name, value in ({"DEVICE_BATCH_SIZE": 4, "TOTAL_BATCH_SIZE": 1024} | knobs).items():
        train.write_text(edited(train.read_text(), (f"{name} = {knob(train, name)}", f"{name} = {value!r}")))
    return folder


def knob(train: Path, name: str) -> str:
    line = next(line for line in train.read_text().splitlines() if line.startswith(f"{name} = "))
    return line.removeprefix(f"{name} = ").split("  #")[0]


def edited(source: str, *changes: tuple[str, str]) -> str:
    """The source with every change made, each of which must find its place exactly once."""
    for old, new in changes:
        assert source.count(old) == 1, f"{source.count(old)} places for {old!r}"
        source = source.replace(old, new)
    return source


def run_trial(workspace: Path, trial: Path, source: str, *, steps: int = 6, seed: int = 42, split: str = "validation") -> Outcome:
    """Train this train.py in a folder of its own, then have the checkpoint measured by the workspace's own prepare.py."""
    trial.mkdir()
    for name in ("prepare.py", "profile.toml"):
        shutil.copy(workspace / name, trial)
    (trial / "train.py").write_text(source)
    blob = trial.with_name(trial.name + ".blob.py")  # the file as it was committed, whatever the training makes of its own copy
    blob.write_text(source)
    environment = {"AUTORESEARCH_STEPS": str(steps), "AUTORESEARCH_SEED": str(seed), "AUTORESEARCH_TRIAL": trial.name}
    log = trial.with_name(trial.name + ".log")
    code = wait(fork(trial / "train.py", [], log, environment))
    text = log.read_text(errors="replace").replace("\r", "\n")
    return Outcome(code, text, measure(workspace, trial / "checkpoint.pt", blob, trial.name, split) if code == 0 else {})


def measure(workspace: Path, checkpoint: Path, train: Path, trial: str, split: str = "validation") -> dict[str, Any]:
    """The judge's word on a checkpoint, with two hosts in processes of their own."""
    pairs = [socket.socketpair() for _ in range(2)]
    reading, writing = os.pipe()
    log = checkpoint.with_name("evaluation.log")
    command = ["host", "--checkpoint", str(checkpoint), "--train", str(train), "--trial", trial, "--channel"]
    children = [fork(workspace / "prepare.py", [*command, str(theirs.fileno())], log, {}, theirs.fileno()) for _, theirs in pairs]
    channels = [str(ours.fileno()) for ours, _ in pairs]
    arguments = ["judge", "--split", split, "--result", str(writing), "--channels", *channels]
    children.append(fork(workspace / "prepare.py", arguments, log, {}, writing, *map(int, channels)))
    os.close(writing)
    for pair in pairs:
        for end in pair:
            end.close()
    with os.fdopen(reading) as result:
        text = result.read()
    for child in children:
        wait(child)
    return json.loads(text) if text else {"refused": f"the judge ended: {log.read_text()[-2000:]}"}


def fork(script: Path, arguments: list[str], log: Path, environment: dict[str, str], *kept: int) -> int:
    """Run a script in a child of this process, as `python script arguments` would; of the descriptors it gets the kept ones."""
    for source in {script, script.with_name("prepare.py")}:
        compiled(source.read_text(), source.name)
    gc.freeze()  # or every child walks through all that this process ever imported
    if child := os.fork():
        return child
    code = 70
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for standard in (1, 2):
            os.dup2(out, standard)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        stay = sorted({0, 1, 2, *kept})
        for low, high in zip(stay, [*stay[1:], 4096], strict=True):
            os.closerange(low + 1, high)
        for number in kept:
            os.set_inheritable(number, True)
        sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False, buffering=1)
        os.environ.update(environment)
        os.chdir(script.parent)
        sys.path.insert(0, str(script.parent))
        sys.argv = [str(script), *arguments]
        try:
            if script.name == "train.py":  # which imports it: from the text that was compiled already, for speed
                load("prepare", script.with_name("prepare.py"))
            load("__main__", script)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
            if isinstance(end.code, str):
                print(end.code, file=sys.stderr)
        except BaseException as error:
            code = 1
            sys.excepthook(type(error), error, error.__traceback__)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def load(name: str, script: Path) -> None:
    module = sys.modules[name] = type(sys)(name)
    module.__file__ = str(script)
    exec(compiled(script.read_text(), script.name), module.__dict__)


@functools.cache
def compiled(source: str, name: str) -> Any:
    return compile(source, name, "exec", dont_inherit=True)


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def run_python(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python ARGUMENTS` in a folder, as a person at a terminal would."""
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=os.environ | environment, capture_output=True, timeout=300)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())  # carriage returns stay
