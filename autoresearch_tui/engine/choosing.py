"""Who proposes in this session: from what a person named to researchers that were asked whether they can.

Where nobody was named, it is the best that answers on this machine; a hosted model never, however many keys lie about.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autoresearch_tui.addresses import is_local
from autoresearch_tui.engine.chain import REMOTE, Chain
from autoresearch_tui.researchers import Researcher, ResearcherDown, UnknownResearcher
from autoresearch_tui.researchers.patience import Patience
from autoresearch_tui.sections import Settings
from autoresearch_tui.telemetry.gpu import free_memory
from autoresearch_tui.workspace import WorkspaceError

if TYPE_CHECKING:
    from autoresearch_tui.researchers.prices import Prices

FORMS = "sweep, ollama:MODEL, anthropic:MODEL, openai:MODEL, command:WORDS, climb"
PATIENCE = Patience()
LLAMA = "http://127.0.0.1:8080/v1"  # where llama.cpp's server listens
HOSTED_USD = 10.0  # what a hosted researcher may cost where nobody said
GB = 1e9


class ModelMissing(WorkspaceError):
    """Its server is there and has no such model: fetching it would help."""

    def __init__(self, why: str, name: str) -> None:
        super().__init__(why)
        self.name = name


class Chosen(msgspec.Struct, frozen=True):
    """Who was chosen, and what a person should know of that."""

    names: tuple[str, ...]
    why: str = ""
    """Where nobody was named: why these."""


async def choose(settings: Settings, environment: Mapping[str, str]) -> Chosen:
    """Those that a person named; else a local model that fits the card, and `sweep` for when it does not answer."""
    said = settings.run.researcher
    names = tuple(name for name in ([said] if isinstance(said, str) else said) if name)
    if names:
        return Chosen(names)
    address = _ollama_address(settings, environment)
    if not is_local(address):
        return Chosen(("sweep",), "OLLAMA_HOST is another machine, which is only asked where it is named")
    free = await asyncio.to_thread(free_memory)
    if free is None:
        return Chosen(("sweep",), "no card holds a model here")
    from autoresearch_tui.researchers.ollama import Ollama
    from autoresearch_tui.researchers.ollama_models import choose as fitting

    try:
        models = await Ollama("", address, patience=Patience(connect=1.0, first=3.0)).models()
    except ResearcherDown as down:
        return Chosen(("sweep",), str(down).rstrip("."))
    if (model := fitting(models, free, settings.ollama.window)) is None:
        return Chosen(("sweep",), f"none of the {len(models)} models of ollama fits the {free / GB:.0f} GB that are free")
    return Chosen((f"ollama:{model}", "sweep"), f"it fits the {free / GB:.0f} GB that are free")


def researcher(name: str, settings: Settings, environment: Mapping[str, str]) -> Researcher:
    """The researcher of this name; raises UnknownResearcher."""
    kind, _, model = name.partition(":")
    match kind:
        case "sweep" if not model:
            from autoresearch_tui.researchers.sweep import Sweep

            return Sweep()
        case "climb" if not model:
            from autoresearch_tui.researchers.climb import Climb

            return Climb()
        case "ollama" if model:
            from autoresearch_tui.researchers.ollama import Ollama
            from autoresearch_tui.researchers.ollama_models import is_cloud

            mine = settings.ollama
            think = {"auto": None, "on": True, "off": False}.get(mine.think, mine.think)
            address = _ollama_address(settings, environment)
            shares = is_local(address) and not is_cloud(model)
            return Ollama(model, address, mine.window, mine.answer, think, patience=PATIENCE, shares=shares)
        case "anthropic" if model:
            from autoresearch_tui.researchers.anthropic import ADDRESS, Anthropic

            theirs = settings.anthropic
            key = environment.get(theirs.key_from)
            address = theirs.address or ADDRESS
            return Anthropic(model, key, _prices(settings), address, theirs.effort, theirs.answer, PATIENCE)
        case "openai":
            from autoresearch_tui.researchers.openai import OpenAI

            return _openai(OpenAI, model, settings, environment)
        case "command" if model.strip():
            from autoresearch_tui.researchers.command import Command

            return Command(model, Patience(whole=settings.command.timeout_s))
    raise UnknownResearcher(f"there is no researcher `{name}`; there is: {FORMS}.")


def hired(chosen: Chosen, settings: Settings, environment: Mapping[str, str]) -> Chain:
    """The chain of a session; raises where a name is none, or leads where this run may not speak to."""
    researchers = [researcher(name, settings, environment) for name in chosen.names]
    if len({one.name for one in researchers}) < len(researchers):
        raise UnknownResearcher(f"{', '.join(chosen.names)}: each researcher stands in the list once.")
    remote = [one.name for one in researchers if one.remote]
    wanted = settings.privacy.local_only
    if wanted is True and remote:
        raise WorkspaceError(f"{remote[0]}: {REMOTE}.")
    return Chain(researchers, local_only=not remote if wanted == "auto" else wanted)


async def checked(chain: Chain) -> dict[str, str]:
    """Why each of those that cannot answer now cannot."""
    said = await asyncio.gather(*(chain.refusal(one) for one in chain.researchers))
    return {name: why for name, why in zip(chain.names, said, strict=True) if why}


def refuse_to_start(chain: Chain, down: Mapping[str, str]) -> None:
    """Somebody who sits before it can mend what keeps all of them from answering."""
    if len(down) < len(chain.names):
        return
    why = "; ".join(said.rstrip(".") for said in down.values())
    why += "" if why.endswith("?") else "."
    missing = next((one for one in chain.researchers if getattr(one, "missing", False)), None)
    raise WorkspaceError(why) if missing is None else ModelMissing(why, missing.name)


async def fetched(name: str, settings: Settings, environment: Mapping[str, str]) -> AsyncIterator[str]:
    """Have ollama fetch a model; how far that is, in words."""
    from autoresearch_tui.researchers.ollama import Ollama

    one = researcher(name, settings, environment)
    assert isinstance(one, Ollama)
    async for step in one.pull():
        share = f" {step.completed / step.total:4.0%} of {step.total / GB:.1f} GB" if step.total else ""
        yield f"{step.status}{share}"


def affordable(chain: Chain, settings: Settings) -> float | None:
    """What the researchers of this session may cost; raises where nobody knows what that would mean."""
    limit = settings.limits.max_cost
    metered = [one for one in chain.researchers if one.metered]
    if limit is None or (limit == "auto" and not metered):
        return None
    for one in chain.researchers:
        if one.remote and not getattr(one, "priced", True):
            raise WorkspaceError(
                f"what {one.name} costs is not known, so no limit can hold: `--max-cost none` goes on without one,"
                " or `[cost] prices` names a file with its price."
            )
    return HOSTED_USD if limit == "auto" else float(limit)


def _ollama_address(settings: Settings, environment: Mapping[str, str]) -> str:
    from autoresearch_tui.researchers.ollama_models import address_of

    try:
        return address_of(settings.ollama.address or environment.get("OLLAMA_HOST", ""))
    except ValueError as error:
        raise WorkspaceError(str(error)) from None


def _openai(kind: type, model: str, settings: Settings, environment: Mapping[str, str]) -> Researcher:
    from autoresearch_tui.researchers.prices import Usage

    mine, prices = settings.openai, _prices(settings)
    known = prices.of(model) is not None

    def cost(tokens_in: int, tokens_out: int) -> float | None:
        return prices.cost(model, Usage(fresh=tokens_in, out=tokens_out))

    try:
        key = environment.get(mine.key_from, "") if mine.address else ""
        made: Researcher = kind(model, mine.address or LLAMA, key, mine.window, mine.answer, PATIENCE, cost=cost if known else None)
    except ValueError as error:
        raise WorkspaceError(f"[openai] address: {error}") from None
    return made


def _prices(settings: Settings) -> Prices:
    from autoresearch_tui.researchers.prices import Prices, PricesError

    try:
        return Prices.load(Path(settings.cost.prices).expanduser() if settings.cost.prices else None)
    except PricesError as error:
        raise WorkspaceError(str(error)) from None
