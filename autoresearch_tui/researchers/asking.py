"""What every language model is asked in the same way, whoever serves it: which moves, in which words, how boldly, and how much it may say.

Pure. What only one protocol has is its researcher's.
"""

from __future__ import annotations

import hashlib

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.proposals.reply import LONGEST
from autoresearch_tui.researchers import Request

OPERATORS = ("tune", "explore", "simplify", "combine", "repair")
"""The kinds of move that a model can make of a prompt."""
ENDLESS = f"more than {LONGEST // 1_000_000} MB"
"""Why a reply is not whole that was left where no edit is as long."""
USUAL, BOLDER, CAREFUL = 0.7, 0.5, 0.2  # temperatures: of an idea; added at full heat; of a repair


def messages(prompt: Prompt, system: bool = True) -> list[dict[str, str]]:
    """A prompt as the turns of a chat, its beginning first: servers keep what they have read. Without `system` as one turn."""
    if not system:
        return [_turn("user", prompt.text)]
    return [_turn("system", prompt.rules), _turn("user", f"{prompt.code}\n\n{prompt.ask}")]


def _turn(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": sendable(text)}


def sendable(text: str) -> str:
    """A train.py may hold bytes that are no text, and halves of signs stand for them, which no server takes."""
    return text.encode("utf-8", "replace").decode()


def temperature(request: Request) -> float:
    if request.refusals or request.operator == "repair":
        return CAREFUL
    return round(USUAL + BOLDER * min(1.0, max(0.0, request.heat)), 3)


def seed(request: Request) -> int:
    """Of this reply alone, and the same when it is asked for again after a restart; 31 bits, which all servers take."""
    chance = f"{request.seed}/{request.draft}/{len(request.refusals)}"
    return int.from_bytes(hashlib.sha256(chance.encode()).digest()[:4], "big") >> 1


def fits_a_header(key: str) -> bool:
    """Whether a key can be one at all. What cannot stand in a header would be quoted, key and all, by whoever refuses to send it."""
    return key.isascii() and key.isprintable() and " " not in key
