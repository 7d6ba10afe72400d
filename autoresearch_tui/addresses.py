"""Which addresses are this machine's. Pure: nothing is looked up, so a name that would have to be is not."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # loading it takes longer than all else here
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

LOCAL = ("127.0.0.0/8", "::1/128", "0.0.0.0/32", "::/128", "localhost", "*.localhost")
"""Networks and names that are this machine; 0.0.0.0, as where to connect to, is this one too."""
WHOLE = re.compile(r"(?:https?://)?(?P<host>\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?(?:/[^\\@]*)?", re.IGNORECASE | re.ASCII)
SOCKET_FILE = re.compile(r"(?:unix:(?://)?)?/(?!/)[^\\@%]*")
NAME = re.compile(r"[a-z\d](?:[a-z\d.-]*[a-z\d])?", re.IGNORECASE | re.ASCII)


def is_local(address: str, local: tuple[str, ...] = LOCAL) -> bool:
    """Whether a URL, a host with or without a port, or the path of a socket can only be this machine.

    Whatever can be read in two ways is not: who parses it next may read it the other way. A name that has to be looked up is not.
    """
    if not (address.isascii() and address.isprintable()) or " " in address:
        return False
    if SOCKET_FILE.fullmatch(address):
        return True
    whole = WHOLE.fullmatch(address)
    host = whole["host"] if whole else address  # `::1` has no port, and no brackets
    if host.startswith("["):
        host = host[1:-1]
        if ":" not in host:
            return False
    return is_here(host, local)


def literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that is written here in full; None: a name, or a spelling that not everybody reads alike."""
    import ipaddress

    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def is_here(host: str, local: tuple[str, ...]) -> bool:
    networks, names, endings = known(local)
    found = literal(host)
    if found is None:
        name = host.lower()
        return name in names or bool(NAME.fullmatch(name) and ".." not in name and name.endswith(endings))
    if "%" in host:  # an interface of its own
        return False
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in network for network in networks)


@functools.cache
def known(local: tuple[str, ...]) -> tuple[list[IPv4Network | IPv6Network], set[str], tuple[str, ...]]:
    """Networks, names, and the endings of names."""
    import ipaddress

    networks, names = [], set()
    for one in local:
        try:
            networks.append(ipaddress.ip_network(one))
        except ValueError:
            names.add(one)
    return networks, {name for name in names if "*" not in name}, tuple(name.removeprefix("*") for name in names if "*" in name)
