"""Whatever stands on a screen can be read, in every theme: here, on a terminal of 256 colours, in greys, and by every kind of eye."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.notifications import SeverityLevel
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, OptionList

from autoresearch_tui.cockpit.colours import completed, is_dark
from autoresearch_tui.cockpit.drawing import ROLES, Row, Span
from autoresearch_tui.cockpit.light import contrast, parsed, written
from autoresearch_tui.cockpit.themes import load, offer
from autoresearch_tui.cockpit.widgets.pane import Pane
from autoresearch_tui.workspace import bundled
from tests.cockpit import eyes
from tests.cockpit.screens import STYLES, Bare

BUNDLED, _ = load([bundled("themes")])
PAINTED = [theme for theme in BUNDLED if not theme.ansi]
NAMES = [theme.name for theme in PAINTED]

TEXT = 4.5  # WCAG 2.2, level AA
SHAPE = 3.0  # frames and bars
APART = 10.0  # five times what is just seen

GROUNDS = ["background", "bar-background", "surface", "panel-lighten-1", "panel-darken-1", "cursor-background", "block-cursor-background"]
TEXTS = [
    *("foreground", "foreground-muted", "foreground-faint", "accent", "success", "warning", "error"),
    *("llm", "training", "others", "added", "removed", "cursor", "block-cursor-foreground"),
    *("text", "text-muted", "text-disabled", "text-accent", "text-success", "text-warning", "text-error", "link-color"),
]
SEVERITIES: tuple[SeverityLevel, ...] = ("information", "warning", "error")
MARKED = ["added-word", "removed-word", "found", "cursor", "input-selection", "screen-selection"]
SHAPES = ["frame", "accent", "border", "border-blurred", "success", "warning", "error", "llm", "training", "others", "foreground-faint"]


class Everything(Pane[int]):
    """Each role by itself, and on the row of the cursor."""

    def rows(self, part: int, width: int, height: int) -> list[Row]:
        plain = tuple(Span(f"{role} ", role) for role in ROLES)
        return [plain, tuple(Span(span.text, f"cursor {span.role}") for span in plain if span.role not in MARKED)]


class Full(Bare):
    """What the cockpit has of Textual's, and a pane of ours."""

    def compose(self) -> ComposeResult:
        yield Everything()
        yield Input("typed")
        yield Input(placeholder="nothing typed")
        yield OptionList("one", "two")


@pytest.fixture(scope="module")
def variables() -> dict[str, dict[str, str]]:
    """Of each theme, as an app that runs resolves them."""

    async def resolved() -> dict[str, dict[str, str]]:
        app = Bare()
        async with app.run_test():
            offer(app, BUNDLED)
            found = {}
            for theme in BUNDLED:
                app.theme = theme.name
                found[theme.name] = app.get_css_variables()
            return found

    return asyncio.run(resolved())


@pytest.mark.parametrize("arrives", [eyes.exact, eyes.in_256, eyes.in_greys])
@pytest.mark.parametrize("name", NAMES)
def test_every_text_can_be_read_on_everything_that_it_may_stand_on(
    name: str, arrives: Callable[[str], eyes.RGB], variables: dict[str, dict[str, str]]
) -> None:
    colour = variables[name]
    pairs = [(text, ground, TEXT) for text in TEXTS for ground in GROUNDS]
    pairs += [(shape, ground, SHAPE) for shape in SHAPES for ground in ("background", "bar-background")]
    pairs += [(_ink(mark), f"{mark}-background", TEXT) for mark in MARKED]
    poor = [
        f"{ink} {colour[ink]} on {ground} {colour[ground]}: {found:.2f}"
        for ink, ground, least in pairs
        if (found := eyes.contrast(arrives(colour[ink]), arrives(colour[ground]))) < least
    ]
    assert not poor


def _ink(mark: str) -> str:
    return f"{mark}-foreground" if "selection" in mark else mark


@pytest.mark.parametrize("name", ["contrast", "contrast-day"])
def test_high_contrast_is_seven_or_more_on_the_background(name: str, variables: dict[str, dict[str, str]]) -> None:
    colour = variables[name]
    assert min(eyes.contrast(eyes.exact(colour[text]), eyes.exact(colour["background"])) for text in TEXTS) >= 7


