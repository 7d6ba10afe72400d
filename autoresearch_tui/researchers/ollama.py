"""The researcher `ollama:MODEL`: a language model that an ollama server runs, most often on this machine.

Owns when the server is asked, with which window, and what of its answers is worth knowing. How it is spoken to is `ollama_chat.py`'s, how
long it is waited for `patience.py`'s, which model to take `ollama_models.py`'s. Nothing heavy is imported before it first speaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from autoresearch_tui.addresses import is_local
from autoresearch_tui.researchers import Part, Request, ResearcherDown, WindowExceeded
from autoresearch_tui.researchers.asking import ENDLESS, OPERATORS, fits_a_header, seed, temperature
from autoresearch_tui.researchers.ollama_models import KEY, Installed, Loaded, Pulling, installed, is_cloud, same
from autoresearch_tui.researchers.patience import Patience, patiently
from autoresearch_tui.researchers.sentences import cause, offered, quoted
from autoresearch_tui.researchers.sizes import billions, dialects_for

if TYPE_CHECKING:
    from ollama import AsyncClient, ChatResponse

HOME = "http://127.0.0.1:11434"
KEEP_ALIVE = "30m"  # longer than a trial: a model that was unloaded meanwhile has to be loaded again
LOOK_S = 2.0  # a glance at what is loaded may take so long, and is left out if it takes longer
LEAVE_S = 15.0  # until an unloaded model is gone
SECOND = 1e9  # nanoseconds


class Ollama:
    """One model of one server."""

    operators: tuple[str, ...] = OPERATORS

    def __init__(
        self,
        model: str,
        address: str = HOME,
        window: int = 16384,
        answer: int = 4096,
        think: bool | str | None = None,
        patience: Patience | None = None,
        shares: bool = True,
    ) -> None:
        self.name = f"ollama:{model}"
        self.model = model
        self.address = address
        self.window = window
        self.answer = answer
        self.think = think
        """As asked for, until the model turns out to have none; None: as the model does by itself."""
        self.patience = patience or Patience()
        self.shares = shares
        self.remote = not is_local(address) or is_cloud(model)
        self.metered = is_cloud(model)
        self.dialects = dialects_for(billions(model))
        self.priced = False
        """Where somebody pays, nobody here knows how much."""
        self.missing = False
        """The server is there and has no such model: a pull mends it."""
        self.warning = ""
        """What a person should know of it, in a sentence, though it answers."""
        self._asked = window
        """The window that each request asks for: another one would load the model again."""

    # --------------------------------------------------------------------------------------------------------------------------
    # A reply
    # --------------------------------------------------------------------------------------------------------------------------

    async def propose(self, request: Request) -> AsyncGenerator[Part, None]:
        await _learn_to_speak()
        async with aclosing(patiently(self.name, self._reply(request), self.patience)) as parts:
            async for part in parts:
                yield part

    async def _reply(self, request: Request) -> AsyncGenerator[Part, None]:
        from autoresearch_tui.researchers.ollama_chat import CannotThink

        try:
            async with aclosing(self._attempt(request)) as parts:
                async for part in parts:
                    yield part
            return
        except CannotThink as error:
            if self.think is None:
                raise ResearcherDown(f"ollama refuses to run {self.model}: {error}.", for_good=True) from None
            self.think = None
        async with aclosing(self._attempt(request)) as parts:
            async for part in parts:
                yield part

    async def _attempt(self, request: Request) -> AsyncGenerator[Part, None]:
        from autoresearch_tui.researchers import ollama_chat

        assert request.prompt is not None, "a model is asked with a prompt"
        try:
            async with self._client() as client, aclosing(ollama_chat.chat(client, self._body(request), self.remote)) as answer:
                async for part in answer:
                    if not isinstance(part, Part):
                        yield self._usage(part, request.prompt.tokens, await self._loaded(client))
                        return
                    yield part
        except ollama_chat.Forwarded:
            self.remote = self.metered = True
            raise
        yield Part("usage", cost=self._cost, cut=ENDLESS)

    def _body(self, request: Request) -> dict[str, Any]:
        from autoresearch_tui.researchers.ollama_chat import chat_request

        assert request.prompt is not None, "a model is asked with a prompt"
        options = {
            "num_ctx": self._asked,
            "num_predict": self.answer,
            "temperature": temperature(request),
            "seed": seed(request),
        }
        body = chat_request(self.model, request.prompt, options) | {"keep_alive": KEEP_ALIVE}
        return body if self.think is None else body | {"think": self.think}

    def _usage(self, last: ChatResponse, estimate: int, loaded: Loaded | None) -> Part:
        """The last part; raises WindowExceeded where the server cut the prompt in silence."""
        counted, written = last.prompt_eval_count or 0, last.eval_count or 0
        self._compare(estimate, counted, loaded)
        seen = {
            "load_s": (last.load_duration or 0) / SECOND,
            "prompt_s": (last.prompt_eval_duration or 0) / SECOND,
            "total_s": (last.total_duration or 0) / SECOND,
            "tokens_per_s": written / last.eval_duration * SECOND if last.eval_duration else 0.0,
        }
        if loaded:
            seen |= {"size_vram_gb": loaded.in_vram / 1e9, "context_length": float(loaded.window), "on_cpu_share": loaded.on_cpu}
        cut = f"the limit of {self.answer} tokens" if last.done_reason == "length" else ""
        return Part("usage", tokens_in=counted, tokens_out=written, cost=self._cost, cut=cut, seen=seen)

    def _compare(self, estimate: int, counted: int, loaded: Loaded | None) -> None:
        """What was asked for, with what was got. A low count alone is no proof where the window is whole: some servers count no cache."""
        if loaded and loaded.on_cpu > 0.01:
            self.warning = f"{self.model} does not fit the GPU: {loaded.on_cpu:.0%} of it is on the CPU, which is 5 to 20 times slower."
        got = loaded.window if loaded else 0
        if 0 < got < self._asked:
            self.window = got
            self.warning = f"ollama gave {self.model} a window of {got} tokens instead of {self._asked}."
        whole = got >= self._asked
        if not whole and (estimate > got > 0 or 0 < counted < estimate / 2):
            read = f"{counted} tokens of about {estimate}"
            has = f"has {got} of the {self._asked} tokens" if got else f"is not the {self._asked} tokens"
            raise WindowExceeded(f"ollama read only {read}: its window {has} that were asked for.", window=got)

    @property
    def _cost(self) -> float | None:
        return None if self.metered else 0.0

    # --------------------------------------------------------------------------------------------------------------------------
    # What there is
    # --------------------------------------------------------------------------------------------------------------------------

    async def check(self) -> str | None:
        """As the protocol has it. What the server says of the model is known after it: its window, its size, whether it is forwarded."""
        self.missing = False
        try:
            await _learn_to_speak()
        except ResearcherDown as error:
            return str(error)
        from autoresearch_tui.researchers.ollama_chat import ModelMissing, ask, reading

        try:
            async with self._client(self.patience.gap) as client:
                shown = await ask(client, "POST", "/api/show", {"model": self.model})
            with reading(self.address):
                return self._learn(shown)
        except ModelMissing as error:
            self.missing = True
            with contextlib.suppress(ResearcherDown, WindowExceeded):
                there = [model.name for model in await self.models()]
                return f"{error} Installed: {offered(self.model, there, 8) or 'none'}."
            return str(error)
        except (ResearcherDown, WindowExceeded) as error:
            return str(error)

    def _learn(self, shown: dict[str, Any]) -> str | None:
        """Of a model that the server has; what is missing in an older server's answer is not held against it."""
        facts = shown.get("model_info") or {}
        if shown.get("remote_host") or shown.get("remote_model"):
            self.remote = self.metered = True
        if parameters := billions(str((shown.get("details") or {}).get("parameter_size", ""))) or billions(self.model):
            self.dialects = dialects_for(parameters)
        abilities = shown.get("capabilities") or ["completion", "thinking"]
        if "completion" not in abilities:
            return f"{self.model} cannot write: it is for {quoted(', '.join(map(str, abilities)))}. Choose another model."
        if "thinking" not in abilities:
            self.think = None
        longest = next((size for fact, size in facts.items() if fact.endswith(".context_length") and isinstance(size, int)), 0)
        if 0 < longest < self._asked:
            self.window = self._asked = longest
            self.warning = f"{self.model} has a window of {longest} tokens: it is asked for no more."
        if self.window <= self.answer:
            return f"the window of {self.model}, {self.window} tokens, leaves no room for a prompt beside an answer of {self.answer}."
        return None

    async def models(self) -> tuple[Installed, ...]:
        """All that this server has; raises ResearcherDown."""
        await _learn_to_speak()
        from autoresearch_tui.researchers.ollama_chat import ask, reading

        async with self._client(self.patience.gap) as client:
            listed = await ask(client, "GET", "/api/tags")
        with reading(self.address):
            return tuple(installed(model) for model in listed["models"] or ())

    async def _loaded(self, client: AsyncClient) -> Loaded | None:
        """What the server holds of this model, if it tells at once."""
        from autoresearch_tui.researchers.ollama_chat import failing, reading

        with contextlib.suppress(ResearcherDown, WindowExceeded, TimeoutError):
            async with asyncio.timeout(min(LOOK_S, self.patience.gap / 2)):
                with failing(self.address, self.model), reading(self.address):
                    running = (await client.ps()).models
            for one in running:
                if same(one.model or one.name or "", self.model):
                    return Loaded(one.size or 0, one.size_vram or 0, one.context_length or 0)
        return None

    # --------------------------------------------------------------------------------------------------------------------------
    # Memory and disk
    # --------------------------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Loads the model as a request would. Where it cannot be loaded the request says so."""
        with contextlib.suppress(ResearcherDown, WindowExceeded, TimeoutError):
            await _learn_to_speak()
            from autoresearch_tui.researchers.ollama_chat import failing, reading

            async with asyncio.timeout(self.patience.first), self._client(self.patience.first) as client:
                with failing(self.address, self.model), reading(self.address):
                    await client.generate(model=self.model, keep_alive=KEEP_ALIVE, options={"num_ctx": self._asked})

    async def release(self) -> None:
        """Unloads the model and waits until the server holds it no more. Where none is loaded, or none can be, it is done."""
        if self.metered:
            return  # computed elsewhere: nothing of it is here
        with contextlib.suppress(ResearcherDown, WindowExceeded, TimeoutError):
            await _learn_to_speak()
            from autoresearch_tui.researchers.ollama_chat import failing, reading

            async with asyncio.timeout(LEAVE_S), self._client() as client:
                with failing(self.address, self.model), reading(self.address):
                    await client.generate(model=self.model, keep_alive=0)
                while await self._loaded(client):
                    await asyncio.sleep(0.05)  # the server has no other way to tell

    async def pull(self) -> AsyncGenerator[Pulling, None]:
        """Downloads the model, saying how far it is; raises ResearcherDown. Left early, the next pull goes on from there."""
        await _learn_to_speak()
        from autoresearch_tui.researchers.ollama_chat import failing, reading

        layers: dict[str, tuple[int, int]] = {}
        status = ""
        async with self._client(self.patience.first) as client:
            with failing(self.address, self.model), reading(self.address):
                async for step in await client.pull(self.model, stream=True):
                    status = step.status or ""
                    if step.digest:
                        layers[step.digest] = (step.completed or 0, step.total or 0)
                    yield Pulling(status, sum(done for done, _ in layers.values()), sum(total for _, total in layers.values()))
        if status != "success":
            raise ResearcherDown(f"the download of {self.model} ended early: `ollama pull {self.model}` goes on where it stopped.")

    @contextlib.asynccontextmanager
    async def _client(self, read: float | None = None) -> AsyncIterator[AsyncClient]:
        """One for each errand: so nothing is left open, and no loop's connections are met in another."""
        from autoresearch_tui.researchers.ollama_chat import client

        async with client(self.address, self.patience.connect, read) as connected:
            yield connected


async def _learn_to_speak() -> None:
    """Imports the package, aside: meanwhile the night goes on; raises ResearcherDown where it cannot be.

    Its import makes a client of its own from what stands in the environment, and breaks where that makes none.
    """
    if not fits_a_header(os.environ.get(KEY, "")):
        raise ResearcherDown(f"{KEY} holds a sign that no key has: copy it again, or unset it.", for_good=True)
    try:
        await asyncio.to_thread(importlib.import_module, "autoresearch_tui.researchers.ollama_chat")
    except Exception as error:
        raise ResearcherDown(
            f"the `ollama` package cannot be loaded here ({cause(error)}): a variable may be amiss.", for_good=True
        ) from None
