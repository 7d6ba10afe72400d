"""What is being proposed, as it is written; then what it changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual.binding import Binding, BindingType

from autoresearch_tui.cockpit.drawing import Row
from autoresearch_tui.cockpit.moment import Moment, Night
from autoresearch_tui.cockpit.parts import proposal
from autoresearch_tui.cockpit.replies import NO_REPLY, Replies
from autoresearch_tui.cockpit.versions import Versions, name_of
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.journal.state import Draft


class Sources(NamedTuple):
    """Of one night: where what is proposed stands."""

    night: Night
    replies: Replies
    versions: Versions


class ProposalPane(Pane[proposal.Proposal]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("d", "other", "the draft, or the running experiment", id="proposal-other")]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._choice = ""
        self._sources: Sources | None = None
        self._moment = Moment()

    # ---- what the screen does ----

    def follow(self, night: Night, moment: Moment) -> None:
        """Show what is proposed in this night now."""
        if self._sources is None or night is not self._sources.night:
            self._sources = Sources(night, Replies(night.folder), Versions(night.git))
        self._moment = moment
        sources = self._sources
        self.tell(lambda: self._part(sources, moment))

    def _part(self, sources: Sources, moment: Moment) -> proposal.Proposal:
        night, run = sources.night, moment.run
        subject = proposal.chosen(moment, self._choice)
        if subject is None:
            return proposal.part_of(moment)
        if isinstance(subject, Draft) and not subject.blob:
            reply = sources.replies.read(subject.draft, night.visible(night.folder.reply(subject.draft)))
            return proposal.part_of(moment, self._choice, reply)
        parent = run.experiments.get(subject.parent) if subject.parent is not None else None
        difference = sources.versions.difference(name_of(run, parent), name_of(run, subject)) if parent else None
        return proposal.part_of(moment, self._choice, NO_REPLY, difference)

    def action_other(self) -> None:
        """The next of what there is to look at."""
        self._choice = proposal.other(self._moment, self._choice)
        if self._sources is not None:
            self.follow(self._sources.night, self._moment)

    # ---- drawing ----

    def show(self, part: proposal.Proposal) -> None:
        """A reply begins at its end, a change at its top."""
        if self.part is None or part.sheet != self.part.sheet:
            self.top, self._at_end = 0, True
        super().show(part)

    def follows(self, part: proposal.Proposal) -> bool:
        return part.grows

    def rows(self, part: proposal.Proposal, width: int, height: int) -> Sequence[Row]:
        return proposal.rows(part, width, height)

    def title(self, part: proposal.Proposal) -> str:
        return part.title

    def subtitle(self, part: proposal.Proposal) -> str:
        if not part.grows:
            return super().subtitle(part)
        return "" if self._at_end else "held: G follows"
