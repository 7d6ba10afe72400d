"""The torch that trains: which build it is, whether it loads, and whether it can use the card that is here.

It is asked in a child process of the Python that trains, and only what makes no context on the card: a run that trains there meanwhile is
not disturbed.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from autoresearch_tui.doctor.card import Card
from autoresearch_tui.doctor.findings import Finding, missing, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.engine.interpreter import python_of
from autoresearch_tui.privacy import scrubbed

BOUND_S = 20.0
"""A first import from a slow disk."""
RANGE = "'torch>=2.9,<2.14'"
INDEX = "https://download.pytorch.org/whl"
OLDEST = 5.0
"""The compute capability below which no build of torch that we train with has a kernel."""
BEFORE_TURING = 7.5
"""Cards below it have kernels in the builds for CUDA 12.6 alone."""
BLACKWELL = 10.0
"""Cards from it on have none in those."""
WHOLE_DRIVER = 13
"""The major version of CUDA that a driver must know for the build that PyPI has."""
LEAST_DRIVER = 12
ASK = """
import json, os, sys, warnings
said = {"python": sys.executable}
try:
    import torch
    said |= {"version": torch.__version__, "cuda": torch.version.cuda or "", "hip": torch.version.hip or ""}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        said["available"] = torch.cuda.is_available()
    said["said"] = " ".join(str(one.message) for one in heard)
    flags = getattr(torch._C, "_cuda_getArchFlags", lambda: "")()
    said |= {"kernels": (flags or "").split(), "mps": torch.backends.mps.is_available(), "threads": torch.get_num_threads()}
except ModuleNotFoundError as error:
    said |= {"absent": True} if error.name == "torch" else {"fails": str(error)}
except BaseException as error:
    lines = str(error).splitlines()
    said["fails"] = f"{type(error).__name__}: {lines[0] if lines else ''}"
