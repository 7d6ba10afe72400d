"""What a researcher is told: the request, made of the state, the sources and what earlier runs of the workspace learned."""

from __future__ import annotations

import difflib

from msgspec.structs import replace

from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.misses import near_misses
from autoresearch_tui.engine.search import heat
from autoresearch_tui.engine.sources import Sources
from autoresearch_tui.engine.undecided import attempts, undecided
from autoresearch_tui.journal.commands import Idea
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.noise import Noise, gain_of, noise_of
from autoresearch_tui.journal.state import Draft, Health, Run
from autoresearch_tui.journal.store import Journal, JournalError
from autoresearch_tui.proposals.dialects import choose
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.prompt import Briefing, brief
from autoresearch_tui.proposals.shelf import offered
from autoresearch_tui.researchers import Request, Researcher
from autoresearch_tui.sections import Proposing
from autoresearch_tui.telemetry.progress import read_tail
from autoresearch_tui.workspace import RunFolder, Workspace

TAIL = 16 * 2**10  # bytes of a log
LINES = 40  # of a crash
EARLIER = 5  # runs of this workspace that are remembered


class Briefs:
    """Makes requests, for one run."""

    def __init__(self, workspace: Workspace, folder: RunFolder, lineage: Lineage, sources: Sources, proposing: Proposing) -> None:
        self.workspace = workspace
        self.folder = folder
        self.lineage = lineage
        self.sources = sources
        self.proposing = proposing
        self._earlier: tuple[Tried, ...] | None = None
        self._memory: dict[int, tuple[Experiment, Experiment | None, Noise, Tried]] = {}
        """What was told of each experiment, and what that was made of: little of it changes from one request to the next."""
        self._program = ("", "")
        """The hash of the `program.md` that was read last, and its text."""

    def request(self, run: Run, draft: Draft, researcher: Researcher | None = None, window: int = 0) -> Request:
        """What is asked for this draft; with a prompt, where the researcher is one that reads. Raises WindowTooSmall."""
        wish = run.wishes.get(draft.idea_of) if draft.idea_of is not None else None
        here = run.with_tip(draft.parent)  # as seen from the parent, whatever the trunk became since
        known = _known(here)
        request = Request(
            draft=draft.draft,
            operator=draft.operator,
            source=self.sources.of(run, draft.parent),
            number=len(run.experiments),
            seed=run.seed,
            tried=tuple(self._tried(run, one) for one in known),
            waiting=_waiting(run, draft),
            idea=wish.wish.text if wish and isinstance(wish.wish, Idea) else "",
            notes=tuple(run.notes[note] for note in draft.notes if note in run.notes),
            refusals=draft.refusals,
            trunk=here.trunk,
            near=near_misses(here, draft.draft),
            sigma=noise_of(run, run.yardstick).sigma,
            heat=heat(run),
            context=self.workspace.context,
        )
        if researcher is None or not researcher.dialects:
            return request
        briefing = self._briefing(run, draft, request, researcher, window, noise_of(run, run.yardstick).assumed)
        return replace(request, scratch=self.folder.scratch(draft.draft), prompt=brief(briefing))

    def dialect(self, run: Run, draft: Draft, researcher: Researcher) -> str:
        """The form of an edit that is taught for the next reply; empty where none is."""
        if not researcher.dialects:
            return ""
        health = run.health.get(researcher.name, Health())
        shares = {name: (share.asked, share.usable) for name, share in health.dialects.items()}
        return choose(researcher.dialects, shares, draft.dialects, draft.operator)

    def estimate(self, run: Run, researcher: Researcher, request: Request) -> int:
        """Tokens of its prompt, without what was learned of how this researcher counts."""
        factor = run.health.get(researcher.name, Health()).factor
        return round(request.prompt.tokens / factor) if request.prompt else 0

    def _briefing(self, run: Run, draft: Draft, request: Request, researcher: Researcher, window: int, assumed: bool) -> Briefing:
        best = run.best
        broken, crash = self._broken(run, draft)
        ideas = [one.idea for one in (*request.tried, *request.waiting)]
        return Briefing(
            source=request.source,
            number=request.number,
            operator=request.operator,
            dialect=self.dialect(run, draft, researcher),
            window=window or researcher.window,
            answer=researcher.answer,
            factor=run.health.get(researcher.name, Health()).factor,
            program=self._program_text(run),
            frozen=self.workspace.frozen,
            edit=run.edit,
            metric=run.metric,
            goal=run.goal,
            budget_s=run.budget_s,
            measured=tuple(_measured(run)),
            best=best.number if best else None,
            tried=request.tried,
            older=len(run.experiments) - 1 - len(request.tried),
            waiting=request.waiting,
            trunk=request.trunk,
            near=request.near,
            sigma=request.sigma,
            assumed=assumed,
            broken=broken,
            crash=crash,
            idea=request.idea,
            notes=request.notes,
            refusals=request.refusals,
            detail=draft.detail,
            earlier=self._earlier_runs() if self.proposing.earlier_runs else (),
            shelf=offered(request.source, ideas, request.number) if self.proposing.shelf else (),
            heat=request.heat,
        )

    def _tried(self, run: Run, one: Experiment) -> Tried:
        noise = noise_of(run, one.device)
        parent = run.experiments.get(one.parent) if one.parent is not None else None
        told = self._memory.get(one.number)
        if told is None or told[0] is not one or told[1] is not parent or told[2] != noise:
            told = self._memory[one.number] = one, parent, noise, _tried(run, one)
        return told[3]

    def _program_text(self, run: Run) -> str:
        if run.program and run.program != self._program[0]:
            self._program = (run.program, self.lineage.read_blob(run.program))
        return self._program[1] if run.program else ""

    def _broken(self, run: Run, draft: Draft) -> tuple[str, str]:
        """Of the experiment that is repaired: what was changed, and how its training ended."""
        one = run.experiments.get(draft.of) if draft.of is not None and draft.operator == "repair" else None
        if one is None or one.parent is None:
            return "", ""
        before, after = self.sources.of(run, one.parent), self.lineage.read_blob(one.blob)
        change = difflib.unified_diff(before.splitlines(), after.splitlines(), "before", "after", n=2, lineterm="")
        try:
            log = read_tail(self.folder.log(one.number, one.trials[-1].number), TAIL).decode("utf-8", "replace")
        except OSError:
            log = ""  # an old one may be tidied away
        lines = [line for line in log.replace("\r", "\n").splitlines() if line.strip()][-LINES:]
        return "\n".join(change), "\n".join([one.reason, *lines])

    def _earlier_runs(self) -> tuple[Tried, ...]:
        """What the last runs of this workspace tried, with numbers that compare with nobody's here."""
        if self._earlier is None:
            found: list[Tried] = []
            for folder in [other for other in self.workspace.runs() if other.tag != self.folder.tag][-EARLIER:]:
                try:
                    with Journal(folder.journal) as journal:
                        run = journal.refresh()
                except JournalError:
                    continue  # a damaged night of before does not stop this one
                found += [_tried(run, one) for one in run.experiments.values() if one.parent is not None]
            self._earlier = tuple(found)
        return self._earlier


