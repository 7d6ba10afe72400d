"""The chart of a night as a picture. What is in the chart is `plot.py`'s, the sheet that it is drawn on `sheet.py`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.forms.labels import Box
from autoresearch_tui.morning.forms.naming import labelled, short
from autoresearch_tui.morning.forms.plot import KEPT, OFF, REST, TRIAL, Dot, Plot, plot_of
from autoresearch_tui.morning.forms.sheet import BAD, FAINT, FONT, MUTED, PAPER, RIGHT, SMALL, STRONG, TITLE, drawable, png, sheet, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LABELS = 22
IDEA = 30  # characters of it in a label
CROWDED, MANY = 1500, 100  # dots, and crashes: from there on they are fainter
DOTS = {REST: "not kept", TRIAL: "a trial of a kept one", OFF: "kept, then taken back", KEPT: "kept"}
"""The later over the earlier."""


def as_png(account: Account) -> bytes:
    plot = plot_of(account)
    with style():
        figure, axes = sheet(account.result.sentence)
        axes.set_xlim(plot.first, plot.last)
        axes.set_ylim(plot.low, plot.high)
        axes.set_xticks([tick.at for tick in plot.numbers], [tick.text for tick in plot.numbers])
        axes.set_yticks([tick.at for tick in plot.values], [tick.text for tick in plot.values])
        axes.set_xlabel("experiment")
        axes.set_ylabel(drawable(plot.axis))
        _noise(axes, plot)
        _trunk(axes, plot)
        _dots(axes, plot)
        _edges(axes, plot)
        left_out = _labels(figure, axes, plot)
        if not plot.dots:
            axes.text(0.5, 0.5, "no number was measured", transform=axes.transAxes, ha="center", color=MUTED, fontsize=TITLE)
        _legend(axes)
        name = drawable(clean_line(account.name, 60))
        note = f"{name} · {left_out} kept ones have no room for a label" if left_out else name
        figure.text(RIGHT, 0.025, note, ha="right", color=MUTED, fontsize=SMALL)
        return png(figure)


def _noise(axes: Axes, plot: Plot) -> None:
    """How far one training of the trunk's code may be from it."""
    if not plot.sigma or not plot.steps:
        return
    at = [*(number for number, _ in plot.steps), plot.last]
    values = [*(value for _, value in plot.steps), plot.steps[-1][1]]
    low, high = [value - plot.sigma for value in values], [value + plot.sigma for value in values]
    axes.fill_between(at, low, high, step="post", color=STRONG, alpha=0.13, linewidth=0, label=plot.noise)


def _trunk(axes: Axes, plot: Plot) -> None:
    if plot.steps:
        at = [*(number for number, _ in plot.steps), plot.last]
        axes.step(at, [*(value for _, value in plot.steps), plot.steps[-1][1]], where="post", color=STRONG, linewidth=2.2)


def _dots(axes: Axes, plot: Plot) -> None:
    """The strong ones over the others; a long night has smaller and fainter ones."""
    inside = [dot for dot in plot.dots if not dot.beyond]
    size, alpha = min(46.0, max(5.0, 20_000 / (len(inside) + 1))), 0.75 if len(inside) < CROWDED else 0.35
    groups: dict[tuple[str, bool], list[Dot]] = {}
    for dot in inside:
        groups.setdefault((dot.kind, dot.hollow), []).append(dot)
    for (kind, hollow), dots in sorted(groups.items(), key=lambda group: list(DOTS).index(group[0][0])):
        colour, strong = FAINT if kind == REST else STRONG, kind == KEPT
        axes.scatter(
            [dot.number for dot in dots],
            [dot.value for dot in dots],
            s=min(75.0, max(16.0, 6000 / len(plot.steps))) if strong else size,
            marker="D" if kind == OFF else "o",
            facecolor=PAPER if hollow or kind == OFF else colour,
            edgecolor=PAPER if strong and not hollow else colour,
            linewidth=1.2,
            alpha=1.0 if strong or hollow or kind == OFF else 0.45 if kind == TRIAL else alpha,
            zorder=4 if strong else 3,
            label="in doubt" if hollow else DOTS[kind],
        )


def _edges(axes: Axes, plot: Plot) -> None:
    """What is beyond the axis, and what has no number at all, at the edge."""
    from matplotlib.transforms import blended_transform_factory

    transform = blended_transform_factory(axes.transData, axes.transAxes)
    for side, height, marker in ((1, 0.985, "^"), (-1, 0.015, "v")):
        if these := [dot.number for dot in plot.dots if dot.beyond == side]:
            said = f"{'above' if side > 0 else 'below'} the axis ({len(these)})"
            axes.scatter(these, [height] * len(these), transform=transform, s=36, marker=marker, color=MUTED, zorder=5, label=said)
    if plot.crashes:
        height = 1.025 if plot.crash_above else -0.025
        these, thin = [dot.number for dot in plot.crashes], len(plot.crashes) > MANY
        axes.scatter(
            these, [height] * len(these), transform=transform, s=46, marker="x", color=BAD, linewidth=0.8 if thin else 1.8,
            clip_on=False, label=f"crashed ({len(these)})",
        )  # fmt: skip
        if not plot.crash_above:
            axes.tick_params(axis="x", pad=20)


def _legend(axes: Axes) -> None:
    handles, names = axes.get_legend_handles_labels()
    found = dict(zip(reversed(names), reversed(handles), strict=True))  # each name once
    order = sorted(found, key=lambda name: not name.startswith(("trunk", "kept")))
    axes.legend(
        [found[name] for name in order], order, loc="lower left", bbox_to_anchor=(-0.006, 1.05), ncols=len(order) if len(order) < 8 else 5,
        frameon=False, labelcolor=MUTED, handletextpad=0.4, columnspacing=1.5, borderaxespad=0.0,
    )  # fmt: skip


def _labels(figure: Figure, axes: Axes, plot: Plot) -> int:
    """Words beside the kept ones, as far as there is room; how many have none."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.patheffects import withStroke

    renderer, font = figure.canvas.get_renderer(), FontProperties(family=FONT, size=SMALL)  # type: ignore[attr-defined]
    back, edge = axes.transData.inverted().transform, axes.get_window_extent()
    across, up = edge.width / (plot.last - plot.first), edge.height / (plot.high - plot.low)

    def size(text: str) -> tuple[float, float]:
        width, height, _ = renderer.get_text_width_height_descent(text, font, ismath=False)
        return float(width) + 4, float(height) + 4

    def pixels(number: float, value: float) -> tuple[float, float]:
        return edge.x0 + (number - plot.first) * across, edge.y0 + (value - plot.low) * up

    texts = [drawable(short(dot, IDEA)) for dot in plot.named[:LABELS]]
    placed = labelled(plot, texts, size, pixels, Box(edge.x0 + 4, edge.y0 + 4, edge.x1 - 4, edge.y1 - 4))
    for one in placed:
        box, dot = one.at.box, one.dot
        left, middle = back((box.left + 2, (box.top + box.bottom) / 2))
        axes.text(
            left, middle, one.text, fontsize=SMALL, va="center_baseline", zorder=2.8,
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
        )  # fmt: skip
        x, y = back((one.at.x, one.at.y))
        axes.plot([dot.number, x], [dot.value, y], color=MUTED, linewidth=0.8, zorder=2)
    return len(plot.named) - len(placed)
