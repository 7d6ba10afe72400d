"""What could end a night from outside: sleep, a logout, a closed lid, an empty battery."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import msgspec

from autoresearch_tui.doctor.answers import answer
from autoresearch_tui.doctor.findings import Finding, ok, warning
from autoresearch_tui.doctor.systems import System

POWER = Path("/sys/class/power_supply")
LIDS = Path("/proc/acpi/button/lid")
SYSTEMD = Path("/run/systemd/system")
TARGETS = "sleep.target suspend.target hibernate.target hybrid-sleep.target"
LOGIND = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


class Night(msgspec.Struct, frozen=True):
    systemd: bool = False
    """It runs this machine."""
    inhibitor: str = ""
    """What asks the machine to stay awake: `systemd-inhibit`, `caffeinate`; empty where there is neither."""
    allowed: bool = False
    """It was asked, and agreed."""
    refused: str = ""
    """What it said otherwise."""
    masked: bool = False
    """The machine never sleeps by itself: its targets are masked."""
    kills: bool | None = None
    """KillUserProcesses: a logout ends what was started in it. None: nobody told."""
    lingers: bool | None = None
    lid: str = ""
    """What closing the lid does, where there is one: `suspend`, `ignore`."""
    battery: bool = False
    """It runs on its battery now."""
    remote: bool = False
    """Somebody sits at the other end of an SSH connection."""


def look() -> Night:
    systemd = SYSTEMD.is_dir()
    inhibitor = next((program for program in ("caffeinate", "systemd-inhibit") if shutil.which(program)), "")
    allowed, refused = _asked(inhibitor) if inhibitor == "caffeinate" or systemd else (False, "")
    kills, lid = _logind() if systemd else (None, "")
    return Night(
        systemd=systemd,
        inhibitor=inhibitor,
        allowed=allowed,
        refused=refused,
        masked=systemd and (said := answer("systemctl", "is-enabled", "sleep.target")) is not None and said.out.strip() == "masked",
        kills=kills,
        lingers=_lingers() if systemd else None,
        lid=lid if LIDS.is_dir() and any(LIDS.iterdir()) else "",
        battery=_on_battery(),
        remote="SSH_CONNECTION" in os.environ,
    )


def _asked(inhibitor: str) -> tuple[bool, str]:
    words = ["caffeinate", "-i", "true"]
    if inhibitor == "systemd-inhibit":
        words = ["systemd-inhibit", "--what=sleep:idle", "--who=autoresearch-tui", "--why=to see whether it may", "true"]
    said = answer(*words)
    if said is None:
        return False, "it did not answer"
    return said.code == 0, "" if said.code == 0 else said.last


def _logind() -> tuple[bool | None, str]:
    said = answer("busctl", "get-property", *LOGIND, "KillUserProcesses", "HandleLidSwitch")
    if said is None or said.code:
        return None, ""
    kills = re.search(r"^b (true|false)", said.out, re.MULTILINE)
    lid = re.search(r'^s "([a-z-]+)"', said.out, re.MULTILINE)
    return kills[1] == "true" if kills else None, lid[1] if lid else ""


def _lingers() -> bool | None:
    said = answer("loginctl", "show-user", str(os.getuid()), "--property=Linger")
    return said.out.strip() == "Linger=yes" if said and not said.code else None


def _on_battery() -> bool:
    """A battery that empties; a Mac says it in words."""
    for supply in POWER.glob("*/status"):
        try:
            if supply.read_text().strip() == "Discharging" and (supply.parent / "type").read_text().strip() == "Battery":
                return (supply.parent / "scope").read_text().strip() != "Device" if (supply.parent / "scope").exists() else True
        except OSError:
            continue
    said = answer("pmset", "-g", "batt") if shutil.which("pmset") else None
    return said is not None and "Battery Power" in said.out


# What it says


def say(night: Night, system: System, folder: str) -> list[Finding]:
    out = [_sleep(night, system), _logout(night, folder)]
    if night.lid and night.lid != "ignore":
        out.append(warning("lid", f"closing it means {night.lid}, whatever asks to stay awake", "leave the lid open for the night"))
    if night.battery:
        out.append(warning("power", "it runs on its battery", "plug it in"))
    return out


def _sleep(night: Night, system: System) -> Finding:
    if system.wsl:
        return warning("sleep", "Windows decides when this machine sleeps", "powercfg.exe /change standby-timeout-ac 0")
    if night.allowed:
        return ok("sleep", f"a detached run keeps it awake ({night.inhibitor})")
    if night.masked:
        return ok("sleep", "it never sleeps by itself: the targets are masked")
    if not night.systemd:
        return ok("sleep", "no systemd runs here: a server or a container, which does not sleep by itself")
    if not night.inhibitor:
        return warning("sleep", "systemd-inhibit is not installed: nothing keeps it awake", system.as_root(f"systemctl mask {TARGETS}"))
    far = " (it allows that to nobody over SSH)" if night.remote else ""
    said = f"systemd-inhibit may not keep it awake{far}: {night.refused}"
    return warning("sleep", said, system.as_root(f"systemctl mask {TARGETS}"))


def _logout(night: Night, folder: str) -> Finding:
    if night.kills:
        linger = "" if night.lingers else "loginctl enable-linger && "
        mend = f"{linger}systemd-run --user --scope autoresearch-tui run {shlex.quote(folder)} --detached"
        return warning("logout", "KillUserProcesses is on: a logout would end what was started in it, detached or not", mend)
    return ok("logout", "what is detached goes on after it" if night.systemd else "nothing here ends what goes on after it")
