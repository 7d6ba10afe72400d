"""Tables as people, agents and forks leave them: other columns, other signs, other lines in between."""

from __future__ import annotations

import pytest

from autoresearch_tui.journal.results import Row, Unreadable, read
from tests.journal.nights import NIGHTS
from tests.journal.wild import (
    AFTER,
    CELLS,
    COMMA,
    CRASH,
    HEADER,
    LINES,
    NAMES,
    NIGHT,
    ROWS,
    Wild,
    all_but,
    markdown,
    megabytes,
    padded,
    read_closely,
    table,
    told,
)

SHAPES = [
    Wild("a crash stands first", "\n".join([HEADER, LINES[CRASH], *LINES]), [ROWS[CRASH], *ROWS]),
    Wild("the only row is a crash", f"{HEADER}\n{LINES[CRASH]}", [ROWS[CRASH]]),
    Wild("there is only a header", HEADER, []),
    Wild("there is no header", "\n".join(LINES)),
    Wild("there is no header and no description", "\n".join("\t".join(cells[:4]) for cells in CELLS), all_but(description="")),
    Wild("the header is in capitals", NIGHT.replace(HEADER, HEADER.upper())),
    Wild("the header has other names", table("Hash\tBPB\tPeak VRAM (GB)\tVerdict\tIdea", 0, 1, 2, 3, 4)),
    Wild("the header has spaces for underscores", table("Commit\tVal BPB\tMemory GB\tStatus\tNotes", 0, 1, 2, 3, 4)),
    Wild(
        "the header explains itself", table("commit\tval_bpb (lower is better)\tmemory (GiB)\tstatus\tdescription (short)", 0, 1, 2, 3, 4)
    ),
    Wild("the header is marked as a comment", NIGHT.replace(HEADER, f"# {HEADER}")),
    Wild("the columns have another order", table("status\tdescription\tcommit\tmemory_gb\tval_bpb", 3, 4, 0, 2, 1)),
    Wild(
        "there are more columns",
        table(
            "run\ttimestamp\tcommit\tval_bpb\tmfu\tmemory_gb\tstatus\tdescription\ttag",
            "7",
            "2026-03-08T04:00:00Z",
            0,
            1,
            "39.8",
            2,
            3,
            4,
            "mar8",
        ),
        all_but(extra={"run": "7", "timestamp": "2026-03-08T04:00:00Z", "mfu": "39.8", "tag": "mar8"}),
    ),
    Wild(
        "columns have no name, or the same",
        table("\tcommit\tval_bpb\tmemory_gb\tstatus\tdescription\tnote\tnote", "0", 0, 1, 2, 3, 4, "a", "b"),
        all_but(extra={"column 1": "0", "note": "a", "note 8": "b"}),
    ),
    Wild(
        "numbers come first", table("#\tcommit\tval_bpb\tmemory_gb\tstatus\tdescription", "#3", 0, 1, 2, 3, 4), all_but(extra={"#": "#3"})
    ),
    Wild(
        "a loss stands beside the bits per byte",
        table("commit\tfinal_loss\tval_bpb\tmemory_gb\tstatus\tdescription", 0, "2.7", 1, 2, 3, 4),
        all_but(extra={"final_loss": "2.7"}),
    ),
    Wild(
        "only a loss was measured, which is no bits per byte",
        table("commit\tval_loss\tmemory_gb\tstatus\tdescription", 0, "2.7", 2, 3, 4),
        all_but(val_bpb=None, extra={"val_loss": "2.7"}),
    ),
    Wild(
        "the artifact is measured in megabytes too",
        table("commit\tval_bpb\tartifact_mb\tmemory_gb\tstatus\tdescription", 0, 1, "11.96", 2, 3, 4),
        all_but(extra={"artifact_mb": "11.96"}),
    ),
    Wild(
        "memory is in megabytes",
        told(lambda c: "\t".join([c[0], c[1], megabytes(c), c[3], c[4]]), HEADER.replace("memory_gb", "peak_vram_mb")),
    ),
    Wild(
        "memory is in megabytes, and nobody says so",
        told(lambda c: "\t".join([c[0], c[1], megabytes(c), c[3], c[4]]), HEADER.replace("memory_gb", "mem")),
    ),
    Wild("memory carries its unit", told(lambda c: "\t".join([c[0], c[1], f"{megabytes(c)} MiB", c[3], c[4]]))),
    Wild(
        "memory is in bytes",
        told(lambda c: "\t".join([c[0], c[1], f"{float(c[2]) * 2**30:.0f}", c[3], c[4]]), HEADER.replace("_gb", "_bytes")),
    ),
    Wild(
        "what was measured of the memory is no amount",
        table("commit\tval_bpb\tmemory_bandwidth\tstatus\tdescription", 0, 1, "3.1", 3, 4),
        all_but(memory_gb=None, extra={"memory_bandwidth": "3.1"}),
    ),
    Wild("memory was not measured", table("commit\tval_bpb\tstatus\tdescription", 0, 1, 3, 4), all_but(memory_gb=None)),
    Wild("decimals stand behind a comma", told(lambda c: "\t".join([c[0], c[1].replace(".", ","), c[2].replace(".", ","), c[3], c[4]]))),
    Wild("commas hold the columns apart", told(lambda c: ",".join([*c[:4], f'"{c[4]}"']), COMMA)),
    Wild(
        "commas hold the columns apart, those of the description too",
        table(COMMA, 0, 1, 2, 3, "a, b, c", sign=","),
        all_but(description="a, b, c"),
    ),
    Wild(
        "a description has backslashes",
        table(COMMA, 0, 1, 2, 3, r"scale \theta by \tau", sign=","),
        all_but(description=r"scale \theta by \tau"),
    ),
    Wild("semicolons hold the columns apart", table(HEADER.replace("\t", ";"), 0, 1, 2, 3, 4, sign=";")),
    Wild("it is a Markdown table", "\n".join([markdown(NAMES), "|---|---:|---:|:--|---|", *map(markdown, CELLS)])),
    Wild("it is a Markdown table in code and bold", told(lambda c: markdown([f"`{c[0]}`", f"**{c[1]}**", *c[2:]]), markdown(NAMES))),
    Wild("a Markdown cell holds a bar", told(lambda c: markdown([*c[:4], r"a \| b"]), markdown(NAMES)), all_but(description="a | b")),
    Wild("it is a drawn table", "\n".join(["+---+---+", markdown(NAMES), "+---+---+", *map(markdown, CELLS), "+---+---+"])),
    Wild("spaces align the columns", told(padded, padded(NAMES))),
    Wild("spaces align the columns, and stand in their names", told(padded, padded(["commit", "val bpb", "mem gb", "status", "notes"]))),
    Wild("single spaces hold the columns apart", table(" ".join(NAMES), 0, 1, 2, 3, 4, sign=" ")),
    Wild(
        "spaces align the columns, and the description is in the middle",
        told(lambda c: "   ".join([c[0], c[4], c[1], c[3]]), "commit   description   val_bpb   status"),
        all_but(memory_gb=None),
    ),
    Wild("tabs came out as letters", NIGHT.replace("\t", "\\t")),
    Wild(
        "an editor turned the tabs of some rows into spaces", "\n".join([HEADER, *LINES[:60], *(line.expandtabs(4) for line in LINES[60:])])
    ),
    Wild("every cell is quoted", told(lambda c: "\t".join(f'"{cell}"' for cell in c), "\t".join(f'"{name}"' for name in NAMES))),
    Wild(
        "every cell is quoted after a byte order mark",
        "\ufeff" + told(lambda c: ",".join(f'"{cell}"' for cell in c), f'"{COMMA}"'.replace(",", '","')),
    ),
    Wild("there are blank lines", NIGHT.replace("\n", "\n\n \t\n")),
    Wild("every row ends with a tab", NIGHT.replace("\n", "\t\n")),
    Wild(
        "every row ends with tabs behind another column",
        table("commit\tval_bpb\tmemory_gb\tstatus\tdescription\ttag", 0, 1, 2, 3, 4, "mar8\t\t"),
        all_but(extra={"tag": "mar8"}),
    ),
    Wild("cells are padded", NIGHT.replace("\t", " \t  ")),
]

