"""What a trial's view holds on machines of different kinds, each made of files in a folder."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.engine.interpreter import pieces
from autoresearch_tui.engine.paths import walk
from autoresearch_tui.engine.view import View, host_view, machine, nodes, training_view
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import Workspace, data_folder, open_workspace
from tests.engine.nights import make_checkout
from tests.harness.trials import make_workspace


class Home:
    """A user's home folder, and a trial in a workspace there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in (".ssh/id_ed25519", ".cache/huggingface/token", ".cache/huggingface/hub/models", ".cache/autoresearch/shard"):
            self.file(name)

    def file(self, name: str, text: str = "") -> Path:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def view(self, workspace: Workspace) -> View:
        return training_view(workspace, *self.places(workspace, "trials/0000-1", "temporary/0000-1", "cache"))

    def places(self, workspace: Workspace, *names: str) -> list[Path]:
        places = [workspace.run("night").folder / name for name in names]
        for place in places:
            place.mkdir(parents=True)
        return places


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in ("XDG_CACHE_HOME", "AUTORESEARCH_DATA", "HF_HOME", "HF_HUB_CACHE", "LD_LIBRARY_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return Home(tmp_path / "home")


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_workspace(tmp_path_factory.mktemp("made") / "lab")


@pytest.fixture
def bundled(home: Home, lab: Path) -> Workspace:
    """The bundled harness with the dataset of the demo, which is this Python's own text."""
    workspace = open_workspace(Path(shutil.copytree(lab, home.folder / "lab")), Settings())
    data = data_folder(workspace.folder)
    assert data is not None
    for name in ("train/1.bin", "tokenizer/bytes.npy", "validation/1.bin", "audit/1.bin", "manifest.json"):
        home.file(str(data.relative_to(home.folder) / name))
    return workspace


@pytest.fixture
def upstream(home: Home) -> Workspace:
    """A checkout as upstream's, with an environment of its own."""
    folder = make_checkout(home.folder / "autoresearch")
    (folder / "pyproject.toml").write_text('[project]\nname = "autoresearch"\n')
    home.file("autoresearch/.venv/pyvenv.cfg", f"home = {Path(sys.base_prefix, 'bin')}\n")
    home.file("autoresearch/.venv/bin/python")
    return open_workspace(folder, Settings())


def seen(view: View, path: Path) -> bool:
    """Whether this path, or one around it, is in sight."""
    around = {path, *path.parents}
    return not around.isdisjoint({*view.read, *view.write}) and around.isdisjoint(view.hidden)


def none_of(view: View, paths: Iterable[Path]) -> bool:
    return not any(seen(view, path) for path in paths)


def test_a_training_sees_what_it_learns_from_and_not_what_it_is_measured_by(home: Home, bundled: Workspace) -> None:
    data, view = data_folder(bundled.folder), home.view(bundled)
    assert data is not None
    assert all(seen(view, data / name) for name in ("train/1.bin", "tokenizer/bytes.npy", "manifest.json"))
    assert none_of(view, (data / name for name in ("validation/1.bin", "audit/1.bin")))
    assert [path.name for path in view.read if data in (path, *path.parents)] == ["train", "tokenizer", "manifest.json"]


def test_the_held_out_modules_of_python_s_own_text_are_hidden_and_the_rest_of_it_is_not(home: Home, bundled: Workspace) -> None:
    library = Path(sysconfig.get_path("stdlib"))
    view = home.view(bundled)
    assert library / "lib2to3" in view.hidden or not (library / "lib2to3").exists()
    assert none_of(view, (path for path in library.glob("*/__init__.py") if path.parent.name in ("pydoc_data", "idlelib", "turtledemo")))
    assert seen(view, library / "json" / "__init__.py")


def test_the_home_folder_the_night_and_git_are_out_of_sight(home: Home, bundled: Workspace, upstream: Workspace) -> None:
    for workspace in (bundled, upstream):
        view, run = home.view(workspace), workspace.run("night")
        assert none_of(view, (run.journal, run.results, run.best, run.log(0, 1), run.trial(0, 2) / "checkpoint.pt"))
        assert none_of(view, (home.folder / ".ssh/id_ed25519", home.folder / ".cache/huggingface/token", workspace.folder / ".git/config"))
        assert [str(path.relative_to(run.folder)) for path in view.write] == ["trials/0000-1", "temporary/0000-1", "cache"]
        assert view.temporary == run.folder / "temporary" / "0000-1"


def test_the_host_of_an_evaluation_has_a_bench_and_a_checkpoint_and_no_data(home: Home, bundled: Workspace) -> None:
    data = data_folder(bundled.folder)
    assert data is not None
    bench, trial, temporary = home.places(bundled, "bench/0000-1", "trials/0000-1", "temporary/0000-1")
    checkpoint = home.file(str((trial / "checkpoint.pt").relative_to(home.folder)))
    view = host_view(bundled, bench, checkpoint, temporary)
    assert view.write == (temporary,)
    assert bench in view.read and checkpoint in view.read
    assert none_of(view, (data / name for name in ("train/1.bin", "tokenizer/bytes.npy", "validation/1.bin")))
    assert none_of(view, Path(sysconfig.get_path("stdlib")).glob("pydoc_data/*.py"))


def test_an_upstream_checkout_has_its_environment_its_data_and_its_models_to_read(home: Home, upstream: Workspace) -> None:
    view = home.view(upstream)
    assert all(seen(view, upstream.folder / name) for name in (".venv/bin/python", "pyproject.toml"))
    assert all(seen(view, home.folder / ".cache" / name) for name in ("autoresearch/shard", "huggingface/hub/models"))
    assert none_of(view, (upstream.folder / name for name in ("train.py", "prepare.py")))


def test_uv_comes_with_its_pythons(home: Home, upstream: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    home.file(".local/bin/uv").chmod(0o755)
    home.file(".local/share/uv/python/cpython-3.12/bin/python3")
    home.file(".local/share/keyrings/login.keyring")
    monkeypatch.setenv("PATH", str(home.folder / ".local/bin"))
    view = home.view(open_workspace(upstream.folder, Settings()))
    assert seen(view, home.folder / ".local/bin/uv")
    assert seen(view, home.folder / ".local/share/uv/python/cpython-3.12/bin/python3")
    assert seen(view, upstream.folder / ".venv/bin/python")
    assert seen(view, Path(sys.base_prefix) / "bin")
    assert not seen(view, home.folder / ".local/share/keyrings/login.keyring")


def test_frozen_files_in_the_trial_s_folder_are_to_be_read_only(home: Home, upstream: Workspace) -> None:
    (where,) = home.places(upstream, "trials/0000-2")
    (where / "prepare.py").write_text("TIME_BUDGET = 5\n")
    view = training_view(upstream, where, where)
    assert where / "prepare.py" in view.read


# ---------------------------------------------------------------------------------------------------------------------------------
# Pythons
# ---------------------------------------------------------------------------------------------------------------------------------


def test_a_python_is_followed_from_link_to_link_to_where_its_library_is(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.file("versions/3.12.4/lib/python3.12/os.py")
    home.file("versions/3.12.4/bin/python3.12")
    (tmp_path / "versions" / "3.12").symlink_to("3.12.4")
    home.file("project/pyvenv.cfg", f"home = {tmp_path / 'versions/3.12/bin'}\n")
    (tmp_path / "project" / "bin").mkdir()
    (tmp_path / "project" / "bin" / "python").symlink_to("python3")
    (tmp_path / "project" / "bin" / "python3").symlink_to(tmp_path / "versions/3.12/bin/python3.12")
    assert {tmp_path / "project", tmp_path / "versions" / "3.12"} <= set(machine(tmp_path / "project" / "bin" / "python"))


def test_a_link_in_a_folder_that_is_no_python_s_brings_only_itself(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.file(".local/lib/python3.12/site-packages/one.py")
    home.file("versions/3.12/lib/python3.12/os.py")
    home.file("versions/3.12/bin/python3.12")
    (tmp_path / ".local" / "bin").mkdir()
    (tmp_path / ".local" / "bin" / "python3.12").symlink_to(tmp_path / "versions/3.12/bin/python3.12")
    found = machine(tmp_path / ".local" / "bin" / "python3.12", (tmp_path,))
    assert tmp_path / ".local" not in found
    assert {tmp_path / ".local" / "bin" / "python3.12", tmp_path / "versions" / "3.12"} <= set(found)


def test_packages_installed_for_editing_come_in_unless_they_hold_what_stays_outside(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.file("own/lib/python3.12/os.py")
    python = home.file("own/bin/python3")
    for name in ("library", "work/lab"):
        (tmp_path / name).mkdir(parents=True)
    places = [tmp_path / "library", tmp_path / "work", tmp_path, tmp_path / "gone"]
    lines = [*map(str, places), "import os; os.getpid()", "# a word"]
    home.file("own/lib/python3.12/site-packages/editable.pth", "\n".join(lines))
    found = machine(python, apart=(tmp_path / "work" / "lab",))
    assert tmp_path / "library" in found
    assert {tmp_path / "work", tmp_path, tmp_path / "gone"}.isdisjoint(found)


def test_what_is_not_on_this_machine_is_left_out() -> None:
    found = machine(Path(sys.executable))
    assert all(os.path.exists(path) for path in found)
    never = ("/", "/etc", "/etc/shadow", "/etc/ssh", "/etc/sudoers", "/tmp", "/run", "/var", "/home", "/dev", "/proc", "/sys")
    assert {Path.home(), *map(Path, never)}.isdisjoint(found)


def test_every_card_s_nodes_are_found_and_no_other_device(tmp_path: Path) -> None:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "kfd", "sda", "mem", "kvm", "nvram"):
        (tmp_path / name).touch()
    (tmp_path / "dri").mkdir()
    assert [path.name for path in nodes(tmp_path)] == ["dri", "kfd", "nvidia-uvm", "nvidia0", "nvidia1", "nvidiactl"]


def test_a_command_of_the_checkouts_brings_itself_from_wherever_the_night_is_started(
    home: Home, upstream: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (upstream.folder / "train.sh").write_text("#!/bin/sh\n")
    (upstream.folder / "train.sh").chmod(0o755)
    for place in (tmp_path, upstream.folder):
        monkeypatch.chdir(place)
        view = home.view(msgspec.structs.replace(upstream, train=("./train.sh",), kept_in=tmp_path / place.name))
        assert upstream.folder / "train.sh" in view.read
        assert all(path.is_absolute() for path in view.read)


def test_a_relative_path_is_walked_from_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert walk(Path("train.sh")) == (tmp_path.resolve() / "train.sh", walk(tmp_path)[1])


def test_a_shim_of_pyenv_s_comes_with_the_pythons_behind_it(tmp_path: Path) -> None:
    root = tmp_path / ".pyenv"
    for file in ("shims/python3", "libexec/pyenv", "versions/3.12.1/bin/python3"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch(mode=0o755)
    assert root in machine(root / "shims" / "python3")


def test_an_environment_with_the_data_in_it_comes_in_without_the_data(home: Home) -> None:
    home.file("env/pyvenv.cfg", f"home = {Path(sys.base_prefix, 'bin')}\n")
    python, torch = home.file("env/bin/python"), home.file("env/lib/python3.11/site-packages/torch/__init__.py")
    held_out = home.file("env/cache/autoresearch-tui/python-1024/validation/1.bin")
    places = list(pieces(python, [home.folder, held_out.parents[1]]))
    assert all(any(place in (path, *path.parents) for place in places) for path in (python, torch, home.folder / "env/pyvenv.cfg"))
    assert not any(place in held_out.parents for place in places)


def test_held_out_modules_are_hidden_in_the_parts_of_a_python_too(home: Home, bundled: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTORESEARCH_DATA", str(Path(sys.base_prefix, "data")))
    view = home.view(bundled)
    assert none_of(view, Path(sysconfig.get_path("stdlib")).glob("pydoc_data/*.py"))
    assert seen(view, Path(sysconfig.get_path("stdlib"), "json", "__init__.py"))
