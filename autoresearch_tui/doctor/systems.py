"""Which system this is, and how something is installed on it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

import msgspec

COMMANDS = {
    "apt": "apt install",
    "dnf": "dnf install",
    "pacman": "pacman -S",
    "zypper": "zypper install",
    "apk": "apk add",
    "brew": "brew install",
}
"""The programs that install, in the order in which they are looked for."""
PACKAGES = {
    "compiler": {
        "apt": "build-essential python3-dev",
        "dnf": "gcc python3-devel",
        "pacman": "base-devel",
        "zypper": "gcc python3-devel",
        "apk": "build-base python3-dev",
        "brew": "gcc",
    },
    "driver": {"apt": "nvidia-driver", "dnf": "akmod-nvidia", "pacman": "nvidia"},
    "venv": {"apt": "python3-venv"},
}
"""What is not called the same everywhere."""
WORDS = {"compiler": "a C compiler and Python's headers", "driver": "NVIDIA's driver", "venv": "Python's venv"}


class System(msgspec.Struct, frozen=True):
    platform: str = "linux"
    name: str = ""
    """As it calls itself: `Debian GNU/Linux 12 (bookworm)`."""
    installer: str = ""
    """One of `COMMANDS`; empty where none is known."""
    root: bool = False
    sudo: bool = True
    """There is a sudo to call."""
    wsl: bool = False
    container: bool = False
    machine: str = "x86_64"

    def installs(self, what: str) -> str:
        """The command that brings it, else words."""
        package = PACKAGES.get(what, {}).get(self.installer, "" if what in PACKAGES else what)
        if what == "driver" and "Ubuntu" in self.name:
            return self.as_root("ubuntu-drivers install")
        if what == "git" and self.platform == "darwin" and self.installer != "brew":
            return "xcode-select --install"
        if not (self.installer and package):
            return f"install {WORDS.get(what, what)} in this system's own way"
        command = f"{COMMANDS[self.installer]} {package}"
        return command if self.installer == "brew" else self.as_root(command)

    def as_root(self, command: str) -> str:
        return command if self.root or not self.sudo else f"sudo {command}"


def this_system() -> System:
    return System(
        platform=sys.platform,
        name=_name(),
        installer=next((program for program in COMMANDS if shutil.which(program)), ""),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        sudo=shutil.which("sudo") is not None,
        wsl="microsoft" in platform.release().lower(),
        container=any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv")) or "container" in os.environ,
        machine=platform.machine(),
    )


def _name() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"macOS {platform.mac_ver()[0]}" if sys.platform == "darwin" else platform.system()
