"""Facts, commands and samples of a night without what is somebody's own: people's words, who and where they are, and what was prompted.

Owns what each rule of `fields.py` does. What the model thought of and its code stay: they are the night. Numbers, verdicts and times stay,
so that the state that the facts add up to judges alike.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Command, Idea
from autoresearch_tui.packed.fields import FIELDS, Rule
from autoresearch_tui.packed.scrubbing import LEFT_OUT, Scrubber
from autoresearch_tui.telemetry.owners import Seen

PERSON, IDEA = "a person", "an idea of a person (left out)"
SETTINGS = ("edit", "metric", "goal", "budget_s", "trust", "train", "data", "device", "steps")
"""What a comparability key holds beside the frozen files."""
DATA = re.compile(r"(climbmix|tinystories|python-[\d.]+)-\d+|[0-9a-f]{0,64}")
PROGRAMS = re.compile(r"(python|bwrap|ollama|llama|vllm|sglang|lms|uv|torchrun)[\w.-]*")
VERDICTS = ("keep", "discard", "crash")
STRANGER = re.compile(r".* \(pid (\d+)[^()]*\)(?P<rest>[^()]*)")
Kept = TypeVar("Kept", bound=msgspec.Struct)


def frozen_files(key: Mapping[str, str]) -> list[str]:
    """Those that a comparability key holds the hashes of."""
    return [name for name in key if name not in SETTINGS]


def peoples_drafts(facts: Iterable[e.Recorded]) -> set[str]:
    """Drafts of what a person thought of, and those that repair it, make it again or take it back."""
    others: set[int] = set()  # commands that are known to be something else
    drafts: set[str] = set()
    numbers: set[int] = set()
    for one in facts:
        match one.event:
            case e.Commanded(command=command, wish=wish) if wish is not None and not isinstance(wish, Idea):
                others.add(command)
            case e.Drafting(draft=draft, idea=idea, of=of) if (idea is not None and idea not in others) or of in numbers:
                drafts.add(draft)
            case e.Proposed(draft=draft, number=number) if draft in drafts:
                numbers.add(number)
    return drafts


class Redactor:
    """One night's. `shas` says what became of a commit or a text of code."""

    def __init__(self, scrubber: Scrubber, facts: Iterable[e.Recorded]) -> None:
        self.scrubber = scrubber
        self.shas: dict[str, str] = {}
        self._peoples = peoples_drafts(facts)
        self._agents: dict[str, str] = {}
        self._rules: dict[Rule, Callable[[Any], Any]] = {
            "kept": lambda value: value,
            "left out": emptied,
            "machine": self._each(scrubber.text),
            "model": self._each(scrubber.words),
            "code": self._each(scrubber.code),
            "person": self.person,
            "said": lambda text: LEFT_OUT if text else "",
            "tag": self.tag,
            "sha": lambda sha: self.shas.get(sha, sha),
            "key": self._key,
            "researcher": self._each(self._researcher),
            "serial": scrubber.serial,
            "program": lambda name: name if PROGRAMS.fullmatch(name) else "",
            "stranger": self._each(_stranger),
            "reason": self._reason,
            "verdict": lambda word: word if word in VERDICTS else "",
            "zero": lambda number: 0,
            "parts": self._parts,
        }

    def fact(self, recorded: e.Recorded) -> e.Recorded | None:
        """The fact as everybody may read it; None for a kind that this version does not know, for nobody knows what is in it."""
        if isinstance(recorded.event, e.Unknown):
            return None
        event = self._redacted(recorded.event)
        if isinstance(event, e.Drafted | e.Proposed) and event.draft in self._peoples:
            event = replace(event, idea=IDEA, why="")
        return replace(recorded, event=event)

    def wish(self, wish: Command) -> Command:
        return self._redacted(wish)

    def seen(self, seen: Seen) -> Seen:
        return self._redacted(seen)

    def person(self, by: str) -> str:
        return by if by in ("", "policy") else PERSON

    def tag(self, tag: str) -> str:
        """A tag holds what its person put into it, and stays one."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.scrubber.words(tag)).lstrip("._-") or "night"

    def _redacted(self, one: Kept) -> Kept:
        rules = FIELDS.get(type(one), {})
        changed: dict[str, Any] = {}
        for name in one.__struct_fields__:
            before = getattr(one, name)
            if rule := rules.get(name):
                changed[name] = self._rules[rule](before)
            elif not isinstance(before, int | float | None) and not (isinstance(before, tuple) and all(isinstance(n, int) for n in before)):
                changed[name] = emptied(before)
        return replace(one, **changed)

    def _parts(self, value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(self._parts, value))
        return self._redacted(value) if isinstance(value, msgspec.Struct) else value

    def _each(self, change: Callable[[str], str]) -> Callable[[Any], Any]:
        """The same for every text in a value. A night says most things more than once."""
        change = functools.cache(change)

        def changed(value: Any) -> Any:
            if isinstance(value, str):
                return change(value)
            if isinstance(value, dict):
                return {change(name): changed(one) for name, one in value.items()}
            return tuple(map(changed, value)) if isinstance(value, tuple) else value

        return changed

    def _key(self, key: dict[str, str]) -> dict[str, str]:
        """Nights that could be compared before can be compared after: the same name has the same hash."""
        changed = {self.scrubber.text(name): self.scrubber.text(value) for name, value in key.items()}
        if "data" in key and not DATA.fullmatch(key["data"]):
            changed["data"] = hashlib.sha256(key["data"].encode()).hexdigest()[:8]
        if "train" in key:
            ours = ("python", "uv", "run", ".", key.get("edit"))
            changed["train"] = " ".join(word if word in ours else "…" for word in key["train"].split())
        return changed

    def _researcher(self, name: str) -> str:
        """A model is the night's; an agent is a command line of somebody's, of which the program is told."""
        kind, _, words = name.partition(":")
        if kind != "command":
            return self.scrubber.words(name)
        if name not in self._agents:
            program = self.scrubber.words(re.split(r"[/\\]", words.split(" ")[0])[-1]) or "agent"
            taken = sum(other.partition(" ")[0] == f"command:{program}" for other in self._agents.values())
            self._agents[name] = f"command:{program}" + (f" ({taken + 1})" if taken else "")
        return self._agents[name]

    def _reason(self, why: str) -> str:
        return f"rejected: {LEFT_OUT}" if why.startswith("rejected: ") else self.scrubber.text(why)


def emptied(value: Any) -> Any:
    """Nothing, in the form of what was there."""
    return type(value)() if isinstance(value, str | tuple | dict) else None


def _stranger(said: str) -> str:
    found = STRANGER.fullmatch(said)
    return f"somebody (pid {found[1]}){found['rest']}" if found else "somebody"
