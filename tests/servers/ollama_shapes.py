"""What an ollama server says of its models and of a chat, in the shapes and the JSON of the real one."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any

import msgspec


class Model(msgspec.Struct, frozen=True):
    """A row of the table."""

    name: str = "qwen3:8b"
    size: int = 5_200_000_000
    parameters: str = "8.2B"
    family: str = "qwen3"
    context: int = 40960
    """The longest window that it was made for."""
    load_s: float = 0.0
    tokens_per_s: float = 0.0
    """0: all at once."""
    thinks: bool = True
    abilities: tuple[str, ...] = ("completion", "tools")
    remote_host: str = ""
    on_gpu: float = 1.0
    """The share of it that fits the card."""
    window: int = 0
    """What it is given at most, whatever is asked; 0: what is asked."""

    @property
    def capabilities(self) -> list[str]:
        return [*self.abilities, *(["thinking"] if self.thinks else [])]


class Loaded(msgspec.Struct):
    """A model in memory."""

    model: Model
    window: int


def marshal(value: Any) -> bytes:
    """As the server's language writes JSON: no spaces, and three characters escaped that HTML would take for its own."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").encode()


def times(model: Model, took_s: float, read: int, written: int) -> dict[str, int]:
    """What the last line of a chat tells, in nanoseconds and tokens."""
    load = int(model.load_s * 1e9) + 52_000_000
    writing = int(written / (model.tokens_per_s or 1000.0) * 1e9)
    times = {"total_duration": int(took_s * 1e9) + load, "load_duration": load, "prompt_eval_count": read}
    return times | {"prompt_eval_duration": 210_000_000, "eval_count": written, "eval_duration": writing}


def now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"


def _digest(model: Model) -> str:
    return hashlib.sha256(model.name.encode()).hexdigest()


def details(model: Model) -> dict[str, Any]:
    about = {"parent_model": "", "format": "gguf", "family": model.family, "families": [model.family]}
    return about | {"parameter_size": model.parameters, "quantization_level": "Q4_K_M"}


def listed(model: Model) -> dict[str, Any]:
    remote = {"remote_model": model.name, "remote_host": model.remote_host} if model.remote_host else {}
    names = {"name": tagged(model.name), "model": tagged(model.name)}
    size = {"modified_at": "2026-10-01T08:00:00.123456789+02:00", "size": model.size, "digest": _digest(model)}
    return names | remote | size | {"details": details(model), "capabilities": model.capabilities}


def running(one: Loaded, old: bool) -> dict[str, Any]:
    model = one.model
    names = {"name": tagged(model.name), "model": tagged(model.name), "size": model.size, "digest": _digest(model)}
    memory = {"details": details(model), "expires_at": "2318-10-01T08:00:00Z", "size_vram": int(model.size * model.on_gpu)}
    return names | memory | ({} if old else {"context_length": one.window})
