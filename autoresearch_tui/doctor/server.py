"""The ollama server of this machine: whether it answers, and which of its models fit the card."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence

import msgspec

from autoresearch_tui.addresses import is_local
from autoresearch_tui.doctor.findings import Finding, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.researchers import ResearcherDown
from autoresearch_tui.researchers.ollama_models import address_of, needed
from autoresearch_tui.researchers.patience import Patience
from autoresearch_tui.sections import Settings

GB = 1e9
SOON = Patience(connect=1.0, first=2.0, gap=2.0, whole=4.0)
FIRST_MODEL = "qwen3.5:9b"
"""For whoever has none: it fits a card of 12 GB."""
SHOWN = 4  # models


class Server(msgspec.Struct, frozen=True):
    """The one of this machine, or the one that was named."""

    address: str = ""
    """Empty where it was not asked."""
    version: str = ""
    models: tuple[tuple[str, float], ...] = ()
    """Those that write, each with the gigabytes that it would take with its window."""
    down: str = ""
    """Why it does not answer."""
    installed: bool = False
    elsewhere: bool = False
    """OLLAMA_HOST is another machine, and no researcher of ollama's was named."""


async def look(settings: Settings, environment: Mapping[str, str], named: bool) -> Server:
    """`named`: a researcher of ollama's is, so it may be asked wherever it is."""
    installed = shutil.which("ollama") is not None
    try:
        address = address_of(settings.ollama.address or environment.get("OLLAMA_HOST", ""))
    except ValueError as error:
        return Server(down=str(error), installed=installed)
    if not is_local(address) and (not named or settings.privacy.local_only is True):
        return Server(installed=installed, elsewhere=True)
    from autoresearch_tui.researchers.ollama import Ollama

    try:
        models = await Ollama("", address, patience=SOON).models()
    except ResearcherDown as down:
        return Server(address, down=str(down), installed=installed)
    sizes = tuple((model.name, needed(model, settings.ollama.window) / GB) for model in models if model.writes)
    return Server(address, await _version(address), sizes, installed=installed)


async def _version(address: str) -> str:
    from autoresearch_tui.researchers.ollama_chat import ask, client

    try:
        async with client(address, SOON.connect, SOON.gap) as connected:
            return str((await ask(connected, "GET", "/api/version")).get("version", ""))
    except ResearcherDown:
        return ""


def say(server: Server, system: System, free: float | None, wanted: bool, spare: bool) -> list[Finding]:
    """`free`: bytes of the card, None where there is none. `wanted`: it was named. `spare`: somebody else was."""
    if server.elsewhere:
        return [ok("ollama", "OLLAMA_HOST is another machine, which is only asked where it is named")]
    if server.down:
        if wanted or (free is not None and not spare):
            said = f"{server.down.rstrip('.')}; `sweep`, the built-in search, proposes without it" if not wanted else server.down
            return [warning("ollama", said, start(server, system))]
        return [ok("ollama", f"none answers at {server.address}; nobody here needs it" if server.address else server.down)]
    if not server.address:
        return []
    at = f"{server.version or 'a server'} at {server.address}"
    if not server.models:
        return [warning("ollama", f"{at}, and it has no model yet", f"ollama pull {FIRST_MODEL}")]
    return [ok("ollama", f"{at}: {_models(server.models, free)}")]


def start(server: Server, system: System) -> str:
    """The command after which it answers."""
    if server.installed:
        return "ollama serve"
    return "brew install ollama && ollama serve" if system.installer == "brew" else "curl -fsSL https://ollama.com/install.sh | sh"


def _models(models: Sequence[tuple[str, float]], free: float | None) -> str:
    shown = ", ".join(f"{name} ({size:.1f} GB)" for name, size in sorted(models, key=lambda one: -one[1])[:SHOWN])
    more = f" and {len(models) - SHOWN} more" if len(models) > SHOWN else ""
    if free is None:
        return f"{shown}{more}"
    fitting = sum(size <= free / GB for _, size in models)
    return f"{shown}{more}; {fitting or 'none'} of {len(models)} fit into the {free / GB:.0f} GB that are free"
