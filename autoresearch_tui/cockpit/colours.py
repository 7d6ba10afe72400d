"""The colours of a theme: those that a person gives, and the rest made from them so that it can be read. Pure.

Owns what each colour is called. Where a theme comes from is `themes.py`'s, which of its colours a widget takes `variables.py`'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec

from autoresearch_tui.cockpit.light import BLACK, RGB, WHITE, contrast, faded, legible, mixed, parsed, written

PLAIN = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
NAMES = ("default", *PLAIN, *(f"bright-{name}" for name in PLAIN))
"""The terminal's own colours; what they look like is set there."""

FAINT_CONTRAST = 4.8
MUTED_CONTRAST = 5.8
FRAME_CONTRAST = 3.2  # WCAG asks 3 of what is not text


class Palette(msgspec.Struct, frozen=True, rename="kebab"):
    """Every colour of a theme, as #rrggbb or as the terminal's name for it. The fields are the keys of a file."""

    background: str
    text: str
    accent: str
    """The one colour that means: look here."""
    raised: str
    """The background of what lies on top: the palette, questions, notices, the line of keys."""
    muted: str
    """Text that is there if looked for."""
    faint: str
    """What is free, and the axes."""
    frame: str
    good: str
    """Keep, up."""
    warn: str
    bad: str
    """Crash, gone."""
    llm: str
    """Whose memory of the card it is."""
    training: str
    others: str
    added: str
    """Lines of a diff, and the words in them that differ."""
    removed: str
    added_word: str
    added_word_background: str
    removed_word: str
    removed_word_background: str
    cursor: str
    """The row that a key would act on."""
    cursor_background: str
    found: str
    """What a search found."""
    found_background: str


KEYS: tuple[str, ...] = Palette.__struct_encode_fields__
REQUIRED = ("background", "text", "accent")

USUAL = {
    True: {"good": "#7fc98f", "warn": "#e3b65b", "bad": "#f0827d", "llm": "#b79df2", "training": "#57c2c4", "others": "#e39a6c"},
    False: {"good": "#1b7340", "warn": "#855400", "bad": "#b3261e", "llm": "#6b3fb5", "training": "#0a6f7c", "others": "#9c4417"},
}
"""On a dark background, and on a light one."""

MARKER = (255, 225, 138)  # a pen's, on paper

TERMINAL = {
    True: {
        "muted": "white",  # where a bright black is nearly the background, as in some well-loved palettes, it could not be read
        "frame": "bright-black",
        "good": "bright-green",
        "warn": "bright-yellow",
        "bad": "bright-red",
        "llm": "bright-magenta",
        "training": "bright-cyan",
        "others": "bright-yellow",
        "cursor": "bright-white",
        "cursor-background": "blue",
    },
    False: {
        "muted": "bright-black",
        "frame": "bright-black",
        "good": "blue",  # a green on white is too light
        "warn": "magenta",
        "bad": "red",
        "llm": "magenta",
        "training": "blue",
        "others": "red",
        "cursor": "black",
        "cursor-background": "cyan",
    },
}
MARKED = {
    "added-word": "black",
    "added-word-background": "green",
    "removed-word": "bright-white",
    "removed-word-background": "red",
    "found": "black",
    "found-background": "yellow",
}
"""Of the terminal's own, on any background."""


def by_key(palette: Palette) -> dict[str, str]:
    colours: dict[str, str] = msgspec.to_builtins(palette)
    return colours


def is_colour(text: str) -> bool:
    return text in NAMES or re.fullmatch("#[0-9a-fA-F]{6}", text) is not None


def is_dark(background: str) -> bool:
    """Whether light text reads better on it than dark; the terminal's own counts as dark, as most are."""
    if background in NAMES:
        return background not in ("white", "bright-white")
    return contrast(parsed(background), WHITE) > contrast(parsed(background), BLACK)


def completed(given: Mapping[str, str], dark: bool) -> Palette:
    """A palette of what is given, and for the rest what goes with it."""
    made = (_of_terminal if given["background"] in NAMES else _of_rgb)(given, dark)
    return msgspec.convert({**made, **given}, Palette)


def _of_terminal(given: Mapping[str, str], dark: bool) -> dict[str, str]:
    """The terminal's own colours cannot be mixed: they are chosen."""
    made = {**MARKED, **TERMINAL[dark], **given}
    return {**made, "raised": given["background"], "faint": made["muted"], "added": made["good"], "removed": made["bad"]}


def _of_rgb(given: Mapping[str, str], dark: bool) -> dict[str, str]:
    """Made in this order, for later ones stand on earlier ones; what has to be read is readable on all that it stands on."""
    made = dict(given)

    def rgb(key: str) -> RGB:
        return parsed(made[key])

    def make(key: str, how: Callable[..., RGB], *of: object) -> None:
        if key not in made:
            made[key] = written(how(*of))

    background, text = rgb("background"), rgb("text")
    make("raised", mixed, background, text, 0.07)
    make("cursor-background", mixed, background, rgb("accent"), 0.2)
    ground = [background, rgb("raised"), rgb("cursor-background")]
    make("cursor", legible, text, ground)
    make("muted", faded, text, ground, MUTED_CONTRAST)
    make("faint", faded, text, ground, FAINT_CONTRAST)
    make("frame", faded, text, ground[:2], FRAME_CONTRAST)
    for key, colour in USUAL[dark].items():
        make(key, legible, parsed(colour), ground)
    for key, role in (("added", "good"), ("removed", "bad")):
        make(key, rgb, role)
        make(f"{key}-word-background", mixed, background, rgb(key), 0.3)
        make(f"{key}-word", legible, text, [rgb(f"{key}-word-background")])
    make("found-background", lambda: rgb("warn") if dark else MARKER)
    make("found", legible, background if dark else text, [rgb("found-background")])
    return made
