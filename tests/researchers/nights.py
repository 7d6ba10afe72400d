"""Nights of the researcher sweep as an engine asks for them: requests, replies, and what became of each experiment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from autoresearch_tui.proposals.edits import apply
from autoresearch_tui.proposals.knobs import read_knobs
from autoresearch_tui.proposals.memory import Tried
from autoresearch_tui.proposals.reply import Reply, read_reply
from autoresearch_tui.researchers import NothingLeft, Request
from autoresearch_tui.researchers.sweep import Sweep

Changes = dict[str, tuple[str, str]]

HEAD = (Path(__file__).parents[2] / "harness" / "train.py").read_text(encoding="utf-8").partition("\nT = prepare.")[0] + "\n"
"""The real train.py down to its last knob: what follows takes long to parse, and turns nothing."""
CONTEXT = 2048
SWEEP = Sweep()

# As an upstream checkout has it: constants below the model, powers of two, no word of ours in the comments.
UPSTREAM = """import torch
from prepare import MAX_SEQ_LEN


class GPT(torch.nn.Module):
    WIDTH = 3


# Model architecture
ASPECT_RATIO = 64       # model_dim = depth * ASPECT_RATIO
HEAD_DIM = 128          # target head dimension for attention
WINDOW_PATTERN = "SSSL" # sliding window pattern: L=full, S=half context

# Optimization
TOTAL_BATCH_SIZE = 2**19 # ~524K tokens per optimizer step
EMBEDDING_LR = 0.6      # learning rate for token embeddings (Adam)
UNEMBEDDING_LR = 0.004  # learning rate for lm_head (Adam)
MATRIX_LR = 0.04        # learning rate for matrix parameters (Muon)
SCALAR_LR = 0.5         # learning rate for per-layer scalars (Adam)
WEIGHT_DECAY = 0.2      # cautious weight decay for Muon
ADAM_BETAS = (0.8, 0.95) # Adam beta1, beta2
WARMUP_RATIO = 0.0      # fraction of time budget for LR warmup
WARMDOWN_RATIO = 0.5    # fraction of time budget for LR warmdown
FINAL_LR_FRAC = 0.0     # final LR as fraction of initial

# Model size
DEPTH = 8               # number of transformer layers
DEVICE_BATCH_SIZE = 128  # per-device batch size (reduce if OOM)

torch.manual_seed(42)
H100_BF16_PEAK_FLOPS = 989.5e12
"""


def first(source: str = HEAD, operator: str = "tune", **other: object) -> Request:
    request = Request(draft="d0001", operator=operator, source=source, number=1, seed=42, context=CONTEXT, sigma=0.01)
    return msgspec.structs.replace(request, **other)


def answer(request: Request) -> Reply:
    async def text() -> str:
        return "".join([part.text async for part in SWEEP.propose(request)])

    return read_reply(asyncio.run(text()))


def changes(request: Request) -> Changes:
    """Old and new literal of each knob that the reply turns."""
    old, new = read_knobs(request.source), read_knobs(apply(request.source, answer(request).edit))
    return {name: (knob.literal, new[name].literal) for name, knob in old.items() if repr(knob.value) != repr(new[name].value)}


def refused(request: Request) -> Request:
    return msgspec.structs.replace(request, refusals=(*request.refusals, "no"))


def ended(request: Request, verdict: str, delta: float | None) -> Request:
    """The request after this one's move was trained."""
    turned = changes(request)
    parent = request.trunk[-1]
    one = Tried(request.number, turned, verdict, delta, parent, 1, request.operator)
    kept = verdict == "keep"
    return msgspec.structs.replace(
        request,
        source=apply(request.source, answer(request).edit) if kept else request.source,
        trunk=(*request.trunk, request.number) if kept else request.trunk,
        tried=(*request.tried, one),
        number=request.number + 1,
        draft=f"d{request.number + 1:04}",
        refusals=(),
    )


def every_move(request: Request, most: int = 1000) -> list[Changes]:
    """All that is ever proposed, by refusing each in turn."""
    found: list[Changes] = []
    while len(found) < most:
        try:
            found.append(changes(request))
        except NothingLeft:
            break
        request = refused(request)
    return found


def after(source: str, *turned: tuple[str, str, str, str, float | None], operator: str = "tune", **other: object) -> Request:
    """A request after these experiments: knob, old and new literal, verdict, delta. The source is the parent's, as it is now."""
    tried, trunk = [], [0]
    for number, (knob, old, new, verdict, delta) in enumerate(turned, 1):
        tried.append(Tried(number, {knob: (old, new)}, verdict, delta, trunk[-1]))
        if verdict == "keep":
            trunk.append(number)
    return first(source, operator, tried=tuple(tried), trunk=tuple(trunk), number=len(turned) + 1, **other)


def search(source: str, loss: Callable[[dict[str, object]], float], experiments: int) -> list[dict[str, object]]:
    """The values of every experiment of a night on a loss without noise, the best so far being the trunk."""
    request = first(source, sigma=1e-6)
    here = values_of(source)
    made = [here]
    for _ in range(experiments):
        try:
            values = values_of(apply(request.source, answer(request).edit))
        except NothingLeft:
            break
        delta = loss(values) - loss(here)
        request = ended(request, "keep" if delta < 0 else "discard", delta)
        here = values if delta < 0 else here
        made.append(values)
    return made


def values_of(source: str) -> dict[str, object]:
    return {name: knob.value for name, knob in read_knobs(source).items()}
