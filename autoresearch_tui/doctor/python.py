"""The Python that this runs in: what it is, which packages it lacks, and the line that brings them; and this machine's clock."""

from __future__ import annotations

import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

import autoresearch_tui
from autoresearch_tui.doctor.findings import Finding, missing, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.extras import MODULES, Installation, installation, lacking
from autoresearch_tui.workspace import missing_packages

SHIM_UNTIL = 12
"""Up to this version the project `pynvml` had bindings of its own, which stand before those of nvidia-ml-py."""


class Python(msgspec.Struct, frozen=True):
    version: str = ""
    executable: str = "python3"
    environment: str = ""
    """The virtual environment that it is; empty: the system's own Python."""
    installation: Installation = Installation()
    lacks: tuple[str, ...] = ()
    """What the harness needs and this Python has not."""
    extras: tuple[str, ...] = ()
    """Those that are not installed."""
    bindings: str = "13"
    """The version of nvidia-ml-py; empty where it is not installed."""
    shim: str = ""
    """The version of the project `pynvml`, if that is installed."""
    now: float = 0.0
    clock: str = ""
    """That in words of this zone."""
    written: float = 0.0
    """When this package was written to the disk: no time before that is now."""


def look() -> Python:
    in_environment = sys.prefix != sys.base_prefix
    return Python(
        version=platform.python_version(),
        executable=sys.executable,
        environment=sys.prefix if in_environment else "",
        installation=installation(),
        lacks=tuple(missing_packages()),
        extras=lacking(),
        bindings=_version("nvidia-ml-py"),
        shim=_version("pynvml"),
        now=time.time(),
        clock=time.strftime("%Y-%m-%d %H:%M %Z"),
        written=Path(autoresearch_tui.__file__).stat().st_mtime,
    )


def _version(project: str) -> str:
    try:
        return version(project)
    except PackageNotFoundError:
        return ""


def say(python: Python, system: System, bundled: bool, notifies: bool) -> list[Finding]:
    """`bundled`: it is our harness that trains, so this Python needs what that needs. `notifies`: the settings name somebody to be told."""
    out = [_system(python, system)]
    if bundled and python.lacks:
        out.append(missing("packages", f"{', '.join(python.lacks)}, with which the harness trains", python.installation.install("harness")))
    out += _bindings(python)
    if notifies and "notify" in python.extras:
        lacking = "the settings name services to tell, and the package that tells them is missing"
        out.append(warning("notify", lacking, python.installation.install("notify")))
    if python.extras:
        wanted = ", ".join(f"{name} ({MODULES[name].replace('_', '-')})" for name in python.extras)
        out.append(ok("extras", f"not installed, and only needed by who wants them: {wanted}"))
    out.append(_clock(python, system))
    return out


def _system(python: Python, system: System) -> Finding:
    where = f"in {python.environment}" if python.environment else f"the system's own, {python.executable}"
    said = f"{python.version}, {where}; {system.name} on {system.machine}{', WSL' if system.wsl else ''}"
    if system.platform == "win32":
        return missing("python", f"{said}: on Windows itself nothing can be trained, only looked at", "wsl --install")
    return ok("python", said)


def _bindings(python: Python) -> list[Finding]:
    if python.shim and int(python.shim.partition(".")[0]) < SHIM_UNTIL:
        mend = f"{python.installation.pip} uninstall -y pynvml && {python.installation.pip} install --force-reinstall nvidia-ml-py"
        return [warning("nvml bindings", f"the project pynvml {python.shim} stands before nvidia-ml-py, and is outdated", mend)]
    if not python.bindings:
        return [missing("nvml bindings", "nvidia-ml-py is not installed", f"{python.installation.pip} install nvidia-ml-py")]
    return []


def _clock(python: Python, system: System) -> Finding:
    if python.now < python.written - 60:
        mend = "wsl --shutdown (in Windows), and start again" if system.wsl else system.as_root("timedatectl set-ntp true")
        return warning("clock", f"{python.clock}: that is before this program was installed, so the clock is wrong", mend)
    return ok("clock", f"{python.clock}, the zone of `--until` and `--between`")
