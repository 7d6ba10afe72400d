"""Addresses that may hold a token, fit to be shown: to whom they lead can be guessed, and nobody can use them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

from autoresearch_tui.addresses import is_local

ADDRESS = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]{0,40})://([^\s\"'`<>]*)")
SHORTEST = 4  # letters of a secret: what is shorter stands in any sentence


def masked(text: str) -> str:
    """Of every address in it the kind alone is left, and the port where it is this machine: `discord://…`."""
    return ADDRESS.sub(_short, text)


def _short(found: re.Match[str]) -> str:
    kind, rest = found.groups()
    host = re.split("[/?#,]", rest.rpartition("@")[2])[0]
    return f"{kind}://{host}/…" if host and is_local(host) else f"{kind}://…"


def without(text: str, addresses: Iterable[str]) -> str:
    """A stranger's sentence about these addresses, without any of their parts."""
    from urllib.parse import unquote

    parts = {part for one in addresses for part in re.split("[/:@?&=#,]+", one.partition("://")[2])}
    secret = {form for part in parts if not is_local(part) for form in (part, unquote(part)) if len(form) >= SHORTEST}
    for part in sorted(secret, key=len, reverse=True):
        text = text.replace(part, "…")
    return masked(text)
