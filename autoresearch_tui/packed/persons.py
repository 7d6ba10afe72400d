"""Whose night it was: what this machine and the night itself call the people, the machines and the folders, for those names to go.

Owns where names are found. A night may be packed where it was not spent, so what its own facts tell counts as much as this machine.
"""

from __future__ import annotations

import getpass
import os
import re
import socket
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from autoresearch_tui.addresses import is_local
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.store import Sent
from autoresearch_tui.packed.copying import Night
from autoresearch_tui.packed.names import Names, is_common
from autoresearch_tui.packed.redacting import Redactor, frozen_files, peoples_drafts
from autoresearch_tui.packed.scrubbing import LEFT_OUT, Scrubber
from autoresearch_tui.privacy import KEYS

PERSON, MACHINE, FOLDER = "person", "machine", "folder"
HOME, WORKSPACE, RUNS, PYTHON = "/home/person", "/workspace", "/runs", "/python"
PUBLIC = frozenset("/ /usr /usr/local /opt /opt/conda /home /Users /root /tmp /var/tmp /mnt /data /srv /dev/shm".split())  # noqa: SIM905
"""Folders that every machine has."""
PLAIN = frozenset("PATH PWD OLDPWD LANG LANGUAGE TERM COLORTERM SHELL SHLVL TZ DISPLAY _".split())  # noqa: SIM905
"""Variables whose values say nothing about anybody, or are folders, which are found by their form."""
LONG_ENOUGH = 6  # letters of a variable's value; what is shorter is a word of any night
WHOLE = 12  # letters of what a person said, from which on a text that holds them quotes that person


class Whose(msgspec.Struct, frozen=True):
    """What is known of a night beside its journal."""

    places: dict[str, Path] = {}
    """Folders, by what is said in their place."""
    identities: tuple[str, ...] = ()
    """Names and addresses that people go by in git."""
    servers: tuple[str, ...] = ()
    """Addresses that a person set."""


def redactor_of(night: Night, whose: Whose) -> Redactor:
    run = fold(night.facts)
    said = said_by(night.facts, night.sent)
    scrubber = Scrubber(names_of(night, whose), said, [Path(run.edit).name, *(Path(name).name for name in frozen_files(run.key))])
    return Redactor(scrubber, night.facts)


def names_of(night: Night, whose: Whose, environment: Mapping[str, str] = os.environ) -> Names:
    """Every name that is known. A folder that is called like a model goes where it is a folder: models are named all the same."""
    wholes, words = _of_people([*_by(night.facts, night.sent), *whose.identities])
    words |= dict.fromkeys([*_this_person(), *_users(night)], PERSON) | _machine(socket.gethostname())
    agents, spared = _researchers(night)
    for agent in agents:
        wholes |= {agent: "an agent", agent.removeprefix("command:"): "an agent"}
    for instead, folder in [*whose.places.items(), (HOME, _home()), (PYTHON, Path(sys.prefix)), (PYTHON, Path(sys.base_prefix))]:
        for path in {str(folder), os.path.realpath(folder)} - PUBLIC:
            wholes[path] = instead
            if instead != PYTHON:
                words |= {part: FOLDER for part in Path(path).parts[1:] if part not in words and not _in(part, spared)}
    words |= _of_servers(whose.servers)
    wholes |= {value: LEFT_OUT for value, secret in _of_environment(environment) if secret or not _in(value, spared)}
    return Names(wholes, words)


def _of_people(names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
    """A name of several words, or with a place behind it, goes as a whole and in its parts."""
    wholes: dict[str, str] = {}
    words: dict[str, str] = {}
    for name in names:
        user, _, host = name.partition("@")
        if host or " " in name:
            wholes[name] = PERSON
        words |= dict.fromkeys([user, *re.split(r"[^\w-]+", user)], PERSON) | _machine(host)
    return wholes, words


def _machine(host: str) -> dict[str, str]:
    return dict.fromkeys([host, host.split(".")[0]], MACHINE)


def _researchers(night: Night) -> tuple[set[str], str]:
    """Command lines of agents; and what else proposes, in one text."""
    told = (e.EngineStarted, e.Drafting, e.Asked, e.Proposed)
    named = {one.event.researcher for one in night.facts if isinstance(one.event, told)}
    named |= {name for one in night.facts if isinstance(one.event, e.EngineStarted) for name in one.event.chain}
    agents = {name for name in named if name.startswith("command:")}
    return agents, " ".join(sorted(named - agents)).lower()


def _in(name: str, spared: str) -> bool:
    return name.lower() in spared


def said_by(facts: Iterable[e.Recorded], sent: Iterable[Sent]) -> Names:
    """What people said, and what was made of their ideas: it is no name, but nobody may quote it either."""
    wishes = [one.event.wish for one in facts if isinstance(one.event, e.Commanded)] + [one.wish for one in sent]
    peoples = peoples_drafts(facts)
    texts: list[str] = []
    for wish in wishes:
        texts += [wish.text] if isinstance(wish, c.Note | c.Idea) else [wish.note] if isinstance(wish, c.Approve | c.Reject) else []
    for one in facts:
        if isinstance(one.event, e.Drafted | e.Proposed) and one.event.draft in peoples:
            texts += [one.event.idea, one.event.why]
    whole = {form for text in texts for form in (text, " ".join(text.split()), text[:119].rstrip()) if len(form) >= WHOLE}
    return Names(dict.fromkeys(whole, LEFT_OUT), {})


def _by(facts: Iterable[e.Recorded], sent: Iterable[Sent]) -> Iterator[str]:
    for one in facts:
        by = getattr(one.event, "by", "")
        if by not in ("", "policy"):
            yield by
    yield from (one.by for one in sent if one.by)


def _this_person() -> Iterator[str]:
    """Who packs, by the name that they log in with and the one that the system knows them by."""
    try:
        yield getpass.getuser()
    except (KeyError, OSError):
        return
    try:
        import pwd

        full = pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
    except (ImportError, KeyError):
        return
    yield from {full, *full.split()}


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # nobody has told where it is
        return Path("/")


def _of_servers(addresses: Iterable[str]) -> dict[str, str]:
    """The hosts of addresses that a person wrote into the settings."""
    words: dict[str, str] = {}
    for address in addresses:
        host = urlsplit(address if "://" in address else f"//{address}").hostname or ""
        if host and not is_local(host):
            words |= {host: "server", host.split(".")[0]: "server"}
    return words


def _users(night: Night) -> set[str]:
    """Whose processes were seen on the card."""
    return {one.user for _, seen in night.seen() for one in seen.card.processes or () if one.user}


def _of_environment(environment: Mapping[str, str]) -> Iterator[tuple[str, bool]]:
    """Values that a training may have printed, and whether they are secrets; what is a word of any night is none of them."""
    for name, value in environment.items():
        secret = any(word in name.upper() for word in KEYS)
        plain = name in PLAIN or name.startswith(("AUTORESEARCH_TUI_", "LC_")) or "/" in value or is_common(value)
        if len(value) >= LONG_ENOUGH and any(map(str.isalpha, value)) and (secret or not plain):
            yield value, secret
