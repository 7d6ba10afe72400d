"""Published tricks for small fast pretraining, of which a model is offered the few that fit the code and were not tried.

The tricks stand in `ideas.toml`, with the patterns that tell whether a train.py has one already. That is a guess from names: a trick that
is offered and is in the code after all costs a reply, no more.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from importlib import resources

import msgspec

GOLDEN = 0.6180339887498949  # steps of this share never fall into a rhythm with the number of ideas, whichever numbers are asked for


class Known(msgspec.Struct, frozen=True):
    """One published trick, in our own words."""

    name: str
    what: str
    needs: str
    costs: str
    reported: str
    """Where, and what it gave there."""
    lacks: tuple[str, ...] = ()
    """Patterns none of which the code may have: else it has the trick."""
    has: tuple[str, ...] = ()
    """Patterns all of which the code must have."""
    tried: tuple[str, ...] = ()
    """Patterns by which an idea is recognised as this one."""

    def fits(self, source: str) -> bool:
        return all(_found(one, source) for one in self.has) and not any(_found(one, source) for one in self.lacks)

    def was_tried(self, ideas: Iterable[str]) -> bool:
        return any(self.name in _named(idea) for idea in ideas)


class _Shelf(msgspec.Struct):
    idea: tuple[Known, ...]


@functools.cache
def shelf() -> tuple[Known, ...]:
    text = resources.files(__package__).joinpath("ideas.toml").read_bytes()
    return msgspec.toml.decode(text, type=_Shelf).idea


def offered(source: str, tried_ideas: Iterable[str], number: int, n: int = 3) -> tuple[Known, ...]:
    """At most `n` tricks for the draft of this number: the same for the same, others for the next, and in a night all of them."""
    tried = frozenset[str]().union(*map(_named, tried_ideas))
    left = [one for one in _fitting(source) if one.name not in tried]
    first = int(number * GOLDEN % 1 * len(left))
    return tuple([*left[first:], *left[:first]][:n])


@functools.lru_cache(maxsize=4)  # the trunk's code, asked about for each draft
def _fitting(source: str) -> tuple[Known, ...]:
    return tuple(sorted((one for one in shelf() if one.fits(source)), key=_place))


@functools.lru_cache(maxsize=4096)  # of the ideas of a night all but one were looked at before
def _named(idea: str) -> frozenset[str]:
    """The tricks that an idea is recognised as."""
    return frozenset(one.name for one in shelf() if any(_found(pattern, idea) for pattern in (*one.tried, re.escape(one.name))))


def _place(one: Known) -> str:
    """No order of subjects: what is offered together is of different kinds."""
    return hashlib.sha256(one.name.encode()).hexdigest()


def _found(pattern: str, text: str) -> bool:
    return _compiled(pattern).search(text) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)
