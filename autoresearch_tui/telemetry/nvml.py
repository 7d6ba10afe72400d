"""What an NVIDIA card says, through NVML.

Owns the library's opening and closing, which card is meant, and a sample field by field: one that fails never hides the rest. Does not
own when it is asked (`gpu.py`), nor what a sample means.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec
import pynvml
from msgspec.structs import replace

from autoresearch_tui.telemetry import nvml_library
from autoresearch_tui.telemetry.nvml_processes import processes_on
from autoresearch_tui.telemetry.sample import Absent, Card, Faulty, Sample, is_called, visible, wanted

VISIBLE = "CUDA_VISIBLE_DEVICES"
UNKNOWN = pynvml.NVML_ERROR_UNKNOWN
FAULTS = {
    pynvml.NVML_ERROR_GPU_IS_LOST: "lost",
    pynvml.NVML_ERROR_RESET_REQUIRED: "reset",
    pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH: "mismatch",
    pynvml.NVML_ERROR_DRIVER_NOT_LOADED: "gone",
    pynvml.NVML_ERROR_UNINITIALIZED: "gone",
    pynvml.NVML_ERROR_GPU_NOT_FOUND: "gone",
}
GONE = (pynvml.NVML_ERROR_INVALID_ARGUMENT, pynvml.NVML_ERROR_NOT_FOUND)  # of a question that is always allowed: the card is no more
SENTENCES = {
    "lost": "The card does not answer any more (lost): what uses it has to end; if it does not come back then, restart the machine.",
    "reset": "The card wants a reset: end what uses it, then `sudo nvidia-smi --gpu-reset`, or restart the machine.",
    "mismatch": "The NVIDIA driver was updated while it was in use (its library and its kernel module differ): restart the machine.",
    "gone": "The card or its driver is gone: see whether `nvidia-smi` lists it; if not, load the driver or restart the machine.",
    "unknown": "The NVIDIA driver fails and does not say why: `sudo dmesg` may tell (look for Xid); else restart the machine.",
}
REASONS = {
    pynvml.NVML_ERROR_NOT_SUPPORTED: "this card does not tell it",
    pynvml.NVML_ERROR_NO_PERMISSION: "this user may not ask for it",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "this driver is too old to tell it",
    pynvml.NVML_ERROR_TIMEOUT: "the driver took too long",
}
THROTTLES = {  # one word for each bit, the grave ones first
    pynvml.nvmlClocksEventReasonSwThermalSlowdown: "heat",
    pynvml.nvmlClocksEventReasonHwThermalSlowdown: "heat",
    pynvml.nvmlClocksEventReasonHwSlowdown: "hardware",
    pynvml.nvmlClocksEventReasonHwPowerBrakeSlowdown: "hardware",
    pynvml.nvmlClocksEventReasonSwPowerCap: "power",
    pynvml.nvmlClocksEventReasonSyncBoost: "group",
    pynvml.nvmlClocksEventReasonApplicationsClocksSetting: "setting",
    pynvml.nvmlClocksEventReasonDisplayClockSetting: "setting",
    pynvml.nvmlClocksEventReasonGpuIdle: "idle",
}
Answers = dict[str, Any]


class Found(msgspec.Struct, frozen=True):
    """A card, or a slice of one, with what NVML wants to hear when it is meant."""

    card: Card
    whole: Card
    device: Any
    whole_device: Any


class NvidiaCard:
    """One that is open. NVML is initialised once for its life."""

    def __init__(self, which: str = "") -> None:
        name = wanted(which, VISIBLE)
        _enter()
        try:
            self.found = _find(name)
        except BaseException:
            nvml_library.leave()
            raise

    def close(self) -> None:
        nvml_library.leave()

    def read(self) -> Sample:
        card = self.found.card
        sample = Sample(time.time(), name=card.name, uuid=card.uuid, mig=card.mig, source="nvml")
        answers: Answers = {}
        why: dict[str, str] = {}
        for fields, question in QUESTIONS:
            try:
                answers |= question(self.found)
            except pynvml.NVMLError as error:
                if fault := _fault(error.value, vital="memory_used" in fields):
                    return replace(sample, fault=fault, said=_sentence(fault))
                why |= dict.fromkeys(fields, _reason(error))
            except (OSError, LookupError, ValueError) as error:
                why |= dict.fromkeys(fields, f"it cannot be read: {error}")
        said = "A slice of a card: its power, temperature and clocks are those of the whole card." if card.mig else ""
        return replace(sample, said=said, **{**answers, "why": why | answers.get("why", {})})


def cards() -> list[Card]:
    """All that may be seen. None where there is no driver, or where it fails."""
    try:
        _enter()
    except (Absent, Faulty):
        return []
    try:
        driver = _driver()
        return visible([replace(one.card, power_limit_w=_limit(one), driver=driver) for one in _every()[0]], VISIBLE)
    except pynvml.NVMLError:
        return []
    finally:
        nvml_library.leave()


# Which card


def _enter() -> None:
    answer = nvml_library.enter()
    if answer == pynvml.NVML_ERROR_LIBRARY_NOT_FOUND:
        raise Absent("No NVIDIA driver is installed (libnvidia-ml.so.1).")
    if answer == pynvml.NVML_ERROR_DRIVER_NOT_LOADED:
        raise Absent("The NVIDIA driver is installed, but not loaded.")
    if answer != pynvml.NVML_SUCCESS:
        raise _faulty(answer)


def _find(name: str) -> Found:
    try:
        found, broken = _every()
    except pynvml.NVMLError as error:
        raise _faulty(error.value) from error
    if not found and not broken:
        raise Absent("The NVIDIA driver knows of no card.")
    for one in found:
        if is_called(one.card, name) or is_called(one.whole, name):
            return one
    for index in broken:
        if not name.isdecimal() or int(name) == index:
            raise _faulty(broken[index])
    there = ", ".join(f"{one.card.index} ({one.card.name}, {one.card.uuid})" for one in found) or "none that answers"
    raise Faulty("gone", f"There is no GPU {name} here: name one of {there}.")


def _every() -> tuple[list[Found], dict[int, int]]:
    """The cards that answer, each cut one by its slices, and the faults of the others by their index."""
    found: list[Found] = []
    broken: dict[int, int] = {}
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            device = pynvml.nvmlDeviceGetHandleByIndex(index)
            whole = Card(index, str(pynvml.nvmlDeviceGetUUID(device)), str(pynvml.nvmlDeviceGetName(device)))
            slices = [Found(_slice(index, part), whole, part, device) for part in _slices(device)]
        except pynvml.NVMLError as error:
            broken[index] = error.value
            continue
        found += slices or [Found(whole, whole, device, device)]
    return found, broken


def _slice(index: int, device: Any) -> Card:
    return Card(index, str(pynvml.nvmlDeviceGetUUID(device)), str(pynvml.nvmlDeviceGetName(device)), mig=True)


def _slices(device: Any) -> list[Any]:
    """Of a card in MIG mode; most cards know of no such mode."""
    try:
        if pynvml.nvmlDeviceGetMigMode(device)[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return []
        count = pynvml.nvmlDeviceGetMaxMigDeviceCount(device)
    except (pynvml.NVMLError_NotSupported, pynvml.NVMLError_FunctionNotFound, pynvml.NVMLError_InvalidArgument):
        return []
    parts = []
    for place in range(count):
        with contextlib.suppress(pynvml.NVMLError_NotFound, pynvml.NVMLError_InvalidArgument):  # a place that is not taken
            parts.append(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(device, place))
    return parts


def _driver() -> str:
    try:
        return str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return ""


def _limit(found: Found) -> float | None:
    try:
        return float(pynvml.nvmlDeviceGetPowerManagementLimit(found.whole_device)) / 1000
    except pynvml.NVMLError:  # a laptop's card shares its power with the processor, and has no limit of its own
        return None


# What it says


def _memory(found: Found) -> Answers:
    try:
        told = pynvml.nvmlDeviceGetMemoryInfo(found.device)
        if told.total:
            return {"memory_total": int(told.total), "memory_used": int(told.used)}
    except pynvml.NVMLError_NotSupported:
        if found.card.mig:
            raise
    total, free = _system_memory()
    return {"memory_total": total, "memory_used": total - free, "unified": True}


def _system_memory() -> tuple[int, int]:
    """All, and what could be had."""
    with open("/proc/meminfo") as file:
        lines = dict(line.split(":", 1) for line in file)
    total, free = (int(lines[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    return total, free


def _throttle(found: Found) -> Answers:
    try:
        bits = pynvml.nvmlDeviceGetCurrentClocksEventReasons(found.whole_device)
    except pynvml.NVMLError_FunctionNotFound:  # its name until 2023
        bits = pynvml.nvmlDeviceGetCurrentClocksThrottleReasons(found.whole_device)
    return {"throttle": tuple(dict.fromkeys(word for bit, word in THROTTLES.items() if bits & bit))}


def _processes(found: Found) -> Answers:
    processes, missing = processes_on(found.device)
    return {"processes": processes, "why": {"processes": f"without those that draw: {_reason(missing)}"} if missing else {}}


QUESTIONS: tuple[tuple[tuple[str, ...], Callable[[Found], Answers]], ...] = (
    (("memory_total", "memory_used"), _memory),
    (("util",), lambda found: {"util": int(pynvml.nvmlDeviceGetUtilizationRates(found.device).gpu)}),
    (("power_w",), lambda found: {"power_w": pynvml.nvmlDeviceGetPowerUsage(found.whole_device) / 1000}),
    (("power_limit_w",), lambda found: {"power_limit_w": pynvml.nvmlDeviceGetEnforcedPowerLimit(found.whole_device) / 1000}),
    (
        ("temperature_c",),
        lambda found: {"temperature_c": pynvml.nvmlDeviceGetTemperature(found.whole_device, pynvml.NVML_TEMPERATURE_GPU)},
    ),
    (("sm_mhz",), lambda found: {"sm_mhz": pynvml.nvmlDeviceGetClockInfo(found.whole_device, pynvml.NVML_CLOCK_SM)}),
    (("sm_mhz_max",), lambda found: {"sm_mhz_max": pynvml.nvmlDeviceGetMaxClockInfo(found.whole_device, pynvml.NVML_CLOCK_SM)}),
    (("energy_j",), lambda found: {"energy_j": pynvml.nvmlDeviceGetTotalEnergyConsumption(found.whole_device) / 1000}),
    (("throttle",), _throttle),
    (("processes",), _processes),
)


# What fails


def _fault(code: int, vital: bool) -> str:
    """A card that is out of use says so to any question; the rest counts only where the question is never refused."""
    if vital and code == UNKNOWN:
        return "unknown"
    return "gone" if vital and code in GONE else FAULTS.get(code, "")


def _faulty(code: int) -> Faulty:
    if code == pynvml.NVML_ERROR_NO_PERMISSION:
        return Faulty("unknown", "This user may not use the card: see who may open /dev/nvidia0 (on many systems the group `video`).")
    fault = _fault(code, vital=True) or "unknown"
    return Faulty(fault, _sentence(fault))


def _sentence(fault: str) -> str:
    """A library that does not fit its driver is read anew before the next question."""
    if fault == "mismatch":
        nvml_library.outdate()
    return SENTENCES[fault]


def _reason(error: pynvml.NVMLError) -> str:
    return REASONS.get(error.value, f"the driver says: {error}")
