"""Who may come in, by what a request says of itself."""

from __future__ import annotations

import pytest

from autoresearch_tui.serving.door import BadAddress, address_of, headers, new_door

DOOR = new_door()
PROXIED = new_door(address_of("https://box.example.org"))


@pytest.mark.parametrize("host", ["127.0.0.1:8200", "localhost:9000", "LOCALHOST", "[::1]:8200", "127.0.0.1"])
def test_this_machine_may_be_asked_for_by_each_of_its_names_and_any_forwarded_port(host: str) -> None:
    assert DOOR.stranger(host) == ""


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "evil@127.0.0.1", "127.0.0.1:x", "localhost.", "0.0.0.0", "127.1", "", "::1", "١٢٧.0.0.1"],
)
def test_a_name_that_somebody_pointed_here_is_refused(host: str) -> None:
    assert "not reached by that name" in DOOR.stranger(host)


def test_where_a_proxy_stands_its_name_is_ours_and_no_other() -> None:
    assert PROXIED.stranger("box.example.org") == PROXIED.stranger("127.0.0.1:8200") == ""
    assert PROXIED.stranger("box.example.org:8443") and PROXIED.stranger("sub.box.example.org") and DOOR.stranger("box.example.org")


def test_only_the_page_of_the_same_address_gets_a_line() -> None:
    assert DOOR.foreign("127.0.0.1:9000", "http://127.0.0.1:9000") == ""
    for origin in (
        None,
        "null",
        "",
        "http://evil.example",
        "http://127.0.0.1:8201",
        "http://localhost:9000",
        "http://127.0.0.1:9000.evil.example",
    ):
        assert DOOR.foreign("127.0.0.1:9000", origin)
    assert PROXIED.foreign("127.0.0.1:8200", "https://box.example.org") == ""  # a proxy changed the host
    assert PROXIED.foreign("127.0.0.1:8200", "http://box.example.org")


def test_the_token_opens_and_nothing_else_does() -> None:
    assert DOOR.unknown(DOOR.token) == ""
    for other in (None, "", DOOR.token[:-1], DOOR.token + "x", DOOR.place, "\ud800", "é"):
        assert "printed it as it started" in DOOR.unknown(other)
    assert len({new_door().token for _ in range(100)}) == 100 and len(DOOR.token) >= 43


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("box.example.org", "http://box.example.org"),
        ("box:8443", "http://box:8443"),
        ("HTTPS://Box.example.org/", "https://box.example.org"),
        ("https://box:443", "https://box"),
        ("[2001:db8::1]:80", "http://[2001:db8::1]"),
    ],
)
def test_an_address_is_written_as_browsers_write_it(given: str, url: str) -> None:
    assert address_of(given).url == url


@pytest.mark.parametrize("given", ["", "ftp://box", "box/path", "a b", "https://", "user@box", "box:port", "box?x", "-", "[box]"])
def test_what_is_no_address_is_refused_in_a_sentence(given: str) -> None:
    with pytest.raises(BadAddress, match="no address that a browser could ask for"):
        address_of(given)


def test_the_cookie_is_for_secret_lines_where_there_is_one() -> None:
    assert PROXIED.is_secure("box.example.org") and not PROXIED.is_secure("127.0.0.1:8200") and not DOOR.is_secure("127.0.0.1:8200")


def test_the_page_speaks_to_its_own_server_and_stands_in_no_other_page() -> None:
    policy = headers("127.0.0.1:8200")["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src 'self';" in policy
    assert "connect-src 'self' ws://127.0.0.1:8200 wss://127.0.0.1:8200;" in policy
    assert "evil" not in headers("evil; script-src *")["Content-Security-Policy"]
