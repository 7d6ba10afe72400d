"""Pictures of screens: what stands on them as SVG, small and the same on every machine. The README shows them, the tests compare them.

`make pictures` draws all of `docs/pictures/` anew, and PNGs of them where `rsvg-convert` is there.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.color import Color

from autoresearch_tui.cockpit.app import Cockpit
from autoresearch_tui.cockpit.themes import DEFAULT
from tests.cockpit.screens import text
from tests.cockpit.states import SLOTS, STATES, State

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
WIDE, HIGH = 9, 20  # of a cell, in units of the picture
BASELINE = 15
SIZES = ((120, 40), (80, 24))
PHONE = (45, 30)
READING = "is being read"
SETTLED = 3  # looks in a row at the same screen


def picture(app: App[Any]) -> str:
    """The screen as it stands."""
    columns, rows = app.size
    ground = _hex(app.screen.rich_style, "bgcolor") or "#000000"
    body = [part for y, strip in enumerate(app.screen._compositor.render_strips(app.size)) for part in _row(strip, y, ground)]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns * WIDE}" height="{rows * HIGH}"'
        f' font-family="\'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="15">'
    )
    return "\n".join([head, f'<rect width="100%" height="100%" fill="{ground}"/>', *body, "</svg>", ""])


def _row(strip: Iterable[Segment], y: int, ground: str) -> list[str]:
    out: list[str] = []
    x = 0
    for segment in strip:
        style = segment.style or Style()
        wide = segment.cell_length
        back, fore = _hex(style, "bgcolor"), _hex(style, "color") or "#ffffff"
        if style.reverse:
            back, fore = fore, back or ground
        if back and back != ground:
            out.append(f'<rect x="{x * WIDE}" y="{y * HIGH}" width="{wide * WIDE}" height="{HIGH}" fill="{back}"/>')
        for column, part in _runs(segment.text):
            out.append(_text(part, x + column, y, fore, style))
        x += wide
    return out


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """What is drawn at once, and its column: fonts of equal width lack braille, and another one's is not as wide."""
    for found in re.finditer(r"[^\s\u2800-\u28ff](?:[^\u2800-\u28ff]*[^\s\u2800-\u28ff])?|[\u2801-\u28ff]", text):
        yield cell_len(text[: found.start()]), found[0]


def _text(text: str, x: int, y: int, fore: str, style: Style) -> str:
    more = "".join([' font-weight="bold"' if style.bold else "", ' font-style="italic"' if style.italic else ""])
    place = f'x="{x * WIDE}" y="{y * HIGH + BASELINE}"'
    return f'<text xml:space="preserve" {place} fill="{fore}"{more}>{escape(text)}</text>'


def _hex(style: Style, which: str) -> str:
    colour = getattr(style, which)
    if colour is None or colour.is_default:
        return ""
    return Color.from_rich_color(colour).hex6.lower()


# ---- making them ----


def names() -> dict[str, tuple[str, tuple[int, int]]]:
    """Of every picture: its state, and its size."""
    sizes = {name: (*SIZES, PHONE) if name in ("running", "experiment", "quit", *SLOTS) else SIZES for name in STATES}
    return {f"{name}-{wide}x{high}": (name, (wide, high)) for name, every in sizes.items() for wide, high in every}


async def drawn(state: State, size: tuple[int, int]) -> str:
    """The picture of a state, with nothing of this machine in it."""
    with nowhere(), state.night() as night:
        app = Cockpit(Path("lab"), night, DEFAULT)
        async with app.run_test(size=size) as pilot:
            await pilot.press(*state.keys)
            before, same = "", 0
            while same < SETTLED or READING in before:  # git and the log are read beside
                await pilot.pause(0.05)
                now = text(app)
                before, same = now, same + 1 if now == before else 0
            return picture(app)


@contextmanager
def nowhere() -> Iterator[None]:
    """An empty folder, no settings of anybody's, and the clock of Greenwich."""
    before, environment = Path.cwd(), dict(os.environ)
    with TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in [name for name in environment if name.startswith("AUTORESEARCH_")]:
            del os.environ[name]
        os.environ.update(XDG_CONFIG_HOME="/nowhere", TZ="UTC")
        time.tzset()
        try:
            yield
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)
            time.tzset()


def main() -> None:
    """Draw all of them anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, (state, size) in names().items():
        file = FOLDER / f"{name}.svg"
        file.write_text(asyncio.run(drawn(STATES[state], size)), encoding="utf-8")
        if shutil.which("rsvg-convert"):
            subprocess.run(["rsvg-convert", str(file), "-o", str(file.with_suffix(".png"))], check=True)
        print(file)


if __name__ == "__main__":
    main()
