"""What would make a number lie where train.py evaluates itself: rules over the edit of a checkout whose harness is not ours.

Owns which values of a train.py belong to the measurement (the clock, the evaluation, the printed number) and that an edit leaves them
in meaning as its parent has them: whatever the parent does already is no breach. Does not own what no line may do
(`gates/frozen.py`), where values come from (`gates/origins.py`, `slices.py`), nor the signs that a training leaves behind
(`engine/evidence.py`).

These rules are there for mistakes and for casual gaming: an edit that makes the number better without making the model better is a
hundred times easier to write by accident than on purpose. Code that runs in the same process as its own evaluation can always do
more than any reading of it shows. A number that is safe from that is measured by a process of its own, as the bundled harness does.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

import msgspec

from autoresearch_tui.proposals.gates.frozen import RULES, Finding, Reading
from autoresearch_tui.proposals.gates.origins import Binding, Origins, root_of
from autoresearch_tui.proposals.gates.slices import Slice
from autoresearch_tui.proposals.knobs import NotPython, parse

BUDGET = re.compile(r"(?:.*[._])?(?:TIME_BUDGET|TRAIN(?:ING)?_(?:TIME|SECONDS)|TIME_LIMIT|BUDGET(?:_S|_SECONDS)?)")
EVALUATES = re.compile(r"(?i).*\.\w*(?:eval|bpb)\w*")
FREE = re.compile(r"(?i)batch|_bs\b|\bbs\b|device|dtype")
QUOTED = 90  # characters of a line in a sentence


def breach(parent: str, source: str, frozen: Sequence[str], metric: str = "val_bpb") -> str | None:
    """The first line of an edit that touches the measurement, and what to do instead, in a sentence; None for an honest edit.

    `frozen` are the names of the files that no experiment may edit.
    """
    try:
        before, after = _read(parent, tuple(frozen), metric), _read(source, tuple(frozen), metric)
        for rule in RULES:
            if found := _more(rule(before, before), rule(before, after)):
                return found.sentence
        return _evaluation(before, after) or _clock(before, after)
    except (NotPython, RecursionError):
        return None  # that is refused elsewhere, or mended by this very edit


@functools.lru_cache(maxsize=8)  # a parent is compared with each of its children
def _read(source: str, frozen: tuple[str, ...], metric: str) -> Reading:
    files = [PurePosixPath(name) for name in frozen]
    modules = frozenset(file.stem for file in files if file.suffix == ".py")
    return Reading(source, Origins(parse(source)), frozenset(file.name for file in files), modules, metric)


def _more(before: Iterator[Finding], after: Iterator[Finding]) -> Finding | None:
    """The first finding that the parent does not have, or has less often."""
    known = Counter(one.key for one in before)
    for one in after:
        known[one.key] -= 1
        if known[one.key] < 0:
            return one
    return None


# ------------------------------------------------------------------------------------------------------------------------------
# The evaluation and the number
# ------------------------------------------------------------------------------------------------------------------------------


def _evaluation(parent: Reading, child: Reading) -> str | None:
    metric = child.metric
    old, new = _printed(parent), _printed(child)
    if len(old) != len(new):
        return f"train.py must print `{metric}:` {_times(len(old))}, as its parent does; this one does so {_times(len(new))}."
    had, has = _evaluations(parent), _evaluations(child)
    if not had:
        return None  # its own evaluation, in its own file: there is nothing frozen to hold it to
    if len(has) > len(had):
        return f"Line {has[-1].lineno} evaluates once more: the held-out text is read {_times(len(had))}, for the number that is printed."
    free = {place for call in had for place, argument in _arguments(call) if FREE.search(f"{place} {ast.unparse(argument)}")}

    def values(reading: Reading, of: Sequence[ast.expr]) -> list[Slice]:
        shown = functools.partial(_shown, free, reading)
        return [Slice(reading.origins, one, guards=False, depth=2, rendered=shown) for one in of]

    known = [*values(parent, old), *values(parent, had)]
    for value, found in zip([*new, *has], [*values(child, new), *values(child, has)], strict=True):
        if all(found.text != one.text for one in known):
            line, what = _changed(child, found, known, value.lineno)
            call = _quoted(ast.unparse(had[0]))
            return (
                f"Line {line} (`{what}`) changes what is printed as {metric}: print what `{call}` returns, untouched; only the model and"
                " the batch size that it is given may be others."
            )
    return None


def _printed(reading: Reading) -> list[ast.expr]:
    """The expressions that stand behind the metric's name where it begins a line of output."""
    found: list[ast.expr] = []
    label = re.compile(rf"(?:^|[\r\n])\s*{re.escape(reading.metric)}\s*:")
    for node in reading.origins.scopes:
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str) and label.search(node.value)):
            continue
        holder = reading.origins.inside[node]
        if isinstance(holder, ast.JoinedStr):
            rest = holder.values[holder.values.index(node) + 1 :]
            found.append(next((part.value for part in rest if isinstance(part, ast.FormattedValue)), holder))
        elif not isinstance(holder, ast.Expr):
            found.append(holder if isinstance(holder, ast.expr) else node)
    return found


def _evaluations(reading: Reading) -> list[ast.Call]:
    dotted = reading.origins.dotted
    return [
        node
        for node in reading.origins.scopes
        if isinstance(node, ast.Call) and reading.is_frozen(name := dotted(node.func)) and EVALUATES.fullmatch(name)
    ]