LINES_BETWEEN = [
    Wild("the header comes again in the middle", "\n".join([HEADER, *LINES[:60], HEADER, AFTER])),
    Wild("a file with a byte order mark was added to the end", "\n".join([HEADER, *LINES[:60], f"\ufeff{HEADER}", AFTER])),
    Wild("the header comes too late", "\n".join([*LINES[:60], HEADER, AFTER])),
    Wild(
        "two files of different columns are one",
        "\n".join([HEADER, *LINES[:60], "tag,status,val_bpb,peak_vram_mb,idea", "x1,KEPT,0.97,1024,a, b"]),
        [*ROWS[:60], Row("", 0.97, 1.0, "keep", "a, b", {"tag": "x1", "status": "KEPT"})],
    ),
    Wild(
        "older columns go on after newer ones",
        "status;commit;val_bpb\nkeep;a1;0.98\ntag,status,val_bpb,idea\nkeep;a2;0.97",
        [Row("a1", 0.98, None, "keep", ""), Row("a2", 0.97, None, "keep", "")],
    ),
    Wild(
        "prose has commas where the columns have",
        f"{COMMA}\nAfter all,1,2,which is not as many as we had hoped for,we go on\n{LINES[0]}",
        [ROWS[0]],
        passed_over=(2,),
    ),
    Wild("prose has numbers where no header says what they are", f"Table 1 2 shows it\n{LINES[0]}", [ROWS[0]], passed_over=(1,)),
    Wild(
        "a conflict was left in the middle",
        "\n".join([HEADER, *LINES[:60], "<<<<<<< HEAD", LINES[60], "=======", LINES[61], ">>>>>>> autoresearch/mar8", *LINES[62:]]),
        passed_over=(62, 64, 66),
    ),
    Wild(
        "prose stands before, between and after",
        "\n".join(
            [
                "Results, so far: keep going, 3 of 9",
                "",
                HEADER,
                *LINES[:60],
                "== Phase 2: now with status, and bpb ==",
                AFTER,
                "The best was 0.9697 keep it",
                "Status notes",
                "What we did, status, notes",
            ]
        ),
        passed_over=(1, 64, 131, 132, 133),
    ),
    Wild("rows were taken out with a #", f"{HEADER}\n#{LINES[0]}\n// {LINES[1]}\n{LINES[2]}", [ROWS[2]], passed_over=(2, 3)),
    Wild("a heading came from a spreadsheet", f"{HEADER}\nPhase 2\t\t\t\t\n{LINES[0]}", [ROWS[0]], passed_over=(2,)),
    Wild(
        "rows of other columns have no header",
        f"{HEADER}\n{LINES[0]}\n2026-08-03\twarmup\t1.86\t157\t30.2\tbest",
        [ROWS[0]],
        passed_over=(3,),
    ),
    Wild(
        "rows of other columns hold names of columns", f"{HEADER}\na1\tnotes\t1.37\t10.0\tstatus\n{LINES[0]}", [ROWS[0]], passed_over=(2,)
    ),
    Wild(
        "rows have a column more than the header", f"{HEADER}\na1b2c3d\t1.37\t11.96\t10.0\tkeep\tx\n{LINES[0]}", [ROWS[0]], passed_over=(2,)
    ),
    Wild("the last row was cut off within its number", f"{NIGHT}a1b2c3d\t0.9", passed_over=(128,)),
    Wild("the last row was cut off before its verdict", f"{NIGHT}a1b2c3d\t0.969\t60.2", passed_over=(128,)),
]


