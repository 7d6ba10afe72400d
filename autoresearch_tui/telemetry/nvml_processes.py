"""Who is on an NVIDIA card: the list of processes as old and new drivers give it.

The question has three versions. The first answers with records of another size than the two that came after it; whoever reads an answer
with the wrong one reads garbage, so each version is asked for by its own name.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import pynvml

from autoresearch_tui.telemetry.sample import Process

UNTOLD = 2**64 - 1  # NVML's word for a memory that is not told
SPARE = 5  # more than there were when it was asked how many
KINDS = ("Compute", "Graphics")


class _OldRecord(ctypes.Structure):
    """Of the first version, which the bindings do not know any more."""

    _fields_ = (("pid", ctypes.c_uint), ("memory", ctypes.c_ulonglong))


def processes_on(device: Any) -> tuple[tuple[Process, ...], pynvml.NVMLError | None]:
    """By pid, each once though it computes and draws; and what kept those that draw, where something did."""
    memories = _running("Compute", device)
    missing = None
    try:
        for pid, memory in _running("Graphics", device).items():
            memories[pid] = max(memory or 0, memories.get(pid) or 0) if memory is not None or memories.get(pid) is not None else None
    except pynvml.NVMLError as error:
        missing = error
    return tuple(Process(pid, memories[pid], name_of(pid), user_of(pid)) for pid in sorted(memories)), missing


def _running(kind: str, device: Any) -> dict[int, int | None]:
    """The newest version that this driver knows."""
    for version in ("_v3", "_v2"):
        try:
            records = getattr(pynvml, f"nvmlDeviceGet{kind}RunningProcesses{version}")(device)
        except pynvml.NVMLError_FunctionNotFound:
            continue
        return {record.pid: record.usedGpuMemory for record in records}
    return _running_first(kind, device)


def _running_first(kind: str, device: Any) -> dict[int, int | None]:
    try:
        ask = getattr(pynvml.nvmlLib, f"nvmlDeviceGet{kind}RunningProcesses")
    except AttributeError:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_FUNCTION_NOT_FOUND) from None
    count = ctypes.c_uint(0)
    answer = ask(device, ctypes.byref(count), None)
    if answer == pynvml.NVML_SUCCESS:
        return {}
    if answer == pynvml.NVML_ERROR_INSUFFICIENT_SIZE:
        count = ctypes.c_uint(count.value + SPARE)
        records = (_OldRecord * count.value)()
        answer = ask(device, ctypes.byref(count), records)
        if answer == pynvml.NVML_SUCCESS:
            return {record.pid: None if record.memory == UNTOLD else record.memory for record in records[: count.value]}
    raise pynvml.NVMLError(answer)


def name_of(pid: int) -> str:
    """As it calls itself; empty where it cannot be seen."""
    try:
        return "".join(filter(str.isprintable, Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()))
    except OSError:
        return ""


def user_of(pid: int) -> str:
    try:
        uid = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return ""
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)
