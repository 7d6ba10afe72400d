"""Memory that comes back to the card: the driver's word for it, and what is said when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from autoresearch_tui.engine.sharing import BOUND_S, GB, Mode, Room, Sharing, Vacated, Wedged
from autoresearch_tui.telemetry.sample import Process, Sample

DESKTOP = Process(900, GB // 2, "Xorg", "root")
LLM = Process(1500, 9 * GB, "llama-server", "ollama")
TRAINING = Process(4711, 11 * GB, "python", "anna")
SMALL = Room(total=24 * GB, used_before=GB // 2, llm=9 * GB, training=12 * GB)
"""What is known of a card that holds the desktop, and the model or a training, but not both."""


class Bench:
    """A card over time, which passes only while somebody waits; `shown` is what is on it at a moment."""

    def __init__(self, shown: Callable[[float], tuple[Process, ...] | None], total: int = 24 * GB, period_s: float = 0.0) -> None:
        self.now = 0.0
        self.released: list[float] = []
        self.shown = shown
        self.total = total
        self.period_s = period_s
        self.silent_from = float("inf")
        self.changes: dict[str, object] = {}
        self.hurried = 0.0
        self.hurries = True
        self.sharing = Sharing(self.release, self.look, self.hurry, clock=lambda: self.now, rest=self.rest)

    def look(self) -> Sample | None:
        at = min(self.now, self.silent_from)
        at = max(at - at % self.period_s, self.hurried) if self.period_s else at
        there = self.shown(at)
        if there is None:
            return None
        used = sum(one.memory or 0 for one in there)
        sample = Sample(at, memory_total=self.total, memory_used=used, processes=there, source="nvml")
        return replace(sample, **self.changes)

    def hurry(self) -> None:
        self.hurried = self.now if self.hurries else 0.0

    async def release(self) -> None:
        self.released.append(self.now)

    async def rest(self, seconds: float) -> None:
        self.now += seconds

    def prepare(self, mode: Mode = "swap", known: Room | None = None) -> Vacated | None:
        return asyncio.run(self.sharing.before_trial(mode, known or SMALL))

    def returned(self, before: Sample | None, **seen: object) -> float:
        return asyncio.run(self.sharing.returned(before, **seen))  # type: ignore[arg-type]


def leaving(*stay: Process, leaves: Process, at: float) -> Callable[[float], tuple[Process, ...]]:
    return lambda now: stay if now >= at else (*stay, leaves)


def test_in_swap_the_driver_proves_that_the_model_has_left() -> None:
    bench = Bench(leaving(DESKTOP, leaves=LLM, at=2.0))
    left = bench.prepare()
    assert left is not None
    assert (left.memory, round(left.seconds, 1)) == (9 * GB, 2.0)
    assert len(bench.released) == 1


def test_in_share_and_apart_nothing_is_unloaded_and_nothing_is_waited_for() -> None:
    bench = Bench(lambda now: (DESKTOP, LLM))
    assert bench.prepare("share") is None
    assert bench.prepare("apart") is None
    assert (bench.released, bench.now) == ([], 0.0)


def test_a_model_that_is_not_loaded_is_proved_absent_at_once() -> None:
    bench = Bench(lambda now: (DESKTOP,))
    left = bench.prepare()
    assert left is not None and left.memory == 0 and left.seconds < 0.5


def test_what_the_driver_keeps_for_itself_is_not_taken_for_the_model() -> None:
    """Nobody's memory, half a gigabyte of it: a model that was never loaded is not waited for."""
    bench = Bench(lambda now: (DESKTOP,))
    bench.changes = {"processes": ()}
    left = bench.prepare(known=replace(SMALL, used_before=0, training=None))
    assert left is not None and left.seconds < 0.5
    left = bench.prepare(known=replace(SMALL, used_before=0, training=None, llm=None))
    assert left is not None and left.seconds < 4.0, "and one whose size nobody knows is not waited for long"


def test_a_large_resident_is_not_taken_for_the_model() -> None:
    bench = Bench(lambda now: (replace(DESKTOP, memory=6 * GB),))
    left = bench.prepare(known=replace(SMALL, used_before=6 * GB))
    assert left is not None and left.seconds < 0.5


def test_a_sample_from_before_the_release_proves_nothing() -> None:
    """A sampler that looks once in five seconds still shows the card as it was before the model was loaded."""
    bench = Bench(lambda now: (DESKTOP, LLM) if 1.0 <= now < 9.0 else (DESKTOP,), period_s=5.0)
    bench.now, bench.hurries = 4.0, False
    left = bench.prepare()
    assert left is not None and left.memory == 9 * GB and bench.now >= 10.0


