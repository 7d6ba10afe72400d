"""Which sandbox is chosen on machines where one does not work, or where the GPU does not work in it."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from autoresearch_tui.engine.opening import sandboxed
from autoresearch_tui.engine.sandbox import Chosen, choose
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import WorkspaceError, open_workspace
from tests.engine.nights import make_checkout
from tests.engine.rooms import EITHER, Room


@pytest.fixture(params=EITHER)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Room:
    return Room(tmp_path, request.param)


def chosen(room: Room, wanted: str, train: tuple[str, ...] = (sys.executable, "train.py"), gpu: bool = False) -> Chosen:
    return asyncio.run(choose(wanted, train, room.view, room.folder, room.environment, gpu))


def program(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    file.chmod(0o755)
    return file


@pytest.mark.needs("bubblewrap")
def test_the_strongest_that_works_is_taken_and_needs_no_reason(tmp_path: Path) -> None:
    found = chosen(Room(tmp_path, "bubblewrap"), "auto")
    assert (found.sandbox.name, found.why) == ("bubblewrap", "")


@pytest.mark.needs("landlock")
def test_without_bubblewrap_it_is_landlock_and_what_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    found = chosen(Room(tmp_path, "landlock"), "auto")
    assert (found.sandbox.name, found.why) == ("landlock", "bubblewrap: bwrap is not installed (`apt install bubblewrap`)")


@pytest.mark.needs("landlock")
def test_a_bubblewrap_that_the_system_forbids_is_stepped_down_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "bwrap", '#!/bin/sh\necho "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n')
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = chosen(Room(tmp_path / "room", "landlock"), "auto")
    assert found.sandbox.name == "landlock"
    assert found.why.startswith("bubblewrap: bwrap: setting up uid map: Permission denied")
    with pytest.raises(WorkspaceError, match=r"setting up uid map: Permission denied.*: mend that, or set `kind"):
        chosen(Room(tmp_path / "again", "landlock"), "bubblewrap")


def test_one_in_which_the_training_cannot_import_what_it_needs_is_no_sandbox(room: Room) -> None:
    train = (sys.executable, "train.py")
    found = asyncio.run(choose("auto", train, room.view, room.folder, room.environment, False, ["json", "msgspec"]))
    assert found.sandbox.name != "unsandboxed", "what it can import is no reason"
    found = asyncio.run(choose("auto", train, room.view, room.folder, room.environment, False, ["json", "nowhere_to_be_found"]))
    assert found.sandbox.name == "unsandboxed"
    assert "nowhere_to_be_found cannot be imported in it" in found.why


def test_off_is_unsandboxed_and_says_so(room: Room) -> None:
    found = chosen(room, "off")
    assert (found.sandbox.name, found.why) == ("unsandboxed", "switched off in the settings")
    assert found.sandbox.wrap(("python", "train.py"), room.view, room.folder) == ("python", "train.py")
    assert found.sandbox.environment(room.view) == {"TMPDIR": str(room.temporary)}


def test_a_gpu_that_works_outside_only_is_a_reason_to_step_down(room: Room, tmp_path: Path) -> None:
    secret = program(tmp_path, "outside", "")
    python = program(room.folder, "python", f'#!/bin/sh\ncase "$2" in *cuda*) exec cat {secret};; esac\n')
    found = chosen(room, "auto", (str(python), "train.py"), gpu=True)
    assert found.sandbox.name == "unsandboxed"
    assert f"{room.sandbox.name}: the GPU does not work in it: cat: {secret}" in found.why


def test_a_gpu_that_works_nowhere_is_not_the_sandbox_s_fault(room: Room) -> None:
    python = program(room.folder, "python", '#!/bin/sh\ncase "$2" in *cuda*) echo "no driver" >&2; exit 1;; esac\n')
    found = chosen(room, room.sandbox.name, (str(python), "train.py"), gpu=True)
    assert (found.sandbox.name, found.why) == (room.sandbox.name, "the GPU could not be tried: no driver")


@pytest.mark.needs("landlock")
def test_a_bubblewrap_that_babbles_is_stepped_down_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path, "bwrap", "#!/bin/sh\nprintf '\\377\\376'\nexit 3\n")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = chosen(Room(tmp_path / "room", "landlock"), "auto")
    assert (found.sandbox.name, found.why) == ("landlock", "bubblewrap: exit code 3")


def test_what_a_killed_engine_left_of_its_trying_goes_with_the_next(tmp_path: Path) -> None:
    workspace = open_workspace(make_checkout(tmp_path / "lab"), Settings())
    left = workspace.hidden / ".tried-before" / "trial"
    left.mkdir(parents=True)
    asyncio.run(sandboxed(workspace, "off"))
    assert list(workspace.hidden.iterdir()) == []
