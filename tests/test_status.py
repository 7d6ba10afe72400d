"""What a person and a program are told of a run: the screenful, the JSON, the row of `runs`, the lines."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.results import Row
from autoresearch_tui.journal.state import Run
from autoresearch_tui.lines import WHY_AGAIN, line
from autoresearch_tui.status import as_json, as_row, as_text
from autoresearch_tui.verbs.output import wrapped
from tests.journal.runs import AT, numbered

STARTED = (
    e.RunStarted("nov20", "c0ffee0" * 5, sigma=0.0005),
    e.EngineStarted(4711, 20, "boot", "0.1.0", "sweep", device="cpu"),
)


def experiment(number: int, verdict: str, value: float | None, tip: int, idea: str = "baseline", by: str = "policy") -> tuple[e.Event, ...]:
    return (
        e.Proposed(number, parent=number - 1 if number else None, idea=idea),
        e.Committed(number, f"{number:x}" * 40),
        e.Launched(number, 1, 42, 5000, 30, "boot"),
        e.Ended(number, 1, "finished" if value else "crash"),
        *([e.Measured(number, 1, value, trust="verified", memory_gb=44.04)] if value else []),
        e.Judged(number, verdict, "because", tip, by),
        e.Applied(number),
    )


NIGHT = (
    *STARTED,
    *experiment(0, "keep", 0.9979, 0),
    *experiment(1, "keep", 0.9932, 1, "matrix LR 0.04 -> 0.05"),
    *experiment(2, "crash", None, 1, "twice as wide"),
    *experiment(3, "discard", 0.9951, 1, "a smaller window", by="ada@lab"),
)


def state(*facts: e.Event) -> Run:
    return fold(numbered([*NIGHT, *facts]))


# ------------------------------------------------------------------------------------------------------------------------------
# For programs
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_json_is_the_interface_that_is_promised() -> None:
    asked = (e.Drafting("d0004", "tune", 1, "sweep"), e.Replied("d0004", 1.0, cost=0.25), e.Refused("d0004", "it does not parse"))
    run = state(*asked, e.Commanded(7, c.Again(1), "ada@lab", True), e.Remembered("mar8", (Row("a", 1.0, 1.0, "keep", "x"),)))
    assert as_json(run, alive=True) == {
        "run": "nov20",
        "phase": "drafting",
        "why": "",
        "paused": False,
        "engine": {"pid": 4711, "alive": True},
        "baseline": {"val_bpb": 0.9979, "sigma": 0.0005, "assumed": True},
        "best": {"experiment": 1, "commit": "1" * 40, "val_bpb": 0.9932, "trust": "verified"},
        "counts": {"keep": 2, "discard": 1, "crash": 1},
        "proposals": {
            "sweep": {
                "asked": 1,
                "usable": 0,
                "refused": 1,
                "wrong": {"reply": 1},
                "declined": 0,
                "dialects": {},
                "tokens_in": 0,
                "tokens_out": 0,
                "seconds": 1.0,
                "cost": 0.25,
                "seen": {},
                "down": None,
            }
        },
        "researcher": {"chain": ["sweep"], "speaks": "sweep", "chosen": "", "local_only": False, "blocked": []},
        "cost": {
            "researchers_usd": 0.25,
            "gpu_hours": 0.0,
            "kwh": None,
            "gpu": 0.0,
            "currency": "USD",
            "per_experiment": {"USD": 0.0625},
            "per_sure_gain": None,
            "limit_usd": None,
        },
        "sandbox": {"kind": "", "why": ""},
        "gpu": None,
        "slots": [],
        "experiments": [
            row(0, "keep", 0.9979, "baseline"),
            row(1, "keep", 0.9932, "matrix LR 0.04 -> 0.05") | {"gain": pytest.approx(0.0047), "word": "likely"},
            row(2, "crash", None, "twice as wide") | {"memory_gb": 0.0, "trust": ""},
            row(3, "discard", 0.9951, "a smaller window") | {"by": "ada@lab"},
        ],
        "closing": None,
        "elsewhere": 1,
        "waiting": [{"command": 7, "kind": "again", "by": "ada@lab"}],
    }


def row(number: int, verdict: str, value: float | None, idea: str) -> dict[str, object]:
    return {
        "number": number,
        "commit": f"{number:x}" * 40,
        "val_bpb": value,
        "memory_gb": 44.04,
        "verdict": verdict,
        "reason": "because",
        "by": "policy",
        "trust": "verified",
        "trials": 1,
        "device": None,
        "gain": None,
        "word": None,
        "tainted": [],
        "adrift": False,
        "description": idea,
    }


def test_of_a_run_that_has_just_begun_everything_is_there_and_says_nothing() -> None:
    said = as_json(fold(numbered(STARTED)), alive=True)
    assert said.keys() == as_json(state(), alive=True).keys()
    assert (said["phase"], said["best"], said["experiments"]) == ("starting", None, [])
    assert said["baseline"] == {"val_bpb": None, "sigma": 0.0005, "assumed": True}
    assert as_json(Run(), alive=False)["engine"] == {"pid": None, "alive": False}


def test_what_is_not_judged_has_no_verdict_and_what_nobody_priced_no_cost() -> None:
    said = as_json(state(e.Drafting("d4", "tune", 1, "gpt"), e.Replied("d4", 1.0, cost=None), e.Proposed(4, "d4", parent=1)), alive=True)
    assert said["experiments"][4]["verdict"] is None
    assert said["proposals"]["gpt"]["cost"] is None


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ([e.Paused("ada@lab")], "paused by ada@lab"),
        ([e.Paused("ada@lab", "lunch")], "paused by ada@lab: lunch"),
        ([e.Waiting("outside 22:00-07:00")], "outside 22:00-07:00"),
        ([e.Paused("ada@lab"), e.EngineEnded("stopped by bob@lab")], "stopped by bob@lab"),
    ],
)
def test_why_it_does_not_train(facts: list[e.Event], why: str) -> None:
    assert as_json(state(*facts), alive=True)["why"] == why
    assert f": {why}" in as_text(state(*facts), alive=True).split("\n")[0]


# ------------------------------------------------------------------------------------------------------------------------------
# For people
# ------------------------------------------------------------------------------------------------------------------------------


def test_the_screenful_of_a_live_run() -> None:
    trains = (e.Proposed(4, operator="explore", parent=1, idea="a third layer"), e.Launched(4, 1, 42, 5004, 34, "boot"))
    run = state(*trains, e.Commanded(7, c.Again(1), "ada@lab", True), e.Warned("the disk is nearly full"))
    assert as_text(run, alive=True).split("\n") == [
        "autoresearch nov20  ● training #4 explore",
        "  by sweep",
        "  best #1  val_bpb 0.993200 (-0.004700 against the baseline), verified; 2 kept, 1 discarded, 1 crashed",
        "  one training varies by 0.000500 (sigma, assumed until the same code is trained three times)",
        "",
        "     0 0000000  0.997900   44.0  keep             baseline",
        "     1 1111111  0.993200   44.0  keep     likely  matrix LR 0.04 -> 0.05",
        "     2 2222222         -    0.0  crash            twice as wide",
        "     3 3333333  0.995100   44.0  discard          [ada@lab] a smaller window",
        "     4                 -    0.0  training         a third layer",
        "  waiting: again (command 7, by ada@lab)",
        "  warning: the disk is nearly full",
        "",
        "`autoresearch-tui send stop` ends it after this trial; `autoresearch-tui send` alone lists the commands.",
    ]


def test_the_screenful_of_a_run_whose_engine_died() -> None:
    head, *_, last = as_text(state(e.Proposed(4, parent=1)), alive=False).split("\n")
    assert head == "autoresearch nov20  ○ the engine died while training"
    assert last == "no engine works on it: `autoresearch-tui run` goes on. The best code: `git checkout --detach autoresearch/nov20`"


def test_the_screenful_of_a_run_without_an_experiment() -> None:
    assert "  no experiment yet: the baseline comes first" in as_text(fold(numbered(STARTED)), alive=True).split("\n")


def test_a_kept_experiment_that_the_trunk_left_is_marked() -> None:
    text = as_text(state(e.Rewound(0, "ada@lab")), alive=True).split("\n")
    assert "     1 1111111  0.993200   44.0  keep     likely  (off the trunk) matrix LR 0.04 -> 0.05" in text
    assert "  best #0  val_bpb 0.997900, verified; 2 kept, 1 discarded, 1 crashed" in text


def test_with_several_slots_each_says_what_it_trains() -> None:
    both = [e.Proposed(4, parent=1, idea="wider"), e.Proposed(5, parent=1, idea="deeper")]
    trains = [e.Launched(4, 1, 42, 1, 2, "boot", "", "gpu1"), e.Launched(5, 1, 42, 1, 2, "boot", "", "gpu0")]
    one, two = state(e.Equipped(SLOTS), *both, trains[0]), state(e.Equipped(SLOTS), *both, *trains)
    assert as_text(one, alive=True).split("\n")[4:6] == ["  gpu1 trains #4: wider", "  1 of 2 slots wait"]
    assert as_text(two, alive=True).startswith("autoresearch nov20  ● training #4, #5\n")
    assert as_text(two, alive=True).split("\n")[4:6] == ["  gpu0 trains #5: deeper", "  gpu1 trains #4: wider"]
    assert "trains" not in as_text(two, alive=False)
    assert as_json(two, alive=True)["slots"][1] == {"name": "gpu1", "device": "NVIDIA H200", "experiment": 4, "trial": 1}


def test_on_a_phone_its_lines_go_on_below_and_no_word_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "45")
    text = as_text(fold(numbered(NIGHT)), alive=False)
    lines = wrapped(text).split("\n")
    assert max(map(len, text.split("\n"))) > 80
    assert max(map(len, lines)) <= 45
    assert " ".join(lines).split() == text.split()
    assert [line for line in lines if not line.startswith("      ")][:2] == ["autoresearch nov20  ○ the engine died while", "  by sweep"]


def test_only_the_latest_experiments_fill_the_screen() -> None:
    text = as_text(state(*[e.Proposed(number, parent=1) for number in range(4, 104)]), alive=True).split("\n")
    assert len(text) < 24
    assert "  .. 92 earlier" in text


def test_a_run_is_a_row_of_runs() -> None:
    began = state().started_at
    assert began == AT + 10
    words = as_row(state(), True, 12_345_678).split()
    assert (words[0], words[3:]) == ("nov20", ["4", "experiments", "gain", "+0.004700", "drafting", "12.3", "MB"])
    assert as_row(state(), False, 0).split()[-3] == "died"
    assert as_row(state(e.EngineEnded("the time is up")), False, 0).split()[-3] == "ended"
    assert as_row(Run(), False, 0).split() == ["-", "0", "experiments", "gain", "-", "died", "0.0", "MB"]


# ------------------------------------------------------------------------------------------------------------------------------
# As lines
# ------------------------------------------------------------------------------------------------------------------------------

SLOTS = (e.Slot("gpu0", "NVIDIA H200"), e.Slot("gpu1", "NVIDIA H200"))
HEARD = e.Commanded(7, c.Again(1), "ada@lab", True)
LINES: list[tuple[list[e.Event], str | None]] = [
    ([e.RunStarted("nov20", "c0ffee0" * 5)], "run nov20 begins at c0ffee0, 300 s a trial, numbers reported"),
    ([e.Remembered("mar8", (Row("a", 1.0, 1.0, "keep", "x"),) * 3)], "3 rows of mar8 are remembered; they were measured elsewhere"),
    ([STARTED[1]], "engine 4711 starts: sweep on cpu"),
    ([msgspec.structs.replace(STARTED[1], after="signal 9")], "engine 4711 starts again after signal 9: sweep on cpu"),
    ([e.EngineEnded("stopped by ada@lab")], "the engine ends: stopped by ada@lab"),
    ([e.ProgramChanged("abc")], None),
    ([e.ProgramChanged("abc", "+ a line")], "program.md was changed: the next draft reads it"),
    ([e.SettingsChanged(e.Limits(), True)], None),
    ([e.SettingsChanged(e.Limits(), True, "ada@lab")], "settings changed by ada@lab"),
    ([HEARD], "heard: again #1 by ada@lab"),
    ([e.Commanded(7, c.Keep(0), "ada@lab", False, "it is over")], "refused: keep #0 by ada@lab: it is over"),
    ([e.Commanded(7, c.Skip(12, 2), "ada@lab", True)], "heard: skip #12 by ada@lab"),
    ([e.Commanded(7, c.Stop(1, now=True), "ada@lab", True)], "heard: stop now by ada@lab"),
    ([e.Commanded(7, c.Review(False), "ada@lab", True)], "heard: review off by ada@lab"),
    ([e.Commanded(7, c.Limit("cost", "5"), "ada@lab", True)], "heard: limit cost 5 by ada@lab"),
    ([e.Commanded(7, c.Reject("d0001", "too wide"), "ada@lab", True)], "heard: reject d0001 too wide by ada@lab"),
    ([e.Commanded(7, None, "ada@lab", False, "not known here")], "refused: a command by ada@lab: not known here"),
    ([HEARD, e.Fulfilled(7)], None),
    ([HEARD, e.Lapsed(7, "withdrawn by ada@lab")], "command 7 came to nothing: withdrawn by ada@lab"),
    ([e.Paused("ada@lab")], "paused by ada@lab"),
    ([e.Resumed("ada@lab")], "resumed by ada@lab"),
    ([e.Waiting("outside 22:00-07:00")], "waiting: outside 22:00-07:00"),
    ([e.Warned("the disk is nearly full")], "warning: the disk is nearly full"),
    ([e.ResearcherDown("sweep", "no answer")], "sweep is down: no answer"),
    ([e.ResearcherDown("sweep", "no answer", AT + 40.0)], "sweep is down: no answer; asked again in 40 s"),
    ([e.ResearcherUp("sweep")], "sweep is back"),
    ([e.Shared("share", "share: LLM 9.1 GB + training 11.2 GB fit")], "share: LLM 9.1 GB + training 11.2 GB fit"),
    ([e.Unloaded("ollama:qwen3:8b", 1.24, 9.06)], "ollama:qwen3:8b gave 9.1 GB back in 1.2 s"),
    ([e.Declined("d4", "gpt", "frontier_llm")], "gpt will not answer draft d4: frontier_llm"),
    ([e.Passed("d4", "sweep", "it understands `SET NAME = value`")], "sweep passes draft d4 on: it understands `SET NAME = value`"),
    ([e.ResearcherDown("gpt", "no credit.", AT + 60.0, True)], "gpt is down: no credit; that takes a person; asked again in 60 s"),
    ([e.Blocked("a connection to 192.0.2.1:443")], "blocked: a connection to 192.0.2.1:443"),
    ([e.Asked("d4", "gpt", "blocks", 9000)], None),
    ([e.Spent("d4", "gpt", 9000, 12, 0.01)], None),
    ([e.Spent("d4", "gpt", 9000, 12, None)], "draft d4 broke off, and what it cost is not known"),
    ([e.Rewound(0, "ada@lab")], "the trunk went back to #0, by ada@lab"),
    ([e.Drafting("d4", "tune", 1, "sweep")], None),
    ([e.Replied("d4", 1.0)], None),
    ([e.Refused("d4", "it does not parse")], "draft d4 refused: it does not parse"),
    ([e.Drafted("d4", "b10b", "wider")], None),
    ([e.Drafting("d4", "tune", 1, "sweep"), e.Drafted("d4", "b10b", "wider"), e.Held("d4", 2e9)], "draft d4 waits for a person: wider"),
    ([e.Approved("d4", "ada@lab")], None),
    ([e.Abandoned("d4", "skipped by hand")], "draft d4 given up: skipped by hand"),
    ([e.Proposed(4, operator="tune", parent=1, idea="wider")], "#4 tune: wider"),
    ([e.Committed(3, "c0ffee0")], None),
    ([e.Launched(3, 2, 43, 1, 2, "boot")], None),
    ([e.Launched(3, 1, 43, 1, 2, "boot", slot="gpu1")], "#3 trains in gpu1"),
    ([e.Launched(3, 2, 43, 1, 2, "boot", "noise", "gpu1")], "#3 again, trial 2 in gpu1: how far do equal trainings differ?"),
    ([e.Equipped(SLOTS)], "2 slots: gpu0, gpu1"),
    ([e.Equipped(SLOTS[:1], "lab7 was lost.")], "lab7 was lost; 1 slot: gpu0"),
    ([e.Equipped((), "lab7 was lost")], "lab7 was lost; no slot is left"),
    (
        [e.Equipped(tuple(e.Slot(f"lab{number}/gpu0") for number in range(16)))],
        "16 slots: lab0/gpu0, lab1/gpu0, lab2/gpu0, lab3/gpu0, lab4",
    ),
    ([e.Launched(3, 2, 43, 1, 2, "boot"), e.Ended(3, 2, "finished")], None),
    ([e.Ended(3, 1, "interrupted", why="the engine died")], "#3 interrupted: the engine died"),
    ([e.Launched(3, 2, 43, 1, 2, "boot", "noise")], "#3 again, trial 2: how far do equal trainings differ?"),
    ([e.Ended(3, 1, "hopeless", why="at 40%: too high a loss")], "#3 ended early: at 40%: too high a loss"),
    ([e.Measured(3, 1, 0.99)], None),
    ([e.Tainted(3, 1, "at 60% of its own pace")], "#3 trial 1 is not compared: at 60% of its own pace"),
    ([e.Drifted(1, 2, 0.99, 1.01, 3)], "the machine drifted: #1 was 0.990000 and is 1.010000; comparisons since #3 are in doubt"),
    (
        [e.Concluded(1, 0.004, 0.003, 0.005, 0.00001, 0.002, -0.001, 0.005, 0.1)],
        "measured afresh, #1 is better than the baseline: gain +0.004000 (+0.003000 to +0.005000, chance p < 0.001);"
        " on text that decided nothing: gain +0.002000 (-0.001000 to +0.005000, chance p 0.100)",
    ),
    ([e.Concluded(1, -0.004)], "measured afresh, #1 is no better than the baseline: gain -0.004000 (the noise is not known)"),
    ([e.Judged(3, "keep", "better by 0.001", 3)], "#3 KEEP    0.995100  better by 0.001"),
    ([e.Launched(3, 2, 1, 1, 2, "b"), e.Judged(3, "discard", "worse", 1, "ada")], "#3 DISCARD 0.995100  worse, decided by ada"),
    ([e.Judged(2, "crash", "memory", 1)], "#2 CRASH   -  memory"),
    ([e.Judged(99, "keep", "better", 3)], None),
    ([e.Applied(3)], None),
    ([e.Unknown("Dreamt", '{"of":"sheep"}')], 'Dreamt (of a later version): {"of":"sheep"}'),
]


@pytest.mark.parametrize(("facts", "text"), LINES, ids=[type(facts[-1]).__name__ for facts, _ in LINES])
def test_a_fact_has_its_line_or_is_of_no_interest_by_itself(facts: list[e.Event], text: str | None) -> None:
    said = line(facts[-1], state(*facts), AT)
    assert (said is None) == (text is None)
    if said and text:
        assert said[2] == said[5] == ":", "the time comes first"
        assert said[10:].startswith(text)


def test_every_kind_of_fact_was_tried_above() -> None:
    assert {type(facts[-1]) for facts, _ in LINES} == {*e.kinds().values(), e.Unknown}


def test_every_purpose_of_a_trial_has_its_sentence() -> None:
    assert set(WHY_AGAIN) == set(get_args(e.Purpose))


def test_nothing_that_others_wrote_commands_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\r\nnext\u202e\ud800"
    for fact in (e.Warned(hostile), e.Proposed(4, parent=1, idea=hostile), e.EngineEnded(hostile)):
        run = state(fact)
        assert str(line(fact, run, 0.0)).isprintable()
        assert all(text.isprintable() for text in as_text(run, alive=True).split("\n"))


def test_what_has_no_time_has_a_gap_in_its_place() -> None:
    assert line(e.Warned("no space is left"), Run(), 0.0) == "          warning: no space is left"


def test_of_a_night_that_has_ended_nobody_is_asked_again() -> None:
    down = (e.ResearcherDown("sweep", "no answer", AT + 40.0),)
    assert "asked again at" in as_text(state(*down), alive=True)
    assert "asked again at" not in as_text(state(*down, e.EngineEnded("the time is up")), alive=False)


def test_what_holds_the_trainings_and_how_the_card_is_shared_is_seen() -> None:
    shared = e.Shared("swap", "swap: LLM 20.1 GB + training 11.2 GB are 7.3 GB more than the card's 24.0 GB")
    card = e.Card(300.0, 97.5, 23.1, 11.2, power_w=340.0, temperature_c=71.0)
    run = state(
        shared,
        e.Unloaded("ollama:qwen3:8b", 1.2, 20.1),
        e.Proposed(4, operator="tune", parent=1),
        e.Committed(4, "4" * 40),
        e.Launched(4, 1, 42, 7, 7, "b"),
    )
    run = fold([e.Recorded(run.seq + 1, AT, 0.0, e.Ended(4, 1, "finished", seconds=300.0, card=card))], run)
    assert run.engine is not None
    run = msgspec.structs.replace(
        run, engine=msgspec.structs.replace(run.engine, sandbox="unsandboxed", sandbox_why="no bwrap", card="GPU-1")
    )
    text = as_text(run, alive=True)
    assert "UNSANDBOXED (no bwrap)" in text
    assert shared.why in text
    said = as_json(run, alive=True)
    assert said["sandbox"] == {"kind": "unsandboxed", "why": "no bwrap"}
    assert said["gpu"]["sharing"] == "swap"
    assert said["gpu"]["last"]["training_gb"] == 11.2
    assert said["gpu"]["unloaded"] == {"researcher": "ollama:qwen3:8b", "seconds": 1.2, "freed_gb": 20.1}
