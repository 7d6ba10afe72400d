"""One experiment in full, a page for each of its sections. Pure.

Owns what is said of it, and in which section. Does not own its log, which has a pane of its own, nor where replies, differences and the
past come from.
"""

from __future__ import annotations

import msgspec

from autoresearch_tui.cockpit.diff import Diff
from autoresearch_tui.cockpit.moment import Moment
from autoresearch_tui.cockpit.parts.keys import Key, Keys
from autoresearch_tui.cockpit.parts.page import BLANK, Block, Field, Page, Prose
from autoresearch_tui.cockpit.parts.story import Story
from autoresearch_tui.cockpit.parts.times import lasting, written
from autoresearch_tui.cockpit.parts.transcript import transcript
from autoresearch_tui.cockpit.replies import NO_REPLY, Reply
from autoresearch_tui.cockpit.slots import where
from autoresearch_tui.cockpit.standing import standing
from autoresearch_tui.journal.experiment import Experiment, is_same_device
from autoresearch_tui.journal.state import Run

SECTIONS = ("what", "diff", "reply", "thinking", "log", "trials", "telemetry", "commands")
"""In the order of the keys 1 to 8."""
AGAINST = {"parent": "its parent", "trunk": "the trunk", "baseline": "the baseline", "marked": "the marked row"}
VERDICTS = {"keep": "good", "crash": "bad"}


class Sheet(msgspec.Struct, frozen=True):
    title: str
    what: str
    """Which experiment, section and comparison: another one begins at its top."""
    page: Page


def bar(section: str, wide: int) -> Keys:
    """The sections, with their names where there is room for all."""
    whole = sum(len(name) + 4 for name in SECTIONS) - 2 <= wide
    named = [name if whole or name == section else "" for name in SECTIONS]
    words = enumerate(zip(SECTIONS, named, strict=True), 1)
    return Keys(tuple(Key(str(at), says, f"section('{name}')", name == section) for at, (name, says) in words))


def other_of(run: Run, one: Experiment, against: str, marked: int | None) -> Experiment | None:
    """What it is compared with."""
    number = {"parent": one.parent, "trunk": run.tip, "baseline": 0, "marked": marked}[against]
    return run.experiments.get(number) if number is not None else None


def title_of(run: Run, one: Experiment) -> str:
    state = "  ".join(filter(None, (one.verdict, f"training{where(run, one)}" if one.training else "" if one.verdict else "waits")))
    return f"#{one.number}  {one.operator}  {state}" + (f"  {one.value:.6f}" if one.value is not None and one.verdict != "crash" else "")


# ------------------------------------------------------------------------------------------------------------------------------
# What
# ------------------------------------------------------------------------------------------------------------------------------


def what(moment: Moment, one: Experiment, story: Story | None) -> Page:
    run = moment.run
    ref = f"refs/autoresearch/{run.tag}"
    fields = [
        Field("verdict", _verdict(one), VERDICTS.get(one.verdict, "")),
        Field(run.metric, _value(run, one)),
        Field("trust", _trust(run, one), "warn" if one.trust == "suspect" else ""),
        Field("in doubt", "it was compared while the machine drifted, and nobody knew" if one.adrift else "", "warn"),
        Field("device", _device(run, one)),
        Field("by", _by(one)),
        Field("parent", _parent(run, one)),
        *(Field("knob", f"{name}  {old} -> {new}", "accent") for name, (old, new) in one.changes.items()),
        Field("memory", f"{one.memory_gb:.1f} GB" if one.memory_gb else ""),
        Field("cost", _cost(run, one, story)),
        Field("commit", one.commit),
        Field("look", f"git show {ref}/{one.number}" if one.commit else ""),
        Field("compare", f"git diff {ref}/{one.parent} {ref}/{one.number}" if one.commit and one.parent is not None else ""),
    ]
    why = [Prose(one.why)] if one.why else []
    return (Prose(one.idea, "strong"), *why, BLANK, *(field for field in fields if field.text))


def _verdict(one: Experiment) -> str:
    if not one.verdict:
        kept = f"; {one.kept_by} wants it kept" if one.kept_by else ""
        return ("it trains" if one.training else "not yet") + kept
    by = "" if one.by == "policy" else f" (decided by {one.by})"
    return f"{one.verdict}: {one.reason}{by}" + ("" if one.settled else "; it is looked at again" if one.due else "")


