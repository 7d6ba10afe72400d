"""What changes are worth beside one another, where each was written without knowing of the other.

Most add up. Of a hundred pairs, twenty do in part the same, and lack together up to twice what the smaller of them does alone: some are
worse together than either. Five are to the same lines, and the later one does not fit. A change that was written for code with the other
one in it is worth there what it is worth.
"""

from __future__ import annotations

import random
from typing import NamedTuple

MISFIT = 0.05
OVERLAP = 0.2
BOTH = 2.0


class Idea(NamedTuple):
    """A change, wherever it is made."""

    number: int
    worth: float
    known: frozenset[int]
    """The ideas in the code that it was written for."""


class Mixture:
    """All that was thought of in one night."""

    def __init__(self, seed: int, overlap: float = OVERLAP) -> None:
        self.seed, self.overlap = seed, overlap
        self.ideas: list[Idea] = []

    def add(self, worth: float, known: frozenset[int]) -> Idea:
        self.ideas.append(Idea(len(self.ideas), worth, known))
        return self.ideas[-1]

    def fits(self, idea: Idea, beside: frozenset[int]) -> bool:
        return all(self._pair(idea.number, other).random() >= MISFIT for other in beside - idea.known)

    def worth(self, idea: Idea, beside: frozenset[int]) -> float:
        return idea.worth - sum(self._lacking(idea, other) for other in beside - idea.known)

    def _lacking(self, idea: Idea, other: int) -> float:
        chance = self._pair(idea.number, other)
        if chance.random() >= MISFIT + self.overlap:
            return 0.0
        return chance.uniform(0, BOTH) * min(abs(idea.worth), abs(self.ideas[other].worth))

    def _pair(self, one: int, other: int) -> random.Random:
        return random.Random(f"{self.seed} {min(one, other)} {max(one, other)}")
