"""What is said to an ollama server and what it answers, through the client of the `ollama` package.

Owns the bytes: the two fields of a chat request that the package does not know, the stream read so that nothing in it is believed
unseen, and every way to fail turned into one of a researcher's own. Does not own what to ask, or when.

It imports the package, which takes a quarter of a second: `ollama.py` imports this module when it first speaks.
"""

from __future__ import annotations

import contextlib
import json
import os
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

import httpx
from ollama import AsyncClient, ChatResponse, ResponseError

from autoresearch_tui.proposals.prompt import Prompt
from autoresearch_tui.proposals.reply import LONGEST
from autoresearch_tui.researchers import Part, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.asking import messages
from autoresearch_tui.researchers.ollama_models import KEY, is_cloud
from autoresearch_tui.researchers.patience import asked_to_wait
from autoresearch_tui.researchers.sentences import cause, quoted
from autoresearch_tui.researchers.words import Words

MOST_SAID = 100_000  # bytes of an error that are read
NONSENSE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading an answer raises, if what answers may be anything at all."""


class CannotThink(ResearcherDown):
    """The model has no thinking to switch."""


class Forwarded(ResearcherDown):
    """The model is computed by another server, which nobody knew."""


class ModelMissing(ResearcherDown):
    """The server has no model of this name."""


def client(address: str, connect: float, read: float | None = None) -> AsyncClient:
    """One that goes to this address and nowhere else: not through a proxy, not where a redirect points."""
    trust: ssl.SSLContext | bool = True
    if address.startswith("http://"):
        trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody, and costs none of the 20 ms that reading certificates takes
    timeout = httpx.Timeout(read, connect=connect)
    return AsyncClient(address, trust_env=False, follow_redirects=False, timeout=timeout, verify=trust)


def chat_request(model: str, prompt: Prompt, options: dict[str, Any]) -> dict[str, Any]:
    """The body of a request whose prompt is refused rather than cut: `truncate` and `shift` are what the package cannot say."""
    asked = {"model": model, "messages": messages(prompt), "stream": True, "options": options}
    return asked | {"truncate": False, "shift": False}


def address_of(client: AsyncClient) -> str:
    return str(client._client.base_url).rstrip("/")


async def ask(client: AsyncClient, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """An answer as it is, for the package's types leave out which models are forwarded; raises as `failing` does."""
    address, model = address_of(client), str((body or {}).get("model", ""))
    with failing(address, model):
        async with client._client.stream(method, path, json=body) as response:
            raw = await _beginning(response, LONGEST)
            if not response.is_success:
                raise _refused(address, model, response, raw)
    with reading(address):
        return dict(json.loads(raw))


async def chat(client: AsyncClient, body: dict[str, Any], may_leave: bool = False) -> AsyncGenerator[Part | ChatResponse, None]:
    """A reply as it streams, and the package's last word on it at the end; none if it was stopped for its length.

    A prompt that a server forwards, and that may not leave this machine, has left it once: the first word tells, and is the last.
    """
    address, model = address_of(client), body["model"]
    with failing(address, model):
        async with client._client.stream("POST", "/api/chat", json=body) as response:
            if not response.is_success:
                raise _refused(address, model, response, await _beginning(response, MOST_SAID))
            words, said = Words(), 0
            async for line in _lines(response.aiter_bytes()):
                if len(line) > LONGEST or said > LONGEST:
                    return
                chunk = _chunk(address, model, line, may_leave)
                thought, text = chunk.message.thinking or "", chunk.message.content or ""
                said += len(thought) + len(text)
                if thought:
                    yield Part("thinking", thought)
                for part in words.feed(text):
                    yield part
                if chunk.done:
                    for part in words.rest():
                        yield part
                    yield chunk
                    return
    raise ResearcherDown(f"ollama at {address} closed the connection in the middle of a reply: its log says why.")


