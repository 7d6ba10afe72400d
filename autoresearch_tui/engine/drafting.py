"""A draft on its way to being an experiment: a researcher is asked, its reply becomes a checked train.py, kept as a blob in git.

The reply is written to `replies/<draft>.jsonl` as it streams. What the researcher is told `briefing.py` knows, what its reply is worth
`gates.py`, and how a change is made again `redoing.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import json
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import cast

from autoresearch_tui.engine.briefing import Briefs
from autoresearch_tui.engine.gates import Gates
from autoresearch_tui.engine.leavings import remove_tree
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.processes import sweep
from autoresearch_tui.engine.redoing import Redoing
from autoresearch_tui.engine.sources import Sources
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.experiment import Experiment
from autoresearch_tui.journal.state import Draft, Run
from autoresearch_tui.journal.text import clean_line, clean_text
from autoresearch_tui.proposals.checks import fingerprint, size
from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import changed_knobs
from autoresearch_tui.proposals.reply import Unusable, read_reply
from autoresearch_tui.researchers import Part, Researcher
from autoresearch_tui.sections import Proposing
from autoresearch_tui.workspace import RunFolder, Workspace

Record = Callable[..., None]
Surely = Callable[[Callable[[], list[e.Event]]], Awaitable[None]]
"""Writes facts down that took minutes to come about: where the disk is full, as soon as it is not."""
LONGEST_DIFF = 20_000  # characters of a change to program.md; git has all of it
DETAIL = 4000  # characters of what was wrong with a reply


class Heard:
    """A reply as far as it came, and its file: where that cannot be begun nothing is asked for; a disk that fills later costs no reply."""

    def __init__(self, path: Path, attempt: int, took: Part) -> None:
        self.took = took
        self.texts: list[str] = []
        self.thought = False
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._whole = True
        self._file.write(b"\n" if self._file.tell() else b"")  # an engine that died may have left half a line
        self._file.write(_line("attempt", str(attempt)))

    def write(self, kind: str, text: str) -> None:
        if self._whole:
            try:
                self._file.write(_line(kind, text))
            except OSError:
                self._whole = False  # it is read from memory; a restart asks again

    def keep(self) -> None:
        with contextlib.suppress(OSError):
            os.fsync(self._file.fileno())

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()


def _line(kind: str, text: str) -> bytes:
    return (json.dumps({"kind": kind, "text": text}) + "\n").encode("utf-8", "backslashreplace")


class Drafter:
    """Makes drafts, for one run."""

    def __init__(self, workspace: Workspace, folder: RunFolder, lineage: Lineage, proposing: Proposing | None = None) -> None:
        self.workspace = workspace
        self.folder = folder
        self.lineage = lineage
        self.sources = Sources(lineage)
        self.briefs = Briefs(workspace, folder, lineage, self.sources, proposing or Proposing())
        self.gates = Gates(workspace, lineage)
        self.redoing = Redoing(lineage, self.sources)
        self._program = ("", "")
        """The text of `program.md` that was read last, and its hash."""

    def source(self, run: Run, number: int) -> str:
        """The train.py of an experiment."""
        return self.sources.of(run, number)

    async def ask(self, run: Run, name: str, record: Record, surely: Surely, researcher: Researcher | None = None, window: int = 0) -> None:
        """Get a train.py for this draft, or the reason why there is none. A reply that was paid for is not asked for again."""
        draft = run.drafts[name]
        if draft.of is not None and not draft.needs_reply:
            record(*self._redone(run, draft, draft.of))
            return
        if draft.replied:
            text, cut = self._paid_for(draft), draft.cut
        else:
            assert researcher is not None, "somebody is asked"
            text, cut = await self._reply(run, draft, record, surely, researcher, window)
        checked = self._checked(run, draft, text, cut)
        await surely(lambda: [checked])

    async def _reply(
        self, run: Run, draft: Draft, record: Record, surely: Surely, researcher: Researcher, window: int
    ) -> tuple[str | None, str]:
        """The text of a reply, and why it is not whole."""
        request = self.briefs.request(run, draft, researcher, window)
        dialect, tokens = self.briefs.dialect(run, draft, researcher), self.briefs.estimate(run, researcher, request)
        path, attempt = self.folder.reply(draft.draft), len(draft.refusals) + 1
        reply = Heard(path, attempt, Part("usage", cost=None if researcher.metered else 0.0))
        record(e.Asked(draft.draft, researcher.name, dialect, tokens))
        began = time.monotonic()
        try:
            async with aclosing(cast("AsyncGenerator[Part, None]", researcher.propose(request))) as parts:
                await self._stream(draft, parts, reply)
        except BaseException:
            if reply.texts or reply.thought or reply.took.tokens_in:  # who refused at once was not paid
                record(e.Spent(draft.draft, researcher.name, reply.took.tokens_in, reply.took.tokens_out, reply.took.cost))
            raise
        finally:
            reply.close()
            remove_tree(self.folder.scratch(draft.draft))
        seconds, took = round(time.monotonic() - began, 3), reply.took
        replied = e.Replied(draft.draft, seconds, took.tokens_in, took.tokens_out, took.cost, clean_line(took.cut), took.seen)
        await surely(lambda: [replied])
        return "".join(reply.texts), took.cut

    async def _stream(self, draft: Draft, parts: AsyncGenerator[Part, None], reply: Heard) -> None:
        """Write a reply down as it comes. It is on the disk before it is said to be there."""
        async for part in parts:
            if part.kind == "usage":
                reply.took = part
                continue
            if part.kind == "text":
                reply.texts.append(part.text)
            reply.thought |= part.kind == "thinking"
            reply.write(part.kind, part.text)
        reply.keep()

    async def clear(self, run: Run) -> None:
        """End what is left of coding agents whose engine died."""
        for draft in run.drafts:
            await sweep(str(self.folder.scratch(draft)))
            await asyncio.to_thread(remove_tree, self.folder.scratch(draft))

    def _paid_for(self, draft: Draft) -> str | None:
        """The reply that was there before an engine died: it is not asked for, and paid for, again. None: it was lost."""
        texts: list[str] = []
        try:
            for line in filter(None, self.folder.reply(draft.draft).read_text(encoding="utf-8").splitlines()):
                part = json.loads(line)
                if part["kind"] == "attempt":
                    texts.clear()
                elif part["kind"] == "text":
                    texts.append(part["text"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return "".join(texts)

    def _checked(self, run: Run, draft: Draft, text: str | None, cut: str) -> e.Event:
        parent = self.source(run, draft.parent)
        try:
            if text is None:
                raise Unusable("The reply was lost with the machine that had written it down.", "reply")
            if cut:
                raise Unusable(f"The reply was cut at {cut}: a shorter one may be whole.", "reply")
            reply = read_reply(text)
            source = apply(parent, reply.edit, run.edit)
            if problem := self.gates.of_a_reply(run, draft, parent, source):
                raise problem
        except Unusable as error:
            return e.Refused(draft.draft, clean_line(str(error), 500), error.kind, clean_text(error.detail, DETAIL))
        return self._drafted(draft.draft, parent, source, reply.idea, reply.why)

    def _drafted(self, draft: str, parent: str, source: str, idea: str, why: str, moved_to: int | None = None) -> e.Drafted:
        return e.Drafted(
            draft,
            blob=self.lineage.write_blob(source),
            idea=clean_line(idea) or "a change without a name",
            why=clean_line(why, 1000),
            changes=changed_knobs(parent, source) or {},
            fingerprint=fingerprint(source),
            parent=moved_to,
            added=size(source) - size(parent),
        )

    # ---------------------------------------------------------------------------------------------------------------------------
    # The same change again, on the trunk as it is now
    # ---------------------------------------------------------------------------------------------------------------------------

    def _redone(self, run: Run, draft: Draft, of: int) -> list[e.Event]:
        onto = self.source(run, draft.parent)
        redone = self.redoing.redone(run, draft, run.experiments[of])
        if isinstance(redone, str):
            return self.given_up(run, draft.draft, redone)
        text, idea, why = redone
        if draft.operator != "refit" and (reason := self.gates.of_a_change_made_again(run, draft, onto, text)):
            return self.given_up(run, draft.draft, str(reason))
        return [self._drafted(draft.draft, onto, text, idea, why)]

    # ---------------------------------------------------------------------------------------------------------------------------
    # From a draft to a number
    # ---------------------------------------------------------------------------------------------------------------------------

    def proposed(self, run: Run, name: str) -> list[e.Event]:
        """The draft gets its number; on a trunk that moved meanwhile its edit is made again there first."""
        draft = run.drafts[name]
        if draft.parent != run.tip:
            return [self._moved(run, draft)]
        if where := self.gates.repeated(run, draft):  # another draft came first
            return [e.Abandoned(name, f"this is {where} again", outdated=True)]
        number = len(run.experiments)
        fulfilled = [e.Fulfilled(wish, f"experiment {number}") for wish in (draft.idea_of, *draft.notes) if wish in run.wishes]
        experiment = e.Proposed(
            number,
            draft=name,
            operator=draft.operator,
            parent=draft.parent,
            idea=draft.idea,
            why=draft.why,
            blob=draft.blob,
            changes=draft.changes,
            fingerprint=draft.fingerprint,
            researcher=draft.researcher,
            of=draft.of,
            by=draft.kept_by,
            added=draft.added,
        )
        return [experiment, *fulfilled]

    def _moved(self, run: Run, draft: Draft) -> e.Event:
        assert run.tip is not None
        onto, merged = self.source(run, run.tip), self.redoing.moved(run, draft)
        if merged is None:
            return e.Abandoned(draft.draft, f"the trunk moved to #{run.tip}, where the edit does not fit any more", outdated=True)
        if reason := self.gates.of_a_change_made_again(run, draft, onto, merged):
            why = clean_line(f"the trunk moved to #{run.tip}, where the edit is of no use: {reason}", 500)
            return e.Abandoned(draft.draft, why, outdated=True)
        return self._drafted(draft.draft, onto, merged, draft.idea, draft.why, moved_to=run.tip)

    def given_up(self, run: Run, draft: str, why: str, outdated: bool = False) -> list[e.Event]:
        """`outdated`: by no fault of its own."""
        one = run.drafts[draft]
        lapsed = [e.Lapsed(one.idea_of, why)] if one.idea_of is not None and one.idea_of in run.wishes else []
        outrun = one.operator == "keep" and not one.kept_by  # a change that helped, and the trunk was faster: that is nobody's fault
        return [e.Abandoned(draft, clean_line(why, 500), outdated=outdated or outrun), *lapsed]

    def message(self, run: Run, one: Experiment) -> str:
        """Of the experiment's commit. It is made of the journal alone, so that the same intent is the same commit."""
        trailers = [f"Experiment: {one.number}", f"Run: {run.tag}", f"Operator: {one.operator}"]
        if one.researcher:
            trailers.append(f"Researcher: {one.researcher}")
        if one.of is not None:
            trailers.append(f"Of: {one.of}")
        return "\n\n".join(part for part in (one.idea, one.why, "\n".join(trailers)) if part) + "\n"

    def program_changed(self, run: Run) -> e.Event | None:
        """`program.md` belongs to the human, who may change it at any time."""
        path = self.workspace.folder / "program.md"
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if not self._program[1] or text != self._program[0]:
            self._program = (text, self.lineage.write_blob(text))
        sha = self._program[1]
        if sha == run.program:
            return None
        before = self.lineage.read_blob(run.program) if run.program else ""
        lines = difflib.unified_diff(before.splitlines(), text.splitlines(), "before", "after", lineterm="") if run.program else []
        return e.ProgramChanged(sha, "\n".join(lines)[:LONGEST_DIFF])
