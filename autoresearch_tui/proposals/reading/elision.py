"""Code that was left out and only spoken of: `...`, `# rest unchanged`. It is no code, and a file with it is another file than meant."""

from __future__ import annotations

import re
from collections import Counter

NOUNS = r"(?:code|functions?|methods?|class(?:es)?|file|lines|implementation|body|parts?|definitions?|imports?|logic|script|blocks?)"
SPOKEN = re.compile(
    rf"(?i)(?:the |all |keep |your )*(?:rest|remainder|remaining|others?|existing|unchanged)\b(?: \w+){{0,3}}? {NOUNS}\b.{{0,60}}"
    rf"|(?:the |all |your )*(?:previous|original|same|current)(?: \w+){{0,2}}? {NOUNS}(?: (?:here|above|below|as before|goes here|stays))?"
    r"|.*\b(?:unchanged|omitted|as before|same as (?:before|above)|(?:remain|stay)s? the same|for brevity|rest is the same)\b.*"
    rf"|(?:add |insert |put )?(?:your )?(?:\w+ )?{NOUNS} (?:goes )?here|rest|existing"
)
DOTS = re.compile(r"\.{3}|…")
STUB = re.compile(r".*(?:=|:|\breturn|\byield|\(|,)\s?\.\.\.[),;]*")
LONGEST = 200  # characters; a longer line is something else


def elided(before: str, after: str) -> str:
    """The first line that stands for code which is not there, and did not stand there before; nothing if there is none."""
    known = Counter(line.strip() for line in before.split("\n"))
    for line in after.split("\n"):
        bare = line.strip()
        if known[bare] > 0:
            known[bare] -= 1
        elif len(bare) <= LONGEST and _stands_for_more(bare):
            return bare
    return ""


def _stands_for_more(line: str) -> bool:
    if DOTS.match(line.lstrip("#/*<!-[( \t")):
        return True
    code, mark, comment = line.partition("#")
    if not mark:
        return bool(STUB.fullmatch(line))
    comment = comment.strip("#-*=[](){}<>. \t")
    empty = not code.strip() or code.strip() == "pass"
    return bool(STUB.fullmatch(code.strip())) or (empty and bool(SPOKEN.fullmatch(comment)))
