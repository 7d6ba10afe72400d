"""What a cell of somebody's results means: a number, an amount of memory, a verdict.

Each reader gives the value and, where there is one, the rest that it did not understand, so that nothing has to be dropped.
"""

from __future__ import annotations

import math
import re

VERDICTS = ("keep", "discard", "crash")
SAID = {
    "keep": "keep kept keeper keeps accept accepted improved ✓ ✔ ✅ ☑ 👍",
    "discard": "discard discarded discards drop dropped reject rejected revert reverted rollback rolled_back ✗ ✘ ❌ ✖ x \xd7 👎",
    "crash": "crash crashed crashes error errored fail failed failure oom oomed killed timeout timed_out out_of_memory 💥",
}
WORDS = {word.replace("_", " "): verdict for verdict, words in SAID.items() for word in words.split()}
NOTHING = {"", "-", "--", "---", "\u2013", "\u2014", "?", "n/a", "na", "nan", "none", "null", "nil", "inf", "-inf", "+inf", "infinity", "∞"}
NOTHING |= {"tbd", "pending", "running", "skipped", "aborted"}
DECORATION = "*_`'\"~≈()[]{}<>!.… \ufe0f✓✔✅✗✘❌💥🔥⭐🏆🎉"

MEGABYTES, GIGABYTES, BYTES = {"m", "mb", "mib"}, {"g", "gb", "gib"}, {"bytes"}

NUMBER = re.compile(
    r"[*_`'\"~≈ ]*"
    r"(?=[-+]?[.,]?\d)(?P<digits>[-+]?(?:\d{1,3}(?:[ '_\u2019]\d{3})+(?!\d)|\d+)?(?:[.,]\d+)*(?:e[-+]?\d+)?)"
    r"(?P<rest>|\s*[gm]i?b?|\s*bytes|\s*[^\w\s.,:;#%-].*)",  # a remark, but no words: `5 layers` is no value
    re.IGNORECASE,
)


def is_number(cell: str) -> bool:
    """Whether the cell is a number and says nothing else."""
    match = NUMBER.fullmatch(cell)
    return match is not None and not match["rest"]


def read_number(cell: str) -> tuple[float | None, str]:
    """The number above zero that the cell holds, and what else it says. Zero and `n/a` are no number, and nothing else either."""
    match = NUMBER.fullmatch(cell)
    if match is None:
        return None, "" if cell.strip(DECORATION).lower() in NOTHING else cell
    value = decimal(match["digits"])
    if value is None or value < 0:
        return None, cell
    return value if value > 0 and math.isfinite(value) else None, match["rest"].strip("*_`'\" ")


def decimal(digits: str) -> float | None:
    """The value of digits with the marks of any country. One comma alone is a decimal comma."""
    digits = re.sub(r"[ '_\u2019]", "", digits)
    if "," in digits and "." in digits:
        thousands = min(",.", key=digits.rfind)
        digits = digits.replace(thousands, "")
    elif digits.count(",") > 1:
        digits = digits.replace(",", "")
    try:
        return float(digits.replace(",", "."))
    except ValueError:
        return None


def read_gigabytes(cell: str, unit: str) -> tuple[float | None, str]:
    """The memory in units of 2**30 bytes. A unit in the cell counts more than its column's; a thousand of no unit are megabytes."""
    value, rest = read_number(cell)
    own, _, after = rest.partition(" ")
    if own.lower() in MEGABYTES | GIGABYTES | BYTES:
        unit, rest = own.lower(), after
    if value is None:
        return None, rest
    if unit in MEGABYTES or (not unit and value >= 1000):
        if grouped := re.fullmatch(r"(\d{1,3}),(\d{3})", cell.removesuffix(own).strip()):  # 45,060 MB
            value = float(grouped[1] + grouped[2])
        return value / 2**10, rest
    return value / 2**30 if unit in BYTES else value, rest


def read_verdict(cell: str) -> str:
    """The verdict that the cell means, by any of its well-known names; else the cell's own words in lower case."""
    said = cell.strip().lower()
    if not said or said in VERDICTS:
        return said
    first = re.split(r"[(:,;\u2013\u2014]| - ", said.strip(DECORATION), maxsplit=1)[0].strip(DECORATION)
    for word in (said, first):
        if verdict := WORDS.get(word.replace("_", " ").replace("-", " ")):
            return verdict
    return said