@pytest.mark.parametrize("wild", [*SHAPES, *LINES_BETWEEN], ids=lambda wild: wild.sentence)
def test_it_is_read_all_the_same_when(wild: Wild) -> None:
    reading = read_closely(wild.text)
    assert list(reading.rows) == wild.rows
    assert [number for number, _ in reading.passed_over] == list(wild.passed_over)


@pytest.mark.parametrize(
    ("sentence", "text", "words"),
    [
        ("nothing at all", "", "empty"),
        ("nothing but line ends", "\ufeff\r\n\t\r\n", "empty"),
        ("a binary file", f"{NIGHT}\0", "binary"),
        ("a table of something else", "name\tage\nada\t36\n", "no header"),
        ("a night of another measure, without verdicts", "commit\trmse\tdescription\n37e091b\t1606506\tridge", "no header"),
        ("prose", (NIGHTS / "README.md").read_text(), "no header"),
        ("a program", "def keep(a, b, c):\n    return 1, 2, 3, 4\n", "no header"),
        ("a log", "step 00042 (4.4%) | loss: 5.123456 | lrm: 1.00 | dt: 315ms\n---\nval_bpb:          0.997900\n", "no header"),
    ],
)
def test_it_is_refused_in_a_sentence(sentence: str, text: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        read(text)
    assert str(caught.value).endswith("."), sentence


def test_columns_are_named_as_they_were_found() -> None:
    reading = read(f"Columns: date, tag, val_bpb, status\n2026-09-03, a0, 3.07, best\nrun\tval_bpb\tstatus\n{LINES[0]}\n")
    assert reading.columns == ("date", "tag", "val_bpb", "status", "run")
    assert read('\ufeff"commit","val_bpb","status"\n"a1","0.97","keep"').columns == ("commit", "val_bpb", "status")
    assert read("| commit | val_bpb | status |\n| a1 | 0.97 | keep |").columns == ("commit", "val_bpb", "status")
    assert read("\n".join(LINES)).columns == ()


def test_what_was_passed_over_can_be_shown() -> None:
    assert read(f"{HEADER}\nPhase\t2:\x1b[31m wider\u202e\n{LINES[0]}").passed_over == ((2, "Phase 2: wider"),)
