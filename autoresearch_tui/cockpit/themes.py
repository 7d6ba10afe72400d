"""Themes: files of colours, read, offered to the app and read again while somebody edits them.

Owns which one is taken, and the sentence for a file that is none. How colours go together is `colours.py`'s, what they paint is
`variables.py`'s.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from rich.console import Console
from textual.app import App
from textual.theme import Theme

from autoresearch_tui import tomlfile
from autoresearch_tui.cockpit.colours import KEYS, NAMES, REQUIRED, Palette, completed, is_colour, is_dark
from autoresearch_tui.cockpit.variables import variables
from autoresearch_tui.workspace import bundled

DEFAULT = "night"
FEW = "ansi"
FEW_ON_LIGHT = "ansi-day"
"""For a terminal of 16 colours."""
COLOURLESS = "contrast"
"""For greys, which tell apart what is light and what is dark and nothing else."""
SUFFIX = ".toml"
DARK = "dark"
NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class ThemeError(Exception):
    """The file is no theme: one sentence that says what to mend."""


def folders() -> list[Path]:
    """Where themes are looked for, the user's own first."""
    from platformdirs import user_config_path

    return [user_config_path("autoresearch-tui") / "themes", bundled("themes")]


def load(folders: Iterable[Path]) -> tuple[list[Theme], list[str]]:
    """Every theme of these folders, and a sentence for each file that is none. Of two with one name the first is taken."""
    themes: dict[str, Theme] = {}
    failed: list[str] = []
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))
        except FileNotFoundError:
            continue
        except OSError as error:
            failed.append(f"{folder} cannot be read ({error.strerror}): themes are looked for in it.")
            continue
        for file in (folder / name for name in names if name.endswith(SUFFIX)):
            try:
                themes.setdefault(file.stem, read(file))
            except (ThemeError, tomlfile.TomlError) as error:
                failed.append(str(error))
    return list(themes.values()), failed


def read(file: Path) -> Theme:
    """The theme that this file describes; its name is the file's."""
    if not NAME.fullmatch(file.stem):
        raise ThemeError(
            f"{_shown(file.name)} in {file.parent} is no name for a theme: take small letters, digits and `-`, a letter first."
        )
    document = tomlfile.read(file)
    if document is None:
        raise ThemeError(f"{file} is gone.")
    for key, value in document.tables.items():
        _check(f"{file}:{document.lines.get(key, 1)}", key, value)
    given = {key: str(value).lower() for key, value in document.tables.items() if key != DARK}
    for key in REQUIRED:
        if key not in given:
            raise ThemeError(f'{file}: {key} is missing: a theme needs {", ".join(REQUIRED)}, each as "#rrggbb".')
    ansi = given["background"] in NAMES
    for key, value in given.items():
        if (value in NAMES) != ansi:
            raise ThemeError(
                f"{file}:{document.lines.get(key, 1)}: {key} is {value} and background is {given['background']}:"
                " take the terminal's own colours for all or for none."
            )
    dark = document.tables.get(DARK, is_dark(given["background"]))
    return made(file.stem, completed(given, dark), dark)


def _check(where: str, key: str, value: object) -> None:
    if key == DARK:
        if not isinstance(value, bool):
            raise ThemeError(f"{where}: {DARK} has to be true or false, not {_shown(value)}.")
    elif key not in KEYS:
        nearest = get_close_matches(key[:100], (*KEYS, DARK), n=1, cutoff=0)[0]
        raise ThemeError(f"{where}: {_shown(key)} is not a key of a theme; the nearest is {nearest}.")
    elif not isinstance(value, str) or not is_colour(value.lower()):
        names = get_close_matches(str(value)[:100].lower(), NAMES, n=1, cutoff=0.7)
        mend = f", or {names[0]} for the terminal's own" if names else ""
        raise ThemeError(f'{where}: {key} has to be a colour such as "#7cb7ff"{mend}, not {_shown(value)}.')


