"""Every setting stands there with its value, where that comes from and what it means; no secret does."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from msgspec.structs import fields

from autoresearch_tui import sections
from autoresearch_tui.cockpit.drawing import width
from autoresearch_tui.cockpit.parts import settings
from autoresearch_tui.cockpit.parts.settings import Shown
from autoresearch_tui.cockpit.screens.settings import SettingsScreen
from autoresearch_tui.journal import commands as c
from autoresearch_tui.journal import events as e
from autoresearch_tui.settings import KINDS, load
from tests.cockpit.screens import text
from tests.cockpit.stage import PHONE, WIDE, Stage, moment, until, words
from tests.engine.histories import History

SOURCE = Path(sections.__file__).read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "autoresearch.toml").write_text(
        '[limits]\nexperiments = 40\n[openai]\naddress = "http://ann:hunter2@127.0.0.1:8080/v1"\nkey_from = "MY_KEY"\n'
    )
    return tmp_path


def drawn(part: Shown, wide: int = 100) -> list[str]:
    return ["".join(span.text for span in line).rstrip() for line in settings.rows(part, wide, 40)]


def shown(folder: Path, environment: dict[str, str] | None = None) -> Shown:
    given = {"PATH": "/bin"} | (environment or {})
    return Shown(settings.sections_of(load(folder, {}, given), settings.words_of(SOURCE), given, folder))


def test_every_key_has_its_words_and_every_section_is_there(folder: Path) -> None:
    assert set(KINDS) <= set(settings.words_of(SOURCE))
    assert {section.name for section in shown(folder).sections} == {field.name for field in fields(sections.Settings)}


def test_what_was_set_comes_first_with_a_mark_and_its_file_and_line(folder: Path) -> None:
    part = shown(folder, {"AUTORESEARCH_TUI_RUN_SEED": "7"})
    assert [section.name for section in part.sections[:3]] == ["run", "limits", "openai"]
    lines = [" ".join(line.split()) for line in drawn(part)]
    place = lines.index("● experiments 40 autoresearch.toml:2")
    assert lines[place + 1] == "Of the whole run, the baseline included."
    assert "● seed 7 AUTORESEARCH_TUI_RUN_SEED" in lines
    assert "hours none default" in lines


def test_of_a_key_there_is_the_name_of_its_variable_and_whether_it_is_set(folder: Path) -> None:
    text = "\n".join(drawn(shown(folder, {"MY_KEY": "sk-secret"})))
    assert "MY_KEY (set)" in text
    assert "ANTHROPIC_API_KEY (not set)" in text
    assert "http://…@127.0.0.1:8080/v1" in text
    assert "secret" not in text and "hunter2" not in text


def test_foreign_text_in_a_value_is_text(tmp_path: Path) -> None:
    (tmp_path / "autoresearch.toml").write_text('[run]\nresearcher = "command:a [/b] \\u200fc"\n', encoding="utf-8")
    part = shown(tmp_path)
    assert any("command:a [/b] c" in line for line in drawn(part))
    assert all(width(line) <= 38 for line in settings.rows(part, 38, 20))


def test_limits_are_those_of_the_run_and_not_of_the_file() -> None:
    history = History()
    history.begin(e.Limits(experiments=40))
    history.send(c.Limit("experiments", "12"))
    history.send(c.Review(True))
    assert dict(settings.limits_of(history.run)) == {
        "experiments": "12, of which 0 are judged",
        "until": "no limit",
        "between": "any time",
        "cost": "no limit",
        "declined": "no limit",
        "review": "on, 600 s for each draft",
    }


async def test_the_screen_shows_the_run_first_and_can_be_scrolled(folder: Path) -> None:
    history = History()
    history.begin(e.Limits(experiments=12))
    screen = SettingsScreen(folder)
    stage = Stage(screen)
    async with stage.run_test(size=WIDE) as pilot:
        screen.show(moment(history))
        for size in (WIDE, PHONE):
            await pilot.resize_terminal(*size)
            await pilot.press("g")
            await until(pilot, lambda: "[run]" in words(pilot.app))
            assert "now, in night" in text(pilot.app)
            assert "12, of which 0 are judged" in text(pilot.app)
            await pilot.press("G")
            await pilot.pause()
            assert "limit hours 8" in text(pilot.app)
        await pilot.press("q")
        assert stage.answers == [None]


async def test_a_mistake_in_the_file_is_its_sentence_and_can_be_mended_meanwhile(folder: Path) -> None:
    (folder / "autoresearch.toml").write_text("[limits]\nexperiment = 40\n")
    async with Stage(SettingsScreen(folder)).run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "is not a setting; the nearest is limits.experiments" in words(pilot.app))
        (folder / "autoresearch.toml").write_text("[limits]\nexperiments = 40\n")
        await pilot.press("r")
        await until(pilot, lambda: "● experiments" in text(pilot.app))
        assert "is not a setting" not in words(pilot.app)


async def test_without_the_source_the_values_stand_there_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_source(of: object) -> str:
        raise OSError(f"no source of {of}")

    monkeypatch.setattr(inspect, "getsource", no_source)
    async with Stage(SettingsScreen(folder)).run_test(size=WIDE) as pilot:
        await until(pilot, lambda: "● experiments" in text(pilot.app))
        assert "Of the whole run" not in text(pilot.app)
