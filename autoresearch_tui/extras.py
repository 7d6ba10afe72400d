"""What is only needed by who asks for it, and the command that brings it to this very installation.

A package index may not know this program, or know another one by its name: who runs it from a checkout installs from there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path

import msgspec

import autoresearch_tui

MODULES = {"report": "matplotlib", "notify": "apprise", "serve": "textual_serve", "ray": "ray"}
"""Of each extra the package that it is there for: pictures, messages, the screen in a browser, trials on a cluster."""


class Installation(msgspec.Struct, frozen=True):
    """How a package comes into the Python that runs this."""

    pip: str = "pip"
    """As a shell takes it."""
    closed: bool = False
    """The system does not let pip install into it (PEP 668)."""
    keeper: str = ""
    """`pipx` or `uv tool`, where one of them made the environment."""
    source: str = ""
    """The checkout that this package runs from; empty: a wheel."""

    def install(self, extra: str) -> str:
        """The command that brings an extra of this package."""
        package = shlex.quote(f"{self.source or 'autoresearch-tui'}[{extra}]")
        if self.keeper:
            return f"{self.keeper} install --force {package}"
        if self.closed:
            return f"python3 -m venv .venv && .venv/bin/pip install {'-e ' if self.source else ''}{package}"
        return f"{self.pip} install {'-e ' if self.source else ''}{package}"


def installation() -> Installation:
    prefix, checkout = Path(sys.prefix), Path(autoresearch_tui.__file__).parents[1]
    return Installation(
        pip=_pip(),
        closed=sys.prefix == sys.base_prefix and Path(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED").exists(),
        keeper="pipx" if "pipx" in prefix.parts else "uv tool" if prefix.parent.name == "tools" and "uv" in prefix.parts else "",
        source=str(checkout) if (checkout / "pyproject.toml").is_file() else "",
    )


def _pip() -> str:
    """The one of this Python; environments that uv makes have none."""
    if find_spec("pip") is None and shutil.which("uv"):
        return f"VIRTUAL_ENV={shlex.quote(sys.prefix)} uv pip"
    found = shutil.which("pip")
    return "pip" if found and os.path.dirname(found) == os.path.dirname(sys.executable) else f"{shlex.quote(sys.executable)} -m pip"


def lacking() -> tuple[str, ...]:
    """The extras whose package is not installed."""
    return tuple(extra for extra, module in MODULES.items() if find_spec(module) is None)
