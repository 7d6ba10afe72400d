"""What the next prompt of a run would be, for a person who wants to see it. No reply is asked for, and nothing written down."""

from __future__ import annotations

from collections.abc import Mapping

from autoresearch_tui.engine.choosing import choose, hired
from autoresearch_tui.engine.drafting import Drafter
from autoresearch_tui.engine.lineage import Lineage
from autoresearch_tui.engine.search import drawn
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.fold import fold
from autoresearch_tui.journal.state import Run
from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.researchers import Researcher
from autoresearch_tui.sections import Settings
from autoresearch_tui.workspace import Workspace, WorkspaceError


async def next_prompt(workspace: Workspace, settings: Settings, run: Run, environment: Mapping[str, str]) -> tuple[Researcher, Prompt]:
    """The prompt, and for whom; raises where there is none, and WindowTooSmall."""
    chain = hired(await choose(settings, environment), settings, environment)
    reader = next((one for one in chain.researchers if one.dialects), None)
    if reader is None:
        raise WorkspaceError(f"{chain.first.name} reads no prompt: name a model, as in `--researcher ollama:qwen3.5:9b`.")
    await chain.refusal(reader)  # it may learn its window by that; whether it can answer is no matter here
    if run.tip is None or run.tip not in run.experiments:
        raise WorkspaceError("there is no prompt before the baseline: `autoresearch-tui run` begins with it.")
    drafter = Drafter(workspace, workspace.run(run.tag), Lineage(workspace.folder, run.tag, workspace.edit), settings.proposing)
    begun = drawn(run, reader.name, reader.operators)
    if not begun.researcher:  # an old change would be taken back, which asks nobody
        begun = drawn(run, reader.name, reader.operators, idea=-1)
    run = fold([Recorded(run.seq + 1, run.at, 0.0, begun)], run)
    prompt = drafter.briefs.request(run, run.drafts[begun.draft], reader).prompt
    assert prompt is not None, "it reads"
    return reader, prompt
