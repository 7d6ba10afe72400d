"""What only time tells: a researcher that stays down, an engine that stays dead, a card that does not come back, a disk that fills. Pure.

Each is a trouble from the moment it is seen. It is told once, when it has lasted, and its end is told to whoever heard of it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from autoresearch_tui.clock import LOCAL
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.state import Run
from autoresearch_tui.morning.notices.news import News, news
from autoresearch_tui.worth import DEAD_S, Severity, worth

LASTED_S = {"died": DEAD_S, "down": 600.0, "card": 60.0, "disk": 0.0}
"""How long each has lasted when it is told."""
NEARLY, ENOUGH = 2.0, 3.0  # times what has to be free: below, it is told; above, it is over


class Trouble(msgspec.Struct, frozen=True, omit_defaults=True):
    kind: str
    since: float
    title: str
    text: str
    severity: Severity = "warning"
    lasted_s: float = 0.0
    told: bool = False


Troubles = dict[str, Trouble]
"""By what it is about: the name of a researcher after `down `, else its kind."""


class Look(msgspec.Struct, frozen=True):
    """What is seen beside the journal."""

    now: float
    alive: bool
    """The engine lives."""
    free_gb: float | None = None
    """None: nobody could tell."""
    floor_gb: float = 0.0
    """The engine waits when less is free."""


def heard(troubles: Troubles, recorded: e.Recorded, before: Run, run: Run) -> tuple[Troubles, list[News]]:
    """After a fact: what begins with it, and what is over."""
    fact, at = recorded.event, recorded.at
    match fact:
        case e.ResearcherDown():
            return _begun(troubles, f"down {fact.researcher}", _down(fact, run, at)), []
        case e.ResearcherUp():
            return _over(troubles, f"down {fact.researcher}", at, f"{fact.researcher} is back", "It proposes again.")
        case e.Waiting() if (found := worth(fact, run, at)) and found.kind == "card":
            lasted_s = LASTED_S["card"]
            return _begun(troubles, "card", Trouble("card", at, "the card cannot be used", f"{fact.why}.", "error", lasted_s)), []
        case e.Launched():
            return _over(troubles, "card", at, "the card works again", f"#{fact.number} trains.")
        case e.EngineStarted():
            return _started(troubles, fact, before, at)
        case e.EngineEnded():
            return {}, []
    return troubles, []


def looked(troubles: Troubles, run: Run, look: Look) -> tuple[Troubles, list[News]]:
    """After a look at the machine: what begins, what is over, and what has lasted."""
    if run.engine is not None and not run.ended and not look.alive:
        troubles = _begun(troubles, "died", _death(run, look.now))
    elif "died" in troubles and not troubles["died"].told:
        troubles = {name: one for name, one in troubles.items() if name != "died"}
    troubles, out = _disk(troubles, run, look)
    lasting = {name for name, one in troubles.items() if not one.told and look.now - one.since >= one.lasted_s}
    if "died" in lasting:  # the rest ends with it
        troubles, lasting = {"died": troubles["died"]}, {"died"}
    out += [news(look.now, one.kind, one.title, one.text, one.severity) for name, one in troubles.items() if name in lasting]
    return {name: msgspec.structs.replace(one, told=True) if name in lasting else one for name, one in troubles.items()}, out


def _begun(troubles: Troubles, name: str, trouble: Trouble) -> Troubles:
    """One that lasts already keeps its beginning; what is newest to say of it is said."""
    if (known := troubles.get(name)) is not None:
        trouble = msgspec.structs.replace(trouble, since=known.since, told=known.told)
    return {**troubles, name: trouble}


def _over(troubles: Troubles, name: str, at: float, title: str, text: str) -> tuple[Troubles, list[News]]:
    trouble = troubles.get(name)
    rest = {other: one for other, one in troubles.items() if other != name}
    return rest, [news(at, trouble.kind, title, text)] if trouble is not None and trouble.told else []


def _down(fact: e.ResearcherDown, run: Run, at: float) -> Trouble:
    chain = (run.engine.researcher, *run.engine.chain) if run.engine else ()
    speaks = next((name for name in chain if name not in run.down), "")
    instead = f"{speaks} proposes meanwhile." if speaks else "Nobody else proposes: no new experiment begins."
    why = f"{fact.why.rstrip('.')}. {'That takes a person. ' if fact.for_good else ''}{instead}"
    lasted_s = 0.0 if fact.for_good else LASTED_S["down"]
    return Trouble("down", at, f"{fact.researcher} is down", why, "warning" if speaks else "error", lasted_s)


def _death(run: Run, now: float) -> Trouble:
    work = f"while {run.phase}" + (f" #{run.running.number}" if run.running else "")
    text = f"It died {work}; the last that it wrote is of {_time(run.at)}, and nothing has started it again so far."
    way = f"`autoresearch-tui run --tag {run.tag} --detached` goes on where it was; nothing is lost."
    return Trouble("died", now, "the engine died", f"{text} {way}", "error", LASTED_S["died"])


def _started(troubles: Troubles, fact: e.EngineStarted, before: Run, at: float) -> tuple[Troubles, list[News]]:
    """A person starts it, or a keeper; what was not told of a death is told now, if nobody but a person mended it."""
    rest = {} if not fact.after else {name: one for name, one in troubles.items() if name != "died"}
    known = troubles.get("died")
    if known is not None and known.told:
        return rest, [news(at, "died", "the engine works again", "It goes on where it was.")]
    if fact.after or before.engine is None or before.ended:
        return rest, []
    text = f"The last that it wrote is of {_time(before.at)}, and nobody said so; it goes on where it was."
    return rest, [news(at, "died", "the engine had died, and works again", text, "warning")]


def _disk(troubles: Troubles, run: Run, look: Look) -> tuple[Troubles, list[News]]:
    if look.free_gb is None or not look.floor_gb or run.ended:
        return troubles, []
    if look.free_gb < NEARLY * look.floor_gb:
        stands = "The run waits until there is more" if look.free_gb < look.floor_gb else f"Below {look.floor_gb:g} GB the run waits"
        text = f"{look.free_gb:.1f} GB are free where the run is kept. {stands}."
        return _begun(troubles, "disk", Trouble("disk", look.now, "the disk is nearly full", text, "error")), []
    if look.free_gb > ENOUGH * look.floor_gb:
        return _over(troubles, "disk", look.now, "the disk has room again", f"{look.free_gb:.1f} GB are free.")
    return troubles, []


def _time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, LOCAL):%H:%M}"
