"""The card: whether its driver answers, what else may be here without one, how much memory is free and who has the rest."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sysconfig
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import msgspec

from autoresearch_tui.doctor.findings import Finding, missing, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.telemetry.gpu import cards
from autoresearch_tui.telemetry.gpu import look as glance
from autoresearch_tui.telemetry.sample import Process

PCI = Path("/sys/bus/pci/devices")
NVIDIA = "0x10de"
LOADED = Path("/proc/driver/nvidia/version")
DISPLAYS = ("0x0300", "0x0302")
GB = 1e9
LITTLE = 4 * GB
"""Below it hardly any profile trains."""


class Card(msgspec.Struct, frozen=True):
    kind: str = ""
    """`nvidia`, `amd`, `apple`; empty where there is none."""
    name: str = ""
    fault: str = ""
    """Why it cannot be used: one word of telemetry's."""
    said: str = ""
    """That in a sentence, or what cannot be told of it."""
    total: int | None = None
    used: int | None = None
    holders: tuple[Process, ...] = ()
    unified: bool = False
    others: int = 0
    """Cards besides this one."""
    driver: str = ""
    cuda: float = 0.0
    """What the driver knows at most."""
    capability: float = 0.0
    hidden: str = ""
    """By which variable cards are hidden."""
    bare: bool = False
    """An NVIDIA card is on the bus, and no driver speaks for it."""
    claimed: str = ""
    """The driver that the kernel or its tools claim to have, though it shows no card: the harness takes no processor in its place."""
    compiles: tuple[str, ...] = ()
    """What torch.compile lacks here."""

    @property
    def free(self) -> int | None:
        return None if self.total is None or self.used is None else self.total - self.used


def look(which: str = "") -> Card:
    sample = glance(which.partition(",")[0])
    hidden = next((f"{name}={os.environ[name]!r}" for name in ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES") if name in os.environ), "")
    if sample is None:
        return Card(bare=_is_on_the_bus(), claimed=_claimed(), hidden=hidden)
    kind = {"amd sysfs": "amd", "apple": "apple"}.get(sample.source, "nvidia")
    driver, cuda, capability = _of_nvidia(sample.uuid) if kind == "nvidia" and not sample.fault else ("", 0.0, 0.0)
    return Card(
        kind=kind,
        name=sample.name,
        fault=sample.fault,
        said=sample.said,
        total=sample.memory_total,
        used=sample.memory_used,
        holders=tuple(sorted(sample.processes or (), key=lambda one: -(one.memory or 0))),
        unified=sample.unified,
        others=max(0, len(cards()) - 1),
        driver=driver,
        cuda=cuda,
        capability=capability,
        hidden=hidden,
        compiles=tuple(_not_to_compile()),
    )


def _is_on_the_bus() -> bool:
    for device in PCI.glob("*"):
        with contextlib.suppress(OSError):
            if (device / "vendor").read_text().strip() == NVIDIA and (device / "class").read_text().startswith(DISPLAYS):
                return True
    return False


def _claimed() -> str:
    with contextlib.suppress(OSError):
        found = re.search(r"\d+\.\d+(\.\d+)?", LOADED.read_text())
        return found[0] if found else "of an unknown version"
    return "not loaded" if shutil.which("nvidia-smi") else ""


def _of_nvidia(uuid: str) -> tuple[str, float, float]:
    """The driver's version, the CUDA that it knows, and the card's compute capability: what each of them tells."""
    import pynvml

    from autoresearch_tui.telemetry import nvml_library

    if nvml_library.enter() != pynvml.NVML_SUCCESS:
        return "", 0.0, 0.0
    try:
        driver, cuda, capability = "", 0.0, 0.0
        with contextlib.suppress(pynvml.NVMLError):
            driver = str(pynvml.nvmlSystemGetDriverVersion())
        with contextlib.suppress(pynvml.NVMLError):
            number = int(pynvml.nvmlSystemGetCudaDriverVersion_v2())
            cuda = number // 1000 + number % 1000 // 10 / 10
        with contextlib.suppress(pynvml.NVMLError):
            major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(pynvml.nvmlDeviceGetHandleByUUID(uuid))
            capability = major + minor / 10
        return driver, cuda, capability
    finally:
        nvml_library.leave()


def _not_to_compile() -> Iterator[str]:
    if not any(map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))):
        yield "a C compiler"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        yield "Python's headers"
    if find_spec("torch") is not None and find_spec("triton") is None:
        yield "triton"


