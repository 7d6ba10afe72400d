"""A worker on another machine: what it is told, what it tells, and that nothing of it is left. Here as a process with pipes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from autoresearch_tui.engine.executors import bundle
from autoresearch_tui.engine.executors import node_words as words
from autoresearch_tui.engine.executors.node_data import Damaged, bring, listing
from autoresearch_tui.engine.executors.node_place import Place, misfit
from autoresearch_tui.engine.executors.node_slot import Distant
from autoresearch_tui.engine.executors.protocol import Lost
from autoresearch_tui.engine.executors.ray_places import Seat, is_undivided, nodes_of, seats
from autoresearch_tui.engine.executors.worker import Worker
from autoresearch_tui.engine.jobs import Job
from autoresearch_tui.engine.plumbing import LineageError
from autoresearch_tui.engine.trainer import Outcome
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Trial
from autoresearch_tui.telemetry.curve import Curve, Point
from autoresearch_tui.telemetry.machine import boot_id, born
from autoresearch_tui.workspace import RunFolder
from tests.engine.afar import Bed, bed
from tests.engine.nights import git, make_checkout


def test_a_trial_is_trained_and_measured_there_and_shown_here(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")

    async def night() -> None:
        async with bed(lab, tmp_path / "cache", kind="auto", TORCH_STUB_SECONDS="1") as there:
            assert (there.slot.about.name, there.slot.about.device.startswith("cpu")) == ("lab7/gpu0", True)
            training = await there.train()
            while b"step 00000" not in there.folder.log(0, 1).read_bytes():
                await asyncio.sleep(0.02)
            assert not training.over.done(), "the log is live"
            outcome = await training.wait()
            assert (outcome.outcome, outcome.code) == ("finished", 0)
            there.slot.ended(outcome)
            measured = await there.slot.measure(there.job(), there.trial(outcome))
            assert measured.value is not None and measured.evidence == ()
            assert b"val_bpb" in there.folder.log(0, 1).read_bytes()
            assert there.rows, "what was seen there is kept here"
        assert not list(there.nodes.glob("runs/*/gpu0")), "its folder is gone"

    asyncio.run(night())


def test_it_ends_what_trains_when_nobody_listens_any_more(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")

    async def night() -> None:
        async with bed(lab, tmp_path / "cache", TORCH_STUB_SECONDS="60") as there:
            training = await there.train()
            await asyncio.sleep(0.3)
            assert there.worker.stdin
            there.worker.stdin.close()
            outcome = await training.wait()
            assert (outcome.outcome, outcome.why) == ("interrupted", "lab7 was lost")
            await there.worker.wait()
            assert born(training.pid) != training.born, "and the launcher with it"
            with pytest.raises(Lost):
                await there.slot.measure(there.job(), there.trial(outcome))

    asyncio.run(night())


@pytest.mark.slow
def test_a_worker_that_is_killed_takes_its_training_with_it_and_the_next_one_clears_up(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")

    async def night() -> None:
        async with bed(lab, tmp_path / "cache", TORCH_STUB_SECONDS="60") as there:
            training = await there.train()
            there.worker.send_signal(signal.SIGKILL)
            assert (await training.wait()).outcome == "interrupted"
            async with asyncio.timeout(30):
                while born(training.pid) == training.born:  # a zombie is gone too, whoever is to bury it
                    await asyncio.sleep(0.02)
        left = list(there.nodes.glob("runs/*/gpu0/*/night/trials/0000-1"))
        assert left, "nobody was there to take it away"
        async with bed(lab, tmp_path / "cache") as there:
            assert not left[0].exists()
            with pytest.raises(Lost, match="gone"):
                await there.slot.measure(there.job(), there.trial(await training.wait()))

    asyncio.run(night())


@pytest.mark.slow
def test_a_skip_and_a_crash_arrive_as_what_they_are(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    (lab / "train.py").write_text("import sys\nsys.exit('this idea does not work')\n")
    git(lab, "commit", "-qam", "A crash")
    crash = git(lab, "rev-parse", "HEAD")
    git(lab, "checkout", "-q", "HEAD~1")

    async def night() -> None:
        async with bed(lab, tmp_path / "cache", TORCH_STUB_SECONDS="60") as there:
            training = await there.train()
            training.end("skipped", "skipped by hand")
            assert (await training.wait()).outcome == "skipped"
            outcome = await (await there.train(1, commit=crash)).wait()
            assert (outcome.outcome, outcome.crash) == ("crash", "error")
            assert "this idea does not work" in outcome.why
            sent = [one for one in there.heard if isinstance(one, words.Spawn)]
            assert [len(one.bodies) for one in sent] == [0, 1], "only what is not there yet travels"

    asyncio.run(night())


JOB = Job(1, 1, "c" * 40, "s" * 40, 42, 60.0)


class Nothing:
    """Commits without files."""

    def pack(self, commit: str, keep: bool = False) -> tuple[tuple[bundle.File, ...], dict[str, bytes]]:
        return (), {}


def slot_of(folder: Path) -> tuple[Distant, list[words.Message]]:
    """A slot at home, and what it says to its worker, which a test is."""
    said: list[words.Message] = []
    return Distant(e.Slot("lab7/gpu0"), "lab7", said.append, Nothing(), RunFolder(folder), lambda *rows: None), said  # type: ignore[arg-type]


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not seen():
            await asyncio.sleep(0.01)


def test_a_machine_that_cannot_make_processes_takes_no_further_trial(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")

    async def night() -> None:
        async with bed(lab, tmp_path / "cache") as there:
            (logs,) = there.nodes.glob("runs/*/gpu0/*/night/logs")
            logs.rmdir()
            logs.write_text("as on a disk that is broken\n")
            with pytest.raises(OSError, match=r"lab7: .*Not a directory"):
                await there.train()
            async with asyncio.timeout(10):
                while not there.place.refused:
                    await asyncio.sleep(0.02)
            assert there.place.refused.startswith("lab7 cannot train: ") and "Not a directory" in there.place.refused

    asyncio.run(night())


@pytest.mark.parametrize("error", [OSError("No space left on device"), LineageError("train.py is not in commit abcdefg.")])
def test_a_machine_that_cannot_measure_loses_what_it_trained_and_takes_no_further_trial(error: Exception) -> None:
    class Broken:
        async def measure(self, job: Job, trial: Trial) -> e.Measured:
            raise error

    async def talk() -> list[words.Message]:
        said: list[words.Message] = []
        async with asyncio.TaskGroup() as tasks:
            worker = Worker(asyncio.StreamReader(), said.append, tasks)
            worker.slot = Broken()  # type: ignore[assignment]
            worker._trained = JOB.name
            await worker._measure(words.Measure(JOB, Trial(1, 42, 1, 1, "", 0.0)))
        return said

    assert asyncio.run(talk()) == [words.Unmeasured(str(error)), words.Refused(str(error))]


def test_a_number_that_cannot_be_made_there_is_a_training_that_is_lost(tmp_path: Path) -> None:
    async def talk() -> None:
        slot, said = slot_of(tmp_path)
        asked = asyncio.create_task(slot.measure(JOB, Trial(1, 42, 1, 1, "", 0.0)))
        await until(lambda: bool(said))
        slot.heard(words.Unmeasured("No space left on device"))
        with pytest.raises(Lost, match="lab7: No space left on device"):
            await asked

    asyncio.run(talk())


@pytest.mark.parametrize("way", ["ended", "lost"])
def test_a_training_that_is_made_and_over_in_one_breath_is_over(way: str, tmp_path: Path) -> None:
    crashed = Outcome("crash", crash="error", why="its launcher died")

    async def talk() -> None:
        slot, said = slot_of(tmp_path)
        spawning = asyncio.create_task(slot.spawn(JOB))
        await until(lambda: bool(said))
        slot.heard(words.Spawned(7, 1, ""))
        if way == "ended":
            slot.heard(words.Ended(crashed, fault="it fell off the bus"))
        else:
            slot.lose("lab7 was lost")
        training = await spawning
        slot.conditions.launched(training.pid)
        training.release()
        async with asyncio.timeout(10):
            outcome = await training.wait()
        assert outcome == (crashed if way == "ended" else Outcome("interrupted", crash="lost", why="lab7 was lost"))
        assert slot.conditions.fault == ("it fell off the bus" if way == "ended" else "")

    asyncio.run(talk())


@pytest.mark.parametrize("why", ["lab7 was lost", "the Ray cluster is gone", "lab7: MemoryError"])
def test_a_loss_is_called_a_loss_in_whatever_words_it_is_told(why: str, tmp_path: Path) -> None:
    async def talk() -> None:
        slot, said = slot_of(tmp_path)
        spawning = asyncio.create_task(slot.spawn(JOB))
        await until(lambda: bool(said))
        slot.heard(words.Spawned(7, 1, ""))
        training = await spawning
        slot.lose(why)
        assert await training.wait() == Outcome("interrupted", crash="lost", why=why)

    asyncio.run(talk())


def test_a_worker_that_cannot_be_told_of_the_run_is_refused_with_the_reason(tmp_path: Path) -> None:
    site = Bed(make_checkout(tmp_path / "lab"), tmp_path / "cache", "off").site

    async def welcome(*asked: object) -> words.Welcome:
        raise PermissionError(13, "Permission denied", "/data/train/7.bin")

    async def talk() -> None:
        changed = asyncio.Event()
        site.welcome = welcome  # type: ignore[method-assign, assignment]
        place = Place(site, "lab7/gpu0", "lab7", 0, 1, lambda message: None)
        serving = asyncio.create_task(place.serve(changed.set))
        place.take(words.framed(words.hello(boot_id())))
        await asyncio.wait_for(changed.wait(), 10)
        assert place.refused == "lab7 cannot be told of the run: [Errno 13] Permission denied: '/data/train/7.bin'"
        await serving

    asyncio.run(talk())


def test_what_is_said_arrives_as_it_was_said_in_whatever_pieces() -> None:
    said = [words.Want("ab", 3), words.Log(7, b"x" * 100_000), words.Ready(about=e.Slot("gpu0", "a card"))]
    stream = b"".join(map(words.framed, said))
    frames = words.Frames()
    heard: list[object] = []
    for at in range(0, len(stream), 777):
        heard += [msgspec.msgpack.decode(body, type=words.FromWorker) for body in frames.feed(stream[at : at + 777])]
    assert heard == said
    with pytest.raises(ValueError, match="a message of"):
        list(words.Frames().feed(b"\xff\xff\xff\xff"))


def test_a_job_travels_with_the_curve_beside_which_it_may_turn_out_hopeless() -> None:
    job = Job(3, 1, "c" * 40, "s" * 40, 42, 60.0, trunk=Curve((Point(0.1, 5, 3.2, 1000.0),)), hopeless=2.0)
    body = words.framed(words.Spawn(job, (), {}))[words.HEAD.size :]
    again = msgspec.msgpack.decode(body, type=words.FromHome)
    assert isinstance(again, words.Spawn) and again.job == job


def test_a_bundle_becomes_the_folder_that_it_was(tmp_path: Path) -> None:
    made = tmp_path / "made"
    (made / "deep" / "er").mkdir(parents=True)
    (made / "train.py").write_text("print(1)\n")
    (made / "deep" / "er" / "run.sh").write_text("#!/bin/sh\n")
    (made / "deep" / "er" / "run.sh").chmod(0o700)
    (made / "link.py").symlink_to("train.py")
    (made / os.fsdecode(b"odd\xff")).write_bytes(b"\0")
    files, bodies = bundle.pack(made)
    known = bundle.Bundles()
    known.learn({"c": files}, bodies)
    known.export("c", tmp_path / "again")
    assert bundle.pack(tmp_path / "again") == (files, bodies)
    assert os.access(tmp_path / "again" / "deep" / "er" / "run.sh", os.X_OK)
    assert known.read("c", "train.py") == b"print(1)\n"


@pytest.mark.parametrize("path", [b"../out", b"/out", b"a/../../out", b"", b"a//b"])
def test_a_bundle_with_a_file_that_leads_out_is_refused(path: bytes, tmp_path: Path) -> None:
    with pytest.raises(LineageError, match="leads out"):
        bundle.unpack([bundle.File(path, "file", "x")], {"x": b""}, tmp_path / "folder")
    assert not (tmp_path / "out").exists()


def test_a_link_that_leads_out_stays_behind(tmp_path: Path) -> None:
    bundle.unpack([bundle.File(b"link", "link", "x")], {"x": b"../../secret"}, tmp_path / "folder")
    assert list((tmp_path / "folder").iterdir()) == []


def test_a_file_of_a_bundle_that_is_not_what_its_name_says_is_refused() -> None:
    with pytest.raises(LineageError, match="is not what its name says"):
        bundle.Bundles().learn({"c": (bundle.File(b"train.py", "file", "0" * 64),)}, {"0" * 64: b"another"})


class Home:
    """A data folder, and who asked for pieces of it."""

    def __init__(self, folder: Path) -> None:
        for name, body in {
            "train/0.bin": b"t" * 5_000_000,
            "validation/0.bin": b"v" * 10,
            "audit/0.bin": b"a",
            "manifest.json": b"{}",
        }.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)
        (folder / ".lock").touch()
        self.folder = folder
        self.files = listing(folder)
        self.asked: list[str] = []
        self.noise: set[str] = set()
        """Files of which every piece arrives otherwise."""

    async def ask(self, sha: str, offset: int) -> bytes:
        path = next(one.path for one in self.files if one.sha == sha)
        self.asked.append(path)
        await asyncio.sleep(0.01)
        body = (self.folder / path).read_bytes()[offset : offset + words.PIECE]
        return b"?" + body[1:] if path in self.noise else body

    def bring(self, cache: Path) -> Path:
        return asyncio.run(bring(cache, "tiny-1024", self.files, self.ask)) / "tiny-1024"


def test_the_data_travels_once_and_is_found_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    there = home.bring(tmp_path / "cache")
    assert listing(there) == home.files
    assert home.asked == ["train/0.bin", "train/0.bin", "validation/0.bin", "audit/0.bin", "manifest.json"]
    assert home.bring(tmp_path / "cache") == there
    assert len(home.asked) == 5


def test_a_damaged_file_is_asked_for_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    there = home.bring(tmp_path / "cache")
    home.asked.clear()
    (there / "validation" / "0.bin").write_bytes(b"V" * 10)
    (there / "audit" / "0.bin").unlink()
    assert listing(home.bring(tmp_path / "cache")) == home.files
    assert home.asked == ["validation/0.bin", "audit/0.bin"]


def test_what_arrives_damaged_is_never_used(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")
    home.noise = {"audit/0.bin"}
    with pytest.raises(Damaged, match=r"audit/0\.bin of the data arrived damaged"):
        home.bring(tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("**/audit/*"))
    home.noise = set()
    home.asked.clear()
    home.bring(tmp_path / "cache")
    assert home.asked == ["audit/0.bin", "manifest.json"], "what was whole already is kept"


def test_two_slots_of_a_machine_do_not_fetch_twice(tmp_path: Path) -> None:
    home = Home(tmp_path / "data")

    async def both() -> None:
        await asyncio.gather(*(bring(tmp_path / "cache", "tiny-1024", home.files, home.ask) for _ in range(2)))

    asyncio.run(both())
    assert len(home.asked) == 5


def test_a_node_with_another_version_or_python_is_not_taken_and_the_sentence_says_which() -> None:
    mine = words.hello("")
    assert misfit("lab7", mine) == ""
    assert "lab7 has autoresearch-tui 9.9" in misfit("lab7", words.Hello("9.9", mine.python, ""))
    assert "lab7 has Python 3.9.1" in misfit("lab7", words.Hello(mine.version, "3.9.1", ""))


def _ray_node(identity: str, name: str, gpus: int = 1, alive: bool = True) -> dict[str, object]:
    return {"NodeID": identity, "NodeManagerHostname": name, "Alive": alive, "Resources": {"GPU": float(gpus)} if gpus else {}}


def test_slots_are_the_gpus_of_the_nodes_that_live_spread_over_all_of_them() -> None:
    told = [_ray_node("a", "lab1", 2), _ray_node("b", "lab2.example.org"), _ray_node("c", "lab3", alive=False), _ray_node("d", "head", 0)]
    found = [(seat.node.name, seat.part) for seat in seats(nodes_of(told, {}), None, True)]
    assert found == [("lab1", 0), ("lab2", 0), ("lab1", 1)]


def test_without_any_gpu_the_slots_are_parts_of_the_nodes_cores() -> None:
    one, two = nodes_of([_ray_node("a", "lab1", 0), _ray_node("b", "lab2", 0)], {})
    assert seats([one, two], None, False) == [Seat(one, 0, 1), Seat(two, 0, 1)]
    assert seats([one, two], 3, False)[:3] == [Seat(one, 0, 2), Seat(two, 0, 2), Seat(one, 1, 2)]


def test_a_cluster_without_gpus_now_has_no_slots_where_they_are_of_gpus() -> None:
    head = nodes_of([_ray_node("d", "head", 0)], {})
    assert seats(head, None, True) == [] and len(seats(head, None, False)) == 1


def test_cores_are_not_dealt_out_anew_while_somebody_computes_on_some_of_them() -> None:
    one, two = nodes_of([_ray_node("a", "lab1", 0), _ray_node("b", "lab2", 0)], {})
    living = [Seat(one, 0, 2), Seat(one, 1, 2)]
    assert not any(is_undivided(seat, living) for seat in seats([one], 4, False)), "they would be quarters, and halves are taken"
    assert [seat for seat in seats([one, two], 4, False) if is_undivided(seat, living) and seat not in living] == [
        Seat(two, 0, 2),
        Seat(two, 1, 2),
    ]


def test_nodes_of_the_same_name_are_told_apart_and_keep_their_names() -> None:
    nodes = nodes_of([_ray_node("b", "box"), _ray_node("a", "box"), _ray_node("c", "evil\x1b[2J;name")], {})
    names = {node.id: node.name for node in nodes}
    assert names == {"b": "box", "a": "box-2", "c": "evil--2J-name"}
    again = nodes_of([_ray_node("b", "box", alive=False), _ray_node("a", "box"), _ray_node("d", "box")], names)
    assert {node.id: node.name for node in again} == {"a": "box-2", "d": "box"}


def test_without_ray_a_sentence_names_the_extra_and_nothing_is_begun(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    arguments = ["run", "--dir", str(lab), "--researcher", "sweep", "--executor", "ray"]
    source = f"import sys; sys.modules['ray'] = None; sys.argv[1:] = {arguments}; from autoresearch_tui.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Ray is not installed" in done.stderr and "[ray]" in done.stderr
    assert not list(lab.glob(".autoresearch/*/journal.sqlite"))
