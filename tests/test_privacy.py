"""This machine only: what counts as this machine, and that nothing reaches another one, whichever client tries.

Another machine is played by addresses of loopback that the guard is told not to know: 127.0.0.2, and the name `localhost`. So nothing
here ever addresses anything beyond loopback, even if the guard is broken.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from autoresearch_tui.privacy import TOLD, Outside, guard, scrubbed

ONE = ("127.0.0.1/32",)
"""All that is local while another machine is played by the rest of loopback."""


def test_a_child_knows_what_training_needs_and_no_key_by_whatever_name() -> None:
    needed = {
        "PATH": "/bin",
        "HOME": "/home/me",
        "LC_ALL": "C",
        "CUDA_VISIBLE_DEVICES": "0",
        "HF_HOME": "/cache",
        "AUTORESEARCH_DATA": "/data",
    }
    keys = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "FOO_API_KEY", "HF_TOKEN", "FOO", "NVIDIA_API_KEY", "LC_SECRET"), "canary")
    assert scrubbed(needed | keys | {"HTTPS_PROXY": "http://me:canary@proxy", "AUTORESEARCH_TUI_X": "y"}) == needed


def test_it_is_imported_without_what_takes_long_to_load() -> None:
    code = (
        "import sys, autoresearch_tui.privacy; print([name for name in ('ipaddress', 'socket', 'httpx', 'asyncio') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


# ---------------------------------------------------------------------------------------------------------------------------------
# The guard
# ---------------------------------------------------------------------------------------------------------------------------------


class Ear:
    """A listener that answers nothing and remembers that somebody came."""

    def __init__(self, host: str) -> None:
        self.socket = socket.create_server((host, 0), backlog=8)
        self.socket.settimeout(0)
        self.host = host
        self.port: int = self.socket.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind((host, self.port))
        self.datagrams.settimeout(0)

    @property
    def heard(self) -> bool:
        """A connection waits, or a datagram came; on loopback both are there as soon as they were sent."""
        with contextlib.suppress(BlockingIOError):
            return bool(self.socket.accept())
        with contextlib.suppress(BlockingIOError):
            return bool(self.datagrams.recv(100))
        return False

    def close(self) -> None:
        self.socket.close()
        self.datagrams.close()


@pytest.fixture(scope="module", autouse=True)
def libraries() -> None:
    """Some load for seconds, which is not the time that a request is given."""
    for name in ("httpx", "httpx2", "ollama", "anthropic", "anyio"):
        module(name)


@pytest.fixture
def elsewhere() -> Iterator[Ear]:
    """Another machine, as far as the guard knows."""
    ear = Ear("127.0.0.2")
    yield ear
    ear.close()


@pytest.fixture
def here() -> Iterator[Ear]:
    ear = Ear("127.0.0.1")
    yield ear
    ear.close()


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def module(name: str) -> Any:
    return importlib.import_module(name)


async def httpx_async(url: str) -> None:
    async with module("httpx").AsyncClient() as client:
        await client.get(url)


async def httpx2_async(url: str) -> None:
    async with module("httpx2").AsyncClient() as client:
        await client.get(url)


async def httpx_stream(url: str) -> None:
    async with module("httpx").AsyncClient() as client, client.stream("POST", url, json={}) as answer:
        await answer.aread()


async def httpx_sync(url: str) -> None:
    await asyncio.to_thread(module("httpx").get, url)


async def ollama_async(url: str) -> None:
    await module("ollama").AsyncClient(url).list()


async def ollama_sync(url: str) -> None:
    await asyncio.to_thread(module("ollama").Client(url, timeout=2).list)


async def anthropic_async(url: str) -> None:
    async with module("anthropic").AsyncAnthropic(api_key="x", base_url=url, max_retries=0) as client:
        await client.messages.create(model="x", max_tokens=1, messages=[{"role": "user", "content": "x"}])


async def anyio_tcp(url: str) -> None:
    parts = urlsplit(url)
    async with await module("anyio").connect_tcp(parts.hostname, parts.port):
        pass


async def asyncio_streams(url: str) -> None:
    parts = urlsplit(url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.close()


async def happy_eyeballs(url: str) -> None:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    transport, _ = await asyncio.get_running_loop().create_connection(
        asyncio.Protocol, parts.hostname, parts.port, happy_eyeballs_delay=0.01
    )
    transport.close()


async def asyncio_datagrams(url: str) -> None:
    parts = urlsplit(url)
    assert parts.hostname and parts.port
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        asyncio.DatagramProtocol, remote_addr=(parts.hostname, parts.port)
    )
    transport.sendto(b"x")
    transport.close()


async def urllib_request(url: str) -> None:
    await asyncio.to_thread(urllib.request.build_opener().open, url, None, 2)


CLIENTS: list[Callable[[str], Any]] = [
    httpx_async,
    httpx2_async,
    httpx_stream,
    httpx_sync,
    ollama_async,
    ollama_sync,
    anthropic_async,
    anyio_tcp,
    asyncio_streams,
    happy_eyeballs,
    asyncio_datagrams,
    urllib_request,
]
clients = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.__name__)


def failure(client: Callable[[str], Any], url: str, local: tuple[str, ...] = ONE) -> tuple[BaseException, list[str]]:
    """What a client raises under the guard, and what was told of it."""
    told: list[str] = []
    with guard(told.append, local), pytest.raises(Exception) as failed:
        asyncio.run(asyncio.wait_for(client(url), 2))
    assert not isinstance(failed.value, TimeoutError)
    return failed.value, told


@clients
def test_no_client_reaches_another_machine_by_its_address(client: Callable[[str], Any], elsewhere: Ear) -> None:
    _, told = failure(client, elsewhere.url)
    assert told == [f"a connection to 127.0.0.2:{elsewhere.port}"]
    assert not elsewhere.heard


@clients
def test_no_client_looks_up_the_name_of_another_machine(client: Callable[[str], Any], here: Ear) -> None:
    _, told = failure(client, f"http://localhost:{here.port}")
    assert told == ["a look-up of localhost"]
    assert not here.heard


@clients
def test_what_a_name_turns_out_to_be_is_looked_at_again(client: Callable[[str], Any], here: Ear) -> None:
    _, told = failure(client, f"http://localhost:{here.port}", local=("localhost", "10.0.0.0/8"))
    assert f"a connection to 127.0.0.1:{here.port}" in told
    assert not here.heard


@pytest.mark.parametrize("client", [httpx_async, httpx2_async, httpx_sync, ollama_async, anthropic_async, urllib_request])
def test_no_client_reaches_a_proxy_of_the_environment_on_another_machine(
    client: Callable[[str], Any], here: Ear, elsewhere: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, elsewhere.url)
    _, told = failure(client, here.url)
    assert told == [f"a connection to 127.0.0.2:{elsewhere.port}"]
    assert not elsewhere.heard and not here.heard


def test_to_a_client_a_refusal_is_a_connection_that_failed(elsewhere: Ear) -> None:
    assert isinstance(failure(httpx_async, elsewhere.url)[0], module("httpx").ConnectError)
    assert isinstance(failure(ollama_async, elsewhere.url)[0], ConnectionError)
    assert isinstance(failure(anthropic_async, elsewhere.url)[0], module("anthropic").APIConnectionError)
    assert isinstance(failure(asyncio_streams, elsewhere.url)[0], Outside)
    error = failure(asyncio_streams, elsewhere.url)[0]
    assert isinstance(error, PermissionError) and "this run speaks to this machine only" in str(error)


def datagram(action: Callable[[socket.socket, tuple[str, int]], object]) -> Callable[[tuple[str, int]], object]:
    def act(address: tuple[str, int]) -> object:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            return action(one, address)

    return act


RAW: dict[str, Callable[[tuple[str, int]], object]] = {
    "connect": datagram(lambda one, address: one.connect(address)),
    "connect_ex": datagram(lambda one, address: one.connect_ex(address)),
    "sendto": datagram(lambda one, address: one.sendto(b"x", address)),
    "sendmsg": datagram(lambda one, address: one.sendmsg([b"x"], [], 0, address)),
    "create_connection": lambda address: socket.create_connection(address, 1),
}


@pytest.mark.parametrize("name", RAW)
def test_no_socket_reaches_another_machine(name: str, elsewhere: Ear) -> None:
    with guard(lambda _: None, ONE), pytest.raises(Outside):
        RAW[name](("127.0.0.2", elsewhere.port))
    assert not elsewhere.heard


@pytest.mark.parametrize(
    "look_up",
    [
        lambda: socket.getaddrinfo("localhost", 80),
        lambda: socket.getaddrinfo(b"localhost", 80),
        lambda: socket.gethostbyname("LocalHost"),
        lambda: socket.gethostbyname_ex("localhost"),
        lambda: socket.gethostbyaddr("127.0.0.2"),
        lambda: socket.getnameinfo(("127.0.0.2", 80), 0),
    ],
)
def test_nothing_is_looked_up(look_up: Callable[[], object]) -> None:
    with guard(lambda _: None, ONE), pytest.raises(Outside, match="a look-up of "):
        look_up()


def test_this_machine_stays_within_reach(here: Ear, tmp_path: Path) -> None:
    told: list[str] = []
    with guard(told.append), socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        for host in ("127.0.0.1", "localhost", "0.0.0.0"):
            socket.create_connection((host, here.port), 1).close()
        with socket.socket() as named:
            named.connect(("localhost", here.port))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("", 0))
            one.connect(("127.0.0.1", here.port))
            one.sendmsg([b"x"])
        if hasattr(socket, "AF_NETLINK"):
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW) as kernel:
                kernel.connect((0, 0))
        socket.getaddrinfo(None, 80)
        asyncio.run(asyncio_streams(here.url))
        ours, theirs = socket.socketpair()
        ours.close()
        theirs.close()
    assert told == [] and here.heard


def test_a_way_out_that_is_no_internet_address_is_refused() -> None:
    """A name under .localhost may be looked up, for the answer is looked at; not where the answer cannot be."""
    told: list[str] = []
    with guard(told.append), socket.socket() as one:
        with pytest.raises(OSError):
            one.connect(("name.localhost", 9))
        if hasattr(socket, "AF_VSOCK"):
            with contextlib.suppress(OSError), socket.socket(socket.AF_VSOCK) as other, pytest.raises(Outside):
                other.connect((2, 9))


def test_each_attempt_is_told_once_and_a_library_in_a_loop_no_more_than_a_bounded_number_of_times() -> None:
    told: list[str] = []

    def insist(first: int) -> None:
        for port in [*range(first, first + 80), *range(first, first + 80)]:
            with contextlib.suppress(Outside):
                socket.create_connection(("127.0.0.2", port), 1)

    with guard(told.append, ONE):
        threads = [threading.Thread(target=insist, args=(1000 + 40 * number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(told) == TOLD == len(set(told))


def test_it_is_refused_all_the_same_if_nobody_can_be_told(elsewhere: Ear) -> None:
    def deaf(attempt: str) -> None:
        raise RuntimeError("the loop is closed")

    with guard(deaf, ONE), pytest.raises(Outside):
        socket.create_connection(("127.0.0.2", elsewhere.port), 1)


def test_once_it_is_over_everything_is_as_before(elsewhere: Ear) -> None:
    with guard(lambda _: None, ONE):
        with guard(lambda _: None):
            socket.create_connection(("127.0.0.2", elsewhere.port), 1).close()
        with pytest.raises(Outside):
            socket.create_connection(("127.0.0.2", elsewhere.port), 1)
    socket.create_connection(("127.0.0.2", elsewhere.port), 1).close()
