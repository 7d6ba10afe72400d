"""A blank sheet for a chart, in our style, by matplotlib: an extra, and imported here and in what draws on one, within functions.

Owns size, colours and letters, and how foreign text gets onto a picture. Neither the user's style nor a global state of matplotlib is
touched, and nothing is written to standard error.
"""

from __future__ import annotations

import io
import logging
import textwrap
from typing import TYPE_CHECKING, Any

from autoresearch_tui.extras import installation
from autoresearch_tui.journal.text import clean_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 1600, 900, 100
PAPER, INK, MUTED, GRID = "#ffffff", "#1d2126", "#5c636b", "#e6e8ea"
STRONG, FAINT, BAD = "#1a5cb8", "#9aa2ab", "#b3470c"  # they differ in lightness too, and each has its own shape
LINES = ("#1a5cb8", "#c2570c", "#00807a", "#7b3fa0", "#8a6d00", "#5c636b")
"""Of several nights: told apart by eyes that do not tell red from green."""
LEFT, RIGHT, BOTTOM, TOP = 0.085, 0.985, 0.135, 0.78  # of the sheet: where the chart is
TITLE, TEXT, SMALL = 17.0, 13.0, 12.0  # points; on a phone a quarter of it
TITLE_SIGNS, TITLE_LINES = 100, 3
FONT = "DejaVu Sans"  # it comes with matplotlib
UNKNOWN = "\N{WHITE VERTICAL RECTANGLE}"  # for a letter that the font does not have
STYLE: dict[str, Any] = {
    "text.parse_math": False,  # an idea may cost $5, and another $6
    "text.usetex": False,
    "font.family": FONT,
    "text.color": INK,
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.labelsize": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "legend.fontsize": SMALL,
}


class Unavailable(Exception):
    """No picture can be made here: one sentence."""


def style() -> Any:
    """As long as this context lasts, matplotlib draws as it comes, and in our colours."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it tells of its caches, which are nobody's concern
    try:
        import matplotlib.style
    except ImportError:
        raise Unavailable(f"a picture needs matplotlib, which is missing: `{installation().install('report')}` brings it.") from None
    return matplotlib.style.context(["default", STYLE])


def sheet(title: str, columns: int = 1) -> tuple[Figure, Any]:
    """A figure with its title, and its axes: one, or an array of several side by side."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor=PAPER)
    FigureCanvasAgg(figure)
    said = clean_line(title, TITLE_SIGNS * TITLE_LINES).replace(" < ", "\N{NO-BREAK SPACE}<\N{NO-BREAK SPACE}")
    lines = textwrap.wrap(said, TITLE_SIGNS)[:TITLE_LINES]
    figure.text(LEFT, 0.965, drawable("\n".join(lines)), va="top", fontsize=TITLE, fontweight="bold", linespacing=1.3)
    axes = figure.subplots(1, columns, gridspec_kw={"left": LEFT, "right": RIGHT, "bottom": BOTTOM, "top": TOP, "wspace": 0.2})
    for one in (axes,) if columns == 1 else axes:
        one.grid(color=GRID, linewidth=1)
        one.set_axisbelow(True)
        one.tick_params(length=0, pad=7)
    return figure, axes


def drawable(text: str) -> str:
    """The text in letters that the font has: for any other it would complain."""
    from matplotlib.font_manager import findfont, get_font

    known = get_font(findfont(FONT)).get_charmap()
    return "".join(letter if ord(letter) in known or letter == "\n" else UNKNOWN for letter in text)


def png(figure: Figure) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=DPI, facecolor=PAPER, metadata={"Software": None})
    return file.getvalue()
