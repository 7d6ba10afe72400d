"""This machine only: a guard that refuses the rest, and what a child may know of our environment.

Who is hired is looked at before (`engine/chain.py`). `guard` is the second net: it refuses whatever any code of this process connects to
or looks up all the same, as a proxy from the environment, a redirect, a library that calls home. What it cannot see stands in
docs/privacy.md. When a run is to speak to this machine only, is its caller's to say.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from autoresearch_tui.addresses import LOCAL, is_here, known, literal
from autoresearch_tui.journal.text import clean_line

TOLD = 100  # different attempts that are told of; a library in a loop tells nothing new
FAMILIES = {"AF_UNIX", "AF_NETLINK", "AF_ALG", "AF_SYSTEM"}  # that lead to this machine's kernel or processes; AF_INET is looked into

ALLOWED = {"PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TMPDIR", "TERM", "XDG_CACHE_HOME", "AUTORESEARCH_DATA", "AUTORESEARCH_DEVICE"}
ALLOWED |= {"AUTORESEARCH_STEPS", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "CUDA_HOME", "HF_HOME", "HF_HUB_CACHE", "UV_CACHE_DIR"}
ALLOWED_PREFIXES = ("LC_", "CUDA_", "NVIDIA_", "NCCL_", "ROCR_", "HIP_", "HSA_", "PYTORCH_", "TORCH", "TRITON_", "OMP_", "MKL_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir")
"""For what downloads: a proxy may name a password, so nobody else hears of it."""
KEYS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")


class Outside(PermissionError):
    """What `guard` refused. To whoever tried it is a connection that failed, and every client knows what to do with one."""


def scrubbed(environment: Mapping[str, str], proxies: bool = False) -> dict[str, str]:
    """What a child of ours may know of the environment: an allow-list, for nobody can list the names of all keys."""
    return {
        name: value
        for name, value in environment.items()
        if (name in ALLOWED or name.startswith(ALLOWED_PREFIXES) or (proxies and name.lower() in PROXIES))
        and not any(word in name for word in KEYS)
    }


# ---------------------------------------------------------------------------------------------------------------------------------
# The second net
# ---------------------------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def guard(tell: Callable[[str], None], local: tuple[str, ...] = LOCAL) -> Iterator[None]:
    """Meanwhile nothing of this process connects to another machine, or asks for one's address by its name.

    What was refused is told once, as `a connection to 10.0.0.5:443`, from the thread that tried: up to a hundred different ones.
    """
    known(local)  # nothing is imported in the middle of a connection
    _install()
    before = _switch.watch
    _switch.watch = _Watch(tell, local)
    try:
        yield
    finally:
        _switch.watch = before


class _Watch:
    """What is refused while a guard stands, and who was told."""

    def __init__(self, tell: Callable[[str], None], local: tuple[str, ...]) -> None:
        self._tell = tell
        self._local = local
        self._told: set[str] = set()
        self._telling = threading.RLock()

    def connecting(self, socket: Any, address: Any) -> None:
        """To an address; None is the one that this socket is connected to already."""
        family = _family(socket)
        if address is None or family in FAMILIES:
            return
        host = _text(address[0]) if family in ("AF_INET", "AF_INET6") and isinstance(address, tuple) and address else None
        # A name here is looked up where nobody can check the answer: only the one that is a matter of this machine's files.
        here = host is not None and (host == "" or (is_here(host, self._local) and (literal(host) or host.lower() == "localhost")))
        if not here:
            self._refuse(f"a connection to {_place(family, address)}")

    def looking_up(self, host: Any, *_: Any) -> None:
        """The address of a name; what is an address already is not looked up, and refused when somebody connects to it."""
        name = _text(host)
        if name and not literal(name) and not is_here(name, self._local):
            self._refuse(f"a look-up of {clean_line(name, 80)}")

    def naming(self, address: Any, *_: Any) -> None:
        """The name of an address."""
        host = _text(address[0] if isinstance(address, tuple) else address)
        if not is_here(host, self._local):
            self._refuse(f"a look-up of {clean_line(host, 80)}")

    def _refuse(self, attempt: str) -> None:
        with self._telling:
            new = attempt not in self._told and len(self._told) < TOLD
            if new:
                self._told.add(attempt)
        if new:
            with contextlib.suppress(Exception):  # it is refused, whatever becomes of the word about it
                self._tell(attempt)
        raise Outside(errno.EACCES, f"{attempt} is refused, for this run speaks to this machine only")


class _Switch:
    """The hook cannot be taken out of a process again, so it asks here whether anybody guards."""

    watch: _Watch | None = None


_switch = _Switch()
_EVENTS: dict[str, Callable[..., None]] = {
    "socket.connect": _Watch.connecting,
    "socket.sendto": _Watch.connecting,
    "socket.sendmsg": _Watch.connecting,
    "socket.getaddrinfo": _Watch.looking_up,
    "socket.gethostbyname": _Watch.looking_up,
    "socket.gethostbyaddr": _Watch.naming,
    "socket.getnameinfo": _Watch.naming,
}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    """Called at every audited event, of which imports and opened files are the most: the usual answer comes first."""
    watch = _switch.watch
    if watch is not None and (seen := _EVENTS.get(event)) is not None:
        seen(watch, *arguments)


@functools.cache
def _install() -> None:
    import sys

    sys.addaudithook(_hook)


def _family(socket: Any) -> str:
    import socket as sockets

    try:
        return sockets.AddressFamily(socket.family).name
    except ValueError:  # newer than this Python
        return f"family {socket.family}"


def _text(host: Any) -> str:
    """A host as it is given to a socket; none at all is this machine."""
    return host.decode("latin-1") if isinstance(host, bytes | bytearray) else str(host or "")


def _place(family: str, address: Any) -> str:
    if family not in ("AF_INET", "AF_INET6") or not isinstance(address, tuple):
        return clean_line(f"{family} {address!r}", 80)
    host = clean_line(_text(address[0]), 80)
    return f"{f'[{host}]' if ':' in host else host}:{address[1]}"
