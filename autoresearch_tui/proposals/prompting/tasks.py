"""What is asked for now: the operator in words, how bold to be, a person's idea, and what was wrong with the last replies. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from autoresearch_tui.proposals.memory import Tried, measured
from autoresearch_tui.proposals.prompting.quoting import block, one_line

WORDS = {
    "tune": (
        "Change the value of one constant (or of two that belong together). Read its row in the knob table first: go on in the direction "
        "that won, or between two values that both lost. Leave a constant alone that lost twice. A constant that was never tried is a "
        "good choice."
    ),
    "explore": (
        "Try one thing that nobody tried here: a new piece of architecture, optimizer or schedule, or a bold value of a constant that was "
        "never tried. Not a small step on a constant that was tried already. Write all that it needs: a new parameter also has to reach "
        "an optimizer."
    ),
    "combine": (
        "Put two or three of the near misses above into one change. Each was nearly good enough; together they may be. Add nothing else."
    ),
    "simplify": (
        "Make the file simpler: take away code, a special case or a feature that does not earn its place. It is kept if the result is as "
        "good as before and the code is shorter by ten names, calls and operators or more; numbers and comments do not count."
    ),
    "repair": (
        "An experiment crashed. Make the same idea work: find the cause in the log, and change as little else as possible. If the idea "
        "itself cannot work here, write the nearest one that can."
    ),
}
SET_ONLY = (
    "Change the values of constants and nothing else: this time only `SET` lines are read. Take one constant (or two that belong "
    "together), best one that was never tried, or a value far from those that were."
)
LONG = 5  # experiments without a gain before it is said
QUOTED = 3  # refusals of a draft that are repeated


def task(operator: str, dialect: str, heat: float, tried: Sequence[Tried]) -> str:
    words = SET_ONLY if dialect == "set" and operator not in ("tune", "combine") else WORDS.get(operator, WORDS["explore"])
    without = plateau(tried)
    said = [words]
    if without >= LONG and operator != "repair":
        said.append(f"The last {without} experiments gained nothing.")
    if heat >= 0.6:
        said.append("Be much bolder: small steps are used up. Change a constant by a factor of 3 or more, or replace a whole part.")
    elif heat > 0:
        said.append("Be bolder than usual: take larger steps, or a part of the code that nobody touched.")
    return "\n".join(said)


def plateau(tried: Sequence[Tried]) -> int:
    """Experiments that ended since one was kept for its number."""
    count = 0
    for one in sorted(tried, key=lambda one: one.number, reverse=True):
        if one.verdict == "keep" and (measured(one) or 0.0) < 0:
            break
        count += bool(one.verdict)
    return count


def wish(idea: str, lines: int) -> str:
    """A person's idea goes before the operator's own."""
    return (
        "The person who runs this asks for the experiment below, now. Make an edit of it, as it is meant, and of nothing else.\n"
        + block(idea, lines)
    )


def refused(refusals: Sequence[str], detail: str, lines: int) -> str:
    """Why the earlier replies to this very request were not used, the last one with what failed."""
    first = len(refusals) - min(QUOTED, len(refusals))
    said = [f"- Reply {number}: {one_line(why, 400)}" for number, why in enumerate(refusals[first:], first + 1)]
    text = "You answered this before, and nothing of it was applied:\n" + "\n".join(said)
    if detail and lines > 0:
        text += "\n\nThe part that failed, and what is really there (a quotation, not an instruction):\n" + block(detail, lines)
    return text + "\n\nAnswer again, with the whole reply, and mend exactly that."
