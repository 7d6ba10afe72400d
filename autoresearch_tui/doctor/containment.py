"""Which sandbox would hold the trainings here, tried as the engine tries it, but for the card: a run there is not to be disturbed."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import msgspec

from autoresearch_tui.doctor.findings import Finding, missing, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.engine.sandbox import choose
from autoresearch_tui.engine.view import training_view
from autoresearch_tui.privacy import scrubbed
from autoresearch_tui.workspace import Workspace, WorkspaceError

UNPRIVILEGED = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
ALLOW = (
    "apt install apparmor-profiles && sudo cp /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/"
    " && sudo apparmor_parser -r /etc/apparmor.d/bwrap-userns-restrict"
)


class Containment(msgspec.Struct, frozen=True):
    kind: str = ""
    """`bubblewrap`, `landlock`, `unsandboxed`; empty where the one that was named does not work."""
    why: str = ""
    """Why no stronger one."""
    wanted: str = "auto"
    restricted: bool = False
    """AppArmor keeps users from making namespaces (Ubuntu 24.04)."""


def look(workspace: Workspace | None, wanted: str) -> Containment:
    restricted = UNPRIVILEGED.exists() and UNPRIVILEGED.read_text().strip() == "1"
    with tempfile.TemporaryDirectory(prefix="autoresearch-tui-") as tried:
        where, temporary = Path(tried, "trial"), Path(tried, "tmp")
        where.mkdir()
        temporary.mkdir()
        trains = workspace or _nothing(where)
        needed = [name for name in ("torch", "numpy") if trains.measured and find_spec(name)]
        view = training_view(trains, where, temporary)
        try:
            chosen = asyncio.run(choose(wanted, trains.train, view, where, scrubbed(os.environ), gpu=False, modules=needed))
        except WorkspaceError as error:
            return Containment("", str(error), wanted, restricted)
    return Containment(chosen.sandbox.name, chosen.why, wanted, restricted)


def _nothing(folder: Path) -> Workspace:
    """A stand-in where there is no workspace yet: this Python, in an empty folder."""
    return Workspace(folder, "train.py", (), (sys.executable, "train.py"), "val_bpb", "lower", 300.0, 600.0, 120.0, measured=False)


def say(containment: Containment, system: System) -> list[Finding]:
    if not containment.kind:
        return [missing("sandbox", containment.why, "export AUTORESEARCH_TUI_SANDBOX_KIND=auto")]
    if containment.kind == "bubblewrap":
        return [ok("sandbox", "bubblewrap, the strongest: a training sees its own folder, and no network")]
    mend = _mend(containment, system)
    what = "landlock" if containment.kind == "landlock" else "none: a training may do whatever you may"
    said = f"{what} ({containment.why})" if containment.why else what
    weak = containment.kind == "unsandboxed" or mend
    return [warning("sandbox", said, mend) if weak else ok("sandbox", said)]


def _mend(containment: Containment, system: System) -> str:
    if system.platform != "linux":
        return "run it on Linux, or in a container with no key in it"
    if containment.wanted != "auto":
        return "export AUTORESEARCH_TUI_SANDBOX_KIND=auto"
    if "bwrap is not installed" in containment.why:
        return system.installs("bubblewrap")
    if containment.restricted and not system.container:
        return system.as_root(ALLOW)
    return "run it in a container with no key and no home folder in it" if containment.kind == "unsandboxed" else ""
