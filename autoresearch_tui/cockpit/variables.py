"""Which colour of a theme each variable of `app.tcss`, and of Textual's own stylesheets, gets. Pure.

Textual would guess its own from a few colours, and its guesses fade text below what can be read.
"""

from __future__ import annotations

from autoresearch_tui.cockpit.colours import KEYS, NAMES, Palette, by_key

OTHERWISE_CALLED = {
    "text": ["foreground", "text", "button-foreground", "input-cursor-background"],
    "background": [
        "background",
        "input-cursor-foreground",
        "scrollbar-background",
        "scrollbar-background-hover",
        "scrollbar-background-active",
        "scrollbar-corner-color",
    ],
    "raised": ["bar-background", "surface", "surface-active", "panel", "panel-lighten-1", "panel-darken-1", "ansi-background"],
    "muted": ["secondary", "foreground-muted", "text-muted", "text-secondary", "scrollbar-hover"],
    "faint": ["foreground-faint", "foreground-disabled", "text-disabled"],
    "frame": ["frame", "border-blurred", "scrollbar"],
    "accent": ["accent", "primary", "border", "text-primary", "text-accent", "link-color", "scrollbar-active"],
    "good": ["success", "text-success"],
    "warn": ["warning", "text-warning"],
    "bad": ["error", "text-error"],
    "cursor": [
        "cursor",
        "block-cursor-foreground",
        "block-cursor-blurred-foreground",
        "input-selection-foreground",
        "screen-selection-foreground",
        "link-color-hover",
    ],
    "cursor-background": [
        "cursor-background",
        "block-cursor-background",
        "block-cursor-blurred-background",
        "block-hover-background",
        "input-selection-background",
        "screen-selection-background",
        "link-background-hover",
    ],
}
"""The other keys are variables of the same name."""


def variables(palette: Palette) -> dict[str, str]:
    """Every variable with its colour, as Textual writes it."""
    colours = by_key(palette)
    return {name: _written(colours[key]) for key in KEYS for name in OTHERWISE_CALLED.get(key, [key])}


def _written(colour: str) -> str:
    return "ansi_" + colour.replace("-", "_") if colour in NAMES else colour
