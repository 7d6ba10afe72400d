"""The chart of a night as SVG for a page: each dot says on hovering what it is, the page's style gives the colours. Pure.

Two sizes are drawn, one for a desk and one for a phone, and the style shows one of them. What is in the chart is `plot.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from autoresearch_tui.morning.forms.labels import Box
from autoresearch_tui.morning.forms.markup import escaped
from autoresearch_tui.morning.forms.naming import Named, labelled, short, stairs
from autoresearch_tui.morning.forms.plot import KEPT, REST, Dot, Plot, Tick

SAID = 1500  # dots that say on hovering what they are; of a longer night the faint ones are drawn together
MANY = 100  # steps of the trunk, and so for its dots
CROWDED = 400  # dots: from there on they are smaller
WIDE_LETTER = 0x2E80  # from there on most letters are as wide as they are high


class Size(msgspec.Struct, frozen=True):
    """A size to draw for, in the page's pixels."""

    name: str
    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int
    letter: float
    """How high letters are."""
    labels: int
    idea: int
    """Characters of an idea in its label."""


DESK = Size("desk", 1000, 460, 60, 14, 42, 42, 12.5, 20, 34)
PHONE = Size("phone", 360, 340, 46, 8, 40, 38, 11.5, 6, 20)


class Drawing:
    """One chart in one size: from experiments and numbers to places on the page."""

    def __init__(self, plot: Plot, size: Size) -> None:
        self.plot, self.size = plot, size
        self.inner = Box(size.left, size.top, size.width - size.right, size.height - size.bottom)
        self._across = (self.inner.right - self.inner.left) / (plot.last - plot.first)
        self._up = (self.inner.bottom - self.inner.top) / (plot.high - plot.low)
        self._strong = 2.6 if len(plot.steps) > MANY else 4.2 if size is PHONE else 5.2
        texts = [short(dot, size.idea) for dot in plot.named[: size.labels]]
        room = Box(self.inner.left + 4, self.inner.top + 4, self.inner.right - 4, self.inner.bottom - 4)
        self.named = labelled(plot, texts, self._size, self.at, room)

    def at(self, number: float, value: float) -> tuple[float, float]:
        """Where on the page."""
        return self.inner.left + (number - self.plot.first) * self._across, self.inner.bottom - (value - self.plot.low) * self._up

    def _size(self, text: str) -> tuple[float, float]:
        """No font is known here: rather too wide."""
        ems = sum(1.0 if ord(letter) >= WIDE_LETTER else 0.6 for letter in text)
        return ems * self.size.letter + 4, self.size.letter * 1.3

    def svg(self) -> str:
        size = self.size
        parts = [
            *self._axes(),
            *self._noise(),
            *self._trunk(),
            *self._leaders(),
            *self._dots(),
            *self._edges(),
            *map(self._label, self.named),
        ]
        head = f'<svg class="chart {size.name}" viewBox="0 0 {size.width} {size.height}" role="img" aria-labelledby="{size.name}-title">'
        return f'{head}<title id="{size.name}-title">{escaped(self.plot.alternative)}</title>\n' + "\n".join(parts) + "\n</svg>"

    def _axes(self) -> Iterable[str]:
        inner = self.inner
        for tick in self.plot.values:
            yield self._value(tick)
        for tick in self.plot.numbers:
            x, _ = self.at(tick.at, 0)
            yield f'<text class="tick" x="{x:.1f}" y="{inner.bottom + 18:.1f}" text-anchor="middle">{tick.text}</text>'
        yield f'<line class="axis" x1="{inner.left}" x2="{inner.right}" y1="{inner.bottom}" y2="{inner.bottom}"/>'
        yield f'<text class="tick" x="{inner.right}" y="{inner.bottom + 36:.1f}" text-anchor="end">experiment</text>'
        yield f'<text class="tick" x="0" y="12">{escaped(self.plot.axis)}</text>'

    def _value(self, tick: Tick) -> str:
        _, y = self.at(0, tick.at)
        line = f'<line class="grid" x1="{self.inner.left}" x2="{self.inner.right}" y1="{y:.1f}" y2="{y:.1f}"/>'
        return f'{line}<text class="tick" x="{self.inner.left - 8}" y="{y + 4:.1f}" text-anchor="end">{tick.text}</text>'

    def _noise(self) -> Iterable[str]:
        """How far one training of the trunk's code may be from it."""
        corners, sigma = stairs(self.plot), self.plot.sigma
        if corners and sigma:
            edge = [(x, y + sigma) for x, y in corners] + [(x, y - sigma) for x, y in reversed(corners)]
            yield f'<polygon class="noise" points="{self._points(edge)}"/>'

    def _trunk(self) -> Iterable[str]:
        if corners := stairs(self.plot):
            yield f'<polyline class="trunk" points="{self._points(corners)}"/>'

    def _points(self, corners: Iterable[tuple[float, float]]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*corner) for corner in corners))

    def _dots(self) -> Iterable[str]:
        inside = [dot for dot in self.plot.dots if not dot.beyond]
        small = len(inside) > CROWDED or self.size is PHONE
        together = [dot for dot in inside if dot.kind == REST and not dot.hollow] if len(inside) > SAID else []
        if together:
            path = " ".join(f"M{x:.1f} {y:.1f}h0" for x, y in (self.at(dot.number, dot.value) for dot in together))
            yield f'<path class="crowd" d="{path}"><title>{len(together)} trials that were not kept</title></path>'
        for dot in inside:
            if not together or dot.kind != REST or dot.hollow:
                yield self._dot(dot, small)

    def _dot(self, dot: Dot, small: bool) -> str:
        x, y = self.at(dot.number, dot.value)
        kind = dot.kind + (" hollow" if dot.hollow else "")
        radius = self._strong if dot.kind == KEPT else 2.2 if small else 3.4
        drawn = f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}"><title>{escaped(dot.said)}</title></circle>'
        return f'<a href="#e{dot.number}">{drawn}</a>' if dot.kind == KEPT and dot.number != self.plot.steps[0][0] else drawn

    def _edges(self) -> Iterable[str]:
        """What is beyond the axis, and what has no number at all, at the edge."""
        inner = self.inner
        for dot in self.plot.dots:
            if dot.beyond:
                x, _ = self.at(dot.number, 0)
                tip, foot = (inner.top + 2, inner.top + 9) if dot.beyond > 0 else (inner.bottom - 2, inner.bottom - 9)
                corners = f"M{x:.1f} {tip:.1f}L{x - 4:.1f} {foot:.1f}h8z"
                yield f'<path class="beyond" d="{corners}"><title>{escaped(dot.said)}</title></path>'
        y = inner.top - 10 if self.plot.crash_above else inner.bottom - 8
        for dot in self.plot.crashes:
            x, _ = self.at(dot.number, 0)
            cross = f"M{x - 4:.1f} {y - 4:.1f}l8 8m0 -8l-8 8"
            yield f'<path class="crash" d="{cross}"><title>{escaped(dot.said)}</title></path>'

    def _leaders(self) -> Iterable[str]:
        for one in self.named:
            x, y = self.at(one.dot.number, one.dot.value)
            yield f'<line class="leader" x1="{x:.1f}" y1="{y:.1f}" x2="{one.at.x:.1f}" y2="{one.at.y:.1f}"/>'

    def _label(self, one: Named) -> str:
        """It is set towards its dot: how long it really is only the browser knows."""
        box = one.at.box
        x, _ = self.at(one.dot.number, one.dot.value)
        before = box.right <= one.at.x + 0.1 and one.at.x <= x
        where = f'x="{box.right - 2:.1f}" text-anchor="end"' if before else f'x="{box.left + 2:.1f}"'
        return f'<text class="label" {where} y="{(box.top + box.bottom) / 2 + self.size.letter * 0.35:.1f}">{escaped(one.text)}</text>'