async def test_what_textual_paints_can_be_read_as_well() -> None:
    """Toasts, an input with its selection, a list with its cursor, then the palette: every letter as it stands on the screen."""
    app = Full()
    poor: list[tuple[str, str, float]] = []
    async with app.run_test(size=(110, 30), notifications=True) as pilot:
        offer(app, BUNDLED)
        app.query_one(Everything).show(1)
        app.query_one(Input).focus()
        await pilot.press("shift+home")
        for severity in SEVERITIES:
            app.notify("What happened.", title="Title", severity=severity, timeout=600, markup=False)
        await pilot.pause()
        poor += await illegible(pilot, "Title")
        app.clear_notifications()
        await app.push_screen(Screen())  # what lies below the palette is dimmed, and meant to be
        app.action_command_palette()
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause(0.15)
        poor += await illegible(pilot, "uit")
    assert not poor


async def illegible(pilot: Pilot[None], expected: str) -> list[tuple[str, str, float]]:
    """In each theme, the letters that are too like their ground."""
    found = []
    for name in NAMES:
        pilot.app.theme = name
        await pilot.pause()
        seen = letters(pilot.app)
        assert expected in "".join(text for text, *_ in seen)
        found += [(name, text, difference) for text, ink, ground in seen if (difference := eyes.contrast(ink, ground)) < TEXT]
    return found


def letters(app: App[None]) -> list[tuple[str, eyes.RGB, eyes.RGB]]:
    """Each stretch of letters or digits with its two colours."""
    found = []
    for strip in app.screen._compositor.render_strips(app.size):
        for text, style, _ in strip:
            if re.search(r"\w", text) and style and style.color and style.bgcolor:
                found.append((text, tuple(style.color.get_truecolor()), tuple(style.bgcolor.get_truecolor())))
    return found


@pytest.mark.parametrize("name", ["clear", "clear-day"])
@pytest.mark.parametrize(
    "together",
    [
        ["success", "foreground-muted", "error"],  # keep, discard, crash
        ["success", "warning", "error"],
        ["llm", "training", "others"],
        ["added", "removed"],
        ["added-word-background", "removed-word-background"],
    ],
)
def test_a_colour_blind_eye_tells_apart_what_stands_together(name: str, together: list[str], variables: dict[str, dict[str, str]]) -> None:
    difference, which = eyes.nearest(variables[name][role] for role in together)
    assert difference >= APART, which


@pytest.mark.parametrize("name", NAMES)
def test_the_owners_of_memory_look_different_in_every_theme(name: str, variables: dict[str, dict[str, str]]) -> None:
    owners = [eyes.in_256(variables[name][owner]) for owner in ("llm", "training", "others")]
    assert len(set(owners)) == 3


@pytest.mark.parametrize("name", [theme.name for theme in BUNDLED if theme.ansi])
def test_the_terminals_own_colours_are_nothing_else(name: str, variables: dict[str, dict[str, str]]) -> None:
    own = next(theme.variables for theme in BUNDLED if theme.name == name)
    assert {variables[name][variable] for variable in own} == set(own.values())
    assert all(value.startswith("ansi_") for value in own.values())


def test_every_variable_of_the_stylesheet_is_a_themes() -> None:
    used = set(re.findall(r"\$([a-z0-9-]+)", STYLES.read_text()))
    assert used
    for theme in BUNDLED:
        assert used <= set(theme.variables), theme.name


COLOUR = st.tuples(*[st.integers(0, 255)] * 3)


@given(ground=st.integers(0, 0x38), light=st.booleans(), accent=COLOUR)
@settings(max_examples=40, deadline=None)
def test_what_is_not_given_can_be_read_whatever_is_given(ground: int, light: bool, accent: tuple[int, int, int]) -> None:
    ground, text = (255 - ground, 0) if light else (ground, 255)
    background = written((ground, ground, ground))
    assert is_dark(background) is not light
    palette = completed({"background": background, "text": written((text, text, text)), "accent": written(accent)}, not light)
    grounds = [parsed(colour) for colour in (palette.background, palette.raised, palette.cursor_background)]
    made = [palette.muted, palette.faint, palette.good, palette.warn, palette.bad, palette.llm, palette.training, palette.others]
    assert min(contrast(parsed(colour), one) for colour in made for one in grounds) >= TEXT
    for ink, on in [
        (palette.cursor, palette.cursor_background),
        (palette.found, palette.found_background),
        (palette.added_word, palette.added_word_background),
        (palette.removed_word, palette.removed_word_background),
    ]:
        assert contrast(parsed(ink), parsed(on)) >= TEXT