def _measured(run: Run) -> list[str]:
    """What the trunk's trainings showed of this machine."""
    tip = run.experiments[run.tip] if run.tip is not None else None
    trial = next((trial for trial in reversed(tip.trials) if trial.counts), None) if tip else None
    if tip is None or trial is None:
        return []
    said = [f"A training of the trunk needs {tip.memory_gb:.1f} GB of memory."] if tip.memory_gb else []
    if trial.tokens_per_s:
        said.append(f"It reads {trial.tokens_per_s * 1e6:,.0f} tokens a second.")
    if trial.steps:
        said.append(f"It makes {trial.steps:,} steps in its time.")
    return said


def _known(run: Run) -> list[Experiment]:
    """What a researcher hears of, by number: what was tried lately, what is being tried, and what the trunk is made of."""
    known = {one.number for one in (*run.lately(), *undecided(run))} | {*run.trunk}
    return [run.experiments[number] for number in sorted(known) if run.experiments[number].parent is not None]


def _waiting(run: Run, draft: Draft) -> tuple[Tried, ...]:
    """What others drafted and nobody trains yet, as far as it is known what that will be."""
    others = [one for one in attempts(run, draft.draft) if one.number is None and (one.changes or one.idea)]
    return tuple(Tried(0, one.changes, parent=one.parent, operator=one.operator, idea=one.idea) for one in others)


def _tried(run: Run, one: Experiment) -> Tried:
    assert one.parent is not None, "the baseline is no change"
    gain = gain_of(run, one)
    return Tried(
        one.number,
        one.changes,
        one.verdict,
        0.0 - gain.value if gain else None,  # not -0.0, which would be shown
        one.parent,
        len(one.numbers),
        one.operator,
        idea=one.idea,
        value=one.value,
        reason=one.reason,
        word=gain.word if gain and one.verdict == "keep" else "",
    )
