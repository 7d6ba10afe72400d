"""The page of all settings, made from their types: `python -m tests.docs.settings > docs/settings.md`."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, get_args

import msgspec

from autoresearch_tui import sections
from autoresearch_tui.sections import Settings
from autoresearch_tui.settings import FLAGS as RENAMED
from autoresearch_tui.settings import KINDS, PREFIX
from autoresearch_tui.verbs.shared import FLAGS

WIDTH = 140
HEAD = """# Settings

Everything here has a default that works: a night needs no file. This page is made from the types in
[autoresearch_tui/sections.py](../autoresearch_tui/sections.py), and a test holds it to them.

## Where a value comes from

From strong to weak; `S` on the screen shows for each value where it came from:

1. an option of the command line, such as `--experiments 20`;
2. an environment variable, such as `AUTORESEARCH_TUI_LIMITS_EXPERIMENTS=20`;
3. `autoresearch.toml` in the workspace;
4. `autoresearch.toml` in your config folder: `~/.config/autoresearch-tui/` on Linux, `~/Library/Application Support/autoresearch-tui/` on
   macOS;
5. the default.

A file has a section for each heading below:

    [limits]
    experiments = 20
    until = "07:30"

A wrong value is an error that names its source, the line, and what can stand there, even where a stronger source overrides it. In
variables and options a list is written with commas, and `none` takes away what a weaker source limits.
"""


def as_page() -> str:
    return "\n".join([HEAD, *(line for field in msgspec.structs.fields(Settings) for line in _section(field.name, field.type))])


def _section(name: str, kind: Any) -> Iterator[str]:
    yield f"## [{name}]\n"
    words = (inspect.getdoc(kind) or "").removeprefix(f"`[{name}]`").lstrip(":. ")
    if words:
        yield f"{textwrap.fill(words[:1].upper() + words[1:].rstrip('.'), WIDTH)}.\n"
    reasons, defaults = _reasons(kind), kind()
    for field in kind.__struct_fields__:
        key = f"{name}.{field}"
        yield f"### {key}\n"
        yield f"{textwrap.fill(reasons[field], WIDTH, break_on_hyphens=False)}\n"
        yield f"- **may be:** {_may_be(key)}"
        yield f"- **default:** {_default(getattr(defaults, field))}"
        yield f"- **or as** {', '.join(f'`{one}`' for one in (*_flags(key), PREFIX + key.replace('.', '_').upper()))}\n"


def _reasons(kind: type) -> dict[str, str]:
    """The words below each field, which Python itself forgets."""
    body = next(
        node.body for node in ast.parse(inspect.getsource(sections)).body if isinstance(node, ast.ClassDef) and node.name == kind.__name__
    )
    found = {}
    for field, words in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            assert isinstance(words, ast.Expr) and isinstance(words.value, ast.Constant), f"{kind.__name__}.{field.target.id} says nothing"
            found[field.target.id] = str(words.value.value)
    return found


def _may_be(key: str) -> str:
    """The words of the sentence that a wrong value would get."""
    return next(found.description for found in _metas(KINDS[key]) if found.description)


def _metas(kind: Any) -> Iterator[msgspec.Meta]:
    for one in getattr(kind, "__metadata__", ()):
        if isinstance(one, msgspec.Meta):
            yield one
    for one in get_args(kind):
        if one is not kind and not isinstance(one, str | int | float):
            yield from _metas(one)


def _default(value: object) -> str:
    return "no limit" if value is None else f"`{value:g}`" if isinstance(value, float) else f"`{msgspec.json.encode(value).decode()}`"


def _flags(key: str) -> list[str]:
    """Options by which it can be said for one run."""
    found = [f"--{option.replace('_', '-')}" for option, one in FLAGS.items() if one == key]
    return [RENAMED[key]] if key in RENAMED else found


if __name__ == "__main__":
    print(as_page(), end="")
