"""Which model of an ollama: how one is named, which fits a card, and where its server listens. Pure.

Owns nothing that is asked of a server: that is `ollama_chat.py`'s, and what was asked is `ollama.py`'s.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from autoresearch_tui.researchers.sizes import billions

PORT = 11434
KEY = "OLLAMA_API_KEY"  # the package itself reads it, when it is imported, and puts it into every request
KNOWN_TO_CODE = (
    "qwen3",
    "qwen2.5-coder",
    "gpt-oss",
    "devstral",
    "codestral",
    "gemma3",
    "gemma4",
    "deepseek",
    "mistral",
    "llama3",
    "phi4",
    "granite",
)
KV_BYTES = 56 * 1024  # a token's keys and values in 16 bits, at a billion parameters; it grows about as the root of the size
BESIDE = 800 * 1000**2  # bytes that a server needs on the card beside weights and window


class Installed(msgspec.Struct, frozen=True):
    """A model that this ollama has."""

    name: str
    size: int = 0
    """Its weights, in bytes."""
    parameters: float = 0.0
    """In billions; 0: not known."""
    family: str = ""
    forwarded: bool = False
    """It is only a name here, and computed elsewhere."""
    writes: bool = True
    """False for one that only embeds."""


class Loaded(msgspec.Struct, frozen=True):
    """A model that the server holds in memory."""

    size: int
    in_vram: int
    window: int
    """What was really set aside for it; 0: the server does not say."""

    @property
    def on_cpu(self) -> float:
        """The share of it that is not on a GPU."""
        return max(0.0, 1 - self.in_vram / self.size) if self.size else 0.0


class Pulling(msgspec.Struct, frozen=True):
    """How far a download is, in bytes of what is known of it by now."""

    status: str
    completed: int = 0
    total: int = 0


def address_of(text: str) -> str:
    """The URL of the server that a value of OLLAMA_HOST names: `host`, `host:port`, `[::1]:port`, a URL, or nothing at all.

    The same variable tells the server where to listen: to listen everywhere is to be found on this machine. Raises ValueError.
    """
    scheme, separator, rest = text.strip().strip("\"'").partition("://")
    if not separator:
        scheme, rest = "http", scheme
    if scheme not in ("http", "https"):
        raise ValueError(f"OLLAMA_HOST is `{text}`: it must be a host, host:port, or an address that begins with http:// or https://.")
    if rest.count(":") > 1 and not rest.startswith("[") and _is_ip(rest):
        rest = f"[{rest}]"
    try:
        split = urlsplit(f"{scheme}://{rest}")
        port = split.port
    except ValueError:
        raise ValueError(f"OLLAMA_HOST is `{text}`: its host or port cannot be read.") from None
    host = split.hostname or "127.0.0.1"
    if not (_is_ip(host) or re.fullmatch(r"(?=.{1,253}$)[\w-]{1,63}(\.[\w-]{1,63})*\.?", host)):
        raise ValueError(f"OLLAMA_HOST is `{text}`: `{host}` is no name of a host.")
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    if port is None:
        port = {"http": 80, "https": 443}[scheme] if separator else PORT
    path = split.path.rstrip("/")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}"


def is_cloud(model: str) -> bool:
    """Names that every ollama forwards to its maker's servers: `gpt-oss:120b-cloud`, `glm-5:cloud`."""
    tag = model.rpartition("/")[2].partition(":")[2].lower()
    return tag == "cloud" or tag.endswith(("-cloud", ":cloud"))


def same(one: str, other: str) -> bool:
    """A name without a tag means the one that is tagged latest."""
    return _tagged(one) == _tagged(other)


def installed(model: dict[str, Any]) -> Installed:
    """One of those that a server lists; raises as its JSON lets it."""
    details = model.get("details") or {}
    name = str(model.get("name") or model["model"])
    return Installed(
        name,
        int(model.get("size") or 0),
        billions(str(details.get("parameter_size") or "")) or billions(name),
        str(details.get("family") or ""),
        bool(model.get("remote_host")) or is_cloud(name),
        "completion" in (model.get("capabilities") or ["completion"]) and "bert" not in str(details.get("family") or ""),
    )


def choose(models: Iterable[Installed], free: int, window: int = 16384) -> str | None:
    """The largest that computes here and fits so many bytes with its window; one that is known to write code goes first."""
    fitting = [model for model in models if model.writes and not model.forwarded and needed(model, window) <= free]
    best = max(fitting, key=lambda model: (_codes(model), model.size, model.name), default=None)
    return best.name if best else None


def needed(model: Installed, window: int) -> float:
    """Bytes on the card, a little more than it will take: weights, keys and values of the window, buffers."""
    parameters = model.parameters or model.size / 0.6e9  # at four and a half bits each
    return model.size + window * KV_BYTES * math.sqrt(max(parameters, 1.0)) + BESIDE


def _codes(model: Installed) -> bool:
    return model.name.rpartition("/")[2].lower().startswith(KNOWN_TO_CODE)


def _tagged(name: str) -> str:
    name = name.lower()
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
