"""The card that the training uses, as it says of itself. Observing, with no opinion.

Owns which kind of card is asked, the glance, and the thread that samples once a second, of a processor too. Does not own how a kind is
asked (`nvml.py`, `amd.py`, `apple.py`, `cpu.py`), nor whose the memory is (`owners.py`).
"""

from __future__ import annotations

import collections
import contextlib
import threading
import time
from collections.abc import Callable

from autoresearch_tui.telemetry.sample import Absent, Card, Faulty, Process, Reader, Sample

__all__ = ["Card", "Process", "Sample", "Sampler", "cards", "free_memory", "look"]

LONGEST_S = 30.0  # between two tries at a card that cannot be used
KEPT = 3600  # samples that nobody has fetched yet
FAREWELL_S = 0.5  # for the thread to end: it may hang in its driver, and nobody waits for that


def look(which: str = "") -> Sample | None:
    """One glance. None where there is no card. May block as long as a sick driver does: a loop asks a Sampler."""
    try:
        with contextlib.closing(_open(which)) as card:
            return card.read()
    except Absent:
        return None
    except Faulty as faulty:
        return Sample(time.time(), fault=faulty.fault, said=str(faulty))


def cards() -> list[Card]:
    """All that may be named and seen, as the driver counts them."""
    from autoresearch_tui.telemetry import amd, nvml

    return nvml.cards() or amd.cards()


def free_memory(which: str = "") -> int | None:
    """Bytes; None where there is no card, or it does not say."""
    sample = look(which)
    if sample is None or sample.memory_total is None or sample.memory_used is None:
        return None
    return sample.memory_total - sample.memory_used


class Sampler:
    """A thread that asks once in a period. Its readers never wait: what is old shows by its age.

    It asks the first card that is here, or what `opened` opens instead.
    """

    def __init__(self, which: str = "", period_s: float = 1.0, opened: Callable[[str], Reader] | None = None) -> None:
        self.which = which
        self.period_s = period_s
        self._open = opened or _open
        self._samples: collections.deque[Sample] = collections.deque(maxlen=KEPT)
        self._latest: Sample | None = None
        self._told: float | None = None
        self._ending = False
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="gpu", daemon=True)

    def start(self) -> None:
        self._told = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._ending = True
        self._woken.set()
        self._thread.join(FAREWELL_S)

    def hurry(self) -> None:
        """Ask now instead of at the end of the period: somebody waits for the answer."""
        self._woken.set()

    def latest(self) -> Sample | None:
        """None before the first answer."""
        return self._latest

    def drain(self) -> list[Sample]:
        """Those since the last time."""
        samples: list[Sample] = []
        with contextlib.suppress(IndexError):
            while True:
                samples.append(self._samples.popleft())
        return samples

    def age_s(self) -> float:
        """Since it answered last, or was started; nothing grows old where there is nobody to be asked."""
        told = self._told
        return 0.0 if told is None else time.monotonic() - told

    def _watch(self) -> None:
        """Until it is stopped, or there is no card. One that fails is opened anew, ever more rarely."""
        delay = self.period_s
        while not self._ending:
            try:
                with contextlib.closing(self._open(self.which)) as card:
                    while not (sample := card.read()).fault:
                        self._tell(sample)
                        self._stay_with(type(card), sample)
                        delay = self.period_s
                        if self._rests(self.period_s):
                            return
                self._tell(sample)
            except Absent as absent:
                if self._open is _open:
                    self._tell(Sample(time.time(), said=f"No GPU telemetry. {absent}"))
                    self._told = None
                    return
                self._tell_fault("gone", str(absent))
            except Faulty as faulty:
                self._tell_fault(faulty.fault, str(faulty))
            self._rests(delay)
            delay = min(2 * delay, LONGEST_S)

    def _rests(self, seconds: float) -> bool:
        """Until then, or until somebody is in a hurry; whether it has to end."""
        self._woken.wait(seconds)
        self._woken.clear()
        return self._ending

    def _stay_with(self, kind: Callable[[str], Reader], sample: Sample) -> None:
        """From its first answer on it is this very card: another one does not take its place."""
        if self._open is _open:
            self._open, self.which = kind, sample.uuid or self.which

    def _tell_fault(self, fault: str, said: str) -> None:
        last = self._latest or Sample(0.0)
        self._tell(Sample(time.time(), name=last.name, uuid=last.uuid, source=last.source, fault=fault, said=said))

    def _tell(self, sample: Sample) -> None:
        self._latest = sample
        self._samples.append(sample)
        self._told = time.monotonic()


def _open(which: str) -> Reader:
    """Of the kinds of cards the first that is here."""
    from autoresearch_tui.telemetry.amd import AmdCard  # only who asks pays for NVML's bindings
    from autoresearch_tui.telemetry.apple import AppleCard
    from autoresearch_tui.telemetry.nvml import NvidiaCard

    missed = []
    kinds: tuple[Callable[[str], Reader], ...] = (NvidiaCard, AmdCard, AppleCard)
    for kind in kinds:
        try:
            return kind(which)
        except Absent as absent:
            missed.append(str(absent))
    raise Absent(" ".join(filter(None, missed)))
