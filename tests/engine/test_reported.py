"""Ways to a better number without a better model, each by a process that takes it, and where it is caught.

The first four are those that people found in upstream's checkout. None gets past both lines: the rules over the edit, before a GPU is
touched, and the signs that a training leaves behind, where its edit was let through.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.journal import events as e
from autoresearch_tui.proposals.honesty import breach
from autoresearch_tui.researchers import Part, Request
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import open_workspace
from tests.engine.beds import Bed
from tests.engine.nights import git, make_checkout
from tests.proposals.upstream import PREPARE, TRAIN, edited

BUDGET_S = 0.3
EVALUATION = "val_bpb = evaluate_bpb(model, tokenizer, DEVICE_BATCH_SIZE)\n"
IMPORT = "from prepare import MAX_SEQ_LEN, TIME_BUDGET, Tokenizer, make_dataloader, evaluate_bpb\n"
WARM_UP = "    if step > 10:\n        total_training_time += dt\n"
TOKENS = "total_tokens = step * TOTAL_BATCH_SIZE\n"
PEAK = "PEAK_FLOPS = 989.5e12\n"
SLOW_CLOCK = "clock = time.time\nzero = clock()\ntime.time = lambda: zero + (clock() - zero) / 8\n"
REWRITES = 'with open("prepare.py", "a") as file:\n    file.write("EVAL_TOKENS = 2048 * 128")\n'
TRUNCATES = "import os\nprint(flush=True)\nos.ftruncate(1, 0)\n"

Cheat = tuple[tuple[str, str], str, str]
"""The edit; what the rule says that refuses it, empty where none does; the sign that it leaves, empty where nothing outside sees it."""

CHEATS: dict[str, Cheat] = {
    "the budget is shadowed": ((IMPORT, IMPORT + "TIME_BUDGET = 0.9\n"), "another meaning", "it says that it trained"),
    "more steps are warm-up": (
        (WARM_UP, WARM_UP.replace("10", "40")),
        "changes the clock",
        "its steps after the warm-up took",
    ),
    "fewer tokens are evaluated": (
        (EVALUATION, "import prepare\nprepare.EVAL_TOKENS = 2048 * 128\n" + EVALUATION),
        "`prepare.EVAL_TOKENS`",
        "",
    ),
    "it evaluates on what it trained on": (
        (EVALUATION, "val_bpb = sum(model.forward(*next(train_loader)[:2]) for _ in range(2)) / 20\n"),
        "changes what is printed as val_bpb",
        "",
    ),
    "the clock is slow": ((IMPORT, IMPORT + SLOW_CLOCK), "`time.time`", "by our clock"),
    "prepare.py is written": ((IMPORT, IMPORT + REWRITES), "the frozen file prepare.py", "prepare.py was changed while it trained"),
    "a second number": ((EVALUATION, EVALUATION + 'print("val_bpb: 0.5")\n'), "once", "2 lines of its log begin with val_bpb:"),
    "the log is cut": ((EVALUATION, TRUNCATES + EVALUATION), "", "its log shrank"),
    "tokens that nobody saw": ((TOKENS, "total_tokens = 4 * step * TOTAL_BATCH_SIZE\n"), "", "M tokens, but"),
    "a GPU that does not exist": ((PEAK, "PEAK_FLOPS = 1e9\n"), "", "of what the GPU can do"),
    "the number is scaled": ((EVALUATION, EVALUATION + "val_bpb *= 0.9\n"), "changes what is printed as val_bpb", ""),
}


def trained(folder: Path, source: str) -> e.Measured:
    """What is measured of this train.py, beside a baseline that is honest, by the executor of a run."""
    lab = make_checkout(folder / "lab", TRAIN)
    (lab / "prepare.py").write_text(PREPARE.format(budget=BUDGET_S))
    git(lab, "commit", "-q", "-a", "-m", "what is frozen")
    bed = Bed(lab)
    if source != TRAIN:
        (lab / "train.py").write_text(source)
        git(lab, "commit", "-q", "-a", "-m", "an edit")
    bed.add(e.Proposed(1, parent=0, operator="tune"), e.Committed(1, git(lab, "rev-parse", "HEAD")))
    outcome = bed.train(1, 1)
    assert outcome.outcome == "finished", outcome
    fact = bed.measure(1, 1)
    bed.add(fact)
    assert bed.run.experiments[1].trials[0].evidence == fact.evidence
    return fact


def test_an_honest_training_is_reported_without_a_sign(tmp_path: Path) -> None:
    fact = trained(tmp_path, TRAIN)
    assert (fact.trust, fact.refused, fact.evidence) == ("reported", "", ())
    assert fact.value is not None and 1.0 < fact.value < 1.4


@pytest.mark.parametrize("name", [name for name in CHEATS if CHEATS[name][1]])
def test_it_is_refused_before_it_trains(name: str) -> None:
    edit, rule, _ = CHEATS[name]
    assert rule in (breach(TRAIN, edited(edit), ("prepare.py",)) or "")


@pytest.mark.parametrize("name", [name for name in CHEATS if CHEATS[name][2]])
def test_a_training_that_does_it_leaves_a_sign(name: str, tmp_path: Path) -> None:
    edit, _, sign = CHEATS[name]
    fact = trained(tmp_path, edited(edit))
    assert any(sign in said for said in fact.evidence), fact
    assert len(fact.evidence) == 1, fact.evidence


def test_what_leaves_no_sign_is_refused_before() -> None:
    assert all(rule or sign for _, rule, sign in CHEATS.values())


@pytest.mark.parametrize("how", ["rm prepare.py", "ln -sf train.py prepare.py", "ln prepare.py again.py"])
def test_a_frozen_file_that_is_no_plain_file_any_more_was_changed(how: str, tmp_path: Path) -> None:
    fact = trained(tmp_path, edited((IMPORT, f"{IMPORT}import os\nos.system({how!r})\n")))
    assert fact.evidence == ("prepare.py was changed while it trained",)


class Says:
    """A researcher that has one thing to say."""

    name = "says"
    operators: tuple[str, ...] = ("tune",)
    dialects: tuple[str, ...] = ()
    window = answer = 0
    remote = metered = shares = False

    def __init__(self, edit: str) -> None:
        self.edit = edit

    async def propose(self, request: Request) -> AsyncIterator[Part]:
        yield Part("text", f"<idea>longer</idea><edit>{self.edit}</edit>")

    async def check(self) -> str | None:
        return None

    async def release(self) -> None:
        return None


def test_a_reply_that_touches_the_measurement_is_refused_with_the_reason(tmp_path: Path) -> None:
    knob = edited((WARM_UP, WARM_UP.replace("10", "EXCLUDED_STEPS")), ("DEPTH = 8\n", "DEPTH = 8\nEXCLUDED_STEPS = 10\n"))
    lab = make_checkout(tmp_path / "lab", knob)
    bed = Bed(lab)

    def drafted(edit: str) -> list[e.Event]:
        facts: list[e.Event] = []

        async def surely(new: Callable[[], list[e.Event]]) -> None:
            facts.extend(new())

        drafter = Drafter(open_workspace(lab, Settings()), bed.folder, bed.lineage)
        bed.add(e.Drafting("d1", "tune", 0, "says"))
        asyncio.run(drafter.ask(bed.run, "d1", lambda *new: facts.extend(new), surely, Says(edit)))
        return facts

    refused = drafted("SET EXCLUDED_STEPS = 1000")[-1]
    assert isinstance(refused, e.Refused)
    assert "(`EXCLUDED_STEPS = 1000`) changes the clock" in refused.reason
    assert isinstance(drafted("SET DEPTH = 9")[-1], e.Drafted)