def test_a_sampler_that_can_be_hurried_is_not_waited_for() -> None:
    bench = Bench(leaving(DESKTOP, leaves=LLM, at=2.0), period_s=5.0)
    left = bench.prepare()
    assert left is not None and left.memory == 9 * GB and bench.now < 2.5
    assert bench.returned(bench.look(), ours={4711}) < 0.2


def test_a_model_whose_memory_stays_keeps_the_trial_from_being_launched() -> None:
    bench = Bench(lambda now: (DESKTOP, LLM))
    with pytest.raises(Wedged) as wedged:
        bench.prepare(known=replace(SMALL, training=15 * GB))
    assert str(wedged.value) == (
        "the LLM was unloaded 30 s ago, and 9.5 GB of the card's 24.0 GB are still taken: llama-server (pid 1500, ollama) holds 9.0 GB,"
        " Xorg (pid 900, root) holds 0.5 GB. `nvidia-smi` shows who holds it; it is looked at again by itself, and"
        " `autoresearch-tui send stop` ends the run"
    )
    assert bench.now == pytest.approx(BOUND_S, abs=0.2)
    bench.shown = lambda now: (DESKTOP,)
    assert bench.prepare() is not None, "it may be asked again"


def test_a_card_with_room_enough_does_not_wait_all_night_for_somebody_elses_memory() -> None:
    bench = Bench(lambda now: (DESKTOP, replace(LLM, memory=7 * GB)), total=48 * GB)
    left = bench.prepare(known=replace(SMALL, total=48 * GB))
    assert left is not None and left.memory == 0 and left.seconds == pytest.approx(BOUND_S, abs=0.2)


def test_a_model_that_leaves_while_a_desktop_grows_has_left() -> None:
    grown = replace(DESKTOP, memory=2 * GB)
    bench = Bench(lambda now: (grown,) if now > 1 else (DESKTOP, LLM))
    left = bench.prepare()
    assert left is not None and left.memory == round(7.5 * GB)


def test_a_model_that_leaves_beside_somebody_who_came_later_has_left() -> None:
    later = Process(77, 8 * GB, "blender", "otto")
    bench = Bench(leaving(DESKTOP, later, leaves=LLM, at=2.0))
    left = bench.prepare()
    assert left is not None and (left.memory, round(left.seconds, 1)) == (9 * GB, 2.0)


def test_without_a_driver_it_is_the_servers_word() -> None:
    assert Bench(lambda now: None).prepare() == Vacated(0.0, None)
    silent = Bench(lambda now: (LLM,))
    silent.changes = {"memory_used": None}
    assert silent.prepare() == Vacated(0.0, None)


