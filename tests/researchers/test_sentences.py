"""What others say becomes a part of a sentence: one line, its cause, never a key."""

from __future__ import annotations

import socket
import ssl

import pytest

from autoresearch_tui.researchers.sentences import cause, offered, quoted


def test_a_servers_words_are_one_line_without_a_key() -> None:
    said = "bad\nkey \x1b[31mmine-1234\x1b[0m, Bearer abcdef, sk-ant-0815."
    assert quoted(said, "mine-1234") == "bad key (a key), (a key), (a key)"
    assert len(quoted("x" * 10_000)) == 300


def chained(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            chained(RuntimeError("Connection error."), ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)")),
            "connection refused",
        ),
        (
            chained(OSError("All attempts failed"), ExceptionGroup("two", [ConnectionResetError(104, "x"), OSError("y")])),
            "connection reset by peer",
        ),
        (chained(OSError("x"), socket.gaierror(-2, "Name or service not known")), "Name or service not known"),
        (ssl.SSLCertVerificationError(1, "certificate verify failed"), "certificate verify failed"),
        (chained(RuntimeError("it broke"), ValueError()), "it broke"),
        (ValueError(), "ValueError"),
        (ValueError("Illegal header value b'Bearer sk-secret'"), "Illegal header value b'(a key)'"),
    ],
)
def test_the_deepest_cause_that_has_words_is_named(error: Exception, said: str) -> None:
    assert cause(error) == said


def test_the_likeliest_models_are_offered_first_and_the_others_counted() -> None:
    there = ["zebra", "qwen3:8b", "llama3:8b", "qwen3:14b"]
    assert offered("qwen3:9b", there, 2) == "qwen3:8b, qwen3:14b and 2 more"
    assert offered("qwen3:9b", []) == ""
    assert offered("x", ["\x1b[31mred\x1b[0m"]) == "red"