print("\\n" + json.dumps(said), flush=True)
os._exit(0)
"""


class Wheel(msgspec.Struct, frozen=True):
    python: str = "python3"
    """The interpreter that trains."""
    version: str = ""
    """Empty where there is no torch."""
    cuda: str = ""
    hip: str = ""
    available: bool = False
    """CUDA or ROCm can be used, as far as torch says without trying."""
    said: str = ""
    """Its warnings meanwhile."""
    kernels: tuple[str, ...] = ()
    """The architectures that it has code for: `sm_90`, `gfx942`."""
    mps: bool = False
    threads: int = 0
    absent: bool = False
    """It is not installed."""
    fails: str = ""
    """Why it does not load."""
    late: bool = False
    """It was not waited for any longer, which says nothing about it."""
    other: str = ""
    """The training is a command of which nobody knows the Python."""


def look(train: Sequence[str], folder: Path) -> Wheel:
    name = Path(train[0]).name
    if name != "uv" and not name.startswith("python"):
        return Wheel(other=" ".join(train))
    python = str(python_of(train, folder))
    told = scrubbed(os.environ)
    try:  # not in this folder, where a torch.py might lie
        done = subprocess.run([python, "-c", ASK], cwd="/", env=told, stdin=subprocess.DEVNULL, capture_output=True, timeout=BOUND_S)
    except subprocess.TimeoutExpired:
        return Wheel(python, late=True)
    except OSError as error:
        return Wheel(python, fails=f"{python} cannot be started: {error.strerror}")
    try:
        return msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Wheel)
    except (msgspec.MsgspecError, IndexError):
        last = (done.stderr.decode("utf-8", "replace").strip().splitlines() or [f"its process ended with {done.returncode}"])[-1]
        return Wheel(python, fails=last)


# What it says


def say(wheel: Wheel, card: Card, system: System, pip: str, device: str) -> list[Finding]:
    """`device` is what the workspace trains on: one that says cpu needs no card."""
    if wheel.other:
        return [ok("torch", f"the training is `{wheel.other}`: what it needs is not looked at")]
    if wheel.late:
        return [warning("torch", f"it did not load within {BOUND_S:.0f} s: a slow disk, a busy machine, or a driver that hangs")]
    if wheel.absent:
        return [missing("torch", f"not installed in {wheel.python}", reinstall(pip, card, system))]
    if wheel.fails:
        return [missing("torch", f"it does not load: {wheel.fails}", reinstall(pip, card, system))]
    fault = _fault(wheel, card, system, pip)
    if fault is None:
        return [ok("torch", f"{wheel.version}, {_trains(wheel, card)}")]
    found, mend = fault
    if device == "cpu":
        return [ok("torch", f"{wheel.version}; this workspace trains on the processor, so it is no matter that {found}")]
    return [missing("torch build", f"{wheel.version}: {found}", mend)]


def _trains(wheel: Wheel, card: Card) -> str:
    if wheel.available:
        build = f"ROCm {wheel.hip}" if wheel.hip else f"CUDA {wheel.cuda}"
        return f"{build}, which has code for {card.name or 'this card'}"
    if wheel.mps:
        return "Metal, for this Mac's GPU"
    return f"trains on the processor, {wheel.threads} thread{'s' * (wheel.threads != 1)}"


def _fault(wheel: Wheel, card: Card, system: System, pip: str) -> tuple[str, str] | None:
    """Why this build cannot use the card that is here, and what would."""
    if card.kind == "nvidia" and not card.fault:
        if not wheel.cuda:
            return "a build without CUDA, and an NVIDIA card is here", reinstall(pip, card, system)
        if not wheel.available:
            return _unusable(wheel, card, system, pip)
        if card.capability and wheel.kernels and not has_code(wheel.kernels, card.capability):
            age = "old" if card.capability < min(_levels(wheel.kernels), default=0.0) else "new"
            said = f"{card.name} ({card.capability:.1f}) is too {age} for this build, which has code for {', '.join(wheel.kernels)}"
            return said, reinstall(pip, card, system)
    if card.kind == "amd" and not card.fault:
        if not wheel.hip:
            return "a build without ROCm, and an AMD card is here", reinstall(pip, card, system)
        if not wheel.available:
            return "ROCm shows no card: this user may not open /dev/kfd", system.as_root('usermod -aG render,video "$USER"')
    return None


def _unusable(wheel: Wheel, card: Card, system: System, pip: str) -> tuple[str, str]:
    """A build with CUDA that finds no device, though the driver has one."""
    if card.cuda and card.cuda < int(wheel.cuda.partition(".")[0]):
        return f"it wants CUDA {wheel.cuda}, and the driver {card.driver} knows {card.cuda:.1f}", reinstall(pip, card, system)
    mend = "start the container with `--gpus all`" if system.container else system.as_root("modprobe nvidia_uvm")
    return f"CUDA shows no card: {wheel.said or 'it does not say why'}", mend


def reinstall(pip: str, card: Card, system: System) -> str:
    """The line that brings a torch for this card and its driver."""
    line = f"{pip} install --force-reinstall {RANGE}"
    if card.kind == "amd":
        return f"{line} --index-url {INDEX}/rocm6.4"
    if card.kind != "nvidia" or card.fault:
        return line
    if 0 < card.capability < OLDEST:
        return "AUTORESEARCH_DEVICE=cpu trains without it: no build of torch has code for this card"
    old = 0 < card.cuda < WHOLE_DRIVER
    if 0 < card.cuda < LEAST_DRIVER or (old and card.capability >= BLACKWELL):
        return f"{system.installs('driver')} (580 or later), and restart the machine"
    if 0 < card.capability < BEFORE_TURING or old:
        return f"{line} --index-url {INDEX}/cu126"
    return f"{line} --index-url {INDEX}/cu130"


def has_code(kernels: Sequence[str], capability: float) -> bool:
    """A kernel runs on its own major version from its minor one on; what is kept as PTX, on all that came later."""
    return any(
        level <= capability and (name.startswith("compute") or int(level) == int(capability))
        for name, level in zip(kernels, map(_level, kernels), strict=True)
        if level
    )


def _levels(kernels: Sequence[str]) -> list[float]:
    return [level for level in map(_level, kernels) if level]


def _level(kernel: str) -> float:
    """`sm_90a` is 9.0, `sm_120` is 12.0."""
    found = re.fullmatch(r"(?:sm|compute)_(\d+)(\d)[a-z]*", kernel)
    return float(f"{found[1]}.{found[2]}") if found else 0.0
