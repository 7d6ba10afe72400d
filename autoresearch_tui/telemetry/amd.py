"""What an AMD card says, in the files of its kernel driver. No library, no root.

Owns which files those are. Does not own when they are read. Who is on the card they do not tell.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from autoresearch_tui.telemetry.sample import Absent, Card, Faulty, Sample, is_called, visible, wanted

DRM = Path("/sys/class/drm")
VENDOR = "0x1002"
VISIBLE = ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")  # ROCm's torch hears both, the first before the second
UNTOLD = ("processes", "throttle", "energy_j")
LOAD = re.compile(r"^\d+: *(\d+) *mhz", re.IGNORECASE | re.MULTILINE)


class Folder(msgspec.Struct, frozen=True):
    """A card and where its files are."""

    card: Card
    path: Path


class AmdCard:
    """One whose folder was found."""

    def __init__(self, which: str = "") -> None:
        found = _folders()
        if not found:
            raise Absent("No AMD card is here.")
        name = wanted(which, *VISIBLE)
        chosen = [one for one in found if is_called(one.card, name)]
        if not chosen:
            there = ", ".join(f"{one.card.index} ({one.card.name})" for one in found)
            raise Faulty("gone", f"There is no GPU {name} here: name one of {there}.")
        self.found = chosen[0]

    def close(self) -> None:
        """Nothing was opened."""

    def read(self) -> Sample:
        folder, card = self.found.path, self.found.card
        sample = Sample(time.time(), name=card.name, uuid=card.uuid, source="amd sysfs")
        if not (folder / "vendor").exists():
            said = "The card or its driver is gone: load the driver (`sudo modprobe amdgpu`), or restart the machine."
            return msgspec.structs.replace(sample, fault="gone", said=said)
        answers: dict[str, Any] = {}
        why = dict.fromkeys(UNTOLD, "the driver's files do not tell it")
        for field, question in QUESTIONS.items():
            try:
                answers[field] = question(folder)
            except (OSError, ValueError, LookupError) as error:
                why[field] = f"it cannot be read: {error}"
        return msgspec.structs.replace(sample, **answers, why=why)


def cards() -> list[Card]:
    """All that may be seen."""
    found = [one.card for one in _folders()]
    for variable in VISIBLE:
        found = visible(found, variable)
    return found


def _folders() -> list[Folder]:
    """The one with the most memory first: beside a card there may be a processor that draws."""
    paths = [path for path in DRM.glob("card*/device") if _text(path / "vendor") == VENDOR and (path / "mem_info_vram_total").exists()]
    paths.sort(key=lambda path: (-int(_text(path / "mem_info_vram_total") or 0), path.parent.name))
    return [Folder(_card(index, path), path) for index, path in enumerate(paths)]


def _card(index: int, path: Path) -> Card:
    unique = _text(path / "unique_id")
    name = _text(path / "product_name") or f"AMD {_text(path / 'device')}"
    try:
        limit = _sensor(path, "power1_cap") / 1e6
    except (OSError, ValueError, LookupError):
        limit = None
    return Card(index, f"GPU-{unique}" if unique else path.parent.name, name, power_limit_w=limit)


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    return int(path.read_text())


def _sensor(folder: Path, *names: str) -> int:
    """Of the first of these that the card has."""
    for name in names:
        for path in sorted(folder.glob(f"hwmon/hwmon*/{name}")):
            return _number(path)
    raise LookupError(f"no {names[0]}")


def _fastest(folder: Path) -> int:
    return max(int(speed) for speed in LOAD.findall((folder / "pp_dpm_sclk").read_text()))


QUESTIONS: dict[str, Callable[[Path], int | float]] = {
    "memory_total": lambda folder: _number(folder / "mem_info_vram_total"),
    "memory_used": lambda folder: _number(folder / "mem_info_vram_used"),
    "util": lambda folder: _number(folder / "gpu_busy_percent"),
    "power_w": lambda folder: _sensor(folder, "power1_average", "power1_input") / 1e6,
    "power_limit_w": lambda folder: _sensor(folder, "power1_cap") / 1e6,
    "temperature_c": lambda folder: _sensor(folder, "temp1_input") // 1000,
    "sm_mhz": lambda folder: _sensor(folder, "freq1_input") // 1_000_000,
    "sm_mhz_max": _fastest,
}
