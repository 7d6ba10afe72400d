"""What the journal tells of one experiment beyond its state: how its draft went, and every command that named it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from autoresearch_tui.cockpit import keys
from autoresearch_tui.cockpit.moment import Told
from autoresearch_tui.cockpit.parts.transcript import Refusal
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Command


class Order(msgspec.Struct, frozen=True):
    """A command, by whom, and what became of it."""

    at: float
    by: str
    says: str
    answer: str
    accepted: bool


class Story(msgspec.Struct, frozen=True):
    refusals: tuple[Refusal, ...] = ()
    asked: int = 0
    """Replies that came."""
    seconds: float = 0.0
    """They took, all together."""
    tokens: int = 0
    cost: float | None = 0.0
    """In dollars; None: nobody knows."""
    orders: tuple[Order, ...] = ()
    said: str = ""
    """Why nothing is known."""


def story_of(told: Sequence[Told], number: int) -> Story:
    """Of this experiment, until now."""
    facts = [one.recorded.event for one in told]
    draft = next((fact.draft for fact in facts if isinstance(fact, e.Proposed) and fact.number == number), "")
    replies = [fact for fact in facts if isinstance(fact, e.Replied) and draft and fact.draft == draft]
    broken = [fact for fact in facts if isinstance(fact, e.Spent) and draft and fact.draft == draft]
    paid: list[e.Replied | e.Spent] = [*replies, *broken]
    costs = [fact.cost for fact in paid]
    return Story(
        refusals=tuple((fact.reason, fact.detail) for fact in facts if isinstance(fact, e.Refused) and draft and fact.draft == draft),
        asked=len(replies),
        seconds=sum(fact.seconds for fact in replies),
        tokens=sum(fact.tokens_out for fact in paid),
        cost=None if None in costs else sum(cost for cost in costs if cost is not None),
        orders=_orders(told, number, draft),
    )


def _orders(told: Sequence[Told], number: int, draft: str) -> tuple[Order, ...]:
    used = {fact.command for one in told if isinstance(fact := one.recorded.event, e.Fulfilled) and fact.how == f"experiment {number}"}
    orders: dict[int, Order] = {}
    for one in told:
        match one.recorded.event:
            case e.Commanded(command=command, wish=wish) as fact if wish and (command in used or _names(wish, number, draft)):
                answer = "accepted" if fact.accepted else f"refused: {fact.why}"
                orders[command] = Order(one.recorded.at, fact.by, keys.said(wish, one.run), answer, fact.accepted)
            case e.Fulfilled(command=command, how=how) if command in orders:
                orders[command] = msgspec.structs.replace(orders[command], answer=f"done: {how}" if how else "done")
            case e.Lapsed(command=command, why=why) if command in orders:
                orders[command] = msgspec.structs.replace(orders[command], answer=f"came to nothing: {why}", accepted=False)
    return tuple(orders.values())


def _names(wish: Command, number: int, draft: str) -> bool:
    return getattr(wish, "experiment", None) == number or bool(draft and getattr(wish, "draft", "") == draft)
