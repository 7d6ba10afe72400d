"""What a search found, marked in the text that holds it. Pure."""

from __future__ import annotations

import re

from autoresearch_tui.cockpit.drawing import Row, Span


def sought(text: str) -> re.Pattern[str]:
    """As it was typed, in large letters or small."""
    return re.compile(re.escape(text), re.IGNORECASE)


def marked(text: str, wanted: str, role: str = "", found: str = "found") -> Row:
    """In its role, but where it holds what is wanted; of nothing there is nothing."""
    spans: list[Span] = []
    at = 0
    for match in sought(wanted).finditer(text) if wanted else ():
        spans += [Span(text[at : match.start()], role), Span(match[0], found)]
        at = match.end()
    return tuple(span for span in (*spans, Span(text[at:], role)) if span.text)