@contextlib.contextmanager
def failing(address: str, model: str) -> Iterator[None]:
    """What goes wrong on the way, as a researcher's own exceptions."""
    try:
        yield
    except (httpx.ConnectError, ConnectionError, httpx.ConnectTimeout):
        raise ResearcherDown(f"no ollama answers at {address}: `ollama serve` starts it.") from None
    except httpx.TimeoutException:
        raise ResearcherDown(f"ollama at {address} is there and does not answer: starting it again may help.") from None
    except (httpx.HTTPError, OSError) as error:
        raise ResearcherDown(f"the connection to ollama at {address} broke: {cause(error, _key())}.") from None
    except ResponseError as error:
        raise refusal(address, model, error.status_code, error.error) from None


@contextlib.contextmanager
def reading(address: str) -> Iterator[None]:
    """What was answered, if it is ollama that answered."""
    try:
        yield
    except NONSENSE:
        raise ResearcherDown(f"what answers at {address} does not speak as ollama does: is the address right?") from None


def refusal(address: str, model: str, status: int, said: str, retry_after: str | None = None) -> Exception:
    """What an error of the server means for whoever waits for an experiment."""
    said, wait = quoted(said, _key()), asked_to_wait(retry_after)
    words = said.lower()
    if "context" in words and any(word in words for word in ("length", "window", "size", "exceed")):
        return WindowExceeded(f"the prompt does not fit the window of {model}: {said}.")
    if status == 413:
        return WindowExceeded(f"the prompt is too large for the server at {address}: {said or 'it says no more'}.")
    if status == 400 and "think" in words:
        return CannotThink(said)
    if status == 404 and "model" in words and "not found" in words:
        return ModelMissing(f"ollama has no model `{model}`: `ollama pull {model}` fetches it.", for_good=True)
    if status == 401:
        cure = "`ollama signin` on that machine" if is_cloud(model) else f"set {KEY}, if it wants a key"
        return ResearcherDown(f"ollama at {address} does not know who asks ({said}): {cure}.", for_good=True)
    if status == 402:
        return ResearcherDown(f"ollama's account has no credit for {model} ({said}): add some, or choose a local model.", for_good=True)
    if status in (400, 403, 404, 405, 422):
        return ResearcherDown(f"ollama at {address} refuses to run {model}, with status {status}: {said}.", for_good=True)
    if status in (429, 503):
        return ResearcherDown(f"ollama at {address} is busy ({said}).", retry_s=wait)
    where = f"with status {status}" if status > 0 else "in the middle of a reply"
    return ResearcherDown(f"ollama at {address} failed {where}: {said or 'it does not say why'}.", retry_s=wait)


def _refused(address: str, model: str, response: httpx.Response, raw: bytes) -> Exception:
    try:
        said = json.loads(raw)["error"]
    except NONSENSE:
        said = raw.decode("utf-8", "replace")
    return refusal(address, model, response.status_code, str(said), response.headers.get("retry-after"))


def _chunk(address: str, model: str, line: bytes, may_leave: bool) -> ChatResponse:
    try:
        read = json.loads(line)
        if said := read.get("error"):
            raise refusal(address, model, -1, str(said))
        if read.get("remote_host") and not may_leave:
            host = quoted(str(read["remote_host"]))
            raise Forwarded(f"{model} is not computed at {address} but forwarded to {host}: choose another model.", for_good=True)
        return ChatResponse(**read)
    except NONSENSE:
        seen = quoted(line[:200].decode("utf-8", "replace"), _key(), 40)
        raise ResearcherDown(f"ollama at {address} sent what is no reply (`{seen}`): is it ollama that listens there?") from None


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines without their ends, and what is left of the last; one that is too long comes as far as it was read."""
    held = b""
    async for raw in chunks:
        *lines, held = (held + raw).split(b"\n")
        for line in lines:
            if line.strip():
                yield line
        if len(held) > LONGEST:
            break
    if held.strip():
        yield held


async def _beginning(response: httpx.Response, most: int) -> bytes:
    raw = b""
    async for piece in response.aiter_bytes():
        raw += piece
        if len(raw) > most:
            break
    return raw


def _key() -> str:
    return os.environ.get(KEY, "")