def _shown(value: object) -> str:
    """A foreign value in a sentence: on one line, and not too long."""
    text: str = json.dumps(value, default=str)
    return text if len(text) <= 60 else f"{text[:59]}…"


def made(name: str, palette: Palette, dark: bool) -> Theme:
    """What Textual calls a theme. Those of its colours that are not given here it takes from the variables."""
    every = variables(palette)
    return Theme(
        name,
        primary=every["primary"],
        foreground=every["foreground"],
        background=every["background"],
        surface=every["surface"],
        panel=every["panel"],
        dark=dark,
        ansi=palette.background in NAMES,
        variables=every,
    )


# ---- in the app ----


def offer(app: App[Any], themes: Sequence[Theme], name: str = "") -> None:
    """Let these be chosen, and no others: Textual's own lack our colours. Take the one of that name, or repaint the present one."""
    if app.no_color:  # Textual 8.2.8 would paint the terminal's own colours black on black
        themes = [theme for theme in themes if not theme.ansi]
    name = name or app.theme
    before = app.get_theme(name)
    for theme in themes:
        app.register_theme(theme)
    if name != app.theme:
        app.theme = name
    elif app.get_theme(name) != before:
        app.mutate_reactive(App.theme)
    for other in set(app.available_themes) - {theme.name for theme in themes} - {name}:
        app.unregister_theme(other)


def chosen(name: str, themes: Sequence[Theme], environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """The theme to begin with, and a sentence where somebody may wonder why. An empty name: nobody asked for one."""
    ansi = {theme.name: theme.ansi for theme in themes}
    if name and name not in ansi:
        instead, _ = chosen("", themes, environment)
        nearest = get_close_matches(name[:100], ansi, n=1, cutoff=0)[0]
        return instead, f"There is no theme {_shown(name)}; the nearest is {nearest}. This is {instead}."
    if "NO_COLOR" in environment and ansi.get(name, True):
        why = f"NO_COLOR is set, and {name} has no other colours than the terminal's: this is {COLOURLESS}, in greys."
        return COLOURLESS, why if name else ""
    if not name and _has_few_colours(environment):
        few = FEW_ON_LIGHT if environment.get("COLORFGBG", "").endswith((";7", ";15")) else FEW
        why = f"This terminal says that it has 16 colours (TERM={environment.get('TERM', '')}): this is {few}"
        return few, f"{why}; set COLORTERM=truecolor if it has more."
    return name or DEFAULT, ""


def begin(app: App[Any], watch: Watch, name: str) -> list[str]:
    """Dress the app in the theme of this name, or in one that suits the terminal; what there is to say about that."""
    found, failed = load(watch.folders)
    name, sentence = chosen(name, found)
    offer(app, found, name)
    return [*failed, *filter(None, [sentence])]


def follow(app: App[Any], watch: Watch) -> list[str]:
    """Read again what somebody edits. The present theme stays, as its file was before it broke."""
    if not watch.changed():
        return []
    found, failed = load(watch.folders)
    offer(app, found)
    return failed


def _has_few_colours(environment: Mapping[str, str]) -> bool:
    """Whether Textual will send this terminal no more than 16; it asks in the same way."""
    return Console(force_terminal=True, _environ=environment).color_system == "standard"


class Watch:
    """Tells that a theme was edited, added or removed."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self.folders = list(folders)
        self._seen = self._look()

    def changed(self) -> bool:
        """Since this was asked last. It costs a look into each folder: once a second is often enough."""
        before, self._seen = self._seen, self._look()
        return self._seen != before

    def _look(self) -> set[tuple[str, int, int]]:
        seen = set()
        for folder in self.folders:
            with contextlib.suppress(OSError), os.scandir(folder) as entries:  # not there, or gone while we look
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        status = entry.stat()
                        seen.add((entry.path, status.st_mtime_ns, status.st_size))
        return seen
