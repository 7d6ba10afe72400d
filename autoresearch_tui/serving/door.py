"""Who may come in. Pure: from what a request says of itself to a sentence that refuses it, or to none.

Whoever has an account on this machine reaches its loopback address, and so does every page that somebody opens in a browser here. So there
is a token; a page has to be asked for by a name that can only be ours, or a stranger's name that was pointed at this machine would do; and
whoever opens the line to a cockpit has to be our own page, or any other could type into it.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

COOKIE = "autoresearch"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>\d{1,5}))?", re.ASCII)
NO_TOKEN = "this page is for whoever has its address with the token: `autoresearch-tui serve` printed it as it started."
NO_NAME = "this page is not reached by that name: start it with `autoresearch-tui serve --reached-as ADDRESS` if that is where it stands."
NO_PAGE = "the line to a screen is for the page of the same address, and for no other."


class BadAddress(Exception):
    """What a browser is to reach it by is no address: one sentence."""


class Address(msgspec.Struct, frozen=True):
    """What a browser reaches it by, where that is not this machine's loopback."""

    scheme: str
    host: str
    """With its port, where it has one."""

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"


class Door(msgspec.Struct, frozen=True):
    """Of one server, as long as it lives."""

    token: str
    place: str
    """The first part of every path but the first one's. A cookie goes to whoever listens on the same host, whatever the port; this one
    goes there only if they guess where it belongs."""
    reached: Address | None = None

    # ---- who knocks ----

    def stranger(self, host: str) -> str:
        """Why nothing is answered under this name; nothing if it is ours."""
        return "" if is_loopback(host) or (self.reached is not None and host.lower() == self.reached.host) else NO_NAME

    def unknown(self, token: str | None) -> str:
        """Why this token does not open; nothing if it does. How long that takes says nothing of how much of it was right."""
        known = token is not None and secrets.compare_digest(token.encode("utf-8", "replace"), self.token.encode())
        return "" if known else NO_TOKEN

    def foreign(self, host: str, origin: str | None) -> str:
        """Why a page of that origin gets no line to a cockpit; nothing for our own. A proxy may have changed the host."""
        ours = {f"{scheme}://{host.lower()}" for scheme in ("http", "https")} | ({self.reached.url} if self.reached else set())
        return "" if origin is not None and origin.lower() in ours else NO_PAGE

    # ---- what is told to whoever may come in ----

    def is_secure(self, host: str) -> bool:
        """Whether the cookie is for connections that nobody can read."""
        return self.reached is not None and self.reached.scheme == "https" and host.lower() == self.reached.host


def new_door(reached: Address | None = None) -> Door:
    return Door(secrets.token_urlsafe(32), secrets.token_urlsafe(16), reached)


def is_loopback(host: str) -> bool:
    """By a name that no name server is asked for. Any port will do: a forwarded one is whatever its owner chose."""
    found = HOST.fullmatch(host.lower())
    return found is not None and found["name"] in LOOPBACK


def address_of(text: str) -> Address:
    """From `box.example.org`, `box:8443` or `https://box.example.org`."""
    scheme, colon, rest = text.strip().partition("://")
    scheme, rest = (scheme.lower(), rest) if colon else ("http", text.strip())
    host = rest.removesuffix("/").lower()
    if scheme not in ("http", "https") or not HOST.fullmatch(host) or urlsplit(f"//{host}").hostname is None:
        raise BadAddress(f"{text!r} is no address that a browser could ask for: take a host such as box.example.org, or https://box:8443.")
    default = {"http": ":80", "https": ":443"}[scheme]
    return Address(scheme, host.removesuffix(default))  # as browsers write it


def headers(host: str) -> Mapping[str, str]:
    """For every answer: a page that speaks to nobody else, stands in no other page, and is remembered by nobody."""
    line = f" ws://{host} wss://{host}" if HOST.fullmatch(host.lower()) else ""
    policy = (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:;"
        f" connect-src 'self'{line}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }
