"""A reply in the shape of a tool call: JSON with an idea and an edit, whatever its fields are called. It becomes the same reply in tags.

JSON that is not whole, that says a field twice or makes two calls, is no reply.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from autoresearch_tui.proposals.knobs import NotLiteral, value_of
from autoresearch_tui.proposals.thinking import GAP
from autoresearch_tui.proposals.unusable import Unusable

IDEA = ("idea", "title", "summary", "description", "hypothesis")
WHY = ("why", "reason", "rationale", "reasoning", "explanation", "motivation")
EDIT = ("edit", "patch", "diff", "edits", "changes", "blocks", "code", "content", "input")
PAIRS = (("search", "replace"), ("old_string", "new_string"), ("old_str", "new_str"), ("old", "new"), ("original", "updated"))
FILE = ("path", "file", "file_path", "filename")
ARGUMENTS = ("arguments", "parameters", "input", "function", "args")
CALL = re.compile(
    r"^[ \t]{0,9}(?:<tool_call>|<function_call>|\[TOOL_CALLS\]|<\|python_tag\|>)?\s{0,9}(?=[\[{]\s{0,9}[\[{\"])", re.MULTILINE
)
TRIES = 8

Call = tuple[str, str, str]
"""Idea, why and edit."""


def call_in(text: str) -> tuple[Call, int, int] | None:
    """The one call of a text, and where it stands; None if there is none. Raises Unusable for one that was cut, or for more than one."""
    found: list[tuple[Call, int, int]] = []
    end = 0
    for opening in list(zip(CALL.finditer(text), range(TRIES), strict=False)):
        start = opening[0].end()
        if start < end:
            continue
        try:
            value, end = json.JSONDecoder(object_pairs_hook=_once).raw_decode(text, start)
        except (json.JSONDecodeError, RecursionError):
            if opening[0][0].strip() or not text[:start].strip(GAP + " \t\n"):
                raise Unusable("The JSON of the reply is cut or damaged.", "reply") from None
            continue
        calls = [call for one in (value if isinstance(value, list) else [value]) if (call := _call(one))]
        if len(calls) > 1:
            raise Unusable(f"The reply makes {len(calls)} calls; it must make one.", "reply")
        found += [(call, opening[0].start(), end) for call in calls]
    if len(found) > 1:
        raise Unusable(f"The reply makes {len(found)} calls; it must make one.", "reply")
    return found[0] if found else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    named = dict(pairs)
    if len(named) < len(pairs):
        raise Unusable("The JSON of the reply has the same field twice.", "reply")
    return named


def _call(value: Any) -> Call | None:
    fields: dict[str, Any] = {}
    for layer in _layers(value):
        fields |= layer
    edit = edit_of(fields)
    if edit is None:
        return None
    return _text(fields, IDEA), _text(fields, WHY), edit


def _layers(value: Any) -> Iterator[dict[str, Any]]:
    """The object, and the arguments inside it, which some servers give as a string."""
    for _ in range(4):
        if isinstance(value, str) and value.lstrip().startswith("{"):
            try:
                value = json.loads(value, object_pairs_hook=_once)
            except (json.JSONDecodeError, RecursionError):
                raise Unusable("The JSON of the reply is cut or damaged.", "reply") from None
        if not isinstance(value, dict):
            return
        inner = next((value[name] for name in ARGUMENTS if _holds_object(value.get(name))), None)
        yield {name: part for name, part in value.items() if part is not inner or inner is None}
        value = inner


def _holds_object(value: Any) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip().startswith("{"))


def edit_of(fields: Mapping[str, Any]) -> str | None:
    """The edit of some fields, in a dialect that is read; None if they are none."""
    said = [part for part in (_pair(fields), _knobs(fields), _plain(fields)) if part is not None]
    if len(said) > 1:
        raise Unusable("The JSON of the reply holds an edit in two forms; it must hold one.", "reply")
    if not said:
        return None
    files = [fields[name] for name in FILE if isinstance(fields.get(name), str)]
    return "\n".join([*(f"File: {file}" for file in files), said[0]])


def _pair(fields: Mapping[str, Any]) -> str | None:
    for old, new in PAIRS:
        if isinstance(fields.get(old), str) and isinstance(fields.get(new), str):
            return f"<<<<<<< SEARCH\n{_lines(fields[old])}=======\n{_lines(fields[new])}>>>>>>> REPLACE"
    return None


def _lines(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _knobs(fields: Mapping[str, Any]) -> str | None:
    turned = fields.get("set", fields.get("knobs"))
    if isinstance(fields.get("knob"), str) and "value" in fields:
        turned = {fields["knob"]: fields["value"]}
    if not isinstance(turned, dict) or not turned:
        return None
    return "\n".join(f"SET {name} = {_literal(value)}" for name, value in turned.items())


def _literal(value: Any) -> str:
    """A string is a literal where it reads as one, else itself."""
    if isinstance(value, str):
        try:
            value_of(value)
        except NotLiteral:
            return repr(value)
        return value
    return repr(tuple(value)) if isinstance(value, list) else repr(value)


def _plain(fields: Mapping[str, Any]) -> str | None:
    said = [fields[name] for name in EDIT if isinstance(fields.get(name), str | list | dict)]
    if not said:
        return None
    if len(said) > 1:
        raise Unusable("The JSON of the reply holds more than one edit; it must hold one.", "reply")
    parts = said[0] if isinstance(said[0], list) else [said[0]]
    texts = [part if isinstance(part, str) else edit_of(part) if isinstance(part, dict) else None for part in parts]
    if not texts or any(text is None for text in texts):
        raise Unusable("The edit in the JSON of the reply cannot be read.", "reply")
    return "\n".join(text for text in texts if text is not None)


def _text(fields: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), "")
