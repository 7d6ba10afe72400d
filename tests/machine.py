"""What this machine can do that no package installs. A test of what it cannot do is not collected, so that a skip always means a GPU."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

IS_ROOT = os.geteuid() == 0
HAS_SHM = os.access("/dev/shm", os.W_OK)
HAS_GCC = shutil.which("gcc") is not None
HAS_PROC = os.path.exists("/proc/meminfo")
HAS_CHROMIUM = shutil.which("chromium") is not None
HAS_TMUX = shutil.which("tmux") is not None
CAN_MOUNT = subprocess.run(["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True).returncode == 0
HAS_BUBBLEWRAP = (
    shutil.which("bwrap") is not None
    and subprocess.run(["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--unshare-net", "true"], capture_output=True).returncode == 0
)
LANDLOCK_ABI = max(0, ctypes.CDLL(None).syscall(444, None, 0, 1)) if sys.platform == "linux" else 0
with tempfile.TemporaryDirectory() as _folder:
    HAS_REFTABLE = subprocess.run(["git", "init", "-q", "--ref-format=reftable", _folder], capture_output=True).returncode == 0


@contextlib.contextmanager
def folder_in_shared_memory() -> Iterator[Path]:
    """Held open: what nobody holds there, a night of another test takes for what its trial left."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        held = os.open(folder, os.O_RDONLY)
        try:
            yield Path(folder)
        finally:
            os.close(held)


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    """As a user for whom permissions count, for they do not count for root."""
    if IS_ROOT:
        os.seteuid(65534)
    try:
        yield
    finally:
        if IS_ROOT:
            os.seteuid(0)
