"""The journal on disk: all or nothing, whoever is killed, whoever reads, whatever version wrote it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.store import Journal, JournalError, Writer
from autoresearch_tui.lines import line
from tests.journal.files import FORK, kept, sentence
from tests.journal.runs import Night

# ------------------------------------------------------------------------------------------------------------------------------
# What is appended is there
# ------------------------------------------------------------------------------------------------------------------------------


def test_what_was_appended_is_read_in_its_order(path: Path, night: Night) -> None:
    with Writer(path) as writer:
        recorded = [one for transaction in night.transactions for one in writer.append(*transaction)]
        assert [one.event for one in recorded] == night.facts
        assert writer.run == fold(recorded)
        assert kept(path) == recorded, "while the writer is open"
    assert kept(path) == recorded
    with Journal(path) as journal:
        assert journal.refresh() == fold(recorded)
        assert list(journal.events(after=recorded[-3].seq)) == recorded[-2:]


def test_a_journal_is_for_its_owner_alone(written: Path) -> None:
    with Writer(written) as writer:
        writer.append(e.Warned("it is late"))
        modes = {file.name: file.stat().st_mode & 0o777 for file in [written.parent, *written.parent.iterdir()]}
    assert modes == {"nov20": 0o700, "journal.sqlite": 0o600, "journal.sqlite-wal": 0o600, "journal.sqlite-shm": 0o600}
    assert [file.name for file in written.parent.iterdir()] == ["journal.sqlite"]


def append_for_ever(path: Path, told: Connection) -> None:
    """Batches of one to four facts, each of which says how large its batch is."""
    with Writer(path) as writer:
        told.send(0)
        while True:
            size = 1 + writer.run.seq % 4
            batch = writer.run.seq
            told.send(writer.append(*[e.Warned(f"{batch} {place} {size}") for place in range(size)])[-1].seq)


def test_whoever_is_killed_what_was_acknowledged_is_there_and_nothing_is_half_there(path: Path) -> None:
    chance = random.Random(3)
    for _ in range(20):
        ours, theirs = FORK.Pipe(duplex=False)
        writer = FORK.Process(target=append_for_ever, args=(path, theirs))
        writer.start()
        theirs.close()
        acknowledged = ours.recv()
        until = time.monotonic() + chance.random() / 50
        while time.monotonic() < until:
            if ours.poll(0.001):
                acknowledged = ours.recv()
        assert writer.pid
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        while True:
            try:
                acknowledged = ours.recv()
            except EOFError:
                break
        recorded = kept(path)
        assert [one.seq for one in recorded] == list(range(1, len(recorded) + 1))
        assert len(recorded) >= acknowledged
        whole: list[str] = []
        while len(whole) < len(recorded):
            size = 1 + len(whole) % 4
            whole += [f"{len(whole)} {place} {size}" for place in range(size)]
        assert [one.event.why for one in recorded if isinstance(one.event, e.Warned)] == whole
    assert len(recorded) > 20


def test_what_a_machine_that_lost_its_power_left_is_a_journal(path: Path, tmp_path: Path) -> None:
    """The log beside the file, cut off at any byte, and an index of another boot: some prefix of whole transactions is there."""
    with Writer(path) as writer:
        for number in range(40):
            writer.append(e.Warned(f"first {number}"), e.Warned(f"second {number}"))
        log = path.with_name("journal.sqlite-wal").read_bytes()
        for number, size in enumerate([*range(0, len(log), len(log) // 25), len(log)]):
            left = tmp_path / f"left {number}" / "journal.sqlite"
            left.parent.mkdir()
            shutil.copy(path, left)
            left.with_name("journal.sqlite-wal").write_bytes(log[:size])
            if number % 2:
                left.with_name("journal.sqlite-shm").write_bytes(os.urandom(32768))
            with Writer(left) as again:
                facts = [one.event for one in again.events()]
                assert again.run == fold(again.events())
                assert len(facts) % 2 == 0
                assert facts == [one.event for one in writer.events()][: len(facts)]
                again.append(e.Warned("it goes on"))
        assert len(facts) == 80, "nothing was cut off the last one"


def test_a_fact_that_nobody_could_read_is_not_written(path: Path) -> None:
    with Writer(path) as writer:
        writer.append(e.Proposed(0))
        before = writer.run
        for fact in (e.Ended(0, 1, "finished", seconds=float("nan")), e.Warned("\ud800")):
            with pytest.raises(JournalError) as error:
                writer.append(e.Warned("all or nothing"), fact)
            sentence(error.value, type(fact).__name__)
        assert writer.run is before
        assert writer.append(e.Committed(0, "c0ffee0"))[0].seq == 2
    assert [one.seq for one in kept(path)] == [1, 2]


# ------------------------------------------------------------------------------------------------------------------------------
# Several at once
# ------------------------------------------------------------------------------------------------------------------------------


def send_notes(path: Path, who: str, count: int) -> None:
    with Journal(path) as journal:
        for number in range(count):
            journal.send(c.Note(f"{who} {number}"), who)


def test_commands_of_several_processes_arrive_while_the_engine_writes(path: Path) -> None:
    with Writer(path) as writer:
        writer.append(e.RunStarted("nov20", "c0ffee0"))
    senders = [FORK.Process(target=send_notes, args=(path, who, 60)) for who in ("ada", "bob")]
    for sender in senders:
        sender.start()
    heard: list[c.Command | None] = []
    with Writer(path) as writer:
        while len(heard) < 120 and any(sender.is_alive() for sender in senders):
            for sent in writer.commands(after=writer.run.heard):
                writer.append(e.Commanded(sent.id, sent.wish, sent.by, True))
                heard.append(sent.wish)
        for sender in senders:
            sender.join()
            assert sender.exitcode == 0
        heard += [sent.wish for sent in writer.commands(after=writer.run.heard)]
        assert [sent.id for sent in writer.commands()] == list(range(1, 121))
    for who in ("ada", "bob"):
        assert [wish.text for wish in heard if isinstance(wish, c.Note) and wish.text.startswith(who)] == [f"{who} {n}" for n in range(60)]


def test_a_command_stands_in_the_journal_as_it_was_sent(written: Path) -> None:
    wishes: list[c.Command] = [c.Keep(0), c.Skip(12, 2), c.Skip(draft="d0001"), c.Stop(3, now=True), c.Review(False), c.Limit("cost", "5")]
    with Journal(written) as journal:
        numbers = [journal.send(wish, "ada@lab") for wish in wishes]
        sent = journal.commands()
        assert [(one.id, one.wish) for one in sent] == list(zip(numbers, wishes, strict=True))
        assert {one.by for one in sent} == {"ada@lab"}
        assert journal.commands(after=numbers[3]) == sent[4:]
    with sqlite3.connect(written) as connection:
        rows = connection.execute("SELECT kind, target FROM command").fetchall()
    assert rows[:4] == [("keep", "experiment=0"), ("skip", "experiment=12 trial=2"), ("skip", "draft=d0001"), ("stop", "session=3")]


def test_a_reader_in_the_middle_blocks_nobody_and_sees_one_moment(written: Path, night: Night, tmp_path: Path) -> None:
    with Journal(written) as journal, Writer(written) as writer:
        events = journal.events()
        first = next(events)
        began = time.monotonic()
        for _ in range(10):
            writer.append(*[e.Warned("meanwhile")] * 200)
        writer.back_up(tmp_path / "copy.sqlite")
        assert time.monotonic() - began < 3
        assert [first.event, *(one.event for one in events)] == night.facts
        assert journal.refresh() == writer.run


def test_whoever_follows_sees_every_fact_once_and_in_order(path: Path) -> None:
    seen: dict[str, list[int]] = {"from the first": [], "from the middle": []}

    def follow(name: str, after: int) -> None:
        with Journal(path) as journal:
            for recorded in journal.follow(after, poll_s=0.001):
                if recorded is not None:
                    seen[name].append(recorded.seq)
                if seen[name][-1:] == [400]:
                    return

    with Writer(path) as writer:
        writer.append(*[e.Warned("before")] * 10)
        followers = [threading.Thread(target=follow, args=(name, after)) for name, after in zip(seen, (0, 200), strict=True)]
        for follower in followers:
            follower.start()
        while writer.run.seq < 400:
            writer.append(*[e.Warned("now")] * min(1 + writer.run.seq % 5, 400 - writer.run.seq))
        for follower in followers:
            follower.join(timeout=20)
    assert seen == {"from the first": list(range(1, 401)), "from the middle": list(range(201, 401))}


def test_who_asks_for_changes_learns_of_each_once(written: Path) -> None:
    with Journal(written) as journal, Journal(written) as other, Writer(written) as writer:
        assert journal.changed(), "nobody had asked before"
        assert not journal.changed()
        writer.append(e.Warned("it is late"))
        assert journal.changed()
        assert not journal.changed()
        other.send(c.Pause(1), "ada@lab")
        assert journal.changed()
        assert writer.changed(), "the engine hears of a command in the same way"


# ------------------------------------------------------------------------------------------------------------------------------
# Other versions
# ------------------------------------------------------------------------------------------------------------------------------


def insert(path: Path, *facts: tuple[str, str]) -> None:
    with sqlite3.connect(path) as connection:
        connection.executemany("INSERT INTO event (at, mono, kind, body) VALUES (1.0, 1.0, ?, ?)", facts)


def test_a_journal_of_a_later_version_is_shown_and_not_written(written: Path, night: Night) -> None:
    insert(written, ("Dreamt", '{"kind":"Dreamt","of":"sheep"}'), ("Applied", '{"kind":"Applied","number":"eleven"}'))
    with sqlite3.connect(written) as connection:
        connection.execute("UPDATE meta SET value = '2' WHERE name = 'schema'")
    with Journal(written) as journal:
        run = journal.refresh()
        assert run.experiments.keys() == night.parents.keys()
        dreamt, applied = list(journal.events(after=len(night.facts)))
        assert isinstance(applied.event, e.Unknown)
        assert "Dreamt (of a later version): " in str(line(dreamt.event, run, dreamt.at))
        with pytest.raises(JournalError) as error:
            journal.send(c.Pause(1), "ada@lab")
        sentence(error.value, written, "later version")
    before = written.read_bytes()
    with pytest.raises(JournalError) as error:
        Writer(written)
    sentence(error.value, written, "later version")
    assert written.read_bytes() == before


def test_a_kind_that_is_not_known_is_shown_and_changes_nothing(written: Path) -> None:
    before = fold(kept(written))
    insert(written, ("Dreamt", '{"kind":"Dreamt","of":"sheep"}'))
    with Writer(written) as writer:
        assert writer.run == msgspec.structs.replace(before, seq=before.seq + 1, at=1.0)
        assert writer.append(e.Warned("it goes on"))[0].seq == before.seq + 2


def test_a_wish_that_is_not_known_was_answered_all_the_same(written: Path) -> None:
    body = '{"kind":"Commanded","command":77,"wish":{"kind":"dream","of":"sheep"},"by":"ada@lab","accepted":true}'
    insert(written, ("Commanded", body))
    with sqlite3.connect(written) as connection:
        connection.execute("INSERT INTO command VALUES (77, 1.0, 'ada@lab', 'dream', '', '{\"kind\":\"dream\",\"of\":\"sheep\"}')")
    with Journal(written) as journal:
        assert journal.refresh().heard == 77
        assert 77 not in journal.run.wishes
        assert [(sent.kind, sent.wish) for sent in journal.commands()] == [("dream", None)]
        (recorded,) = journal.events(after=journal.run.seq - 1)
        assert str(line(recorded.event, journal.run, 0)).endswith("heard: a command by ada@lab")


def test_a_fact_that_cannot_be_read_is_named(written: Path) -> None:
    for body in ('{"kind":"Applied","number":"eleven"}', '{"kind":"Appl', ""):
        insert(written, ("Applied", body))
        with Journal(written) as journal, pytest.raises(JournalError) as error:
            journal.refresh()
        sentence(error.value, written, "(Applied)")


# ------------------------------------------------------------------------------------------------------------------------------
# Snapshots
# ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def snapshot(written: Path) -> Iterator[Callable[[Callable[[bytes, bytes], bytes | str]], str]]:
    """Put a changed snapshot, made from the key of this code and a state with another tag, and say which tag a reader gets."""

    def read_with(change: Callable[[bytes, bytes], bytes | str]) -> str:
        with Writer(written) as writer:
            writer.save_snapshot()
            state = msgspec.msgpack.encode(writer.run)
            other = msgspec.msgpack.encode(msgspec.structs.replace(writer.run, tag="of the snapshot"))
        with sqlite3.connect(written) as connection:
            (value,) = connection.execute("SELECT value FROM meta WHERE name = 'snapshot'").fetchone()
            assert value.endswith(state)
            connection.execute("UPDATE meta SET value = ? WHERE name = 'snapshot'", (change(value.removesuffix(state), other),))
        with Journal(written) as journal:
            return journal.refresh().tag

    yield read_with


def ahead(key: bytes, state: bytes) -> bytes:
    fields = msgspec.msgpack.decode(state)
    return key + msgspec.msgpack.encode(fields | {"seq": fields["seq"] + 1})


@pytest.mark.parametrize(
    ("sentence", "change", "used"),
    [
        ("a snapshot of this code is used", lambda key, state: key + state, True),
        ("one of other code is not", lambda key, state: bytes(len(key)) + state, False),
        ("one that is cut off is not", lambda key, state: key + state[:-9], False),
        ("one that is of another shape is not", lambda key, state: key + msgspec.msgpack.encode({"seq": "many"}), False),
        ("one that is ahead of the facts is not", ahead, False),
        ("rubbish is not", lambda key, state: b"rubbish", False),
        ("rubbish that is text is not", lambda key, state: "rubbish", False),
        ("nothing is not", lambda key, state: b"", False),
    ],
)
def test_a_snapshot_is_used_where_it_fits(
    sentence: str,
    change: Callable[[bytes, bytes], bytes | str],
    used: bool,
    snapshot: Callable[[Callable[[bytes, bytes], bytes | str]], str],
) -> None:
    assert snapshot(change) == ("of the snapshot" if used else "nov20"), sentence


def test_with_a_snapshot_or_without_the_state_is_the_same(path: Path) -> None:
    night = Night(random.Random(5), calm=8).go_on(2500)
    with Writer(path) as writer:
        for transaction in night.transactions:
            writer.append(*transaction)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM meta WHERE name = 'snapshot'").fetchone() == (1,)
    with Journal(path) as journal:
        assert journal.refresh() == fold(journal.events())


# ------------------------------------------------------------------------------------------------------------------------------
# Copies
# ------------------------------------------------------------------------------------------------------------------------------


def test_a_copy_is_whole_while_the_engine_writes_and_is_a_journal_itself(written: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "nov20.sqlite"
    with Writer(written) as writer:
        writer.back_up(copy)
        writer.append(e.Warned("after the first copy"))
        writer.back_up(copy)
        recorded = list(writer.events())
    assert os.listdir(copy.parent) == ["nov20.sqlite"]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert kept(copy) == recorded
    with Writer(copy) as restored:
        events = Journal(copy).events()
        next(events)
        restored.append(e.Warned("a reader blocks nobody here either"))
        assert restored.run.seq == len(recorded) + 1


def test_a_copy_that_fails_leaves_the_one_before(written: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with Writer(written) as writer, pytest.raises(OSError):
        writer.back_up(tmp_path / "folder")
    assert sorted(os.listdir(tmp_path)) == ["folder", "nov20"]
