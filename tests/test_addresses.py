"""Which addresses are this machine's, and which only look like it."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoresearch_tui.addresses import is_local

LOCAL_ADDRESSES = [
    "127.0.0.1",
    "127.0.0.1:11434",
    "http://127.0.0.1:8000/v1",
    "HTTPS://127.255.255.254",
    "http://LocalHost:1234/v1/chat?stream=1",
    "http://127.0.0.1:8000/v1/models/a%2Fb",
    "localhost",
    "localhost:11434",
    "http://ollama.localhost",
    "0.0.0.0",
    "http://0.0.0.0:11434",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::",
    "[::1]:80",
    "http://[::1]:8000/v1",
    "http://[::ffff:127.0.0.1]",
    "::ffff:7f00:1",
    "/run/ollama.sock",
    "unix:/run/ollama.sock",
    "unix:///run/ollama.sock",
]

REMOTE_ADDRESSES = [
    "",
    "192.0.2.1",
    "http://192.0.2.1:11434",
    "128.0.0.1",
    "10.0.0.1",
    "169.254.0.1",
    "255.255.255.255",
    "fe80::1",
    "::1%eth0",
    "http://[::1%25lo]",
    "::127.0.0.1",
    "::ffff:192.0.2.1",
    "64:ff9b::127.0.0.1",
    "example.invalid",
    "http://example.invalid/localhost",
    "localhost.example.invalid",
    "localhostx",
    "xlocalhost",
    ".localhost",
    "a..localhost",
    "-.localhost",
    "localhost.",
    "127.0.0.1.",
    "127.0.0.1.example.invalid",
    "http://2130706433",
    "http://0x7f000001",
    "http://0x7f.0.0.1",
    "http://0177.0.0.1",
    "http://127.1",
    "http://127.0.0.01",
    "http://127.0.0.1@example.invalid",
    "http://example.invalid@127.0.0.1",
    "http://127.0.0.1:80@example.invalid",
    "http://127.0.0.1/@example.invalid",
    "http://127.0.0.1/\\@example.invalid",
    "http://127.0.0.1\\@example.invalid",
    "http://127.0.0.1?@example.invalid",
    "http://127.0.0.1#@example.invalid",
    "http://127.0.0.1%2eexample.invalid",
    "http://%6c%6f%63alhost",
    "http://localhost%00.example.invalid",
    "http://localhost\x00.example.invalid",
    "http://localhost\n.example.invalid",
    "localhost\n",
    " localhost",
    "http://127.0.0.1 example.invalid",
    "http://１２７.0.0.1",  # noqa: RUF001 digits that only look like ours
    "http://ⓛocalhost",
    "http://localhost。",
    "http:127.0.0.1",
    "http:/127.0.0.1",
    "http:///127.0.0.1",
    "//127.0.0.1",
    "ftp://127.0.0.1",
    "file:///etc/passwd",
    "http://[127.0.0.1]",
    "http://[::1",
    "http://::1",
    "http://127.0.0.1:x",
    "http://127.0.0.1:",
    "//example.invalid/x.sock",
    "/\\example.invalid",
    "unix://example.invalid/x.sock",
    "unix:run/ollama.sock",
]


@pytest.mark.parametrize("address", LOCAL_ADDRESSES)
def test_is_this_machines(address: str) -> None:
    assert is_local(address)


@pytest.mark.parametrize("address", REMOTE_ADDRESSES)
def test_is_another_machines_or_odd(address: str) -> None:
    assert not is_local(address)


PIECES = ["http://", "https://", "//", "127.0.0.1", "localhost", "[::1]", "::ffff:127.0.0.1", "example.invalid", "192.0.2.1", "2130706433"]
PIECES += [*"/\\@:?#%.[]a0-_", "%2e", "%40", ":80", ".localhost", "0x7f", "\t", "user:word"]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=5).map("".join))
def test_what_is_called_local_is_local_to_those_who_connect_to_it(address: str) -> None:
    """Two parsers that clients have, and neither finds another host in an address that passed."""
    import httpx

    if not is_local(address) or address.startswith("/") or (address.count(":") > 1 and "//" not in address):
        return
    url = address if "//" in address else f"http://{address}"
    for host in (urlsplit(url).hostname, httpx.URL(url).host):
        assert host
        if not host.endswith("localhost"):
            found = ipaddress.ip_address(host)
            assert found.is_loopback or found.is_unspecified or getattr(found, "ipv4_mapped", found).is_loopback