# What it says


def say(card: Card, system: System, pip: str, device: str, computes: bool) -> list[Finding]:
    """`computes`: torch says that it can use a card."""
    if not card.kind:
        return [_none(card, system, device, computes)]
    if card.fault:
        return [_broken(card, system, device)]
    driver = f", driver {card.driver}" if card.driver else ""
    several = f"`--slots {card.others + 1}` uses {'all' if card.others > 1 else 'both'}, " if card.kind == "nvidia" else ""
    more = f", and {card.others} more ({several}`--gpu` chooses)" if card.others else ""
    out = [ok("card", f"{card.name}{driver}{more}{f': {card.said}' if card.said else ''}")]
    if card.free is not None and card.total is not None:
        out.append(_memory(card))
    if card.kind != "apple" and card.compiles and device != "cpu":
        bring = f"{pip} install triton" if card.compiles == ("triton",) else system.installs("compiler")
        out.append(warning("compiler", f"without {' and '.join(card.compiles)} nothing is compiled, and training is slower", bring))
    return out


def _none(card: Card, system: System, device: str, computes: bool) -> Finding:
    if card.hidden.endswith(("=''", "='-1'")):
        return ok("card", f"hidden by {card.hidden}: it trains on the processor")
    if device == "cpu":
        return ok("card", "none is needed: this workspace trains on the processor")
    if computes:
        mend = "start the container with `-e NVIDIA_DRIVER_CAPABILITIES=compute,utility`" if system.container else system.installs("driver")
        return warning("card", "torch can use one, and NVML (libnvidia-ml.so.1) is not found: nothing of it is shown, nor its memory", mend)
    if card.claimed:
        mend = "start the container with `--gpus all`" if system.container else system.as_root("modprobe nvidia")
        return missing("card", f"NVIDIA's driver ({card.claimed}) shows none; AUTORESEARCH_DEVICE=cpu trains without it", mend)
    if card.bare and system.container:
        return warning(
            "card", "the machine has an NVIDIA card, and this container was not given it", "start the container with `--gpus all`"
        )
    if card.bare:
        mend = "install the NVIDIA driver in Windows" if system.wsl else system.installs("driver")
        return warning("card", "an NVIDIA card is built in, and no driver is installed: it would train on the processor", mend)
    return ok("card", "none: it trains on the processor, with the profile cpu or demo")


MENDS = {
    "mismatch": "reboot",
    "lost": "reboot",
    "reset": "nvidia-smi --gpu-reset",
    "gone": "modprobe nvidia",
    "unknown": "dmesg | grep -i -e nvrm -e xid",
}


def _broken(card: Card, system: System, device: str) -> Finding:
    if device == "cpu":
        return ok("card", f"{card.said.rstrip('.')}; this workspace trains on the processor")
    mend = system.as_root(MENDS.get(card.fault, "reboot"))
    if "may not use the card" in card.said:
        mend = system.as_root('usermod -aG video,render "$USER"') + ", and log in again"
    elif card.said.startswith("There is no GPU"):
        mend = "name one of those with `--gpu`, or none"
    return missing("card", f"{card.said.rstrip('.')}. AUTORESEARCH_DEVICE=cpu trains without it", mend)


def _memory(card: Card) -> Finding:
    assert card.free is not None and card.total is not None
    shown = [f"{one.name or 'somebody'} {(one.memory or 0) / GB:.1f} GB (pid {one.pid})" for one in card.holders[:3] if one.memory]
    more = f" and {len(card.holders) - 3} more" if len(card.holders) > 3 else ""
    held = f"; {', '.join(shown)}{more}" if shown else ""
    said = f"{card.free / GB:.1f} of {card.total / GB:.1f} GB free{held}{', shared with the system' if card.unified else ''}"
    if card.free < LITTLE and not card.unified:
        mend = "end what is not needed there, or name another card with `--gpu`"
        return warning("card memory", f"{said}: too little for most profiles, unless it is a run of yours that has it", mend)
    return ok("card memory", said)
