"""What the card says of itself, through NVML: the first that this process may see. Observing, with no opinion."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")
MILLIJOULES = 3.6e9  # of a kilowatt-hour


def free_memory() -> int | None:
    """Bytes; None where there is no card, or no driver."""
    return _asked(lambda nvml, card: int(nvml.nvmlDeviceGetMemoryInfo(card).free))


def energy_kwh() -> float | None:
    """What it took since its driver was loaded; None where it does not say, as older cards do not."""
    return _asked(lambda nvml, card: nvml.nvmlDeviceGetTotalEnergyConsumption(card) / MILLIJOULES)


def _asked(question: Callable[[Any, Any], T]) -> T | None:
    import pynvml  # only who asks pays for it

    try:
        pynvml.nvmlInit()
        try:
            return question(pynvml, _handle(pynvml))
        finally:
            pynvml.nvmlShutdown()
    except pynvml.NVMLError:
        return None


def _handle(pynvml: ModuleType) -> Any:
    """Of the first device in CUDA_VISIBLE_DEVICES, which may name it by number or by its UUID."""
    first = os.environ.get("CUDA_VISIBLE_DEVICES", "").partition(",")[0].strip()
    if first.startswith(("GPU-", "MIG-")):
        return pynvml.nvmlDeviceGetHandleByUUID(first)
    return pynvml.nvmlDeviceGetHandleByIndex(int(first) if first.isdigit() else 0)
