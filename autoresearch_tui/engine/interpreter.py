"""Where a Python stands: the folders that it needs to run, found by following its links and its `pyvenv.cfg`, without running it."""

from __future__ import annotations

import os
import shutil
import site
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

PARTS = ("bin", "lib*", "include", "share", "pyvenv.cfg")


def python_of(train: Sequence[str], folder: Path) -> Path:
    """The Python that this command trains with: its first word, or that of the checkout's environment where uv is asked."""
    own = folder / ".venv" / "bin" / "python"
    if Path(train[0]).name == "uv" and os.path.exists(own):
        return own
    return folder / (shutil.which(train[0]) or train[0])


def fits(path: Path, apart: Iterable[Path]) -> bool:
    """Whether nothing that is to stay outside lies in it."""
    return path.is_absolute() and not any(path == place or path in place.parents for place in apart)


def pieces(python: Path, apart: Sequence[Path]) -> Iterator[Path]:
    """Its prefixes, of one that holds something of `apart` only the parts that any has, the user's packages, and what `.pth` files add."""
    prefixes: list[Path] = []
    for file in _names(python):
        prefix = file.parent.parent
        if not _is_prefix(prefix):
            yield file
            continue
        prefixes.append(prefix)
        if fits(prefix, apart):
            yield prefix
        else:  # such as an environment with the data in it
            yield from (path for name in PARTS for path in prefix.glob(name) if fits(path, apart))
    packages = [path for prefix in prefixes for lib in ("lib*", "local/lib*") for path in prefix.glob(f"{lib}/python3*/*-packages")]
    if python == Path(sys.executable) and site.ENABLE_USER_SITE:
        yield (own := Path(site.getusersitepackages()))
        packages.append(own)
    for place in packages:
        yield from (path for path in _added(place) if os.path.exists(path) and fits(path, apart))


def _is_prefix(folder: Path) -> bool:
    """An environment, an installation, or the root of pyenv's: not whatever has a `bin`, such as ~/.local."""
    return os.path.exists(folder / "pyvenv.cfg") or any(folder.glob("lib*/python3*/os.py")) or any(folder.glob("versions/*/bin/python3"))


def _names(python: Path) -> Iterator[Path]:
    """The file, each link on the way to it, and the same of the Python that an environment was made from."""
    todo, known = [python], set()
    while todo:
        file = todo.pop()
        if file in known:
            continue
        known.add(file)
        yield file
        if file.is_symlink():
            todo.append(Path(os.path.normpath(file.parent.resolve() / file.readlink())))
        if home := _home(file.parent.parent / "pyvenv.cfg"):
            todo.append(home / file.name if os.path.exists(home / file.name) else home / "python3")


def _home(settings: Path) -> Path | None:
    """The folder of the Python that this environment was made from."""
    try:
        lines = settings.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    entries = (line.partition("=") for line in lines)
    return next((Path(value.strip()) for key, _, value in entries if key.strip() == "home"), None)


def _added(place: Path) -> Iterator[Path]:
    """What the `.pth` files of this folder add to the search for modules."""
    for listing in sorted(place.glob("*.pth")):
        for line in listing.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.strip() and not line.startswith(("#", "import ", "import\t")):
                yield place / line.strip()
