"""Everything that can be done, by its words: `ctrl+p`. Made of the live bindings, with the targets that keys have now, and the themes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from textual.command import DiscoveryHit, Hit, Hits, Provider

from autoresearch_tui.cockpit import keys
from autoresearch_tui.cockpit.screens.main import MainScreen

MOVES = ("up", "down", "page-up", "page-down", "top", "bottom")
"""Known to every hand; they would be half of the list."""
KEYS = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "plus": "+",
    "equals_sign": "=",
    "minus": "-",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "pageup": "page up",
    "pagedown": "page down",
}
"""What stands on a keyboard, where Textual has a name for it."""


def shown_key(key: str) -> str:
    return KEYS.get(key, key)


class Actions(Provider):
    """What the screen below, its panes and the app can do."""

    async def discover(self) -> Hits:
        for words, callback in self._found():
            yield DiscoveryHit(words, callback)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for words, callback in self._found():
            if (score := matcher.match(words)) > 0:
                yield Hit(score, matcher.highlight(words), callback)

    def _found(self) -> Iterator[tuple[str, Callable[[], Any]]]:
        now = self._targets()
        for key, (node, binding, enabled, _) in self.screen.active_bindings.items():
            if enabled and binding.description and binding.id and binding.id not in MOVES:
                target = f"{now[key]}: " if key in now else ""
                yield f"{target}{binding.description}  ({shown_key(key)})", partial(self.app.run_action, binding.action, node)
        for name in sorted(self.app.available_themes):
            yield f"theme: {name}", partial(setattr, self.app, "theme", name)

    def _targets(self) -> dict[str, str]:
        """By key, what it would be done to."""
        below = self.screen
        if not (isinstance(below, MainScreen) and below.moment.takes_wishes):
            return {}
        now = below.moment
        return {one.key: one.says for one in keys.aims(now.run, below.selected, now.alive, now.slot)}
