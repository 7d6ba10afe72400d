"""NVML's library, which all that ask in this process share: opened by the first, closed by the last.

Owns who has it open, and that a library which does not fit the kernel's module any more is let go, so that the next one is read from the
disk. Does not own a question.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
import threading

import pynvml

_lock = threading.Lock()
_users = 0
_outdated = False


def enter() -> int:
    """What `nvmlInit` answers: where that is not NVML_SUCCESS, nobody has entered. May block for as long as the driver does.

    An answer and no exception, for the exceptions change with the bindings when those are loaded anew.
    """
    global _users
    with _lock:
        if _outdated and not _users:
            _renew()
        _users += 1
    try:
        pynvml.nvmlInit()
        return pynvml.NVML_SUCCESS  # type: ignore[no-any-return]
    except pynvml.NVMLError as error:
        answer: int = error.value
    with _lock:
        _users -= 1
    return answer


def leave() -> None:
    global _users
    with contextlib.suppress(pynvml.NVMLError):  # a driver that is lost need not hear a farewell
        pynvml.nvmlShutdown()
    with _lock:
        _users -= 1


def outdate() -> None:
    """It does not fit the driver: who enters when all have left gets the one on the disk."""
    global _outdated
    _outdated = True


def _renew() -> None:
    """The bindings keep the library, and every function that they found in it: both go."""
    global _outdated
    _outdated = False
    if sys.platform != "win32" and pynvml.nvmlLib is not None:
        from _ctypes import dlclose

        loaded = pynvml.nvmlLib
        importlib.reload(pynvml)
        dlclose(loaded._handle)
