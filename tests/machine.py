"""What this machine can do that no package installs. A test of what it cannot do is not collected, so that a skip always means a GPU."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator

IS_ROOT = os.geteuid() == 0
HAS_SHM = os.access("/dev/shm", os.W_OK)
CAN_MOUNT = subprocess.run(["unshare", "-Urm", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True).returncode == 0
with tempfile.TemporaryDirectory() as _folder:
    HAS_REFTABLE = subprocess.run(["git", "init", "-q", "--ref-format=reftable", _folder], capture_output=True).returncode == 0


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
