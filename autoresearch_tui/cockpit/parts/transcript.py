"""What was answered for a draft, and what was said to that. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.cockpit.parts.page import BLANK, Block, Field, Prose
from autoresearch_tui.cockpit.replies import Attempt, Reply

Refusal = tuple[str, str]
"""The reason, and the part that failed."""
ROLES = {"thinking": "dim", "text": ""}


def transcript(reply: Reply, refusals: Sequence[Refusal], kinds: Sequence[str] = ("thinking", "text")) -> list[Block]:
    """Every attempt and what became of it, in the order of time."""
    blocks: list[Block] = [Prose("The beginning is left out: it is very long.", "dim")] if reply.skipped else []
    last = {attempt.number: place for place, attempt in enumerate(reply.attempts)}
    for place, attempt in enumerate(reply.attempts):
        blocks += [BLANK] if place else []
        if len(reply.attempts) > 1:
            blocks.append(Field("attempt", attempt.number or "?", "strong"))
        blocks += _said(attempt, kinds)
        number = int(attempt.number) if attempt.number.isdecimal() else 0
        if last[attempt.number] == place and 0 < number <= len(refusals):
            blocks += _refused(refusals[number - 1])
        elif place + 1 < len(reply.attempts):
            blocks.append(Field("broke off", "it was asked for again", "warn"))
    for refusal in () if reply.attempts else refusals:
        blocks += _refused(refusal)
    return blocks


def _said(attempt: Attempt, kinds: Sequence[str]) -> list[Block]:
    texts = [(getattr(attempt, kind).strip("\n"), ROLES[kind]) for kind in kinds]
    said = [Prose(text, role) for text, role in texts if text.strip()]
    return [said[0], *(block for prose in said[1:] for block in (BLANK, prose))] if said else []


def _refused(refusal: Refusal) -> list[Block]:
    reason, detail = refusal
    return [Field("refused", reason, "bad"), *([Prose(detail, "dim")] if detail else [])]
