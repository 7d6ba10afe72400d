"""A stream of events, cut anywhere and written as each server likes."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoresearch_tui.researchers.sse import LONGEST, Event, Events, Garbled, TooLong


def read(*pieces: bytes) -> list[Event]:
    events = Events()
    return [event for piece in pieces for event in events.feed(piece)] + events.end()


def texts(*pieces: bytes) -> list[str]:
    return [event.text for event in read(*pieces)]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_every_end_of_a_line_is_one(end: bytes) -> None:
    assert texts(end.join([b"data: one", b"", b"data: two", b"", b""])) == ["one", "two"]


def test_a_return_and_its_newline_may_come_in_two_pieces() -> None:
    assert texts(b"data: one\r", b"\ndata: more\r", b"\n\r", b"\ndata: two\r\n\r\n") == ["one\nmore", "two"]


def test_several_lines_of_an_event_are_one_text() -> None:
    assert texts(b'data: {"a":\ndata: 1}\n\n') == ['{"a":\n1}']


def test_comments_ids_and_unknown_fields_say_nothing() -> None:
    assert texts(b": PROCESSING\n\nid: 7\nretry: 10\nfoo: bar\ndata: one\n\n:\n\n") == ["one"]


def test_the_space_after_the_colon_may_be_missing_and_only_one_is_taken() -> None:
    assert texts(b"data:one\n\ndata:  two\n\ndata\n\n") == ["one", " two", ""]


def test_an_event_may_have_a_name_for_itself_alone() -> None:
    assert read(b"event: error\ndata: bad\n\ndata: good\n\n") == [Event("error", "bad"), Event("message", "good")]


def test_older_llama_cpp_names_its_error_as_a_field() -> None:
    assert read(b'error: {"code": 500}\n\n') == [Event("error", '{"code": 500}')]


def test_a_last_event_needs_no_empty_line_but_is_known_to_have_had_none() -> None:
    assert read(b"data: one\n\ndata: tw") == [Event("message", "one"), Event("message", "tw", whole=False)]


def test_one_body_of_json_is_one_event_however_it_is_laid_out() -> None:
    assert texts(b'\n {\n "a": 1,\n\n', b' "b": 2}\n') == ['\n {\n "a": 1,\n\n "b": 2}\n']


def test_a_mark_of_byte_order_is_no_part_of_the_first_field() -> None:
    assert texts(b"\xef\xbb\xbfdata: one\n\n") == ["one"]


def test_bytes_that_are_no_text_are_a_fault() -> None:
    with pytest.raises(Garbled):
        read(b"data: \xff\xfe\n\n")
    with pytest.raises(Garbled):
        read(b"data: \xe2\x82")


def test_only_a_line_end_ends_a_line() -> None:
    assert texts("data: a\u2028b\x0bc\x85d\n\n".encode()) == ["a\u2028b\x0bc\x85d"]


def test_a_line_of_megabytes_in_small_pieces_is_read_at_once() -> None:
    began = time.process_time()
    events = Events()
    assert events.feed(b"data: ") == []
    for _ in range(4000):
        assert events.feed(b"x" * 1000) == []
    assert [len(event.text) for event in events.feed(b"\n\n")] == [4_000_000]
    assert time.process_time() - began < 2


def test_a_line_without_an_end_is_left() -> None:
    events = Events()
    with pytest.raises(TooLong):
        for _ in range(LONGEST // 1_000_000 + 1):
            events.feed(b"x" * 1_000_000)


def test_a_long_stream_of_short_events_is_read_to_its_end() -> None:
    events = Events()
    piece = b"data: " + b"x" * 990 + b"\n\n"
    assert sum(len(events.feed(piece)) for _ in range(LONGEST // 990 + 100)) == LONGEST // 990 + 100


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20), max_size=5), st.data())
def test_wherever_the_bytes_are_cut_the_events_are_the_same(said: list[str], data: st.DataObject) -> None:
    stream = b"".join(b"data: " + text.encode() + b"\r\n\r\n" for text in said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert texts(*pieces) == said
