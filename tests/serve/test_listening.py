"""Where it listens: on both loopback addresses, or on neither."""

from __future__ import annotations

import socket

import pytest

from autoresearch_tui.serving.listening import Taken, listen


def test_it_listens_on_this_machine_only() -> None:
    sockets = listen(0)
    try:
        addresses = {one.getsockname()[0] for one in sockets}
        assert "127.0.0.1" in addresses and addresses <= {"127.0.0.1", "::1"}
        assert len({one.getsockname()[1] for one in sockets}) == 1
    finally:
        for one in sockets:
            one.close()


@pytest.mark.parametrize("place", [0, -1])
def test_a_port_that_is_taken_is_a_sentence_with_one_that_is_free(place: int) -> None:
    """On either address: whoever listens on the other one would be sent what is meant for us."""
    sockets = listen(0)
    for one in sockets:
        if one is not sockets[place]:
            one.close()
    port = sockets[place].getsockname()[1]
    try:
        with pytest.raises(
            Taken, match=rf"port {port} is taken by another program: `autoresearch-tui serve --port (\d+)` would do"
        ) as refused:
            listen(port)
        for one in listen(int(str(refused.value).split("--port ")[1].split("`")[0])):
            one.close()
    finally:
        sockets[place].close()


def test_nothing_is_left_open_where_one_of_the_two_is_taken() -> None:
    sockets = listen(0)
    port = sockets[0].getsockname()[1]
    sockets[0].close()
    if len(sockets) > 1:
        with pytest.raises(Taken):
            listen(port)
        with socket.socket() as again:
            again.bind(("127.0.0.1", port))
        sockets[1].close()
