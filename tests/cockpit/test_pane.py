"""A pane paints what changed and nothing else, shows foreign text as text, and breaks alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

from textual import events
from textual.geometry import Region
from textual.widget import Widget

from autoresearch_tui.cockpit.drawing import Row, Span, row
from autoresearch_tui.cockpit.widgets.pane import Broken, Pane
from tests.cockpit.screens import Bare, lines, text


class Lines(Pane[tuple[str, ...]]):
    """One row for each."""

    drawn = 0
    painted: ClassVar[list[Region]] = []

    def refresh(self, *regions: Region, **how: bool) -> Self:
        self.painted.extend(regions)
        return super().refresh(*regions, **how)

    def rows(self, part: tuple[str, ...], width: int, height: int) -> Sequence[Row]:
        self.drawn += 1
        return [row(one) for one in part]

    def title(self, part: tuple[str, ...]) -> str:
        return part[0] if part else ""


class Following(Lines):
    def follows(self, part: tuple[str, ...]) -> bool:
        return True


async def test_the_same_again_is_not_drawn_again() -> None:
    pane = Lines()
    async with Bare(pane).run_test(size=(40, 10)) as pilot:
        pane.show(("a", "b"))
        before = pane.drawn
        pane.show(("a", "b"))
        assert pane.drawn == before
        await pilot.pause()
        assert "│ a " in lines(pilot.app)[1]


async def test_only_the_row_that_changed_is_painted() -> None:
    pane = Lines()
    async with Bare(pane).run_test(size=(40, 10)) as pilot:
        pane.show(("a", "b", "c"))
        await pilot.pause()
        Lines.painted.clear()
        pane.show(("a", "B", "c"))
        assert [(one.y, one.height) for one in pane.painted] == [(1, 1)]
        await pilot.pause()
        assert "│ B " in lines(pilot.app)[2]


async def test_markup_and_escapes_in_rows_and_titles_are_text() -> None:
    pane = Lines()
    async with Bare(pane).run_test(size=(40, 6)) as pilot:
        pane.show(("[/bold] [0]", "[bold"))
        await pilot.pause()
        assert "[/bold] [0]" in lines(pilot.app)[0]
        assert "│ [bold" in lines(pilot.app)[2]


async def test_it_scrolls_with_arrows_and_letters_and_says_where_it_is() -> None:
    pane = Lines()
    async with Bare(pane).run_test(size=(40, 6)) as pilot:
        pane.focus()
        pane.show(tuple(f"line {number}" for number in range(20)))
        await pilot.press("j", "down")
        assert pane.top == 2
        await pilot.press("G")
        assert pane.top == 16
        await pilot.pause()
        assert "17-20 of 20" in lines(pilot.app)[-1]
        await pilot.press("g")
        assert pane.top == 0
        await pilot.press("pagedown", "k")
        assert pane.top == 2


async def test_one_that_follows_stays_at_its_end_until_somebody_scrolls_up() -> None:
    pane = Following()
    async with Bare(pane).run_test(size=(40, 6)) as pilot:
        pane.focus()
        pane.show(tuple("abcdef"))
        pane.show(tuple("abcdefgh"))
        assert pane.top == 4
        await pilot.press("k")
        pane.show(tuple("abcdefghij"))
        assert pane.top == 3


async def test_a_pane_that_breaks_says_so_and_the_others_go_on() -> None:
    broken, whole = Lines(id="broken"), Lines(id="whole")
    heard: list[Broken] = []

    class Both(Bare):
        def on_broken(self, event: Broken) -> None:
            heard.append(event)

    def fails() -> tuple[str, ...]:
        raise KeyError("[/a part that nobody has")

    async with Both(broken, whole).run_test(size=(60, 20)) as pilot:
        broken.tell(fails)
        broken.tell(fails)
        whole.tell(lambda: ("here",))
        await pilot.pause()
        assert "This pane broke (KeyError: '[/a part" in text(pilot.app)
        assert "here" in text(pilot.app)
        assert len(heard) == 1 and "Traceback" in heard[0].why
        broken.tell(lambda: ("whole again",))
        await pilot.pause()
        assert "whole again" in text(pilot.app)


class Fragile(Lines):
    """Whatever `fails` names fails."""

    fails = ""

    def rows(self, part: tuple[str, ...], width: int, height: int) -> Sequence[Row]:
        if self.fails == "rows":
            raise ZeroDivisionError(f"{width} columns")
        return [row(Span(one, "a role that there is not")) for one in part] if self.fails == "paint" else super().rows(part, width, height)

    def title(self, part: tuple[str, ...]) -> str:
        return part[9] if self.fails == "title" else super().title(part)

    def on_click(self, event: events.Click) -> None:
        raise LookupError(f"row {event.y}")

    def action_bottom(self) -> None:
        raise LookupError("no end")


class Heard(Bare):
    """It writes down which panes broke."""

    def __init__(self, *widgets: Widget) -> None:
        super().__init__(*widgets)
        self.broken: list[str] = []

    def on_broken(self, event: Broken) -> None:
        self.broken.append(event.why.strip().splitlines()[-1])


async def test_a_pane_that_breaks_in_a_resize_says_so_at_every_size_and_the_others_go_on() -> None:
    fragile, whole = Fragile(), Lines()
    app = Heard(fragile, whole)
    async with app.run_test(size=(60, 20)) as pilot:
        fragile.show(("a",))
        fragile.fails = "rows"
        for wide in (50, 24, 70):
            await pilot.resize_terminal(wide, 20)
            whole.show((f"{wide} wide",))
            await pilot.pause()
            assert f"{wide} wide" in text(app)
            said = " ".join(text(app).replace("│", "").split())
            assert "This pane broke (ZeroDivisionError: 46 columns). The others go on, and so does the night." in said
        assert app.broken == ["ZeroDivisionError: 46 columns"]
        fragile.fails = ""
        fragile.show(("a",))
        await pilot.pause()
        assert "│ a " in lines(app)[1]


async def test_a_bug_whose_words_change_is_told_once() -> None:
    fragile = Fragile()
    fragile.fails = "rows"
    app = Heard(fragile)
    async with app.run_test(size=(60, 20)) as pilot:
        for wide in (50, 40, 30):
            await pilot.resize_terminal(wide, 20)
            fragile.show((str(wide),))
        await pilot.pause()
        assert len(app.broken) == 1


async def test_a_pane_that_breaks_in_a_key_a_click_its_title_or_its_paint_says_so() -> None:
    for fails, why in (("key", "LookupError: no end"), ("click", "LookupError: row 1"), ("title", "IndexError"), ("paint", "KeyError")):
        fragile = Fragile()
        app = Heard(fragile)
        async with app.run_test(size=(60, 12)) as pilot:
            fragile.focus()
            fragile.show(("a",))
            fragile.fails = fails
            if fails == "key":
                await pilot.press("G")
            elif fails == "click":
                await pilot.click(Fragile, offset=(3, 1))
            else:
                fragile.show(("b",))
            await pilot.pause()
            await pilot.pause()
            assert f"This pane broke ({why}" in text(app), fails
            assert [one.startswith(why) for one in app.broken] == [True]
