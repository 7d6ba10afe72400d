"""Cells as people, agents and forks leave them: one row of a real night says something else."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from autoresearch_tui.journal.results import read
from tests.journal.wild import CELLS, COLUMN_NAMES, CRASH, HEADER, ROWS, Wild, but, read_closely, said, with_line

ONE_ROW = [
    Wild("a row has no description", with_line(3, "\t".join(CELLS[3][:4])), but(3, description="")),
    Wild("a description holds tabs", said(3, 4, "add\t5%\twarmup"), but(3, description="add 5% warmup")),
    Wild("a description is quoted for its tab", said(3, 4, '"add 5%\twarmup"'), but(3, description="add 5% warmup")),
    Wild("a description is quoted for its line end", said(3, 4, '"add 5%\nwarmup"'), but(3, description="add 5% warmup")),
    Wild("a description is quoted for its quotes", said(3, 4, '"""add"" 5%"'), but(3, description='"add" 5%')),
    Wild("a quote is never closed", said(3, 4, '"add 5% warmup'), but(3, description='"add 5% warmup')),
    Wild(
        "two quotes in two rows are never closed",
        with_line(3, "\n".join("\t".join([*cells[:4], text]) for cells, text in ((CELLS[3], '"add 5%'), (CELLS[4], '5" disk')))),
        [*ROWS[:3], replace(ROWS[3], description='"add 5%'), replace(ROWS[4], description='5" disk'), *ROWS[4:]],
    ),
    Wild("a description is empty quotes", said(3, 4, '""'), but(3, description="")),
    Wild("a description is in quotes that nobody needed", said(3, 4, '"add 5%"'), but(3, description='"add 5%"')),
    Wild("a description goes on in the next line", said(3, 4, "add 5%\nwarmup"), but(3, description="add 5%"), passed_over=(6,)),
    Wild("a description is written from right to left", said(3, 4, "\u202bשבת\u202c 5% 🎉"), but(3, description="שבת 5% 🎉")),
    Wild("a description hides controls", said(3, 4, "\x1b[31madd\x1b[0m\u200b 5%\x07"), but(3, description="add 5%")),
    Wild("a description has 5,000 letters", said(3, 4, "x" * 5000), but(3, description="x" * 5000)),
    Wild("a description is a header", said(3, 4, "x | val_bpb | status | notes"), but(3, description="x | val_bpb | status | notes")),
    Wild("the hash has forty characters", said(3, 0, "0123456789" * 4), but(3, commit="0123456789" * 4)),
    Wild("the hash and the description are names of columns", with_line(3, "commit\t0.9\t1.0\tkeep\tstatus"), but(3, **COLUMN_NAMES)),
    Wild("there is no hash", said(3, 0, ""), but(3, commit="")),
    Wild("the hash is a word", said(3, 0, "(uncommitted)"), but(3, commit="(uncommitted)")),
    Wild("the hash is a number of its own", said(3, 0, "#12"), but(3, commit="#12")),
    *(
        Wild(f"a crash has {cell!r} for its value", said(CRASH, 1, cell))
        for cell in ("", "-", "—", "N/A", "nan", "NaN", "inf", "-inf", "none", "null", "0", "0.0", "0,000000", "?")
    ),
    Wild("a crash has a word for its value", said(CRASH, 1, "OOM"), but(CRASH, extra={"val_bpb": "OOM"})),
    Wild("a crash has minus one for its value", said(CRASH, 1, "-1"), but(CRASH, extra={"val_bpb": "-1"})),
    Wild(
        "a crash has a word for its value and no verdict",
        said(CRASH, 1, "OOM").replace("\t0.0\tcrash", "\t-\t"),
        but(CRASH, extra={"val_bpb": "OOM"}),
    ),
    Wild("a crash has its memory", said(CRASH, 2, "43.9"), but(CRASH, memory_gb=43.9)),
    Wild("a discard was never measured", said(3, 1, "0.000000"), but(3, val_bpb=None)),
    Wild("a value is bold", said(3, 1, "**0.982603**")),
    Wild("a value has a remark", said(3, 1, "0.982603 (best)"), but(3, extra={"val_bpb": "0.982603 (best)"})),
    Wild("a value has an error", said(3, 1, "0.982603±0.0004"), but(3, extra={"val_bpb": "0.982603±0.0004"})),
    Wild("a value is in the notation of science", said(3, 1, "9.82603e-1")),
    Wild("a value is beyond any float", said(3, 1, "1e999"), but(3, val_bpb=None)),
    Wild("a value is no number, between sure signs", said(3, 1, "diverged"), but(3, val_bpb=None, extra={"val_bpb": "diverged"})),
    Wild("memory has thousands", said(3, 2, "61,644.8 MB")),
    Wild("memory has thousands as in Germany", said(3, 2, "61.644,8 MB")),
    Wild("memory has thousands as in France", said(3, 2, "61\u202f644,8 MB")),
    Wild("memory has thousands and nothing behind them", said(3, 2, "61,440 MB"), but(3, memory_gb=60.0)),
    Wild("memory is spelled out in bytes", said(3, 2, "64,639,257,805 bytes"), but(3, memory_gb=60.2)),
    Wild("a value is words", said(3, 1, "5 layers"), but(3, val_bpb=None, extra={"val_bpb": "5 layers"})),
    Wild("a value is a date", said(3, 1, "2026-03-08"), but(3, val_bpb=None, extra={"val_bpb": "2026-03-08"})),
    Wild("memory says of how much", said(3, 2, "60.2/80"), but(3, extra={"memory_gb": "60.2/80"})),
]

VERDICTS = {
    "keep": [
        "KEEP",
        " Keep ",
        "kept",
        "keep*",
        "**keep**",
        "`keep`",
        "✓",
        "✅",
        "✔\ufe0f",
        "keep ✓",
        "accepted",
        "keep (best so far)",
        "Keep: simpler",
    ],
    "discard": ["DISCARD", "discarded", "reverted", "rejected", "revert", "✗", "❌", "discard - worse", "rolled back"],
    "crash": [
        "CRASHED",
        "crash",
        "oom",
        "OOM (80 GB)",
        "timeout",
        "timed out",
        "timed_out",
        "timed-out",
        "FAILED",
        "error",
        "out of memory",
        "💥",
    ],
}


@pytest.mark.parametrize("wild", ONE_ROW, ids=lambda wild: wild.sentence)
def test_it_is_read_all_the_same_when(wild: Wild) -> None:
    reading = read_closely(wild.text)
    assert list(reading.rows) == wild.rows
    assert [number for number, _ in reading.passed_over] == list(wild.passed_over)


@pytest.mark.parametrize(("verdict", "cell"), [(verdict, cell) for verdict, cells in VERDICTS.items() for cell in cells])
def test_a_verdict_by_any_of_its_names(verdict: str, cell: str) -> None:
    (row,) = read(f"{HEADER}\na1b2c3d\t0.99\t44.0\t{cell}\tx").rows
    assert row.status == verdict
    assert row.extra == ({} if cell.strip().lower() == verdict else {"status": cell.replace("\ufe0f", "")})


@pytest.mark.parametrize("cell", ["tentative", "Best", "ADOPTED-WIN", "not kept", "keep going", ""])
def test_a_verdict_that_nobody_knows_stays_as_it_is(cell: str) -> None:
    (row,) = read(f"{HEADER}\na1b2c3d\t0.99\t44.0\t{cell}\tx").rows
    assert (row.status, row.extra) == (cell.lower(), {})
