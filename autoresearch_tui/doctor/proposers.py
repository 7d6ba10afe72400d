"""Who would propose here: the researchers that the settings name, or what is chosen where they name nobody, each asked whether it can.

No key is shown, and a hosted service is not asked: that its key is there is all that is looked at. Where nothing but this machine may be
spoken to, nothing else is.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

import msgspec

from autoresearch_tui.doctor import server
from autoresearch_tui.doctor.findings import Finding, commands_in, missing, ok, warning
from autoresearch_tui.doctor.systems import System
from autoresearch_tui.engine.choosing import affordable, choose, hired
from autoresearch_tui.privacy import guard
from autoresearch_tui.researchers import Researcher, ResearcherDown, UnknownResearcher
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import WorkspaceError

LOOK_S = 5.0  # for one researcher: the first look loads a client too
SWEEP = "export AUTORESEARCH_TUI_RUN_RESEARCHER=sweep"


class Said(msgspec.Struct, frozen=True):
    """One researcher, and whether it can answer."""

    name: str
    why: str = ""
    """Why it cannot; empty where it can."""
    window: int = 0
    warning: str = ""
    asked: bool = True
    """False: it is elsewhere and would be asked when the run begins."""
    key: str = ""
    """The variable that its key has to be in."""
    absent: bool = False
    """Its server has no such model."""


class Proposers(msgspec.Struct, frozen=True):
    named: bool = False
    """By the settings; else they were chosen."""
    said: tuple[Said, ...] = ()
    why: str = ""
    """Why these, where nobody was named."""
    wrong: str = ""
    """Why no run could begin with them."""
    server: server.Server = server.Server()
    window: int = 16384
    """That is asked of an ollama model."""
    local_only: bool = False


def look(settings: Settings, environment: Mapping[str, str]) -> Proposers:
    with guard(lambda attempt: None) if settings.privacy.local_only is True else contextlib.nullcontext():
        return asyncio.run(_look(settings, environment))


async def _look(settings: Settings, environment: Mapping[str, str]) -> Proposers:
    named = bool(settings.run.researcher)
    known = Proposers(named, window=settings.ollama.window)
    names = [settings.run.researcher] if isinstance(settings.run.researcher, str) else settings.run.researcher
    asked = asyncio.create_task(server.look(settings, environment, any(name.startswith("ollama:") for name in names)))
    try:
        chosen = await choose(settings, environment)
        chain = hired(chosen, settings, environment)
        affordable(chain, settings)
    except (WorkspaceError, UnknownResearcher) as error:
        return msgspec.structs.replace(known, wrong=str(error), server=await asked)
    said = await asyncio.gather(*(_asked(one, settings, environment) for one in chain.researchers))
    return msgspec.structs.replace(known, said=tuple(said), why=chosen.why, server=await asked, local_only=chain.local_only)


async def _asked(one: Researcher, settings: Settings, environment: Mapping[str, str]) -> Said:
    if one.name.startswith("anthropic:"):
        key = settings.anthropic.key_from
        return Said(one.name, "" if environment.get(key) else f"it needs a key, and {key} is not set", asked=False, key=key)
    if hasattr(one, "patience") and not one.name.startswith("command:"):
        one.patience = server.SOON
    if one.remote and not one.name.startswith(("ollama:", "command:")):
        return Said(one.name, asked=False)
    try:
        async with asyncio.timeout(LOOK_S):
            why = await one.check() or ""
    except (TimeoutError, ResearcherDown) as error:
        why = str(error) or f"it did not say within {LOOK_S:g} s whether it can answer"
    return Said(one.name, why, one.window, getattr(one, "warning", ""), absent=getattr(one, "missing", False))


# What it says


def say(proposers: Proposers, system: System, free: float | None) -> list[Finding]:
    """`free`: bytes of the card that the training uses; None where there is none."""
    wanted = any(one.name.startswith("ollama:") for one in proposers.said)
    of_server = server.say(proposers.server, system, free, wanted, spare=proposers.named and not wanted)
    return [_researcher(proposers, system), *_each(proposers, system), *of_server]


def _researcher(proposers: Proposers, system: System) -> Finding:
    if proposers.wrong:
        return missing("researcher", proposers.wrong, commands_in(proposers.wrong) or SWEEP)
    names = ", else ".join(one.name for one in proposers.said)
    able = [one for one in proposers.said if not one.why]
    if not able:
        why = "; ".join(one.why.rstrip(".") for one in proposers.said)
        return missing("researcher", f"{names}: {why}", _mend(proposers.said[0], proposers.server, system))
    private = "; nothing leaves this machine" if proposers.local_only else ""
    why = f" ({proposers.why})" if proposers.why else ", as the settings say" if proposers.named else ""
    return ok("researcher", f"{names}{why}{private}")


def _each(proposers: Proposers, system: System) -> list[Finding]:
    """Of several those that cannot answer now, and what is to be known of those that can."""
    able = any(not one.why for one in proposers.said)
    out = [warning(one.name, one.why, _mend(one, proposers.server, system)) for one in proposers.said if one.why and able]
    for one in proposers.said:
        if one.warning:
            out.append(warning(one.name, one.warning))
        elif one.window and not one.why:
            out.append(ok(one.name, f"can answer, with a window of {one.window} tokens"))
        elif not one.asked and not one.why:
            out.append(ok(one.name, f"{f'{one.key} is set, and ' if one.key else ''}it is asked when a run begins"))
    return out


def _mend(one: Said, seen: server.Server, system: System) -> str:
    kind, _, model = one.name.partition(":")
    if one.key:
        return f"export {one.key}=.."
    if kind == "ollama" and seen.down:
        return server.start(seen, system)
    return f"ollama pull {model}" if one.absent else commands_in(one.why) or SWEEP
