"""Where it listens: on this machine's loopback addresses and nowhere else."""

from __future__ import annotations

import contextlib
import errno
import socket

PORTS = 2**16
TRIES = 100  # ports after one that is taken
NO_IPV6 = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


class Taken(Exception):
    """Somebody else listens there, or nobody may: one sentence, with what would do."""


def listen(port: int) -> list[socket.socket]:
    """On both, where there are two: a stranger on the other one would be sent what is meant for us. 0: any port that is free."""
    try:
        return _both(port)
    except OSError as error:
        if error.errno == errno.EACCES:
            raise Taken(f"port {port} may not be listened on by you: `--port 8200` would do.") from None
        if error.errno != errno.EADDRINUSE:
            raise
    instead = next(filter(_is_free, range(port + 1, min(port + TRIES, PORTS))), 0)
    raise Taken(f"port {port} is taken by another program: `autoresearch-tui serve --port {instead}` would do.")


def _both(port: int) -> list[socket.socket]:
    with contextlib.ExitStack() as opened:
        first = opened.enter_context(_bound(socket.AF_INET, "127.0.0.1", port))
        sockets = [first]
        try:
            sockets.append(opened.enter_context(_bound(socket.AF_INET6, "::1", first.getsockname()[1])))
        except OSError as error:
            if error.errno not in NO_IPV6:
                raise
        opened.pop_all()
        return sockets


def _bound(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    one = socket.socket(family, socket.SOCK_STREAM)
    try:
        if family == socket.AF_INET6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that has just ended leaves its port for a minute else
        one.bind((address, port))
        one.listen()
    except BaseException:
        one.close()
        raise
    return one


def _is_free(port: int) -> bool:
    try:
        for one in _both(port):
            one.close()
    except OSError:
        return False
    return True
