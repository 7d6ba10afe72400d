"""Which form of an edit a model is taught next. Pure.

The rule, in the order in which it is read:

1. A dialect stays for three replies of a draft, the first and two repairs. Then the draft goes on in the next one; when every one had its
   three, the surest gets the rest.
2. A new draft begins with the surest: the largest share of usable replies that this model gave in it. The share is smoothed (one usable
   and one refused are added to what was seen), and one refusal is forgiven: nothing is abandoned for a single slip. Of equal shares the
   one that the researcher names first.
3. `set` can say nothing but the values of constants. It is taken for `tune` alone, and there first, while it is usable in half of the
   cases; for other operators it comes last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

REPLIES = 3  # in one dialect and draft: the first, and two repairs
GOOD = 0.5


def choose(dialects: Sequence[str], health: Mapping[str, tuple[int, int]], refused: Sequence[str], operator: str) -> str:
    """`health` says for each dialect how often it was asked for and how often usable; `refused` the dialect of each refused reply so far.

    A reply that was understood, and refused because it was tried before, is usable: no other dialect would have helped.
    """
    if not dialects:
        raise ValueError("a researcher that reads prompts must name at least one dialect")
    times = Counter(refused)
    if refused and refused[-1] in dialects and times[refused[-1]] < REPLIES:
        return refused[-1]
    ranked = sorted(dialects, key=lambda dialect: _rank(dialect, share(*health.get(dialect, (0, 0))), operator))
    return next((dialect for dialect in ranked if times[dialect] < REPLIES), ranked[0])


def share(asked: int, usable: int) -> float:
    """Of usable replies, smoothed; the first refusal is forgiven."""
    refused = max(0, asked - usable - 1)
    return (usable + 1) / (usable + refused + 2)


def _rank(dialect: str, usable: float, operator: str) -> tuple[int, float]:
    if dialect != "set":
        return 1, -usable
    if operator == "tune":
        return (0 if usable >= GOOD else 1), -usable
    return 2, -usable
