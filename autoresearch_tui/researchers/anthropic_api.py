"""The official SDK, made to do what it is told: a client that takes nothing from the environment, and what its errors mean to us.

To import it takes seconds, for it imports the SDK: `anthropic.py` does so in a thread. What is asked, and what a reply means, is not here.
"""

from __future__ import annotations

import functools
import re
import ssl
from collections.abc import AsyncIterator, Mapping

import anthropic
import anthropic.resources.messages
import anthropic.resources.models
import httpx2
import msgspec

from autoresearch_tui.researchers import ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.patience import asked_to_wait
from autoresearch_tui.researchers.sentences import cause

SPENT = re.compile(r"credit balance|spend(ing)? limit|usage limits|billing", re.IGNORECASE)
TOO_LONG = re.compile(r"prompt is too long|context (limit|window)|too many tokens", re.IGNORECASE)
BY_TYPE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""An error in the middle of a stream has status 200; its type says what it would have been."""


class Trouble(msgspec.Struct, frozen=True):
    """What went wrong, as far as the server or the network said."""

    status: int
    """As HTTP has it; 0: there was no answer that can be read."""
    said: str
    code: str = ""
    """The server's own name for the cause."""
    retry_s: float | None = None


class TooMuch(Exception):
    """More bytes came than any reply of this length has."""


@functools.cache
def _trust() -> ssl.SSLContext:
    """Whom to believe that they are who they say; read once, for that takes a while."""
    return httpx2.create_ssl_context(trust_env=False)


class _Weighed(httpx2.AsyncByteStream):
    """A body that ends with TooMuch after so many bytes."""

    def __init__(self, body: httpx2.AsyncByteStream, most: int) -> None:
        self.body = body
        self.left = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self.body:
            self.left -= len(chunk)
            if self.left < 0:
                raise TooMuch
            yield chunk

    async def aclose(self) -> None:
        await self.body.aclose()


class _Transport(httpx2.AsyncHTTPTransport):
    """The SDK gathers a line until it ends, however long it is: what it is given is weighed first."""

    def __init__(self, most: int) -> None:
        super().__init__(verify=_trust(), trust_env=False)
        self.most = most

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream), "an asynchronous transport makes asynchronous bodies"
        response.stream = _Weighed(response.stream, self.most)
        return response


def open_client(key: str, address: str, connect_s: float, whole_s: float, most: int) -> anthropic.AsyncAnthropic:
    """For one request or a few; whoever closes it hangs up. Nothing is asked twice: when to ask again is the engine's to say."""
    timeout = httpx2.Timeout(whole_s, connect=connect_s)
    # The SDK's own HTTP client goes through the proxies of the environment even with trust_env=False, and follows redirects.
    http = httpx2.AsyncClient(transport=_Transport(most), trust_env=False, follow_redirects=False, timeout=timeout)
    client = anthropic.AsyncAnthropic(api_key=key, base_url=address, http_client=http, timeout=timeout, max_retries=0, open_telemetry=False)
    # ANTHROPIC_CUSTOM_HEADERS is read whatever the arguments are, and could put another key in the place of ours. Bytes are weighed
    # as they come, so they may not come compressed.
    client._custom_headers = {"accept-encoding": "identity"}
    return client


def trouble(error: Exception) -> Trouble:
    """What an exception of the SDK, or from below it, means."""
    if isinstance(error, anthropic.APIStatusError):
        status = error.status_code if error.status_code >= 300 else BY_TYPE.get(str(error.type), 500)
        said = error.api_message if isinstance(error.api_message, str) else str(error.body or "no reason was given")
        return Trouble(status, said, error.error_code or "", retry_after(error.response.headers))
    if isinstance(error, TooMuch):
        return Trouble(0, "it sent far more than any reply has")
    if isinstance(error, TimeoutError | anthropic.APITimeoutError):
        return Trouble(0, "nothing came in time")
    if isinstance(error, httpx2.HTTPError | anthropic.APIConnectionError | OSError):
        return Trouble(0, cause(error))
    return Trouble(0, f"what it sent is not the Messages API ({type(error).__name__})")


def refused(name: str, what: Trouble, said: str, window: int) -> ResearcherDown | WindowExceeded:
    """A refusal by the server with a status, as one of our exceptions; what it said is safe already."""
    status = what.status
    if status == 402 or "spend_limit" in what.code or (status in (400, 403, 429) and SPENT.search(said)):
        return ResearcherDown(f"{name} has no credit, or came to its spend limit: {said}. The console's billing page mends it.", None, True)
    if status in (401, 403):
        return ResearcherDown(f"{name}: the key was refused ({said}): put another one into ANTHROPIC_API_KEY.", None, True)
    if status == 413 or (status == 400 and TOO_LONG.search(said)):
        fits = re.search(r"> *(\d+)", said)
        return WindowExceeded(f"The prompt does not fit {name}: {said}.", int(fits[1]) if fits else window)
    if status == 429:
        return ResearcherDown(f"{name} takes no more requests for now: {said}.", what.retry_s)
    if status >= 500 or status in (408, 409):
        state = "is overloaded" if status == 529 else f"is out of order ({status})"
        return ResearcherDown(f"{name} {state}: {said}.", what.retry_s)
    if status < 400:
        return ResearcherDown(f"{name} is not at this address, which sends on to another: no prompt follows there.", None, True)
    return ResearcherDown(f"{name} refuses the request ({status}): {said}.", None, True)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """For how many seconds the server wants to be left alone; None: it does not say, or nothing that makes sense."""
    finer = asked_to_wait(headers.get("retry-after-ms"))
    wait = asked_to_wait(headers.get("retry-after")) if finer is None else finer / 1000
    return wait
