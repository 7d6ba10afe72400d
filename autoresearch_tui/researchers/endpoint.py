"""Where an OpenAI-compatible server is, and what it says of itself: models, windows, prices. Pure: it reads answers, it asks nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from autoresearch_tui.addresses import is_local

VERSION = re.compile(r"v\d+\w*")


class Listed(msgspec.Struct, frozen=True):
    """A model as its server lists it."""

    model: str
    window: int = 0
    """0: the list does not say."""
    prices: tuple[float, float] | None = None
    """Dollars per token, in and out."""
    names: tuple[str, ...] = ()
    """Others that it answers to."""


def base_of(address: str) -> str:
    """The address that requests are made from: with a scheme, up to and with its version; raises ValueError with a sentence.

    A unix socket is `unix:/path`. What every address of a server says of itself on starting, 0.0.0.0, is this machine.
    """
    address = address.strip()
    if address.startswith("unix:"):
        return address
    whole = address if "://" in address else f"{'http' if is_local(address) else 'https'}://{address}"
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme not in ("http", "https") or re.search(r"[\s\\%@]", parts.netloc) or parts.query:
        raise ValueError("The address of a server is like http://localhost:8080/v1, with no user, key or question in it.")
    path = re.sub(r"(/chat)?(/completions)?/*$", "", parts.path)
    if not any(VERSION.fullmatch(step) for step in path.split("/")):
        path += "/v1"
    name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{f':{port}' if port else ''}{path}"


def root_of(base: str) -> str:
    """Where a server keeps what is its own and not OpenAI's."""
    return re.sub(r"/v\d+\w*$", "", base)


def read_models(answer: Any) -> list[Listed] | None:
    """Of `/v1/models`, as vLLM, llama.cpp, LM Studio, OpenRouter and their kin fill it in; None: it is no list of models."""
    entries = answer.get("data") if isinstance(answer, dict) else answer
    return [_listed(entry) for entry in entries if isinstance(entry, dict) and entry.get("id")] if isinstance(entries, list) else None


def _listed(entry: dict[str, Any]) -> Listed:
    windows = (entry.get(name) for name in ("max_model_len", "context_length", "context_window", "max_context_length"))
    aliases = entry.get("aliases")
    return Listed(
        str(entry["id"]),
        next((size for size in windows if isinstance(size, int)), 0),
        _prices(entry.get("pricing")),
        tuple(str(alias) for alias in aliases) if isinstance(aliases, list) else (),
    )


def _prices(pricing: Any) -> tuple[float, float] | None:
    """OpenRouter's, texts of dollars; a router that chooses the model itself says -1."""
    try:
        prices = float(pricing["prompt"]), float(pricing["completion"])
    except (TypeError, KeyError, ValueError):
        return None
    return prices if min(prices) >= 0 else None


def find(model: str, listed: Sequence[Listed]) -> Listed | None:
    """The model of this name, or with none the first that may write: not one that only embeds. `:nitro` and the like are ways to it."""
    if not model:
        return next((one for one in listed if "embed" not in one.model.lower()), None)
    exact = next((one for one in listed if model == one.model or model in one.names), None)
    return exact or next((one for one in listed if model.rpartition(":")[0] == one.model), None)


def window_in_props(answer: Any) -> int:
    """Of llama.cpp's `/props`: what one request has, where several are answered side by side."""
    settings = answer.get("default_generation_settings") if isinstance(answer, dict) else None
    size = settings.get("n_ctx") if isinstance(settings, dict) else None
    return size if isinstance(size, int) else 0


def window_in_studio(model: str, answer: Any) -> int:
    """Of LM Studio's `/api/v0/models`: as it is loaded, else what it could be loaded with."""
    entries = answer.get("data") if isinstance(answer, dict) else None
    one = next((entry for entry in entries or [] if isinstance(entry, dict) and entry.get("id") == model), {})
    sizes = (one.get(name) for name in ("loaded_context_length", "max_context_length"))
    return next((size for size in sizes if isinstance(size, int)), 0)
