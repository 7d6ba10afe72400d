"""What a trial may touch: an allow-list of paths, the same for every kind of sandbox. What is not in it is not there.

Owns which places a training and the host of an evaluation need on this machine. Does not own how they are kept to them
(`bubblewrap.py`, `landlock.py`), nor the environment's variables (`privacy.py`).

Nothing is run to find out: prefixes, `.pth` files and caches are read where they usually are. A place that is missing,
or closed to this user, is left out.
"""

from __future__ import annotations

import ast
import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import msgspec

from autoresearch_tui.engine.interpreter import fits, pieces, python_of
from autoresearch_tui.syntax import parsed
from autoresearch_tui.workspace import Workspace, data_folder, dataset_of

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store", "/run/current-system")
DRIVERS = ("/run/opengl-driver", "/opt/rocm", "/opt/amdgpu", "/opt/cuda", "/opt/nvidia", "/opt/intel", "/etc/nv_tegra_release")
"""Libraries of GPUs that stand elsewhere; WSL's and most of NVIDIA's are below /usr."""
ETC: tuple[str, ...] = ("alternatives", "group", "host.conf", "hosts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "locale.alias")
ETC += ("locale.conf", "localtime", "nsswitch.conf", "OpenCL", "os-release", "passwd", "pki/tls/openssl.cnf", "protocols", "services")
ETC += ("ssl/openssl.cnf", "timezone")
SYS = ("bus", "class", "dev", "devices", "fs/cgroup", "kernel/mm", "module")
"""Cores, memory and cards; not the kernel's debugging, tracing and firmware."""
NODES: tuple[str, ...] = ("nvidia[0-9]*", "nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps")
NODES += ("dri", "kfd", "dxg", "nvhost-*", "nvmap", "nvgpu", "nvsciipc")  # AMD's, WSL's, Jetson's
UPSTREAM = (".venv", "pyproject.toml", "uv.lock", ".python-version")
SHARED_MEMORY = Path("/dev/shm")
HUB = ("hub", "datasets", "modules", "kernels")
"""Of Hugging Face's cache, which also holds the user's token."""


class View(msgspec.Struct, frozen=True):
    """What a trial may touch."""

    read: tuple[Path, ...]
    """Files and folders that exist, with all below them."""
    write: tuple[Path, ...]
    """Folders that exist."""
    hidden: tuple[Path, ...] = ()
    """Below something of `read`, or in /dev/shm, and not to be seen all the same."""
    temporary: Path | None = None
    """Its own temporary folder: /tmp where the sandbox can arrange it, TMPDIR in any case."""
    devices: tuple[Path, ...] = ()


def training_view(workspace: Workspace, where: Path, temporary: Path, cache: Path | None = None) -> View:
    """A trial's training: its folder, temporary folder and compile cache to write; of the data what it may learn from."""
    read = [*machine(python_of(workspace.train, workspace.folder), _apart(workspace)), *(where / name for name in workspace.frozen)]
    read += _data(workspace)
    if not workspace.measured:
        read += _checkout(workspace)
    return _view(workspace, read, filter(None, (where, temporary, cache)), temporary)


def host_view(workspace: Workspace, bench: Path, checkpoint: Path, temporary: Path, cache: Path | None = None) -> View:
    """The host of an evaluation: the code and the checkpoint, and no data at all."""
    read = [*machine(Path(sys.executable), _apart(workspace)), bench, checkpoint]
    return _view(workspace, read, filter(None, (temporary, cache)), temporary)


@cache
def machine(python: Path, apart: tuple[Path, ...] = ()) -> tuple[Path, ...]:
    """What every program of this Python needs. A place of the Python's that holds something of `apart` does not come in with it."""
    system = [*map(Path, SYSTEM), *map(Path, DRIVERS), *(Path("/etc", name) for name in ETC), *(Path("/sys", name) for name in SYS)]
    system += Path("/etc").glob("python3*")
    own = [*pieces(python, apart), *(path for path in _libraries() if fits(path, apart))]
    return tuple(dict.fromkeys(path for path in (*system, *own) if os.path.exists(path)))


def nodes(folder: Path = Path("/dev")) -> tuple[Path, ...]:
    """The device nodes of every GPU."""
    return tuple(sorted(path for name in NODES for path in folder.glob(name)))


# ---------------------------------------------------------------------------------------------------------------------------------


def _view(workspace: Workspace, read: Sequence[Path], write: Iterable[Path], temporary: Path) -> View:
    seen = tuple(dict.fromkeys(path for path in read if os.path.exists(path)))
    roots = {SHARED_MEMORY, *(path.resolve() for path in seen)}
    data = data_folder(workspace.folder)
    secret = [workspace.hidden, workspace.runs_folder, workspace.folder / ".git", *_held_out(workspace, seen)]
    if data and workspace.measured:
        secret += [data / "validation", data / "audit"]
    hidden = (path for path in secret if os.path.exists(path) and not roots.isdisjoint(path.resolve().parents))
    return View(seen, tuple(write), tuple(dict.fromkeys(hidden)), temporary, nodes())


def _apart(workspace: Workspace) -> tuple[Path, ...]:
    """What no editable installation may bring in: the home folder, the night, the data, and the supervisor itself."""
    places = [Path.home(), workspace.folder, workspace.runs_folder, data_folder(workspace.folder), Path(__file__).parents[2]]
    return tuple(one for place in places if place for one in (place, place.resolve()))


def _data(workspace: Workspace) -> Iterator[Path]:
    """The bundled harness's. One that evaluates itself needs the held-out part too."""
    data = data_folder(workspace.folder)
    if data and workspace.measured:
        yield from (data / "train", data / "tokenizer", data / "manifest.json")
    elif data:
        yield data


def _checkout(workspace: Workspace) -> Iterator[Path]:
    """What upstream's training reads outside its own folder: its environment, uv with its Pythons, and two caches."""
    home = Path.home()
    yield from (workspace.folder / name for name in UPSTREAM)
    if Path(workspace.train[0]).name == "uv":
        yield Path(shutil.which(workspace.train[0]) or workspace.train[0])
        share = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        yield Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or share / "uv" / "python")
    yield home / ".cache" / "autoresearch"
    hugging_face = Path(os.environ.get("HF_HOME") or home / ".cache" / "huggingface")
    yield from (hugging_face / name for name in HUB)
    if cache := os.environ.get("HF_HUB_CACHE"):
        yield Path(cache)


def _held_out(workspace: Workspace, seen: Iterable[Path]) -> Iterator[Path]:
    """Where the held-out text is a part of Python itself: those modules, of every Python in sight."""
    if dataset_of(workspace.folder) != "python":
        return
    names = _constant(workspace.folder / "prepare.py", "HELD_OUT_MODULES")
    for place in seen:
        inside = place.glob("python3*") if place.name.startswith("lib") else ()
        for library in (*place.glob("lib*/python3*"), *place.glob("local/lib*/python3*"), *inside):
            yield from (library / name for name in names)


def _constant(file: Path, name: str) -> tuple[str, ...]:
    """Words that a file assigns to a name at its top level; it is read and not run."""
    try:
        tree = parsed(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ()
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return tuple(map(str, ast.literal_eval(node.value)))
    return ()


def _libraries() -> Iterator[Path]:
    """Folders that the dynamic linker was told of."""
    for path in filter(None, os.environ.get("LD_LIBRARY_PATH", "").split(":")):
        yield Path(path)
    for listing in sorted(Path("/etc/ld.so.conf.d").glob("*.conf")):
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("/"):
                yield Path(line.strip())
