"""The line to an OpenAI-compatible server, over httpx: connecting, hanging up, and whatever breaks between, in a sentence.

No proxy variable, no .netrc and no redirect is followed: what is said to an address goes there, and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from autoresearch_tui.researchers import ResearcherDown
from autoresearch_tui.researchers.asking import fits_a_header
from autoresearch_tui.researchers.complaints import Complaint, complaint
from autoresearch_tui.researchers.sentences import cause, quoted
from autoresearch_tui.researchers.sse import Event, Events, Garbled

if TYPE_CHECKING:  # it takes a tenth of a second to import, and is not needed before somebody is asked
    import httpx

LAST_S = 2.0  # for what comes after the last word: usage, and the end of the stream, which some servers forget
BODY = 16_000_000  # bytes of an answer that is no stream: OpenRouter lists hundreds of models


class Broken(ResearcherDown):
    """The connection ended where a reply should have begun or gone on."""


class Line:
    """To one server. `who` is the server, as the sentences name it."""

    def __init__(self, base: str, key: str, who: str, connect_s: float) -> None:
        self.key = key
        self._socket = base.removeprefix("unix:") if base.startswith("unix:") else None
        self.url = "http://localhost/v1" if self._socket else base
        self._who = who
        self._connect_s = connect_s

    def client(self) -> httpx.AsyncClient:
        """One that takes a new connection for each request: a server may be about to close an old one, as uvicorn does after an error."""
        import httpx

        if not fits_a_header(self.key):
            raise ResearcherDown(f"The key for {self._who} holds characters that no key has: was it copied whole?", for_good=True)
        verify = self.url.startswith("https:")  # certificates take 20 ms to read, and http has none
        return httpx.AsyncClient(
            headers={
                "accept": "text/event-stream, application/json",
                "accept-encoding": "identity",  # what is packed comes late
                **({"authorization": f"Bearer {self.key}"} if self.key else {}),
            },
            timeout=httpx.Timeout(None, connect=self._connect_s),  # the rest is waited for patiently
            trust_env=False,
            follow_redirects=False,
            transport=httpx.AsyncHTTPTransport(
                uds=self._socket, verify=verify, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
            ),
        )

    @contextlib.contextmanager
    def failing(self) -> Iterator[None]:
        """What breaks on the way, as a sentence that names the address."""
        import httpx

        try:
            yield
        except httpx.ConnectTimeout:
            raise ResearcherDown(f"{self._who} did not take the connection for {self._connect_s:g} s.") from None
        except httpx.ConnectError as error:
            said = f"{self._who} cannot be reached ({cause(error, self.key)}): is the server running, and the address right?"
            raise ResearcherDown(said) from None
        except Garbled as error:
            raise ResearcherDown(f"{self._who} sends what is no reply ({error}): is the address right?") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, UnicodeError) as error:
            raise Broken(f"{self._who} broke the connection ({cause(error, self.key)}): its log may say why.") from None

    async def events(self, response: httpx.Response, said_all: Callable[[], bool]) -> AsyncGenerator[Event, None]:
        """Until the server has closed the stream, or has said all and only forgets to close it."""
        import httpx

        events, heard = Events(), False
        pieces = response.aiter_bytes()
        while True:
            try:
                async with asyncio.timeout(LAST_S if said_all() else None):
                    raw = await anext(pieces, None)
            except (TimeoutError, httpx.TransportError):
                if said_all():
                    return
                raise
            for event in events.end() if raw is None else events.feed(raw):
                heard = True
                yield event
            if raw is None:
                break
        if not heard and events.beginning.strip():
            raise Garbled(self.shown(events.beginning))

    async def ask(self, client: httpx.AsyncClient, method: str, url: str, body: Any = None) -> Any:
        """What only some servers know; None from the others."""
        with self.failing():
            async with client.stream(method, url, json=body) as response:
                return await body_of(response) if response.is_success else None

    async def complaint(self, response: httpx.Response) -> Complaint:
        return complaint(response.status_code, await body_of(response), self.key)

    def shown(self, text: str) -> str:
        """The beginning of what came, without the key."""
        return quoted(text, self.key, 60)


async def body_of(response: httpx.Response) -> Any:
    """The JSON of an answer, or its text where it is none."""
    raw = bytearray()
    async for piece in response.aiter_bytes():
        raw += piece
        if len(raw) > BODY:
            break
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw[:1000].decode("utf-8", "replace")
