"""What each command does, at each phase and to each kind of experiment: the tables are the specification.

A row reads: said in these phases ("*": in every phase that no other row of the command names), the engine answers this at once, and
that is what comes of it. "waits" is an accepted command whose moment has not come. Where nothing stands in the end, nothing begins but
what would have begun anyway. #9 is the experiment in hand, ann says everything, and the trunk is #0, #1, #3.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields

from autoresearch_tui.engine.answers import ANSWERS, answer
from autoresearch_tui.engine.steps import End, Rest
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.store import Sent
from tests.engine.histories import EVENING
from tests.engine.phases import PHASES, answered, said, shown, started, story, world_at
from tests.engine.worlds import World

WISHES: dict[str, c.Command] = {
    "pause": c.Pause(1),
    "resume": c.Resume(1),
    "skip #0": c.Skip(0, 1),
    "skip #9": c.Skip(9, 1),
    "skip d0001": c.Skip(draft="d0001"),
    "keep #0": c.Keep(0),
    "keep #9": c.Keep(9),
    "discard #0": c.Discard(0),
    "discard #9": c.Discard(9),
    "again #0": c.Again(0),
    "again #9": c.Again(9),
    "note": c.Note("try less"),
    "idea": c.Idea("SET A = 1"),
    "rewind #1": c.Rewind(1),
    "rewind #9": c.Rewind(9),
    "review on": c.Review(True),
    "review off": c.Review(False),
    "approve": c.Approve("d0001"),
    "reject": c.Reject("d0001", "too big"),
    "limit experiments 9": c.Limit("experiments", "9"),
    "limit hours 0.05": c.Limit("hours", "0.05"),
    "limit until 07:30": c.Limit("until", "07:30"),
    "limit cost 5": c.Limit("cost", "5"),
    "limit between 5-6": c.Limit("between", "05:00-06:00"),
    "stop": c.Stop(1),
    "stop now": c.Stop(1, now=True),
}

# "ended" is said to an engine that has ended, "late" to one that died while #9 trained; both are heard by the next that a person starts.
BY_PHASE = """
pause               | paused                               | done: it is paused already
pause               | ended late                           | refused: it was meant for an engine that has ended
pause               | *                                    | waits                      | paused by ann
resume              | paused                               | goes on; done              | draft
resume              | ended late                           | refused: it was meant for an engine that has ended
resume              | *                                    | done: it was not paused
skip #0             | baseline                             | refused: everything is compared with the baseline, so it cannot be skipped
skip #0             | *                                    | refused: #0 is not training any more
skip #9             | training late                        | waits                      | #9 discard by ann, trunk #3
skip #9             | *                                    | refused: #9 is not training any more
skip d0001          | drafting reviewing                   | no d0001: skipped by hand; done | draft
skip d0001          | *                                    | refused: draft d0001 is not in flight any more
keep #0             | starting                             | refused: there is no experiment #0
keep #0             | baseline                             | waits                      | #0 keep by ann, trunk #0
keep #0             | *                                    | done: #0 is kept already
keep #9             | training evaluating judging applying | waits                      | #9 keep by ann, trunk #9
keep #9             | late                                 | waits                      | train #9 again; #9 keep by ann, trunk #9
keep #9             | *                                    | refused: there is no experiment #9
discard #0          | starting                             | refused: there is no experiment #0
discard #0          | *                                    | refused: everything is compared with the baseline, so it cannot be discarded
discard #9          | training evaluating judging          | waits                      | #9 discard by ann, trunk #3
discard #9          | applying                             | waits                      | #9 is discarded already
discard #9          | late                                 | waits                      | train #9 again; #9 discard by ann, trunk #3
discard #9          | *                                    | refused: there is no experiment #9
again #0            | starting                             | refused: there is no experiment #0
again #0            | paused                               | waits                      | paused
again #0            | *                                    | waits                      | train #0 again; trial 2
again #9            | training evaluating judging applying | waits                      | train #9 again; trial 2
again #9            | late                                 | waits                      | train #9 again; trial 3
again #9            | *                                    | refused: there is no experiment #9
note                | starting baseline                    | waits                      | draft; experiment 1
note                | between waiting ended                | waits                      | draft; experiment 9
note                | paused                               | waits                      | paused
note                | *                                    | waits                      | draft; experiment 10
idea                | starting baseline                    | waits                      | draft the idea; experiment 1
idea                | between drafting reviewing waiting ended | waits                  | draft the idea; experiment 9
idea                | paused                               | waits                      | paused
idea                | *                                    | waits                      | draft the idea; experiment 10
rewind #1           | starting baseline                    | refused: there is no experiment #1
rewind #1           | paused                               | waits                      | paused
rewind #1           | *                                    | waits                      | trunk #1
rewind #9           | training evaluating judging late     | refused: #9 has no verdict yet
rewind #9           | applying                             | refused: #9 was not kept: `keep 9` takes its change onto the trunk
rewind #9           | *                                    | refused: there is no experiment #9
review on           | drafting                             | set; done                  | draft d0001 waits for a person
review on           | *                                    | set; done
review off          | reviewing                            | set; d0001 approved; done  | train #9
review off          | *                                    | set; done
approve             | reviewing                            | d0001 approved; done       | train #9
approve             | *                                    | refused: draft d0001 does not wait for a person any more
reject              | reviewing                            | no d0001: rejected: too big; done | draft
reject              | *                                    | refused: draft d0001 does not wait for a person any more
limit experiments 9 | starting baseline paused late        | set; done
limit experiments 9 | *                                    | set; done                  | 9 experiments are done
limit hours 0.05    | baseline training                    | set; done                  | the time is up
limit hours 0.05    | *                                    | set; done                  | no trial would end before the time is up
limit until 07:30   | *                                    | set; done
limit cost 5        | *                                    | set; done
limit between 5-6   | paused                               | set; done
limit between 5-6   | *                                    | set; done                  | outside 05:00-06:00
stop                | ended late                           | refused: it was meant for an engine that has ended
stop                | *                                    | waits                      | stopped by ann
stop now            | ended late                           | refused: it was meant for an engine that has ended
stop now            | *                                    | waits                      | stopped by ann
"""

# Said to a row, between two experiments; what is answered at once is the same at every other phase.
BY_TARGET = """
keep    | 0  the baseline                  | done: #0 is kept already
keep    | 1  kept, inside the trunk        | done: #1 is kept already
keep    | 3  kept, the tip                 | done: #3 is kept already
keep    | 6  discarded, parent the tip     | #6 keep by ann, trunk #6; done
keep    | 2  discarded, parent elsewhere   | waits                          | keep of #2 on #3; experiment 9
keep    | 7  crashed                       | refused: #7 crashed: it cannot be kept, and is not
keep    | 8  skipped                       | waits                          | keep of #8 on #3; experiment 9
keep    | 4  kept, left by a rewind        | #4 keep by ann, trunk #4; done
keep    | 5  kept, left with its parent    | waits                          | keep of #5 on #3; experiment 9
keep    | 99 not there                     | refused: there is no experiment #99
discard | 0  the baseline                  | refused: everything is compared with the baseline, so it cannot be discarded
discard | 1  kept, inside the trunk        | waits                          | revert of #1 on #3; experiment 9
discard | 3  kept, the tip                 | #3 discard by ann, trunk #1; done
discard | 6  discarded, parent the tip     | done: #6 is discarded already
discard | 2  discarded, parent elsewhere   | done: #2 is discarded already
discard | 7  crashed                       | refused: #7 crashed: it cannot be kept, and is not
discard | 8  skipped                       | done: #8 is discarded already
discard | 4  kept, left by a rewind        | #4 discard by ann, trunk #3; done
discard | 5  kept, left with its parent    | #5 discard by ann, trunk #3; done
discard | 99 not there                     | refused: there is no experiment #99
again   | 0  the baseline                  | waits                          | train #0 again; trial 2
again   | 1  kept, inside the trunk        | waits                          | train #1 again; trial 2
again   | 3  kept, the tip                 | waits                          | train #3 again; trial 2
again   | 6  discarded, parent the tip     | waits                          | train #6 again; trial 2
again   | 2  discarded, parent elsewhere   | waits                          | train #2 again; trial 2
again   | 7  crashed                       | waits                          | train #7 again; trial 2
again   | 8  skipped                       | waits                          | train #8 again; trial 2
again   | 4  kept, left by a rewind        | waits                          | train #4 again; trial 2
again   | 5  kept, left with its parent    | waits                          | train #5 again; trial 2
again   | 99 not there                     | refused: there is no experiment #99
rewind  | 0  the baseline                  | waits                          | trunk #0
rewind  | 1  kept, inside the trunk        | waits                          | trunk #1
rewind  | 3  kept, the tip                 | waits                          | trunk #3
rewind  | 6  discarded, parent the tip     | refused: #6 was not kept: `keep 6` takes its change onto the trunk
rewind  | 2  discarded, parent elsewhere   | refused: #2 was not kept: `keep 2` takes its change onto the trunk
rewind  | 7  crashed                       | refused: #7 crashed: the trunk cannot go there
rewind  | 8  skipped                       | refused: #8 was not kept: `keep 8` takes its change onto the trunk
rewind  | 4  kept, left by a rewind        | waits                          | trunk #4
rewind  | 5  kept, left with its parent    | waits                          | trunk #5
rewind  | 99 not there                     | refused: there is no experiment #99
skip    | 3  kept, the tip                 | refused: #3 is not training any more
skip    | 99 not there                     | refused: #99 is not training any more
"""

# A second command about what the first one said, while #9 trains; where the first is a draft in hand, it was begun for that.
BY_FIRST = """
pause            | withdraw   | command 1 lapses: withdrawn by ann; done
pause            | pause      | waits
pause            | resume     | command 1 lapses: resumed by ann; done
stop             | withdraw   | command 1 lapses: withdrawn by ann; done
stop now         | withdraw   | refused: command 1 acts already
skip #9          | withdraw   | refused: command 1 acts already
skip #9          | skip #9    | done: it is being skipped already
keep #9          | withdraw   | command 1 lapses: withdrawn by ann; done
keep #9          | keep #9    | done: command 1 says so already
keep #9          | discard #9 | command 1 lapses: overruled by ann
discard #9       | keep #9    | command 1 lapses: overruled by ann
again #0         | withdraw   | command 1 lapses: withdrawn by ann; done
again #0         | again #0   | waits
rewind #1        | withdraw   | command 1 lapses: withdrawn by ann; done
rewind #4        | keep #4    | #4 keep by ann, trunk #4; done
rewind #3        | discard #3 | #3 discard by ann, trunk #1; done; command 1 lapses: #3 was discarded meanwhile
idea             | withdraw   | command 1 lapses: withdrawn by ann; done
note             | withdraw   | command 1 lapses: withdrawn by ann; done
approve          | withdraw   | refused: command 1 does not wait any more
resume           | withdraw   | refused: command 1 does not wait any more
idea, drafted    | withdraw   | no d0001: withdrawn by ann; command 1 lapses: withdrawn by ann; done
idea, drafted    | skip d0001 | no d0001: skipped by hand; command 1 lapses: skipped by ann; done
keep #2, drafted | withdraw   | no d0001: withdrawn by ann; command 1 lapses: withdrawn by ann; done
keep #2, drafted | keep #2    | done: command 1 says so already
keep #2, drafted | discard #2 | no d0001: overruled by ann; command 1 lapses: overruled by ann; done: #2 is discarded already
"""


def cells(table: str) -> list[list[str]]:
    """Its rows, each with as many cells as the longest."""
    rows = [[cell.strip() for cell in line.split(" | ")] for line in table.strip().splitlines()]
    return [row + [""] * (max(map(len, rows)) - len(row)) for row in rows]


def expected(command: str) -> dict[str, tuple[str, str]]:
    rows = {phases: (at_once, then) for name, phases, at_once, then in cells(BY_PHASE) if name == command}
    named = {phase: row for phases, row in rows.items() if phases != "*" for phase in phases.split()}
    assert named.keys() <= PHASES.keys()
    return {phase: named[phase] if phase in named else rows["*"] for phase in PHASES}


@pytest.mark.parametrize("command", WISHES)
def test_at_every_phase_a_command_does_what_the_table_says(command: str) -> None:
    assert {phase: said(phase, WISHES[command]) for phase in PHASES} == expected(command)


def test_the_table_knows_every_command() -> None:
    assert {type(wish) for wish in WISHES.values()} == ANSWERS.keys() - {c.Withdraw}
    assert {name for name, *_ in cells(BY_PHASE)} == WISHES.keys()


@pytest.mark.parametrize("row", cells(BY_TARGET), ids=lambda row: f"{row[0]} {row[1].split()[0]}")
def test_to_each_kind_of_row_a_command_does_what_the_table_says(row: list[str]) -> None:
    kind, target, at_once, then = row
    wish = to_row(kind, int(target.split()[0]))
    assert said("between", wish) == (at_once, then)
    elsewhere = {phase: answered(world_at(phase), wish) for phase in PHASES if phase not in ("starting", "baseline")}
    assert set(elsewhere.values()) == {at_once}, elsewhere


def to_row(kind: str, number: int) -> c.Command:
    match kind:
        case "keep":
            return c.Keep(number)
        case "discard":
            return c.Discard(number)
        case "again":
            return c.Again(number)
        case "rewind":
            return c.Rewind(number)
    return c.Skip(number, 1)


@pytest.mark.parametrize("row", cells(BY_FIRST), ids=lambda row: f"{row[0]} then {row[1]}")
def test_what_is_said_can_be_taken_back(row: list[str]) -> None:
    first, second, at_once = row
    in_hand = first.endswith(", drafted")
    world = world_at("between" if in_hand else "training")
    answered(world, wish_of(first.removesuffix(", drafted")))
    while in_hand and not world.run.drafts:
        world.do(world.next_step())
    assert answered(world, wish_of(second)) == at_once


def wish_of(words: str) -> c.Command:
    kind, _, number = words.partition(" #")
    return c.Withdraw(1) if words == "withdraw" else WISHES[words] if words in WISHES else to_row(kind, int(number))


def test_a_late_skip_does_not_end_the_next_trial_of_the_same_experiment() -> None:
    world = world_at("evaluating")
    world.judge(9)
    world.relaunch(9)
    assert answered(world, c.Skip(9, 1)) == "refused: #9 is not training any more"
    assert answered(world, c.Skip(9, 2)) == "waits"


def test_a_draft_is_approved_once() -> None:
    world = world_at("reviewing")
    assert answered(world, c.Approve("d0001")) == "d0001 approved; done"
    for wish in (c.Approve("d0001"), c.Reject("d0001")):
        assert answered(world, wish) == "refused: draft d0001 was approved by ann"
    assert answered(world, c.Review(False)) == "set; done"


def test_a_discarded_row_that_a_rewind_took_onto_the_trunk_is_there_to_be_reverted_or_kept() -> None:
    def came_back() -> World:
        world = world_at("between")
        world.add(e.Rewound(4, "ann"))
        world.send(c.Discard(4))
        world.add(e.Applied(4), e.Rewound(5, "ann"))
        assert world.run.trunk == (0, 1, 3, 4, 5) and world.run.experiments[4].verdict == "discard"
        return world

    assert answered(came_back(), c.Discard(4)) == "waits"
    assert answered(came_back(), c.Keep(4)) == "#4 keep by ann, trunk #5; done"


def test_when_several_wait_the_order_is_theirs_and_not_that_of_their_sending() -> None:
    world = world_at("training")
    for wish in (c.Idea("SET A = 1"), c.Keep(2), c.Again(6), c.Rewind(0), c.Skip(9, 1), c.Pause(1), c.Stop(1)):
        world.send(wish)
    world.end_trial(9, 1)
    happened = []
    for takes_back in (None, c.Withdraw(7), c.Resume(1)):  # what holds everything is seen, and lifted
        if takes_back:
            world.send(takes_back)
        for step in story(world):
            happened += [shown(step)] if isinstance(step, e.Event) else [words] if (words := started(step)) else []
            if isinstance(step, End | Rest) or not world.run.wishes:
                break
    assert happened == [
        "#9 discard by ann, trunk #3",
        "stopped by ann",
        "paused by ann",
        "trunk #0",
        "train #6 again",
        "keep of #2 on #0",
        "train #10",
        "#10 keep by ann, trunk #10",
        "draft the idea",
    ]


@pytest.mark.parametrize(
    ("what", "value", "limits"),
    [
        ("experiments", "40", e.Limits(experiments=40)),
        ("cost", "2.5", e.Limits(cost=2.5)),
        ("hours", "1.5", e.Limits(deadline=EVENING.timestamp() + 5400)),
        ("until", "23:15", e.Limits(deadline=EVENING.timestamp() + 4500)),
        ("until", "21:00", e.Limits(deadline=EVENING.timestamp() + 23 * 3600)),
        ("between", "22:00-07:00", e.Limits(between="22:00-07:00")),
    ],
)
def test_a_limit_is_set_and_taken_away(what: str, value: str, limits: e.Limits) -> None:
    world = World()
    world.begin()
    world.now = EVENING
    world.send(c.Limit(what, value))
    assert world.run.limits == limits
    world.send(c.Limit(what, "none"))
    assert world.run.limits == e.Limits()


@pytest.mark.parametrize(
    ("what", "value"),
    [
        *[("experiments", value) for value in ("0", "-3", "2.5", "\u0663", "many", "", "1" * 30)],
        *[("cost", value) for value in ("0", "-1", "nan", "inf", "1e9", "free")],
        *[("hours", value) for value in ("0", "nan", "1e300", "two")],
        *[("until", value) for value in ("25:00", "7", "noon")],
        *[("between", value) for value in ("22:00", "07:00-07:00", "always")],
        *[("colour", value) for value in ("5", "none")],
    ],
)
def test_what_is_no_limit_is_refused_and_changes_nothing(what: str, value: str) -> None:
    world = World()
    world.begin(e.Limits(experiments=7))
    (commanded,) = world.send(c.Limit(what, value))
    assert isinstance(commanded, e.Commanded) and not commanded.accepted and commanded.why.startswith(f"{value!r} is no limit of {what}")
    assert world.run.limits == e.Limits(experiments=7)


def test_a_command_of_a_later_version_is_refused_by_name() -> None:
    facts = answer(World().run, Sent(1, 0.0, "ann", "dream", None), EVENING)
    assert facts == [e.Commanded(1, None, "ann", False, "this version does not know the command 'dream'")]


def test_what_is_said_is_shown_as_what_it_is() -> None:
    world = World()
    world.begin()
    commanded, *_ = world.send(c.Note("less\x1b[2J \u202eweight\r\ndecay"), by="an\x07n\nroot")
    assert isinstance(commanded, e.Commanded) and commanded.wish == c.Note("less weight decay") and commanded.by == "an n root"
    assert world.run.notes == {1: "less weight decay"}
    (commanded,) = world.send(c.Idea("\u200b\x00 "))
    assert isinstance(commanded, e.Commanded) and commanded.why == "the idea is empty"
    world.send(c.Note("x" * 10**6))
    assert len(world.run.notes[3]) == 1000


def of_any_kind(kind: type[c.Command]) -> st.SearchStrategy[c.Command]:
    """Whatever a script can put into the journal, and rather what might be meant."""
    known = {
        int: st.integers(0, 10) | st.integers(),
        str: st.sampled_from(["d0001", "none", "hours", "between", "1"]) | st.text(),
        bool: st.booleans(),
    }
    kinds = {field.name: known[str if "str" in str(field.type) else bool if "bool" in str(field.type) else int] for field in fields(kind)}
    return st.builds(kind, **kinds)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(PHASES)), st.sampled_from(list(ANSWERS)).flatmap(of_any_kind), st.text())
def test_no_command_brings_the_engine_down(phase: str, wish: c.Command, by: str) -> None:
    world = world_at(phase)
    commanded, *facts = world.send(wish, by)
    assert isinstance(commanded, e.Commanded) and (commanded.accepted or not facts)
    for _ in zip(story(world), range(10), strict=False):
        pass
