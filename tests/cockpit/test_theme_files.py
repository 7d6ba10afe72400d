"""What a theme's file may say, which theme is taken, and that an edited one is shown at once."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from autoresearch_tui.cockpit.colours import KEYS
from autoresearch_tui.cockpit.themes import Watch, chosen, load, offer
from autoresearch_tui.workspace import bundled
from tests.cockpit.screens import Bare

BUNDLED, FAILED = load([bundled("themes")])
SMALL = 'background = "#101010"\ntext = "#eeeeee"\naccent = "#7cb7ff"\n'


def test_there_are_ten_themes_and_none_is_broken() -> None:
    assert FAILED == []
    assert sorted(theme.name for theme in BUNDLED) == [
        *("ansi", "ansi-day", "clear", "clear-day", "contrast", "contrast-day", "day", "ember", "fjord", "night")
    ]
    assert [theme.name for theme in BUNDLED if not theme.dark] == ["ansi-day", "clear-day", "contrast-day", "day"]


def test_three_colours_are_a_theme(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SMALL)
    [theme], failed = load([tmp_path])
    assert (theme.name, theme.dark, failed) == ("mine", True, [])
    assert set(KEYS) - {"text", "raised", "muted", "faint", "good", "warn", "bad"} <= set(theme.variables)


def test_your_own_theme_comes_before_the_bundled_one_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text(SMALL)
    themes, _ = load([tmp_path, bundled("themes")])
    assert [theme.background for theme in themes if theme.name == "night"] == ["#101010"]


def test_a_broken_one_of_your_own_leaves_the_bundled_one(tmp_path: Path) -> None:
    (tmp_path / "night.toml").write_text("background = ")
    themes, failed = load([tmp_path, bundled("themes")])
    assert len(themes) == len(BUNDLED)
    assert len(failed) == 1


BROKEN = {
    "no TOML": ("background = #101010\n", "mine.toml:1: `background = #101010` is not TOML (invalid value)"),
    "an unknown key": (SMALL + 'acent = "#ffffff"\n', 'mine.toml:4: "acent" is not a key of a theme; the nearest is accent.'),
    "a table": (SMALL + "[dark]\na = 1\n", 'mine.toml:4: dark has to be true or false, not {"a": 1}.'),
    "no colour": (
        SMALL + 'good = "greenish"\n',
        'mine.toml:4: good has to be a colour such as "#7cb7ff", or green for the terminal\'s own, not "greenish".',
    ),
    "a short colour": (SMALL + 'good = "#fff"\n', 'mine.toml:4: good has to be a colour such as "#7cb7ff", not "#fff".'),
    "a number": (SMALL + "good = 7\n", 'mine.toml:4: good has to be a colour such as "#7cb7ff", not 7.'),
    "a date": (SMALL + "good = 1979-05-27\n", 'mine.toml:4: good has to be a colour such as "#7cb7ff", not "1979-05-27".'),
    "dark as a text": (SMALL + 'dark = "yes"\n', 'mine.toml:4: dark has to be true or false, not "yes".'),
    "two kinds": (
        SMALL + 'good = "green"\n',
        "mine.toml:4: good is green and background is #101010: take the terminal's own colours for all or for none.",
    ),
    "too little": ('background = "#101010"\n', 'mine.toml: text is missing: a theme needs background, text, accent, each as "#rrggbb".'),
    "nothing": ("", 'mine.toml: background is missing: a theme needs background, text, accent, each as "#rrggbb".'),
    "ten megabytes": ("#" * 10**7, "mine.toml holds 10000000 bytes, and at most 65536 are read: it is hardly the file that was meant."),
    "a long key": (f"{'a' * 10**4} = 1\n", f'mine.toml:1: "{"a" * 58}… is not a key of a theme; the nearest is added-word-background.'),
    "an escape": ('"\\u001b[31m" = 1\n', "is not a key of a theme"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_one_sentence(what: str, tmp_path: Path) -> None:
    content, sentence = BROKEN[what]
    (tmp_path / "mine.toml").write_text(content)
    themes, failed = load([tmp_path])
    assert themes == []
    assert len(failed) == 1
    assert failed[0].startswith(str(tmp_path)) and failed[0].endswith(".") and failed[0].isprintable()
    assert sentence in failed[0]


def test_what_is_no_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "gone.toml").symlink_to("nowhere")
    (tmp_path / "latin.toml").write_bytes(b'text = "\xff"\n')
    (tmp_path / "My\nTheme.toml").write_text(SMALL)
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "notes.txt").write_text("no theme at all")
    themes, failed = load([tmp_path])
    assert themes == []
    assert [sentence.removeprefix(f"{tmp_path}/") for sentence in failed] == [
        f'"My\\nTheme.toml" in {tmp_path} is no name for a theme: take small letters, digits and `-`, a letter first.',
        "folder.toml is a folder: a file has to stand in its place.",
        "gone.toml is a link to nowhere, which is not there: mend or remove it.",
        "latin.toml:1: the byte 0xff is not UTF-8: save the file as UTF-8.",
        "pipe.toml is no ordinary file: put a text file in its place.",
    ]


def test_a_folder_that_is_not_there_is_nothing_to_speak_of_and_one_that_is_none_is(tmp_path: Path) -> None:
    (tmp_path / "themes").write_text("")
    assert load([tmp_path / "elsewhere"]) == ([], [])
    assert load([tmp_path / "themes"]) == ([], [f"{tmp_path}/themes cannot be read (Not a directory): themes are looked for in it."])


@pytest.mark.needs("no root")
def test_a_file_that_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SMALL)
    (tmp_path / "mine.toml").chmod(0)
    assert load([tmp_path]) == ([], [f"{tmp_path}/mine.toml may not be read by you: change its permissions, or those of its folder."])


# ---- in the app ----


async def test_only_these_themes_can_be_chosen() -> None:
    app = Bare()
    async with app.run_test():
        offer(app, BUNDLED)
        assert set(app.available_themes) == {theme.name for theme in BUNDLED}


async def test_without_colour_the_terminals_own_cannot_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = Bare()
    async with app.run_test():
        offer(app, BUNDLED, "contrast")
        assert {"ansi", "ansi-day"} == {theme.name for theme in BUNDLED} - set(app.available_themes)


async def test_an_edited_theme_is_shown_and_a_broken_one_leaves_what_was_shown(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(SMALL)
    watch = Watch([tmp_path, tmp_path / "elsewhere"])
    app = Bare()
    async with app.run_test() as pilot:
        offer(app, load(watch.folders)[0], "mine")
        await pilot.pause()
        assert app.screen.styles.background.hex == "#101010"
        assert not watch.changed()
        file.write_text(SMALL.replace("#101010", "#202020") + "\n")
        assert watch.changed()
        assert not watch.changed()
        offer(app, load(watch.folders)[0])
        await pilot.pause()
        assert app.screen.styles.background.hex == "#202020"
        file.write_text("back")
        assert watch.changed()
        offer(app, load(watch.folders)[0])
        await pilot.pause()
        assert (app.theme, app.screen.styles.background.hex) == ("mine", "#202020")
        file.unlink()
        assert watch.changed()


NIGHT = {"TERM": "tmux-256color"}
CHOICES: dict[str, tuple[str, dict[str, str], str, str]] = {
    "nobody asked": ("", NIGHT, "night", ""),
    "somebody asked": ("ember", NIGHT, "ember", ""),
    "unknown": ("embers", NIGHT, "night", 'There is no theme "embers"; the nearest is ember. This is night.'),
    "true colour": ("", {"TERM": "screen", "COLORTERM": "truecolor"}, "night", ""),
    "16 colours": (
        "",
        {"TERM": "screen"},
        "ansi",
        "This terminal says that it has 16 colours (TERM=screen): this is ansi; set COLORTERM=truecolor if it has more.",
    ),
    "16 on light": (
        "",
        {"TERM": "rxvt", "COLORFGBG": "0;15"},
        "ansi-day",
        "This terminal says that it has 16 colours (TERM=rxvt): this is ansi-day; set COLORTERM=truecolor if it has more.",
    ),
    "16 and asked": ("night", {"TERM": "screen"}, "night", ""),
    "ansi": ("ansi", NIGHT, "ansi", ""),
    "no colour": ("", {**NIGHT, "NO_COLOR": "1"}, "contrast", ""),
    "no colour of 16": ("", {"TERM": "screen", "NO_COLOR": "1"}, "contrast", ""),
    "no colour, asked": ("day", {**NIGHT, "NO_COLOR": "1"}, "day", ""),
    "no colour, ansi": (
        "ansi",
        {**NIGHT, "NO_COLOR": ""},  # empty counts too: Textual asks whether it is there
        "contrast",
        "NO_COLOR is set, and ansi has no other colours than the terminal's: this is contrast, in greys.",
    ),
}


@pytest.mark.parametrize("case", CHOICES)
def test_the_theme_suits_the_terminal_unless_somebody_asked_for_another(case: str) -> None:
    name, environment, expected, sentence = CHOICES[case]
    assert chosen(name, BUNDLED, environment) == (expected, sentence)


PAGE = (Path(__file__).parents[2] / "docs" / "themes.md").read_text()


def test_the_page_about_themes_names_every_key_and_every_theme() -> None:
    named = set(re.findall(r"`([a-z-]+)`", PAGE))
    assert {*KEYS, "dark"} <= named
    assert {theme.name for theme in BUNDLED} <= named


def test_the_example_on_the_page_is_a_theme(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("\n".join(re.findall(r"^    ((?:background|text|accent) = .*)$", PAGE, re.M)))
    assert [theme.name for theme in load([tmp_path])[0]] == ["mine"]