def test_memory_that_returns_late_is_waited_for() -> None:
    bench = Bench(leaving(DESKTOP, LLM, leaves=TRAINING, at=4.0))
    before = replace(bench.look() or Sample(0.0), memory_used=9 * GB + GB // 2, processes=(DESKTOP, LLM))
    assert bench.returned(before, peak=round(20.5 * GB), ours={4711}) == pytest.approx(4.0, abs=0.2)


def test_memory_that_never_returns_is_said_and_keeps_the_next_trial_waiting() -> None:
    bench = Bench(lambda now: (DESKTOP, TRAINING))
    before = Sample(0.0, memory_total=24 * GB, memory_used=GB // 2, processes=(DESKTOP,))
    with pytest.raises(Wedged) as wedged:
        bench.returned(before, peak=round(11.5 * GB), ours={4711})
    assert str(wedged.value) == (
        "11.0 GB have not come back 30 s after the training ended: python (pid 4711, anna) holds 11.0 GB. `nvidia-smi` shows who holds it;"
        " it is looked at again by itself, and `autoresearch-tui send stop` ends the run"
    )
    with pytest.raises(Wedged):
        bench.prepare("share")
    bench.shown = lambda now: (DESKTOP,)
    bench.prepare("share")
    assert bench.returned(before) < 1.0


def test_what_has_come_back_once_is_not_waited_for_again() -> None:
    bench = Bench(lambda now: (DESKTOP,))
    bench.returned(bench.look(), ours={4711})
    bench.shown = lambda now: (DESKTOP, replace(LLM, name=""))
    bench.prepare("share")
    assert bench.now < 0.5


def test_what_others_took_meanwhile_is_theirs() -> None:
    """A stranger who came, and a model that was loaded while the training ran."""
    stranger = Process(7, 3 * GB, "blender", "otto")
    bench = Bench(lambda now: (DESKTOP, LLM, stranger))
    before = Sample(0.0, memory_total=24 * GB, memory_used=GB // 2, processes=(DESKTOP,))
    assert bench.returned(before, peak=round(23.5 * GB), ours={4711}) < 1.0


def test_in_a_container_a_process_that_cannot_be_ours_by_its_number_may_be_ours_all_the_same() -> None:
    bench = Bench(lambda now: (DESKTOP, replace(TRAINING, pid=99_999, name="", user="")))
    before = Sample(0.0, memory_total=24 * GB, memory_used=GB // 2, processes=(DESKTOP,))
    with pytest.raises(Wedged):
        bench.returned(before, peak=round(11.5 * GB), ours={12})


def test_a_small_rest_is_somebody_elses_for_a_process_gives_back_all_or_nothing() -> None:
    """Where the driver names nobody: a browser that was opened during the trial is not its memory."""
    bench = Bench(lambda now: (replace(DESKTOP, memory=2 * GB),))
    bench.changes = {"processes": None}
    before = Sample(0.0, memory_total=24 * GB, memory_used=GB // 2)
    assert bench.returned(before, peak=round(11.5 * GB)) < 1.0
    bench.shown = lambda now: (replace(DESKTOP, memory=6 * GB),)
    with pytest.raises(Wedged, match=r"5.5 GB have not come back .* by nobody whom the driver names"):
        bench.returned(before, peak=round(11.5 * GB))


def test_an_old_driver_that_lists_processes_without_their_memory_is_judged_by_the_total() -> None:
    bench = Bench(leaving(DESKTOP, leaves=TRAINING, at=4.0))
    bench.changes = {"processes": (replace(DESKTOP, memory=None), replace(TRAINING, memory=None))}
    before = Sample(0.0, memory_total=24 * GB, memory_used=GB // 2)
    assert bench.returned(before, peak=round(11.5 * GB), ours={4711}) == pytest.approx(4.0, abs=0.2)


def test_the_memory_of_a_whole_machine_moves_by_more() -> None:
    """Where the card has none of its own, a gigabyte that some program took is not the training's."""
    before = Sample(0.0, memory_total=128 * GB, memory_used=20 * GB, unified=True)
    bench = Bench(lambda now: (replace(DESKTOP, memory=23 * GB),), total=128 * GB)
    bench.changes = {"processes": None, "unified": True}
    assert bench.returned(before) < 1.0
    bench.changes = {"processes": None}
    with pytest.raises(Wedged, match=r"3\.0 GB have not come back"):
        bench.returned(before)


def test_without_a_word_of_its_memory_before_there_is_nothing_to_wait_for() -> None:
    bench = Bench(lambda now: (TRAINING,))
    assert bench.returned(None) == bench.returned(Sample(0.0)) == 0.0


def test_a_driver_that_hangs_is_not_taken_for_proof() -> None:
    bench = Bench(lambda now: (DESKTOP,))
    bench.silent_from = 0.0
    with pytest.raises(Wedged, match="the card's driver has said nothing for 30 s"):
        bench.returned(bench.look(), ours=set())


@pytest.mark.parametrize("fault", ["lost", "reset", "mismatch", "gone", "unknown"])
def test_a_card_that_cannot_be_used_says_its_own_sentence_and_nothing_is_unloaded_for_it(fault: str) -> None:
    bench = Bench(lambda now: ())
    bench.changes = {"fault": fault, "said": "The card does not answer any more (lost): restart the machine.", "memory_used": None}
    with pytest.raises(Wedged) as wedged:
        bench.prepare()
    assert str(wedged.value) == (
        "The card does not answer any more (lost): restart the machine; it is looked at again by itself, and"
        " `autoresearch-tui send stop` ends the run"
    )
    with pytest.raises(Wedged):
        bench.prepare("share")
    assert bench.released == []


def test_a_card_that_is_lost_while_its_memory_is_waited_for_says_so_at_once() -> None:
    bench = Bench(lambda now: (DESKTOP, TRAINING))
    before = Sample(0.0, memory_total=24 * GB, memory_used=GB // 2, processes=(DESKTOP,))
    bench.changes = {"fault": "lost", "said": "Lost."}
    with pytest.raises(Wedged, match="Lost"):
        bench.returned(before, ours={4711})
    assert bench.now == 0.0
    bench.changes = {}
    with pytest.raises(Wedged, match="have not come back"):
        bench.prepare("share")


def test_what_stands_on_the_screen_cannot_be_forged_by_the_name_of_a_process() -> None:
    bench = Bench(lambda now: (Process(4711, 11 * GB, "py\x1b[2Jthon\n", "an\u202ena"),))
    with pytest.raises(Wedged) as wedged:
        bench.returned(Sample(0.0, memory_total=24 * GB, memory_used=0), ours={4711})
    assert "python (pid 4711, anna) holds" in str(wedged.value)
