"""Machines that nobody here has: one with everything, from which the others differ in what they lack."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from autoresearch_tui.doctor.bench import Bench
from autoresearch_tui.doctor.card import Card
from autoresearch_tui.doctor.containment import Containment
from autoresearch_tui.doctor.findings import Finding
from autoresearch_tui.doctor.history import History
from autoresearch_tui.doctor.machine import Machine, say
from autoresearch_tui.doctor.night import Night
from autoresearch_tui.doctor.proposers import Proposers, Said
from autoresearch_tui.doctor.python import Python
from autoresearch_tui.doctor.screen import Terminal
from autoresearch_tui.doctor.server import Server
from autoresearch_tui.doctor.storage import Storage
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.doctor.wheel import Wheel

GB = 10**9
DEBIAN = System("linux", "Debian GNU/Linux 12 (bookworm)", "apt")
MODERN = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")
H100 = Card("nvidia", "NVIDIA H100", total=80 * GB, used=GB, driver="580.65.06", cuda=13.0, capability=9.0)
EVERYTHING = Machine(
    folder="/lab",
    system=DEBIAN,
    python=Python("3.12.4", "/venv/bin/python", "/venv", now=2e9, written=1e9, clock="2033-05-18 03:33 UTC"),
    wheel=Wheel("/venv/bin/python", "2.13.0+cu130", cuda="13.0", available=True, kernels=MODERN, threads=8),
    card=H100,
    storage=Storage("/lab", True, "ext4", False, 500 * GB, 64 * GB, 60 * GB, 32 * GB),
    history=History((2, 43, 0), "/lab", "abcdef1", "main"),
    containment=Containment("bubblewrap"),
    bench=Bench("/lab", "workspace", measured=True, budget_s=300, corpus="climbmix", data="/cache/climbmix-8192"),
    proposers=Proposers(
        True,
        (Said("ollama:qwen3:8b", window=16384), Said("sweep")),
        server=Server("http://127.0.0.1:11434", "0.33.0", (("qwen3:8b", 8.1),), installed=True),
        local_only=True,
    ),
    night=Night(True, "systemd-inhibit", allowed=True, kills=False, lingers=False),
    terminal=Terminal("tmux-256color", "truecolor", letters="en_US.UTF-8", tmux="3.4", inside=True, features="256,RGB,title"),
)


def finding(machine: Machine, check: str) -> Finding:
    """The one line of that name."""
    (found,) = [one for one in say(machine) if one.check == check]
    return found


def states(machine: Machine) -> dict[str, str]:
    return {one.check: one.state for one in say(machine)}


def having(**parts: Any) -> Machine:
    """The one with everything, but for these parts."""
    return replace(EVERYTHING, **parts)
