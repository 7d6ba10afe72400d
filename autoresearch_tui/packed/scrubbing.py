"""Texts without what says whose they are: known names, and what has the form of a path, an address, a person or a serial number.

Owns the patterns. A text is one of three: a model's words (names, paths and what can only be a key go), a machine's (everything that a
pattern finds), or code, which has to stay code (names, paths that stand alone in quotes, what can only be a key): `token = tokens[0]` is
no secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import IO

from autoresearch_tui.masking import masked
from autoresearch_tui.packed.names import Names

PUBLIC = ("/usr/", "/lib/", "/lib64/", "/bin/", "/sbin/", "/dev/", "/proc/", "/sys/", "/etc/", "/opt/conda/", "/python/")
"""Where paths begin that are the same on many machines."""
PART = r"[^\s/'\"`<>|:;,()\[\]{}*?\\]+"
HOME = r"~(?:[a-z_][\w.-]+)?/(?=[A-Za-z_.])"
"""A person's, by name or not. `~N/2` and `~steps/10` are numbers."""
PATH = re.compile(rf"(?<![\w.)\]}}/~])(?:{HOME}(?:{PART}/)*|/(?:{PART}/)+)(?:{PART})?")
QUOTED_PATH = re.compile(rf"""(?<=(["']))(?:{HOME}|/(?=[^"'\n/]+/))(?:[^"'\n/]+/)*[^"'\n]*(?=\1)""")
WINDOWS = re.compile(rf"(?<!\w)[A-Za-z]:\\+(?:{PART}\\+)*(?:{PART})?")
SHARE = re.compile(rf"(?<![\w:/\\])(?:\\{{2,4}}|//)(?:[A-Za-z][\w.$-]+|\d+\.[\d.]+|\(address\))(?:[/\\]{{1,2}}{PART})+")
"""Of another machine. A backslash is two in what Python shows of a text."""
IN_FILE = re.compile(r'(?<=\bFile ")[^"\n]+(?=")')
KEY = re.compile(r"\b(?:sk-|hf_|gh[a-z]_|github_pat_|glpat-|xox[a-z]-|AKIA|AIza)[-_A-Za-z0-9]{16,}")
SIGNED = re.compile(r"\beyJ[\w-]{6,}(?:\.[\w-]+){1,4}")
"""A JSON web token: `{"` begins like this."""
BEARER = re.compile(r"\b(Bearer\s+)(?=[\w.~+/=-]*\d|[\w.~+/=-]{20})[\w.~+/=-]{6,}", re.IGNORECASE)
HEADER = re.compile(r"(authorization|cookie)([\"']?\s*[:=])[^\r\n]+", re.IGNORECASE)
NUMBER = r"[-+]?\.?\d[\d.,_]*(?:e[-+]?\d+)?[a-z%]{0,3}(?![^\s,;)\]}])"
COMPUTED = r"[a-z_][\w.]*[(\[]|[(\[{]|(?:None|null|true|false)\b"
SECRET = re.compile(
    rf"((?:pass(?:word|wd|phrase)|secret|credentials?|(?:api|access|private|secret)[ _-]?key|(?P<token>token))"
    rf"(?:\\?[\"']?[ \t]*[=:][ \t]*|(?<=--password)[ \t]+|(?<=-token)[ \t]+|(?<=-key)[ \t]+|(?<=--secret)[ \t]+))"
    rf"(?(token)(?!{NUMBER}|<))(?!{COMPUTED})"
    rf"(?:\"[^\"\r\n]+\"|'[^'\r\n]+'|[^\s,;)\]}}]+)",
    re.IGNORECASE,
)
"""By the word before it. What is counted or computed is none: a log of a language model is full of tokens."""
BYTE = r"(?:25[0-5]|2[0-4]\d|1?\d?\d)"
ADDRESS = re.compile(r"(?<=<)[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?=>)")
"""In code, where `q@k.T` is a product."""
LEFT_OUT = "(left out)"
Forms = tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...]
KEYS: Forms = (
    (("sk-", "hf_", "gh", "git", "glpat-", "xox", "AKIA", "AIza"), KEY, "(key)"),
    (("eyJ",), SIGNED, "(key)"),
    (("earer", "EARER"), BEARER, r"\1(key)"),
)
"""What can be nothing else, whoever says it: letters that it cannot be without, and what is said for it."""
FORMS: Forms = (
    *KEYS,
    (("uthoriz", "UTHORIZ", "ookie", "OOKIE"), HEADER, rf"\1\2 {LEFT_OUT}"),
    (("ass", "ASS", "ecret", "ECRET", "redential", "REDENTIAL", "ey", "EY", "oken", "OKEN"), SECRET, r"\1(key)"),
    (("@",), re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)*"), "a person"),
    ((".",), re.compile(rf"(?<![\w.])(?!127\.|0\.0\.0\.0)(?:{BYTE}\.){{3}}{BYTE}(?![\w.])"), "(address)"),
    ((":",), re.compile(r"(?<![\w:-])[0-9a-f]{1,4}(?:[:-][0-9a-f]{1,4}){5,7}(?![\w:-])", re.IGNORECASE), "(address)"),
    (("::",), re.compile(r"(?<![\w:])(?:[0-9a-f]{1,4}:){1,6}:(?:[0-9a-f]{1,4}:?)*(?![\w:])", re.IGNORECASE), "(address)"),
    (("held by",), re.compile(r"held by .+? \(pid \d+\)"), "held by somebody else's run"),
    (("(pid",), re.compile(r"[^\s(][^()\n]{0,60} \(pid (\d+), [^()\n]{0,80}\)"), r"somebody (pid \1)"),
)
"""What has the form of a key, a person, an address, somebody's process, in what a machine wrote."""
SERIAL = re.compile(r"\b(?:(?:GPU|MIG)-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
LONG = 2000  # letters of a text that is looked at line by line: most lines of a log hold nothing


class Scrubber:
    """One night's: the same name is the same word everywhere in it."""

    def __init__(self, names: Names, said: Names, files: Iterable[str]) -> None:
        self._names, self._said, self._files = names, said, frozenset(files)
        self._serials: dict[str, str] = {}

    def code(self, text: str) -> str:
        text = ADDRESS.sub("a person", self._names.replaced(text))
        for needles, form, instead in KEYS:
            text = _replaced(text, needles, form, instead)
        return QUOTED_PATH.sub(lambda found: self._path(found[0]), text)

    def words(self, text: str) -> str:
        """A model's; what a person said is not quoted in them."""
        text = self._names.replaced(self._said.replaced(text))
        for needles, form, instead in KEYS:
            text = _replaced(text, needles, form, instead)
        return self._without_paths(text)

    def text(self, text: str) -> str:
        text = self._names.replaced(self._said.replaced(text))
        text = masked(text) if "://" in text else text
        text = _replaced(text, ('File "',), IN_FILE, lambda found: self._file(found[0]))
        for needles, form, instead in FORMS:
            text = _replaced(text, needles, form, instead)
        text = _replaced(text, ("-",), SERIAL, lambda found: self.serial(found[0]))
        return self._without_paths(text)

    def _without_paths(self, text: str) -> str:
        for needles, form in ((("\\\\", "//"), SHARE), (("/",), PATH), ((":\\",), WINDOWS)):
            text = _replaced(text, needles, form, lambda found: self._path(found[0]))
        return text

    def lines(self, log: IO[bytes]) -> Iterator[bytes]:
        """A log, some lines at a time: one of a gigabyte is no larger in memory than any other."""
        rest = b""
        while piece := log.read(2**20):
            piece = rest + piece
            end = max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1 or piece.rfind(b" ") + 1 or len(piece)
            rest = piece[end:]
            yield self._bytes(piece[:end])
        yield self._bytes(rest)

    def _bytes(self, text: bytes) -> bytes:
        return self.text(text.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def serial(self, serial: str) -> str:
        """A card and a boot stay the same card and the same boot."""
        kind = next((kind for kind in ("GPU-", "MIG-") if serial.startswith(kind)), "id-") if serial else ""
        return self._serials.setdefault(serial.lower(), f"{kind}{len(self._serials) + 1}") if serial else ""

    def _path(self, path: str) -> str:
        if path.startswith(PUBLIC):
            return path
        return "/" + self._file(path)

    def _file(self, path: str) -> str:
        """The name alone, and only of a file that the night is about."""
        if path.startswith((*PUBLIC, "<")):
            return path
        name = re.split(r"[/\\]", path)[-1]
        return name if name in self._files else "file"


def _replaced(text: str, needles: tuple[str, ...], form: re.Pattern[str], instead: str | Callable[[re.Match[str]], str]) -> str:
    if not any(needle in text for needle in needles):
        return text
    if len(text) < LONG:
        return form.sub(instead, text)
    lines = text.splitlines(keepends=True)
    return "".join(form.sub(instead, line) if any(needle in line for needle in needles) else line for line in lines)
