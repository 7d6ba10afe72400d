"""How to reply, in the one form of an edit that is taught, with an example out of this very train.py. Pure.

The example is real: what it searches is there once, and what it sets is a knob. Small models copy examples, so it is one that does no
harm: a step that was tried already and lost, which is refused before it is trained, or else no change at all.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence

from autoresearch_tui.proposals.knobs import BYTE_ORDER_MARK, Knob, NotPython, parse, read_knobs, set_knobs
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.prompting.quoting import TICKS, fence

TAGS = """Reply with these three parts, in this order, and nothing else:

<idea>one line of at most 120 characters: what you change</idea>
<why>one to three sentences: why it should help</why>
<edit>
{edit}
</edit>
"""
SET = """One line `SET NAME = value` for each constant that you change. NAME is a constant that stands at the top
level of the code above, in capitals. The value is a plain number, string, True, False, None or tuple, of the same
kind as before. Nothing else may stand in <edit>: no code, no comments."""
BLOCKS = """One block, or several. The lines after SEARCH must be copied from the code above exactly, with all their
spaces and comments, whole lines, and so many of them that they are found in one place only. The lines after =======
replace them; write all of them. Never write `...` for code that you leave out. To change only a constant you may
write a line `SET NAME = value` instead of a block."""
FUNCTION = """The whole new text of one top-level function or class of the code above, from its `def` or `class` line
(with its decorators) to its last line, in one fence. It replaces the one of the same name. To change several, write
several fences. Write every line: never `...`, never "unchanged"."""
FILE = """The whole new file, in one fence, from its first line to its last. It replaces the old one. Write every
line: never `...`, never "rest unchanged". Most lines will be the same as above."""
SHORT = 12  # lines of a function that serves as an example
NAMES = re.compile(r"LR|RATE|RATIO|DECAY")  # knobs that everybody understands


def how_to_reply(dialect: str, source: str, lost: Sequence[Tried] = ()) -> str:
    """The reply format; of a dialect that is not known, that of `blocks`. `lost` are the discards that started from this very code."""
    if dialect == "set":
        return TAGS.format(edit="SET NAME = value") + f"\n{SET}\n\n{_set_example(source, lost)}"
    if dialect == "function":
        return (
            TAGS.format(edit="```python\ndef name(its, arguments):\n    every line of it\n```")
            + f"\n{FUNCTION}\n\n{_function_example(source)}"
        )
    if dialect == "file":
        return TAGS.format(edit="```python\nevery line of the new file\n```") + f"\n{FILE}{_file_example(source)}"
    return (
        TAGS.format(edit=_search("whole lines of the code above", "the lines that replace them"))
        + f"\n{BLOCKS}\n\n{_block_example(source, lost)}"
    )


def _search(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"


def _shown(said: str, idea: str, why: str, edit: str) -> str:
    return f"{said}\n\n<idea>{idea}</idea>\n<why>{why}</why>\n<edit>\n{edit}\n</edit>"


# ------------------------------------------------------------------------------------------------------------------------------
# Examples
# ------------------------------------------------------------------------------------------------------------------------------


def _set_example(source: str, lost: Sequence[Tried]) -> str:
    knob, literal, known = _step(source, lost)
    if knob is None:
        return "The code above has no such constants: reply with an empty <edit>, and it will be asked for in another form."
    return _shown(*_words(knob, literal, known), f"SET {knob.name} = {literal}")


def _block_example(source: str, lost: Sequence[Tried]) -> str:
    knob, literal, known = _step(source, lost)
    lines = source.removeprefix(BYTE_ORDER_MARK).split("\n")
    if knob is not None and literal in (after := set_knobs(source, {knob.name: literal}).removeprefix(BYTE_ORDER_MARK)):
        new = after.split("\n")
        if len(new) == len(lines) and lines.count(lines[knob.line - 1]) == 1:
            return _shown(*_words(knob, literal, known), _search(lines[knob.line - 1].rstrip("\r"), new[knob.line - 1].rstrip("\r")))
    line = next((one for one in lines if one.strip() and lines.count(one) == 1), "").rstrip("\r")
    if not line:
        return "No line of the code above stands there once, to be shown as an example."
    said = "An example of the form. It changes nothing; your edit must."
    return _shown(said, "one line that says what is changed", "Why it should help.", _search(line, line))


def _function_example(source: str) -> str:
    text = _short_function(source)
    if not text:
        return "There is no short function here to show as an example."
    said = "An example of the form. It is a function as it stands in the code and changes nothing; yours must."
    return _shown(said, "one line that says what is changed", "Why it should help.", fence(text, "python"))


def _file_example(source: str) -> str:
    lines = [line for line in source.removeprefix(BYTE_ORDER_MARK).splitlines() if line.strip()]
    longest = max(map(len, TICKS.findall(source)), default=0)
    wide = f" The fence needs {longest + 1} backticks: the code has {longest} in a row." if longest >= 3 else ""
    return (
        f"\nIt begins with `{lines[0].strip()[:80]}` and ends with `{lines[-1].strip()[:80]}`, unless you change these.{wide}"
        if lines
        else wide
    )


def _words(knob: Knob, literal: str, known: int | None) -> tuple[str, str, str]:
    if known is None:
        said = f"An example of the form. It sets {knob.name} to what it is and changes nothing; your edit must change something."
        return said, f"{knob.name} stays {literal}", "Only to show the form."
    said = f"An example of the form. This step was tried as #{known} and lost: do not propose it again."
    return said, f"{knob.name} {knob.literal} -> {literal}", "Why it should help."


def _step(source: str, lost: Sequence[Tried]) -> tuple[Knob | None, str, int | None]:
    """A knob, a value for it, and the experiment that tried it from here and lost."""
    try:
        knobs = read_knobs(source)
    except NotPython:
        return None, "", None
    single = {name: knob for name, knob in knobs.items() if "\n" not in knob.literal and knob.literal in source}
    steps = [one for one in lost if len(one.changes) == 1 and _from_here(one, single)]
    if steps:
        one = max(steps, key=lambda one: one.number)
        ((name, (_, new)),) = one.changes.items()
        return single[name], new, one.number
    numbers = [knob for knob in single.values() if isinstance(knob.value, int | float) and not isinstance(knob.value, bool)]
    best = next((knob for knob in numbers if NAMES.search(knob.name)), next(iter(numbers or single.values()), None))
    return best, best.literal if best else "", None


def _from_here(one: Tried, knobs: Mapping[str, Knob]) -> bool:
    ((name, (old, new)),) = one.changes.items()
    return name in knobs and knobs[name].literal == old and new.isprintable() and len(new) < 40 and not set(new) & set("<`")


def _short_function(source: str) -> str:
    try:
        tree = parse(source)
    except NotPython:
        return ""
    spans = [
        (node.end_lineno - node.lineno, node.lineno, node.end_lineno)
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and not node.decorator_list and node.end_lineno is not None
    ]
    length, first, last = min(spans, default=(SHORT, 0, 0))
    lines = source.removeprefix(BYTE_ORDER_MARK).split("\n")
    return "\n".join(line.rstrip("\r") for line in lines[first - 1 : last]) if length < SHORT else ""
