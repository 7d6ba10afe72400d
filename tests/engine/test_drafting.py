"""What a researcher is told, and what becomes of a change that is taken back: real git, a train.py of a few lines, no training."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.journal import events as e
from autoresearch_tui.proposals.checks import fingerprint
from autoresearch_tui.proposals.knobs import changed_knobs
from autoresearch_tui.researchers import Request
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import open_workspace
from tests.engine.histories import History
from tests.engine.nights import git, make_checkout

TRAIN = """LR = 0.1
CAP = 15.0
WIDTH = 64


def scaled(x):
    return x * WIDTH


value = scaled(LR) + CAP
"""
MORE = TRAIN.replace("value = ", "extra = [scaled(one) for one in range(9)]\nvalue = ")


class Lab(History):
    """A run whose experiments have real commits."""

    def __init__(self, folder: Path, goal: str = "lower") -> None:
        super().__init__()
        make_checkout(folder, TRAIN)
        workspace = open_workspace(folder, Settings())
        self.lineage = Lineage(folder, "night")
        self.drafter = Drafter(workspace, workspace.run("night"), self.lineage)
        start = git(folder, "rev-parse", "HEAD")
        self.add(e.RunStarted("night", start, sigma=0.001, goal=goal), e.Proposed(0), e.Committed(0, start))
        self.measured(0, [1.0], "keep")

    def measured(self, number: int, values: Sequence[float], verdict: str, by: str = "policy") -> None:
        for value in values:
            self.relaunch(number)
            self.end(number, value)
        one = self.run.experiments[number]
        assert self.run.tip is not None
        reason = "better by 0.000500 (unsure)" if verdict == "keep" else "worse"
        self.add(e.Judged(number, verdict, reason, one.number if verdict == "keep" else self.run.tip, by), e.Applied(number))

    def tried(self, source: str, *values: float, verdict: str = "keep") -> int:
        """This train.py, trained on the trunk."""
        number, tip = len(self.run.experiments), self.run.tip
        assert tip is not None
        parent = self.drafter.source(self.run, tip)
        blob, changes = self.lineage.write_blob(source), changed_knobs(parent, source) or {}
        commit = self.lineage.commit(self.run.experiments[tip].commit, blob, f"#{number}", 1e9)
        proposed = e.Proposed(
            number, parent=tip, operator="tune", idea="an idea", blob=blob, changes=changes, fingerprint=fingerprint(source)
        )
        self.add(proposed, e.Committed(number, commit))
        self.measured(number, values, verdict)
        return number

    def draft(self, operator: str, of: int | None = None, by: str = "") -> str:
        assert self.run.tip is not None
        name = f"d{self.run.drafted + 1:04}"
        self.add(e.Drafting(name, operator, self.run.tip, "" if of else "sweep", of=of, by=by))
        return name

    def asked(self, operator: str, of: int, by: str = "") -> e.Event:
        """What is written down when a change is made again or taken back."""
        return self.ask(self.draft(operator, of, by))

    def ask(self, name: str) -> e.Event:
        """What is written down for a draft that nobody writes, or whose reply is there."""
        said: list[e.Event] = []

        async def surely(facts: Callable[[], list[e.Event]]) -> None:
            said.extend(facts())

        asyncio.run(self.drafter.ask(self.run, name, lambda *facts: said.extend(facts), surely))
        self.add(*said)
        return said[0]

    def reply(self, name: str, line: str) -> e.Event:
        """What becomes of a draft by this reply."""
        path = self.drafter.folder.reply(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = f"<idea>another {line}</idea>\n<why>it may help</why>\n<edit>\nSET {line}\n</edit>\n"
        path.write_text(json.dumps({"kind": "text", "text": text}) + "\n")
        self.add(e.Asked(name, "gpt", "set", 100), e.Replied(name, 1.0))
        return self.ask(name)

    def request(self) -> Request:
        name = self.draft("tune")
        return self.drafter.briefs.request(self.run, self.run.drafts[name])


def lab_at(folder: Path) -> Lab:
    """The trunk is 0, 1, 2: a list in vain, then another cap."""
    lab = Lab(folder / "lab")
    lab.tried(MORE, 0.9995)
    lab.tried(MORE.replace("15.0", "30.0"), 0.99)
    return lab


def test_an_old_keep_is_taken_back_on_the_trunk_as_it_is_now_and_nobody_said_to_keep_that(tmp_path: Path) -> None:
    lab = lab_at(tmp_path)
    drafted = lab.asked("ablate", 1)
    assert isinstance(drafted, e.Drafted)
    assert lab.lineage.read_blob(drafted.blob) == TRAIN.replace("15.0", "30.0")
    assert drafted.added < -10
    assert (drafted.idea, drafted.why) == ("without #1: an idea", "Is #1 still needed? It was better by 0.000500 (unsure).")
    proposed, *_ = lab.drafter.proposed(lab.run, drafted.draft)
    assert isinstance(proposed, e.Proposed)
    assert (proposed.operator, proposed.of, proposed.by, proposed.added) == ("ablate", 1, "", drafted.added)


def test_what_was_trained_already_is_not_trained_again_unless_a_person_wants_it(tmp_path: Path) -> None:
    lab = lab_at(tmp_path)
    lab.tried(TRAIN.replace("15.0", "30.0"), 1.1, verdict="discard")
    refused = lab.asked("ablate", 1)
    assert isinstance(refused, e.Abandoned) and "This is experiment 3 again" in refused.why
    assert isinstance(lab.asked("revert", 1, by="ann"), e.Drafted)


def test_what_later_changes_build_on_is_not_taken_back(tmp_path: Path) -> None:
    lab = lab_at(tmp_path)
    lab.tried(MORE.replace("15.0", "60.0"), 0.98)
    given_up = lab.asked("ablate", 2)
    assert isinstance(given_up, e.Abandoned) and "#3 is in the way" in given_up.why


def test_lines_that_are_merged_to_no_python_are_no_draft(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "lab")
    block = TRAIN.replace("WIDTH = 64\n", "WIDTH = 64\nif LR:\n    CAP = 20.0\n")
    lab.tried(block, 0.99)
    lab.tried(block.replace("20.0\n", "20.0\n    WIDTH = 128\n"), 0.98)
    for operator, by in (("ablate", ""), ("revert", "ann")):
        given_up = lab.asked(operator, 1, by)
        assert isinstance(given_up, e.Abandoned) and "no train.py that can run" in given_up.why


@pytest.mark.parametrize("goal", ["lower", "higher"])
def test_the_researcher_hears_how_much_worse_each_was_than_its_parent(tmp_path: Path, goal: str) -> None:
    lab = Lab(tmp_path / "lab", goal)
    sign = 1 if goal == "lower" else -1
    lab.measured(0, [1.0], "keep")
    lab.tried(TRAIN.replace("0.1", "0.2"), 1.0 - sign * 0.25, 1.0 - sign * 0.25)
    lab.tried(TRAIN.replace("0.1", "0.4"), 1.0 - sign * 0.125, verdict="discard")
    lab.tried(TRAIN.replace("0.1", "0.8"), 1.0 - sign * 0.25, verdict="discard")
    tried = lab.request().tried
    assert [one.delta for one in tried] == [-0.25, 0.125, 0.0] and str(tried[2].delta) == "0.0"
    assert [(one.parent, one.trials, one.operator) for one in tried] == [(0, 2, "tune"), (1, 1, "tune"), (1, 1, "tune")]


def test_the_researcher_hears_of_the_trunk_the_near_misses_the_noise_and_the_heat(tmp_path: Path) -> None:
    lab = lab_at(tmp_path)
    near = lab.tried(MORE.replace("15.0", "30.0").replace("0.1", "0.2"), 0.991, verdict="discard")
    request = lab.request()
    assert (request.trunk, request.near, request.sigma, request.heat) == ((0, 1, 2), (near,), 0.001, 0.0)
    for _ in range(20):
        lab.add(e.Proposed(len(lab.run.experiments), parent=2), e.Judged(len(lab.run.experiments), "crash", "nan", 2))
    assert 0 < lab.request().heat < 1


def test_a_request_is_the_same_when_the_trunk_has_moved_on_meanwhile(tmp_path: Path) -> None:
    lab = lab_at(tmp_path)
    name = lab.draft("tune")
    before = lab.drafter.briefs.request(lab.run, lab.run.drafts[name])
    lab.add(e.Rewound(0, "ann"))
    assert lab.drafter.briefs.request(lab.run, lab.run.drafts[name]) == before


@pytest.mark.parametrize("left", [None, "", '{"kind": "text", "te', "[]\n"], ids=["no file", "nothing", "half a line", "something else"])
def test_a_reply_that_was_lost_with_the_machine_is_refused_and_asked_for_again(tmp_path: Path, left: str | None) -> None:
    lab = lab_at(tmp_path)
    name = lab.draft("tune")
    lab.add(e.Asked(name, "gpt", "set", 100), e.Replied(name, 1.0))
    path = lab.drafter.folder.reply(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    if left is not None:
        path.write_text(left)
    said: list[e.Event] = []

    async def surely(facts: Callable[[], list[e.Event]]) -> None:
        said.extend(facts())

    asyncio.run(lab.drafter.ask(lab.run, name, lambda *facts: said.extend(facts), surely))
    assert isinstance(said[0], e.Refused) and said[0].wrong == "reply"
