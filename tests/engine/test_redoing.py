"""A change that helped while the trunk moved on is tried on the trunk as it is now: real git, a train.py of a few lines, no training."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.journal import events as e
from autoresearch_tui.proposals.checks import fingerprint
from autoresearch_tui.proposals.knobs import changed_knobs
from tests.engine.test_drafting import TRAIN, Lab

LR, CAP = TRAIN.replace("0.1", "0.2"), TRAIN.replace("15.0", "30.0")


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab")


def outrun(lab: Lab, source: str, idea: str = "a higher rate", operator: str = "tune", of: int | None = None) -> int:
    """An experiment from the trunk as it is, which another one will move."""
    number, tip = len(lab.run.experiments), lab.run.tip or 0
    changes = changed_knobs(lab.drafter.source(lab.run, tip), source) or {}
    blob, mark = lab.lineage.write_blob(source), fingerprint(source)
    commit = lab.lineage.commit(lab.run.experiments[tip].commit, blob, f"#{number}", 1e9)
    proposed = e.Proposed(number, operator=operator, parent=tip, idea=idea, blob=blob, changes=changes, fingerprint=mark, of=of)
    lab.add(proposed, e.Committed(number, commit))
    return number


def helped(lab: Lab, number: int, value: float = 0.9) -> str:
    """It comes to its number, and its verdict; the name of the draft that follows."""
    lab.relaunch(number)
    lab.end(number, value)
    drafts = [fact.draft for fact in lab.judge(number) if isinstance(fact, e.Drafting)]
    assert lab.run.experiments[number].verdict == "discard"
    (draft,) = drafts
    return draft


def test_it_is_made_again_beside_what_was_kept_meanwhile(lab: Lab) -> None:
    number = outrun(lab, LR)
    lab.tried(CAP, 0.95)
    drafted = lab.ask(helped(lab, number))
    assert isinstance(drafted, e.Drafted)
    assert lab.lineage.read_blob(drafted.blob) == CAP.replace("0.1", "0.2")
    assert drafted.idea == f"again #{number}: a higher rate"
    proposed, *_ = lab.drafter.proposed(lab.run, drafted.draft)
    assert isinstance(proposed, e.Proposed) and (proposed.operator, proposed.of, proposed.parent) == ("keep", number, lab.run.tip)


def test_however_often_the_trunk_moves_it_says_so_once(lab: Lab) -> None:
    number = outrun(lab, CAP.replace("0.1", "0.2"), "again #1: again #2: a higher rate", operator="keep", of=1)
    lab.tried(TRAIN.replace("64", "128"), 0.95)
    drafted = lab.ask(helped(lab, number))
    assert isinstance(drafted, e.Drafted) and drafted.idea == f"again #{number}: a higher rate"


def test_of_two_that_turn_the_same_knob_the_second_does_not_undo_the_first(lab: Lab) -> None:
    first, second = outrun(lab, LR), outrun(lab, TRAIN.replace("0.1", "0.4"))
    lab.measured(first, [0.95], "keep")
    given_up = lab.ask(helped(lab, second))
    assert given_up == e.Abandoned(
        "d0001", f"the change of #{second} does not fit the trunk any more: #{first} is in the way", outdated=True
    )
    assert (lab.run.fruitless, lab.run.given_up) == (0, ()), "nobody's fault"


def test_what_the_trunk_became_by_another_way_is_not_trained_again(lab: Lab) -> None:
    number = outrun(lab, LR)
    lab.tried(LR.replace("15.0", "30.0"), 0.95)
    given_up = lab.ask(helped(lab, number))
    assert isinstance(given_up, e.Abandoned) and "the trunk is so already" in given_up.why and given_up.outdated


def test_what_somebody_tries_there_already_is_not_tried_twice(lab: Lab) -> None:
    number = outrun(lab, LR)
    lab.tried(CAP, 0.95)
    other = outrun(lab, CAP.replace("0.1", "0.2"))
    given_up = lab.ask(helped(lab, number))
    assert isinstance(given_up, e.Abandoned) and f"This is what experiment {other} tries just now" in given_up.why


def test_where_the_trunk_went_back_it_is_measured_there(lab: Lab) -> None:
    number = outrun(lab, LR)
    lab.tried(CAP, 0.95)
    draft = helped(lab, number)
    lab.add(e.Rewound(0, "ann"))
    drafted = lab.ask(draft)
    assert isinstance(drafted, e.Drafted) and lab.lineage.read_blob(drafted.blob) == CAP.replace("0.1", "0.2")
    (moved,) = lab.drafter.proposed(lab.run, draft)
    assert isinstance(moved, e.Drafted) and moved.parent == 0 and lab.lineage.read_blob(moved.blob) == LR
    lab.add(moved)
    proposed, *_ = lab.drafter.proposed(lab.run, draft)
    assert isinstance(proposed, e.Proposed) and proposed.parent == 0


def test_a_draft_whose_trunk_moved_once_more_turns_its_knob_from_where_it_stood_or_not_at_all(lab: Lab) -> None:
    number = outrun(lab, LR)
    lab.tried(CAP, 0.95)
    drafted = lab.ask(helped(lab, number))
    assert isinstance(drafted, e.Drafted)
    lab.tried(CAP.replace("64", "128"), 0.94)
    (moved,) = lab.drafter.proposed(lab.run, drafted.draft)
    assert isinstance(moved, e.Drafted) and moved.idea == drafted.idea
    assert lab.lineage.read_blob(moved.blob) == CAP.replace("64", "128").replace("0.1", "0.2")
    lab.add(moved)
    lab.tried(CAP.replace("64", "128").replace("0.1", "0.3"), 0.93)
    (outdated,) = lab.drafter.proposed(lab.run, drafted.draft)
    assert isinstance(outdated, e.Abandoned) and outdated.outdated


def test_a_researcher_hears_what_others_try_and_is_told_who_if_it_tries_that_too(lab: Lab) -> None:
    lab.add(e.Equipped((e.Slot("gpu0"), e.Slot("gpu1"))))
    trains = outrun(lab, LR)
    waits = lab.draft("tune")
    assert isinstance(lab.reply(waits, "WIDTH = 96"), e.Drafted)
    name = lab.draft("tune")
    request = lab.drafter.briefs.request(lab.run, lab.run.drafts[name])
    assert [one.number for one in request.under_way] == [trains, 0] and request.held == {"LR", "WIDTH"}
    for edit, said in (
        ("LR = 0.2", f"This is what experiment {trains} tries just now"),
        ("WIDTH = 128", f"WIDTH = 128 goes where draft {waits} goes just now"),
    ):
        refused = lab.reply(name, edit)
        assert isinstance(refused, e.Refused) and refused.wrong == "same" and said in refused.reason
    assert isinstance(lab.reply(name, "CAP = 20.0"), e.Drafted)
    lab.add(e.Equipped((e.Slot("gpu0"),), "gpu1 has left"))
    assert isinstance(lab.reply(lab.draft("tune"), "WIDTH = 128"), e.Drafted), "of a single slot the next draft is trained after it"
