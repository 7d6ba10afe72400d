"""`e` lends the terminal to an editor; one that cannot be is a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.editing import edit


@pytest.mark.parametrize(
    "editor, said",
    [
        ("vi '", "EDITOR is no command: vi ' (No closing quotation)."),
        ("no-such-editor -w", "there is no editor no-such-editor -w: set EDITOR and open the screen again."),
        ("true", "this terminal cannot be lent to an editor: edit program.md elsewhere."),
    ],
)
async def test_an_editor_that_cannot_be_is_a_sentence(editor: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISUAL", editor)
    app = Cockpit(tmp_path, None)
    async with app.run_test():
        assert edit(app, Path("program.md")) == said
