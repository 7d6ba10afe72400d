"""What a text must not say: names of people, machines and folders, replaced by what stands for them, however they are written.

Owns how a known name is found in a text, and which names are too common to mean anybody. Who is named where is `persons.py`'s.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from autoresearch_tui.workspace import WorkspaceError, bundled

SHORTEST = 3  # letters of a name that is replaced where it stands alone: `al` and `x` are words of any code
CERTAIN = 6  # letters of a name that is one inside of a longer word, too
ALONE = (r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])")
COMMON = frozenset(
    """
    admin anaconda3 anthropic autoresearch autoresearch-demo bin cache claude conda config content cuda data deepseek demo desktop dev
    documents downloads env envs etc gemma github gitlab gpt home huggingface jovyan karpathy lab lib lib64 linux llama lmstudio local
    localhost media miniconda3 miniforge3 mistral mnt nanochat nanogpt nobody none nov nvidia oct ollama openai opt person phi private proc
    projects python python3 pytorch qwen repo repos root run runner sbin scratch sglang shared site-packages src srv storage sweep sys test
    tests tmp torch transformers trial trials triton ubuntu user users usr var venv vllm vscode work workspace workspaces
    """.split()  # noqa: SIM905
)
"""Folders and users of every second machine, and what everybody works with."""


class Names:
    """Known names, and what is said in their place."""

    def __init__(self, wholes: Mapping[str, str], words: Mapping[str, str]) -> None:
        self._patterns: dict[str, str] = {}
        """By how a name is written, in small letters: what finds it."""
        self._instead: dict[str, str] = {}
        for name, instead in wholes.items():
            self._add(name, instead, "", ALONE[1])
        for name, instead in words.items():
            if is_telling(name):
                self._add(name, instead, *(("", "") if len(name) >= CERTAIN else ALONE))

    def _add(self, name: str, instead: str, before: str, after: str) -> None:
        for form in forms(name) if name.strip() else ():
            self._patterns.setdefault(form.lower(), before + re.escape(form) + after)
            self._instead.setdefault(form.lower(), instead)

    def replaced(self, text: str) -> str:
        """Most texts hold none, which is quickly seen; of those that are there the longest goes first."""
        lowered = text.lower()
        there = [form for form in self._patterns if form in lowered]
        if not there:
            return text
        found = _any_of(tuple(self._patterns[form] for form in sorted(there, key=len, reverse=True)))
        return found.sub(lambda name: self._instead.get(name[0].lower(), ""), text)


@functools.lru_cache(maxsize=1000)
def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


def forms(name: str) -> set[str]:
    """The name as it is written in text, in JSON, in an address, by git and by Windows."""
    spelled = {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}
    for one in list(spelled):
        octal = "".join(chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}" for byte in one.encode("utf-8", "surrogateescape"))
        spelled |= {json.dumps(one)[1:-1], quote(one, errors="replace"), quote(one, safe="", errors="replace"), octal}
        spelled.add(one.replace("\\", "\\\\"))
    return spelled


def is_telling(name: str) -> bool:
    """Whether the name, alone in a text, says who or where: `adam` is an optimizer, `root` and `lab` are anybody's."""
    return len(name) >= SHORTEST and any(character.isalpha() for character in name) and not is_common(name)


def is_common(name: str) -> bool:
    """Every word of it is one that any night has."""
    words = re.findall(r"[^\W_]+", name.lower())
    return name.lower() in COMMON or all(word in vocabulary() or word.isdecimal() for word in words)


@functools.cache
def vocabulary() -> frozenset[str]:
    """The words of the bundled harness, and of what it is told to a model: whoever is called like one of these is not recognised by it."""
    try:
        files: Iterable[str] = [file.read_text(encoding="utf-8") for file in sorted(bundled("harness").glob("*.py"))]
        files = [*files, bundled("program.md").read_text(encoding="utf-8")]
    except (WorkspaceError, OSError):
        files = []
    return frozenset({*COMMON, *(word for text in files for word in re.findall(r"[a-z][a-z0-9]*", text.lower()))})
