"""A stand-in for an ollama server: its endpoints, its chunks, its errors, byte for byte; a table of models; and every way to fail.

    with serving(Ollama(lambda heard: "<idea>..").answer) as server: ...

or, for a whole night by hand, `python -m tests.servers.ollama --port 11434`. What a fault does to a chat is `ollama_faults.py`'s.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from tests.servers.ollama_faults import FAULTS, Chat
from tests.servers.ollama_record import Record
from tests.servers.ollama_shapes import Loaded, Model, details, listed, marshal, now, running, tagged, times
from tests.servers.wire import Heard, Line, Server

VERSION = "0.33.0"
MODEL_MISSING = "model '{}' not found"
TOO_LONG = (
    "the prompt is longer than the context length currently available to the model; shorten the prompt, "
    "adjust the context length in settings, or use a model with a longer context length"
)


class Ollama:
    """What a server knows and does; `answer` is for `wire.Server`."""

    def __init__(
        self,
        replies: Callable[[Heard], str],
        models: Iterable[Model] = (Model(),),
        faults: Iterable[str] = (),
        thoughts: str = "Let me think. The learning rate may be low.",
        pieces: int = 4,
        old: bool = False,
    ) -> None:
        self.replies = replies
        self.models = {tagged(model.name): model for model in models}
        self.faults = list(faults)
        """One for each chat to come, by its name; "" is none."""
        self.thoughts = thoughts
        self.pieces = pieces
        """Characters of a chunk: what stands for a token."""
        self.old = old
        """It knows neither `truncate` nor `shift`, and cuts a prompt in silence."""
        self.loaded: dict[str, Loaded] = {}
        self.chats: list[dict[str, Any]] = []
        """The bodies of the chats that were asked for."""
        self.record = Record()
        self.slow_to_leave_s = 0.0
        self.downloads: dict[str, Model] = {}
        """Models that can be pulled."""
        self._routes = {
            ("GET", "/"): self._greet,
            ("GET", "/api/version"): lambda heard, line: _json(line, 200, {"version": VERSION}),
            ("GET", "/api/tags"): self._tags,
            ("GET", "/api/ps"): self._ps,
            ("POST", "/api/show"): self._show,
            ("POST", "/api/generate"): self._generate,
            ("POST", "/api/pull"): self._pull,
            ("POST", "/api/chat"): self._chat,
        }
        self._lock = threading.Lock()

    def answer(self, heard: Heard, line: Line) -> None:
        route = self._routes.get((heard.method, heard.path))
        if route is None:
            line.answer(404, b"404 page not found", content_type="text/plain")
        else:
            route(heard, line)

    # --------------------------------------------------------------------------------------------------------------------------
    # What there is
    # --------------------------------------------------------------------------------------------------------------------------

    def _greet(self, heard: Heard, line: Line) -> None:
        line.answer(200, b"Ollama is running", content_type="text/plain; charset=utf-8")

    def _tags(self, heard: Heard, line: Line) -> None:
        _json(line, 200, {"models": [listed(model) for model in self.models.values()]})

    def _show(self, heard: Heard, line: Line) -> None:
        model = self._model(heard, line)
        if model is None:
            return
        facts = {
            "general.architecture": model.family,
            "general.parameter_count": 8_190_735_360,
            f"{model.family}.block_count": 36,
            f"{model.family}.context_length": model.context,
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.tokens": None,
        }
        shown = {"license": "Apache 2.0", "modelfile": f"FROM {model.name}\n", "template": "{{ .Prompt }}", "details": details(model)}
        remote = {"remote_model": model.name, "remote_host": model.remote_host} if model.remote_host else {}
        _json(line, 200, shown | remote | {"model_info": facts, "capabilities": model.capabilities, "modified_at": now()})

    def _ps(self, heard: Heard, line: Line) -> None:
        with self._lock:
            loaded = list(self.loaded.values())
        _json(line, 200, {"models": [running(one, self.old) for one in loaded]})

    def _model(self, heard: Heard, line: Line, missing: str = MODEL_MISSING) -> Model | None:
        """The one that is asked for; if there is none, that is the answer."""
        asked = heard.json.get("model") or heard.json.get("name") or ""
        model = self.models.get(tagged(asked))
        if model is None:
            _json(line, 404, {"error": missing.format(asked)})
        return model

    # --------------------------------------------------------------------------------------------------------------------------
    # Memory and disk
    # --------------------------------------------------------------------------------------------------------------------------

    def _generate(self, heard: Heard, line: Line) -> None:
        """Only what unloads a model: no prompt, kept alive for no time."""
        model = self._model(heard, line)
        if model is None:
            return
        assert not heard.json.get("prompt") and heard.json.get("keep_alive") == 0, "only unloading is spoken here"
        threading.Timer(self.slow_to_leave_s, self._unload, (model,)).start()
        _json(line, 200, {"model": heard.json["model"], "created_at": now(), "response": "", "done": True, "done_reason": "unload"})

    def _unload(self, model: Model) -> None:
        with self._lock:
            self.loaded.pop(tagged(model.name), None)
        self.record.left(tagged(model.name))

    def _pull(self, heard: Heard, line: Line) -> None:
        line.stream(content_type="application/x-ndjson")
        asked = heard.json["model"]

        def say(step: dict[str, Any]) -> None:
            line.chunk(marshal(step) + b"\n")

        say({"status": "pulling manifest"})
        model = self.downloads.get(tagged(asked))
        if model is None:
            say({"error": "pull model manifest: file does not exist"})
            line.done()
            return
        for name, size in (("a8cc1361f314", model.size - 1000), ("b21cd3b0a4f1", 1000)):
            step = {"status": f"pulling {name}", "digest": f"sha256:{name}{'0' * 52}", "total": size}
            say(step)
            for fraction in (0.3, 0.7, 1.0):
                if not line.silence(0.005):
                    return
                say(step | {"completed": int(size * fraction)})
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            say({"status": status})
        self.models[tagged(asked)] = model
        line.done()

    # --------------------------------------------------------------------------------------------------------------------------
    # A chat
    # --------------------------------------------------------------------------------------------------------------------------

    def _chat(self, heard: Heard, line: Line) -> None:
        with self.record.inference():
            self._converse(heard, line)

    def _converse(self, heard: Heard, line: Line) -> None:
        body = heard.json
        self.chats.append(body)
        fault = FAULTS[self.faults.pop(0) if self.faults else ""]
        if fault.status:
            headers = {"retry_after": fault.retry_after} if fault.retry_after else {}
            line.answer(fault.status, fault.body or marshal({"error": fault.said.format(body["model"])}), **headers)
            return
        if fault.hangs_up or not line.silence(fault.waits_s):
            line.cut()
            return
        model = self._model(heard, line)
        if model is None or not self._loads(model, body, line):
            return
        self._write(heard, line, model, fault)

    def _loads(self, model: Model, body: dict[str, Any], line: Line) -> bool:
        """Refuses what it cannot do, as the server does it before a word is said."""
        if body.get("think") and not model.thinks:
            _json(line, 400, {"error": f'"{body["model"]}" does not support thinking'})
            return False
        asked = body.get("options", {}).get("num_ctx", 4096)
        window = min(asked, model.context, model.window or asked)
        key = tagged(model.name)
        if (key not in self.loaded or self.loaded[key].window != window) and not line.silence(model.load_s):
            return False
        with self._lock:
            self.loaded[key] = Loaded(model, window)
        self.record.loaded(key, int(model.size * model.on_gpu))
        if not self.old and body.get("truncate") is False and self._prompt(body) > window - 1:
            _json(line, 400, {"error": TOO_LONG})
            return False
        return True

    def _write(self, heard: Heard, line: Line, model: Model, fault: Chat) -> None:
        """Thoughts, words and the last line, at the model's pace, until the fault strikes."""
        body, began = heard.json, time.monotonic()
        said, limit = self._said(heard, model, fault)
        remote = {"remote_model": model.name, "remote_host": model.remote_host} if model.remote_host else {}
        line.stream(content_type="application/x-ndjson")
        for number, (kind, piece) in enumerate(said[:limit]):
            if number == len(said) // 2 and fault.strikes(line, marshal):
                return
            message = {"role": "assistant", "content": ""} | {kind: piece}
            chunk = {"model": body["model"]} | remote | {"created_at": now(), "message": message, "done": False}
            line.chunk(marshal(chunk) + b"\n")
            if line.left or (model.tokens_per_s and not line.silence(1 / model.tokens_per_s)):
                return
        reason = "length" if len(said) > limit else "stop"
        took = times(model, time.monotonic() - began, self._counted(body), min(len(said), limit))
        last = {"created_at": now(), "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": reason}
        line.chunk(marshal({"model": body["model"]} | remote | last | took) + b"\n")
        line.done()

    def _said(self, heard: Heard, model: Model, fault: Chat) -> tuple[list[tuple[str, str]], int]:
        """The pieces of a reply, and how many of them the limit lets through."""
        asked = heard.json
        thinks = model.thinks and asked.get("think") is not False and not fault.empty
        text = "" if fault.empty or fault.only_thinks else fault.text or self.replies(heard)
        size = 25_000 if fault.text else self.pieces
        thoughts = [("thinking", piece) for piece in _cut(self.thoughts if thinks else "", self.pieces)]
        words = [("content", piece) for piece in _cut(text, size)]
        limit = asked.get("options", {}).get("num_predict", -1)
        if fault.half:
            limit = len(thoughts) + len(words) // 2
        return thoughts + words, limit if limit >= 0 else 10**9

    def _counted(self, body: dict[str, Any]) -> int:
        """The tokens that were read of a prompt: where it does not fit, half a window of them."""
        window = self.loaded[tagged(body["model"])].window if tagged(body["model"]) in self.loaded else 4096
        prompt = self._prompt(body)
        return prompt if prompt < window else window // 2

    def _prompt(self, body: dict[str, Any]) -> int:
        """How many tokens a prompt has, the template's own included."""
        return 12 + sum(len(message["content"]) for message in body["messages"]) // 4