def _arguments(call: ast.Call) -> list[tuple[str, ast.expr]]:
    places = [(str(index), argument) for index, argument in enumerate(call.args)]
    return places + [(keyword.arg or "**", keyword.value) for keyword in call.keywords]


def _shown(free: set[str], reading: Reading, call: ast.Call, within: Slice) -> ast.expr | None:
    """An evaluation without what may change: which model, as long as it is one, and the size of a batch."""
    name = reading.origins.dotted(call.func)
    if not (reading.is_frozen(name) and EVALUATES.fullmatch(name)):
        return None
    within.imported.add(name)
    shown = []
    for place, argument in _arguments(call):
        named = isinstance(root_of(argument), ast.Name) and not reading.is_frozen(reading.origins.dotted(argument))
        if place in ("0", "model") and named:
            text = "MODEL"
        elif place in free:
            text = "BATCH"
        else:
            text = within.render(argument)
        shown.append(ast.keyword(f"_{place}" if place != "**" else None, ast.Name(text, ast.Load())))
    return ast.Call(ast.Name(name, ast.Load()), [], shown)


def _times(count: int) -> str:
    return {0: "not at all", 1: "once", 2: "twice"}.get(count, f"{count} times")


# ------------------------------------------------------------------------------------------------------------------------------
# The clock
# ------------------------------------------------------------------------------------------------------------------------------


class End(msgspec.Struct, frozen=True):
    """A condition that ends training when the budget is used up."""

    node: ast.If | ast.While
    value: Slice


def _clock(parent: Reading, child: Reading) -> str | None:
    old, new = _ends(parent), _ends(child)
    for end in old:
        if any(end.value.text == one.value.text for one in new):
            continue
        quoted = _quoted(_first_line(parent, end.node))
        if not new:
            return f"Nothing ends training by the clock any more: leave `{quoted}` as it is."
        line, what = _changed(child, new[0].value, [one.value for one in old], new[0].node.lineno)
        return (
            f"Line {line} (`{what}`) changes the clock: when training ends, or which time counts. Leave `{quoted}`, and all that it is"
            " computed from, as they are."
        )
    jumps = _jumps(child, new)
    if len(jumps) > len(_jumps(parent, old)):
        return f"Line {jumps[-1].lineno} (`continue`) skips the clock of its loop: let every step reach the end of the loop."
    return None


def _ends(reading: Reading) -> list[End]:
    found = []
    for node in reading.origins.scopes:
        if isinstance(node, ast.While) or (isinstance(node, ast.If) and _leaves(node.body)):
            choices = node.test.values if isinstance(node.test, ast.BoolOp) and isinstance(node.test.op, ast.Or) else [node.test]
            for choice in choices:
                if isinstance(choice, ast.Constant):
                    continue
                near = Slice(reading.origins, choice, depth=1)  # a loss depends on the budget too, by way of the schedule
                if any(map(BUDGET.fullmatch, _names(near))):
                    found.append(End(node, Slice(reading.origins, choice)))
    return found


def _names(value: Slice) -> set[str]:
    """The names that a slice is about: imported ones, and constants of train.py itself."""
    return value.imported | {one.name for one in value.parts.values()}


def _leaves(body: list[ast.stmt]) -> bool:
    for statement in body:
        match statement:
            case ast.Break() | ast.Return() | ast.Raise():
                return True
            case (
                ast.Expr(value=ast.Call(func=ast.Name(id="exit" | "quit")))
                | ast.Expr(value=ast.Call(func=ast.Attribute(attr="exit" | "_exit")))
            ):
                return True
    return False


def _jumps(reading: Reading, ends: list[End]) -> list[ast.Continue]:
    """The `continue`s of the loops that such a condition ends."""
    loops = {_loop_of(reading, end.node) for end in ends}
    return [node for node in reading.origins.scopes if isinstance(node, ast.Continue) and _loop_of(reading, node) in loops]


def _loop_of(reading: Reading, node: ast.AST) -> ast.AST:
    while not isinstance(node, ast.While | ast.For | ast.Module):
        node = reading.origins.inside[node]
    return node


# ------------------------------------------------------------------------------------------------------------------------------
# Saying where
# ------------------------------------------------------------------------------------------------------------------------------


def _changed(child: Reading, found: Slice, known: list[Slice], line: int) -> tuple[int, str]:
    """The line of the first part that is new, and how it begins; if something is missing, the line that misses it."""
    old = {_form(one) for known_ in known for one in known_.parts.values()}
    new: list[Binding] = [one for text, one in found.parts.items() if all(text not in one.parts for one in known)]
    new.sort(key=lambda one: (_form(one) in old, one.line))
    line = new[0].line if new else line
    return line, _quoted(child.source.splitlines()[line - 1].strip())


def _form(one: Binding) -> str:
    guards = " ".join(map(ast.unparse, one.guards))
    return f"{one.name} {one.sign} {ast.unparse(one.value) if one.value else ''} {guards}"


def _first_line(reading: Reading, node: ast.stmt) -> str:
    return reading.source.splitlines()[node.lineno - 1].strip()


def _quoted(text: str) -> str:
    return text if len(text) <= QUOTED else f"{text[: QUOTED - 2]}.."