def _value(run: Run, one: Experiment) -> str:
    if one.value is None:
        return ""
    numbers = one.numbers
    said = f"{one.value:.6f}" + (f" (mean of {len(numbers)})" if len(numbers) > 1 else "" if numbers else " (disturbed: not compared)")
    gain = standing(run).gains.get(one.number)
    if gain is None:
        return said
    chance = f", p {gain.p:.3f}" if gain.p is not None else ""
    error = f" ± {gain.error:.6f}" if gain.error else ""
    word = gain.word if gain.value > 0 else "not better"
    return f"{said}  {gain.change(run.goal):+.6f}{error} against #{one.parent}, {word}{chance}"


def _trust(run: Run, one: Experiment) -> str:
    signs = [sign for trial in one.trials for sign in trial.evidence]
    return one.trust + (": " + "; ".join(dict.fromkeys(signs)) if signs else "")


def _device(run: Run, one: Experiment) -> str:
    """Where several classes of it measure: the one that its number belongs to."""
    if len(run.devices) < 2 or not one.device:
        return ""
    same = run.baseline is None or is_same_device(one.device, run.baseline.device)
    return one.device + ("" if same else "; its number does not compare with the baseline's, which is of another class")


def _by(one: Experiment) -> str:
    if one.number == 0:
        return "nobody: train.py as the night found it"
    who = one.researcher or "no researcher: a change that was made already"
    return f"{who}, {one.operator}" + (f" of #{one.of}" if one.of is not None else "") + (f", draft {one.draft}" if one.draft else "")


def _parent(run: Run, one: Experiment) -> str:
    if one.parent is None or one.parent not in run.experiments:
        return ""
    place = "; on the trunk" if one.number in run.trunk else "; off the trunk" if one.verdict == "keep" else ""
    return f"#{one.parent}: {run.experiments[one.parent].idea}{place}"


def _cost(run: Run, one: Experiment, story: Story | None) -> str:
    seconds, taken = sum(trial.seconds for trial in one.trials), [trial.kwh for trial in one.trials if trial.kwh is not None]
    said = [f"{lasting(seconds)} of training"] if seconds else []
    said += [f"{sum(taken):.3f} kWh"] if taken else []
    rates = run.engine.rates if run.engine else None
    if rates and (money := seconds / 3600 * rates.gpu_hour + sum(taken) * rates.kwh):
        said.append(f"{money:.2f} {rates.currency}")
    if story and story.asked:
        replies = "its reply" if story.asked == 1 else f"{story.asked} replies"
        price = "a price that nobody knows" if story.cost is None else f"{story.cost:.4f} USD"
        said.append(f"{replies}: {story.tokens:,} tokens in {story.seconds:.1f} s, {price}")
    return "; ".join(said)


# ------------------------------------------------------------------------------------------------------------------------------
# Difference, reply, thinking
# ------------------------------------------------------------------------------------------------------------------------------


def difference(one: Experiment, other: Experiment | None, against: str, found: Diff | None) -> Page:
    if other is None and against == "marked":
        return (Prose("No row is marked: m marks one in the results."),)
    if other is None:
        return (Prose("Nothing to compare: the baseline is train.py as the night found it."),)
    if other.number == one.number:
        return (Prose(f"#{one.number} is {AGAINST[against]} itself."),)
    if found is None:
        return (Prose("It is being read from git.", "dim"),)
    count = f"{found.added:,} line{'s' if found.added != 1 else ''} came, {found.removed:,} went" if found.hunks else ""
    head = f"#{one.number} against {AGAINST[against]} #{other.number}" + (f": {count}" if count else "")
    return (Prose(head, "strong"), BLANK, found)


def replied(one: Experiment, reply: Reply, story: Story | None, kind: str) -> Page:
    """The texts of all attempts, or what was thought."""
    if not one.draft or (one.of is not None and one.operator != "repair"):
        return (Prose("No researcher was asked for it: there is no reply.", "dim"),)
    if reply == NO_REPLY:
        return (Prose(f"There is no reply of draft {one.draft} any more.", "dim"),)
    blocks = transcript(reply, story.refusals if story else (), (kind,))
    said = any(getattr(attempt, kind).strip() for attempt in reply.attempts)
    return tuple(blocks) if said else (Prose(f"{one.researcher or 'It'} showed no {kind}.", "dim"), *blocks)


# ------------------------------------------------------------------------------------------------------------------------------
# Commands
# ------------------------------------------------------------------------------------------------------------------------------


def commands(story: Story | None) -> Page:
    if story is None:
        return (Prose("The journal is being read.", "dim"),)
    if story.said:
        return (Prose(story.said, "warn"),)
    blocks: list[Block] = []
    for order in story.orders:
        blocks.append(Field(written(order.at), f"{order.says}, by {order.by}"))
        blocks.append(Field("", order.answer, "good" if order.accepted else "bad"))
    return tuple(blocks) or (Prose("No command named it: K keeps it, X discards it, A trains it once more.", "dim"),)