def turns_a_knob(heard: Heard) -> str:
    """A reply for a night by hand: one rate of the train.py in the prompt, a little up or down."""
    prompt = heard.json["messages"][-1]["content"]
    rates = sorted(set(re.findall(r"^([A-Z][A-Z_0-9]*(?:LR|DECAY|RATIO)) = (\d+\.\d+)", prompt, re.MULTILINE)))
    if not rates:
        return "<idea>nothing to turn</idea>\n<edit>\n</edit>\n"
    draw = int.from_bytes(hashlib.sha256(heard.body).digest()[:4], "big")
    name, value = rates[draw % len(rates)]
    new = f"{float(value) * (0.8, 0.9, 1.1, 1.25)[draw // 7 % 4]:.4g}"
    return f"<idea>{name.lower()} {value} -> {new}</idea>\n<why>To see.</why>\n<edit>\nSET {name} = {new}\n</edit>\n"


def _cut(text: str, size: int) -> list[str]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def _json(line: Line, status: int, answer: Any) -> None:
    line.answer(status, marshal(answer), content_type="application/json; charset=utf-8")


def main() -> None:
    reader = argparse.ArgumentParser(description="An ollama that turns knobs, for a night by hand.")
    reader.add_argument("--port", type=int, default=11434)
    reader.add_argument("--model", default="qwen3:8b")
    reader.add_argument("--tokens-per-s", type=float, default=60.0)
    reader.add_argument("--fault", action="append", default=[], choices=sorted(FAULTS), help="of the next chat; may be given again")
    asked = reader.parse_args()
    server = Server(Ollama(turns_a_knob, [Model(asked.model, tokens_per_s=asked.tokens_per_s)], asked.fault).answer, asked.port)
    print(f"OLLAMA_HOST={server.address}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.close()


if __name__ == "__main__":
    main()
