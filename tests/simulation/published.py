"""Two published nights, read again: what of their kept rows is sure, likely or unsure, and what the judge would have done at first sight.

    python -m tests.simulation.published

Each row was measured once, so the noise is what others say of these machines: the profile's 0.0005 for an H100, and the 0.03 that the
owner of the second night reports for the same file trained again.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from autoresearch_tui.engine.doubt import wanted
from autoresearch_tui.engine.judge import judge
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.noise import gain_of
from autoresearch_tui.journal.results import read_file
from autoresearch_tui.journal.state import Run

HERE = Path(__file__).parents[1] / "journal" / "nights"
NIGHTS = {"karpathy__autoresearch.tsv": 0.0005, "trevin-creator__autoresearch-mlx.tsv": 0.03}


class Kept(NamedTuple):
    """A row that its night kept."""

    number: int
    gain: float
    """Over the row kept before."""
    sigmas: float
    word: str
    at_first: str
    """What the judge would have done after its one trial: keep, discard, or `look again`."""
    description: str


def read_again(path: Path, sigma: float) -> Iterator[Kept]:
    run = Run()

    def add(*facts: e.Event) -> None:
        nonlocal run
        run = fold([e.Recorded(run.seq + 1 + place, 0.0, 0.0, fact) for place, fact in enumerate(facts)], run)

    add(e.RunStarted(path.stem, "c0", sigma=sigma))
    for number, row in enumerate(read_file(path).rows):
        add(e.Proposed(number, parent=run.tip, idea=row.description), e.Committed(number, row.commit))
        add(e.Launched(number, 1, 42, 1, 1, ""), e.Ended(number, 1, "finished" if row.val_bpb else "crash"))
        if row.val_bpb:
            add(e.Measured(number, 1, row.val_bpb, memory_gb=row.memory_gb or 0.0))
        more, decided = (wanted(run, number), judge(run, number)[0]) if run.tip is not None and number else (None, None)
        tip = number if row.status == "keep" else run.tip or 0
        add(e.Judged(number, row.status, row.description, tip))
        if row.status == "keep" and number:
            gain = gain_of(run, run.experiments[number])
            assert gain is not None and isinstance(decided, e.Judged)
            at_first = "look again" if more else decided.verdict
            yield Kept(number, gain.value, gain.value / sigma, gain.word, at_first, row.description)


def main() -> None:
    for name, sigma in NIGHTS.items():
        print(f"{name}, sigma {sigma:g}")
        for row in read_again(HERE / name, sigma):
            print(f"  {row.number:4} {row.gain:+.6f} {row.sigmas:+6.1f} sigma  {row.word:7} {row.at_first:11} {row.description}")


if __name__ == "__main__":
    main()
