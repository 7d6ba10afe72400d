"""What the card says of itself, through NVML. Observing, with no opinion."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any


def free_memory() -> int | None:
    """Bytes that are free on the first card that this process may see; None where there is none, or no driver."""
    import pynvml  # what it costs to import, only who asks pays

    try:
        pynvml.nvmlInit()
        try:
            return int(pynvml.nvmlDeviceGetMemoryInfo(_handle(pynvml)).free)
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
