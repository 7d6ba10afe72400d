"""Plain words about a run, and to it: `status`, `send`, `runs`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from autoresearch_tui.verbs.output import wrapped
from autoresearch_tui.verbs.shared import Usage, agreed, run_folder_of, workspace_of


def status(options: argparse.Namespace) -> int:
    import gc

    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.status import as_json, as_text
    from autoresearch_tui.terminal import works

    gc.disable()  # of ten thousand experiments nothing is garbage, and this process ends before it could matter
    workspace, settings = workspace_of(options)
    with Journal(run_folder_of(workspace, options.tag).journal) as journal:
        state = journal.refresh()
    alive = works(state)
    if options.prompt:
        return _show_prompt(workspace, settings, state)
    if options.json:
        import msgspec

        print(msgspec.json.format(msgspec.json.encode(as_json(state, alive))).decode())
    else:
        print(wrapped(as_text(state, alive)))
    return 0


def _show_prompt(workspace: Any, settings: Any, state: Any) -> int:
    import asyncio

    from autoresearch_tui.engine.preview import next_prompt

    reader, prompt = asyncio.run(next_prompt(workspace, settings, state, os.environ))
    print(prompt.text)
    room = f" of a window of {reader.window}, {reader.answer} of them kept for the answer" if reader.window else ""
    print(f"for {reader.name}: about {prompt.tokens} tokens{room}", file=sys.stderr)
    return 0


def send(options: argparse.Namespace) -> int:
    from autoresearch_tui.journal.commands import ARGUMENTS, parse
    from autoresearch_tui.journal.store import Journal
    from autoresearch_tui.telemetry.machine import person
    from autoresearch_tui.terminal import await_answer, works

    if not options.words:
        print("\n".join(f"  {name} {arguments}".rstrip() for name, arguments in ARGUMENTS.items()))
        return 0
    workspace, _ = workspace_of(options)
    with Journal(run_folder_of(workspace, options.tag).journal) as journal:
        state = journal.refresh()
        wish = parse(options.words, state)
        if not works(state) and hasattr(wish, "session"):
            raise Usage(f"no engine works on {state.tag}: there is nothing to {options.words[0]}.")
        number = journal.send(wish, person())
        if not works(state):
            print(f"command {number} waits: no engine works on {state.tag}; the next one hears it first.")
            return 0
        return await_answer(journal, number)


def runs(options: argparse.Namespace) -> int:

    from autoresearch_tui.engine.leavings import remove_tree
    from autoresearch_tui.engine.lock import engine_lock
    from autoresearch_tui.journal.store import Journal, JournalError
    from autoresearch_tui.status import as_row
    from autoresearch_tui.terminal import works

    workspace, _ = workspace_of(options)
    if options.delete:
        folder = run_folder_of(workspace, options.delete)
        with Journal(folder.journal) as journal:
            state = journal.refresh()
        if works(state):
            raise Usage(f"an engine works on {folder.tag}: `autoresearch-tui send stop now --tag {folder.tag}` ends it")
        print(f"this goes: {folder.folder} ({folder.size / 1e6:.1f} MB: journal, logs, checkpoints).")
        print(f"this stays: the branch autoresearch/{folder.tag}, refs/autoresearch/{folder.tag}/ and their notes.")
        if not options.yes and not agreed("delete? [y/N] "):
            return 1
        with engine_lock(workspace.hidden / "engine.lock", folder.tag):
            remove_tree(folder.folder)
        return 0
    found = workspace.runs()
    for folder in found:
        try:
            with Journal(folder.journal) as journal:
                state = journal.refresh()
        except JournalError as error:
            print(f"{folder.tag:16} {error}")  # one that is damaged hides no other
            continue
        print(as_row(state, works(state), folder.size))
    if not found:
        print(f"{workspace.folder} has no run yet: `autoresearch-tui run` begins one.")
    return 0
