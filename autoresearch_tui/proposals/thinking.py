"""What a model thought, taken out of what it said. An edit that was only thought of is no edit.

Servers and templates differ in how much of it they leave in the text: whole tags, an end tag alone, channels, or channels whose marks
were stripped. Where thinking stood a GAP stays behind, for an edit around it would not be what was written.
"""

from __future__ import annotations

import re

from autoresearch_tui.proposals.unusable import Unusable

GAP = "\0"
TAG = re.compile(
    r"(?i:<(?P<end1>/?)(?:think(?:ing)?|thoughts?|reasoning|reflection|seed:think)>)"
    r"|\[(?P<end2>/?)THINK\]"
    r"|◁(?P<end3>/?)think▷"
    r"|<\|(?:START|(?P<end4>END))_THINKING\|>"
    r"|<\|channel>thought|(?P<end5><channel\|>)"
)
CHANNEL = re.compile(r"<\|channel\|>[ \t]*(\w+)[^<]{0,100}(?:<\|constrain\|>[ \t]*\w+)?[ \t]*<\|message\|>")
CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
BARE_ANALYSIS = re.compile(r"\s{0,9}analysis(?=[A-Z])")  # channels whose marks a server took for special tokens, and dropped
BARE_FINAL = "assistantfinal"


def without_thinking(text: str) -> str:
    return _outside_tags(_spoken(text))


def _spoken(text: str) -> str:
    """What was said in channels other than that of analysis; the text itself if there are none."""
    if BARE_ANALYSIS.match(text):
        _, final, spoken = text.partition(BARE_FINAL)
        if not final:
            raise _unfinished()
        return spoken
    if "<|channel|>" not in text:
        return text
    said = []
    for message in CHANNEL.finditer(text):
        end = CHANNEL_END.search(text, message.end())
        if message[1] != "analysis":
            said.append(text[message.end() : end.start() if end else len(text)])
        elif end is None:
            raise _unfinished()
    return f"\n{GAP}\n".join(said)


def _outside_tags(text: str) -> str:
    """Some chat templates write the opening tag themselves: then all before the end tag was thinking."""
    kept: list[str] = []
    depth = position = 0
    for tag in TAG.finditer(text):
        if depth == 0:
            kept.append(text[position : tag.start()])
        if not any(tag.groups()):
            depth += 1
        elif depth:
            depth -= 1
        else:
            kept.clear()
        kept.append(GAP)
        position = tag.end()
    if depth:
        raise _unfinished()
    return "".join([*kept, text[position:]])


def _unfinished() -> Unusable:
    return Unusable("The reply ended while its author was still thinking.", "reply")
