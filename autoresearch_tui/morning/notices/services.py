"""The services that a person named, and one message to one of them, through apprise. The only place that speaks to anybody.

Their addresses hold tokens: whatever leaves this module about one is masked, the library's own complaints too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import nullcontext
from importlib.util import find_spec

import msgspec

from autoresearch_tui.extras import installation
from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.masking import masked, without
from autoresearch_tui.morning.notices.letter import Letter
from autoresearch_tui.privacy import guard
from autoresearch_tui.sections import Notify

MISSING = "[notify] names services, and what speaks to them is not installed: `{}` brings it."
SEND_S = 30.0  # a server that has not answered by then will not
NOT_HERE = "it is not on this machine, and `[privacy] local_only = true` keeps this run to it"


class Service(msgspec.Struct, frozen=True):
    """Somebody who is told."""

    address: str
    name: str
    """Fit to be shown."""
    mark: str
    """What it goes by in a file."""


def services_of(settings: Notify, environment: Mapping[str, str]) -> tuple[Service, ...]:
    """Those of the settings, and those of the variable that they name; each once."""
    more = environment.get(settings.to_from, "").split() if settings.to_from else []
    addresses = list(dict.fromkeys([*settings.to, *more]))
    names = [masked(one) if "://" in one else "…" for one in addresses]
    return tuple(
        Service(address, f"{name} ({names[: place + 1].count(name)})" if names.count(name) > 1 else name, _mark(address))
        for place, (address, name) in enumerate(zip(addresses, names, strict=True))
    )


def missing() -> str:
    """Why nothing could be sent, in a sentence; empty where it could."""
    return "" if find_spec("apprise") else MISSING.format(installation().install("notify"))


def send(service: Service, letter: Letter, only_here: bool = False, bound_s: float | None = None) -> str:
    """Why it did not arrive; empty if it did. A server that hangs is left to itself after a while."""
    refused: list[str] = []
    with guard(refused.append) if only_here else nullcontext():
        why = _sent(service, letter, SEND_S if bound_s is None else bound_s)
    return NOT_HERE if refused else why


def _sent(service: Service, letter: Letter, bound_s: float) -> str:
    import apprise

    kinds = {"information": apprise.NotifyType.INFO, "warning": apprise.NotifyType.WARNING, "error": apprise.NotifyType.FAILURE}
    kind, text = kinds[letter.severity], apprise.NotifyFormat.TEXT
    one = apprise.Apprise()
    try:
        if not one.add(service.address):
            return "no service is written like that: https://appriseit.com lists them"
        done = one.notify(body=letter.body, title=letter.title, notify_type=kind, body_format=text, timeout=bound_s)
    except Exception as error:  # of a hundred services' code: none of it ends the night's messages
        return _clean(service, f"{type(error).__name__}: {error}")
    if done:
        return ""
    said = [entry.message for result in done.results for entry in result.logs()]
    if done.status is apprise.AppriseResultStatus.TIMEOUT:
        return f"it did not answer within {bound_s:g} s"
    return _clean(service, said[0]) if said else "it could not be reached"


def _clean(service: Service, said: str) -> str:
    return clean_line(without(said, [service.address]), 200).rstrip(".")


def _mark(address: str) -> str:
    return hashlib.sha256(address.encode(errors="replace")).hexdigest()[:8]
