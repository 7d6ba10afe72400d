"""What a training says of itself in its log: the line of progress that it rewrites, and the summary at its end.

Owns how these two are read, from logs that may be torn, strange or hostile. Does not own what the numbers mean. A number that is
none (nan, infinite, absurd) is None here, never zero.
"""

from __future__ import annotations

import contextlib
import math
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

STEP = re.compile(r"^step +(\d{1,12})\b(?: *\( *([^)%]*)%\))?")
NUMBER = re.compile(r"^([-+]?[0-9][0-9,]*\.?[0-9]*(?:[eE][-+]?[0-9]{1,3})?) *([A-Za-z%/]*)$")
UNITS = {"": 1.0, "%": 1.0, "ms": 1.0, "s": 1.0, "K": 1e3, "M": 1e6, "MB": 1.0, "MiB": 1.0}
ABSURD = 1e12
NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_./@-]{0,63}$")
WHOLE_LINE = re.compile(r"remaining: *[-0-9.,]+s *$")
WORD = 200  # characters of a line of the summary that is no number
LINES = 64  # of such lines


class Progress(msgspec.Struct, frozen=True):
    """One line of progress. What it does not say is None."""

    step: int
    fraction: float | None = None
    """Of the budget, 0 to 1."""
    loss: float | None = None
    lrm: float | None = None
    dt_ms: float | None = None
    tokens_per_s: float | None = None
    mfu: float | None = None
    """In per cent."""
    epoch: int | None = None
    remaining_s: float | None = None


class Summary(msgspec.Struct, frozen=True):
    """The lines after the last `---`."""

    value: float | None
    """The metric."""
    lines: int
    """How many lines of the metric's name the whole text has; more than one is odd."""
    training_seconds: float | None = None
    total_seconds: float | None = None
    peak_vram_mb: float | None = None
    mfu: float | None = None
    total_tokens_m: float | None = None
    num_steps: int | None = None
    num_params_m: float | None = None
    depth: int | None = None
    other: dict[str, str] = {}
    """Every further line, and the text of a number that is none."""


FIELDS = {
    "training_seconds": "training_seconds",
    "total_seconds": "total_seconds",
    "peak_vram_mb": "peak_vram_mb",
    "mfu_percent": "mfu",
    "total_tokens_M": "total_tokens_m",
    "num_steps": "num_steps",
    "num_params_M": "num_params_m",
    "depth": "depth",
}
WHOLE = ("num_steps", "depth")


@contextlib.contextmanager
def plain_file(path: Path) -> Iterator[int]:
    """A descriptor to read a file that a trial may have written: a regular file, no link, with one name."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(number)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is not a regular file: it is not read")
        if status.st_nlink != 1:
            raise OSError(f"{path} has {status.st_nlink} names: it is not read")
        yield number
    finally:
        os.close(number)


def read_tail(path: Path, limit: int) -> bytes:
    """The end of such a file, and never more than the limit."""
    with plain_file(path) as number:
        return tail_of(number, limit)


def tail_of(number: int, limit: int) -> bytes:
    """The end of an open file."""
    return os.pread(number, limit, max(0, os.fstat(number).st_size - limit))


def last_progress(tail: bytes) -> Progress | None:
    """The newest whole line of progress. One that may still be being written counts only where there is no other, as far as it is sure."""
    text = tail.decode("utf-8", "replace")
    lines = [line for line in re.split(r"[\r\n]", text) if STEP.match(line)]
    if lines and text.endswith(lines[-1]) and not WHOLE_LINE.search(lines[-1]):
        torn = lines.pop()
        if not lines:
            return progress_of(torn.rpartition("|")[0])
    return progress_of(lines[-1]) if lines else None


def progress_of(line: str) -> Progress | None:
    found = STEP.match(line)
    if not found:
        return None
    parts = dict(part.split(":", 1) for part in line[found.end() :].split("|") if ":" in part)
    values = {name.strip(): value.strip() for name, value in parts.items()}
    percent = number_of(found[2] or "")
    remaining = re.match(r"^[-+0-9.,]+s", values.get("remaining", ""))
    epoch = number_of(values.get("epoch", ""))
    return Progress(
        step=int(found[1]),
        fraction=None if percent is None else min(1.0, max(0.0, percent / 100)),
        loss=number_of(values.get("loss", "")),
        lrm=number_of(values.get("lrm", "")),
        dt_ms=milliseconds(values.get("dt", "")),
        tokens_per_s=number_of(values.get("tok/sec", "")),
        mfu=number_of(values.get("mfu", "")),
        epoch=None if epoch is None else int(epoch),
        remaining_s=number_of(remaining[0]) if remaining else None,
    )


def milliseconds(text: str) -> float | None:
    number = number_of(text)
    return number if number is None or text.endswith("ms") else number * 1000


def number_of(text: str) -> float | None:
    """The number that this text is, with its unit and commas; None for n/a, nan, infinite, absurd and no number at all."""
    found = NUMBER.match(text) if len(text) <= 40 else None
    if not found or found[2] not in UNITS:
        return None
    number = float(found[1].replace(",", "")) * UNITS[found[2]]
    return number if math.isfinite(number) and abs(number) < ABSURD else None


def summary(text: str, metric: str = "val_bpb") -> Summary | None:
    """What stands after the last `---` line; None without one. Of a name that comes twice the first counts."""
    lines = re.split(r"[\r\n]+", text)
    ends = [number for number, line in enumerate(lines) if line.strip() == "---"]
    if not ends:
        return None
    numbers: dict[str, float | int | None] = {}
    other: dict[str, str] = {}
    for name, value in named(lines[ends[-1] + 1 :]).items():
        field = "value" if name == metric else FIELDS.get(name)
        number = number_of(value)
        if field in WHOLE and number is not None:
            number = int(number) if number == int(number) else None
        if number is not None and number < 0 and field != "value":
            number = None
        if field:
            numbers[field] = number
        if (not field or (number is None and value != "n/a")) and len(other) < LINES:
            other[name] = "".join(filter(str.isprintable, value[: 4 * WORD]))[:WORD]
    count = sum(line.lstrip().startswith(f"{metric}:") for line in lines)
    return msgspec.convert({"value": None, **numbers, "lines": count, "other": other}, Summary)


def named(lines: list[str]) -> dict[str, str]:
    """The lines that are `name: value`; whatever else stands between them is left out."""
    found: dict[str, str] = {}
    for name, colon, value in (line.strip().partition(":") for line in lines):
        if colon and value.strip() and NAME.match(name):
            found.setdefault(name, value.strip())
    return found
