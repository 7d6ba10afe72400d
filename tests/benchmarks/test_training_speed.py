"""train.py trains on a CPU at least as fast as the same model and optimizer written down in the most straightforward way.

Each kind is a process of its own, for the allocator's settings are a process's. They go step by step in turn and count the
processor's seconds of their one thread, so that what else the machine does meets all of them alike. Run as a script, this file
is one such process: `test_training_speed.py ours|plain|allocator|same WORKSPACE`.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

ROUNDS, WARMUP, STEPS = 5, 4, 12
TOKENS = 4096  # of a step of the demo profile
KINDS = {"ours": "train.py", "plain": "plain", "allocator": "plain, our allocator settings"}
HARNESS = Path(__file__).parents[2] / "harness"

# ---------------------------------------------------------------------------------------------------------------------------------
# The same model, straightforwardly; `knobs` is the workspace's train.py, of which it takes the numbers
# ---------------------------------------------------------------------------------------------------------------------------------


def norm(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + torch.finfo(x.dtype).eps)


def rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.size(-1) // 2
    left, right = x[..., :half], x[..., half:]
    return torch.cat([left * cos + right * sin, right * cos - left * sin], dim=-1)


class PlainBlock(nn.Module):
    def __init__(self, knobs: Any, layer: int, vocab_size: int) -> None:
        super().__init__()
        width, self.heads, self.head_dim = knobs.WIDTH, knobs.HEADS, knobs.HEAD_DIM
        self.q, self.k, self.v, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up = nn.Linear(width, knobs.MLP_RATIO * width, bias=False)
        self.down = nn.Linear(knobs.MLP_RATIO * width, width, bias=False)
        self.value = self.gate = None
        if (knobs.DEPTH - 1 - layer) % 2 == 0:
            self.value = nn.Embedding(vocab_size, width)
            self.gate = nn.Linear(32, self.heads, bias=False)

    def forward(self, x: Tensor, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, width = x.shape
        h = norm(x)
        q = self.q(h).view(batch, length, self.heads, self.head_dim)
        k = self.k(h).view(batch, length, self.heads, self.head_dim)
        v = self.v(h).view(batch, length, self.heads, self.head_dim)
        if self.value is not None and self.gate is not None:
            share = 2 * torch.sigmoid(self.gate(h[..., :32]))
            v = v + share.unsqueeze(-1) * self.value(tokens).view(batch, length, self.heads, self.head_dim)
        q, k = norm(rotary(q, cos, sin)), norm(rotary(k, cos, sin))
        y = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(batch, length, width))
        mlp: Tensor = self.down(F.relu(self.up(norm(x))).square())
        return x + mlp


class PlainGPT(nn.Module):
    cos: Tensor
    sin: Tensor

    def __init__(self, knobs: Any, vocab_size: int) -> None:
        super().__init__()
        assert knobs.ACTIVATION == "relu2" and knobs.VALUE_EMBEDDINGS == "alternate" and knobs.WINDOW_PATTERN == "L" and not knobs.KV_HEADS
        self.softcap = knobs.SOFTCAP
        self.embedding = nn.Embedding(vocab_size, knobs.WIDTH)
        self.blocks = nn.ModuleList(PlainBlock(knobs, layer, vocab_size) for layer in range(knobs.DEPTH))
        self.head = nn.Linear(knobs.WIDTH, vocab_size, bias=False)
        self.residual = nn.Parameter(torch.ones(knobs.DEPTH))
        self.x0 = nn.Parameter(torch.zeros(knobs.DEPTH))
        frequencies = knobs.ROPE_BASE ** (-torch.arange(0, knobs.HEAD_DIM, 2) / knobs.HEAD_DIM)
        angles = torch.outer(torch.arange(knobs.T), frequencies).unsqueeze(1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        x = x0 = norm(self.embedding(tokens))
        for layer, block in enumerate(self.blocks):
            x = block(self.residual[layer] * x + self.x0[layer] * x0, tokens, self.cos, self.sin)
        logits = self.softcap * torch.tanh(self.head(norm(x)) / self.softcap)
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))


class PlainMuon:
    """One matrix after the other."""

    def __init__(self, knobs: Any, matrices: list[nn.Parameter]) -> None:
        self.knobs, self.matrices = knobs, matrices
        self.mean = [torch.zeros_like(matrix) for matrix in matrices]
        self.square = [torch.zeros(m.size(0), 1) if m.size(0) >= m.size(1) else torch.zeros(1, m.size(1)) for m in matrices]

    @torch.no_grad()
    def step(self) -> None:
        momentum, decay = self.knobs.MUON_MOMENTUM, self.knobs.WEIGHT_DECAY
        for weight, mean, square in zip(self.matrices, self.mean, self.square, strict=True):
            assert weight.grad is not None
            rows, columns = weight.shape
            mean.mul_(momentum).add_(weight.grad, alpha=1 - momentum)
            x = (1 - momentum) * weight.grad + momentum * mean
            if rows > columns:
                x = x.T
            x = x / (1.02 * x.norm() + 1e-6)
            for a, b, c in self.knobs.POLAR_EXPRESS[: self.knobs.MUON_STEPS]:
                xx = x @ x.T
                x = a * x + (b * xx + c * xx @ xx) @ x
            if rows > columns:
                x = x.T
            size = x.square().mean(dim=1 if rows >= columns else 0, keepdim=True)
            square.mul_(0.95).add_(size, alpha=0.05)
            scale = square.clamp_min(1e-10).rsqrt()
            scale = scale * (size.sum() / (size * scale.square()).sum().clamp_min(1e-10)).sqrt()
            x = x * scale
            lr = self.knobs.MATRIX_LR * max(1.0, rows / columns) ** 0.5
            weight.sub_(lr * (x + decay * weight * (x * weight >= 0)))


def plain_optimizers(knobs: Any, model: PlainGPT) -> list[Any]:
    embeddings = [model.embedding.weight, *(block.value.weight for block in model.blocks if block.value is not None)]  # type: ignore[union-attr]
    matrices = [weight for weight in model.blocks.parameters() if not any(weight is embedding for embedding in embeddings)]
    adam = torch.optim.AdamW(
        [
            {"params": [model.head.weight], "lr": knobs.UNEMBEDDING_LR * knobs.LR_SCALE},
            {"params": embeddings, "lr": knobs.EMBEDDING_LR * knobs.LR_SCALE, "weight_decay": knobs.EMBEDDING_WEIGHT_DECAY},
            {"params": [model.residual], "lr": knobs.SCALAR_LR * 0.01},
            {"params": [model.x0], "lr": knobs.SCALAR_LR, "betas": (0.96, 0.95)},
        ],
        betas=knobs.ADAM_BETAS,
        eps=1e-10,
        weight_decay=0.0,
        foreach=False,
    )
    return [adam, PlainMuon(knobs, matrices)]


# ---------------------------------------------------------------------------------------------------------------------------------
# One process
# ---------------------------------------------------------------------------------------------------------------------------------


def batch_source(prepare: Any, rows: int) -> Any:
    """The harness's loader without its device, whose choice sets the allocator."""
    documents = prepare.Documents(prepare.DATA / "train")
    for batch, _ in prepare.pack(documents, prepare.endless(len(documents), prepare.SEED), rows):
        whole = torch.from_numpy(batch.astype("int64"))
        yield whole[:, :-1], whole[:, 1:]


class Turns:
    """What one process says after each of its steps: the processor's seconds that it took. Then it waits to be asked for the next."""

    def __init__(self) -> None:
        self.out, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  (where progress lines go from now on)
        self.began = time.process_time()

    def over(self) -> None:
        print(time.process_time() - self.began, file=self.out, flush=True)
        sys.stdin.readline()
        self.began = time.process_time()


def run_ours(prepare: Any, knobs: Any) -> None:
    """The real training, loop and clock and progress line and all."""
    turns, step = Turns(), prepare.Clock.step

    def step_and_wait(*arguments: Any) -> None:
        step(*arguments)
        turns.over()

    prepare.Clock.step = step_and_wait
    knobs.main()


def run_plain(prepare: Any, knobs: Any, allocator: bool) -> None:
    torch.set_num_threads(1)
    torch.set_float32_matmul_precision("high")
    if allocator:
        prepare.device()
    torch.manual_seed(prepare.SEED)
    model = PlainGPT(knobs, prepare.VOCAB_SIZE)
    optimizers = plain_optimizers(knobs, model)
    batches = batch_source(prepare, knobs.DEVICE_BATCH_SIZE)
    passes = knobs.TOTAL_BATCH_SIZE // (knobs.DEVICE_BATCH_SIZE * knobs.T)
    turns = Turns()
    for _ in range(WARMUP + STEPS):
        for _ in range(passes):
            tokens, targets = next(batches)
            loss = model(tokens, targets)
            (loss / passes).backward()
        for optimizer in optimizers:
            optimizer.step()
        model.zero_grad(set_to_none=True)
        loss.item()
        turns.over()


def prove_same(prepare: Any, knobs: Any) -> None:
    """From the same weights: the same loss, and after three steps of both optimizers still the same weights."""
    torch.manual_seed(prepare.SEED)
    ours = knobs.build_model()
    with torch.no_grad():
        for weight in ours.parameters():  # none may be zero, or it would hide what stands behind it
            weight.add_(0.05 * torch.randn_like(weight))
    plain = PlainGPT(knobs, prepare.VOCAB_SIZE)
    plain.load_state_dict(ours.state_dict())
    optimizers = knobs.optimizers_of(ours), plain_optimizers(knobs, plain)
    batches = batch_source(prepare, knobs.DEVICE_BATCH_SIZE)
    for step in range(3):
        tokens, targets = next(batches)
        losses = [model(tokens, targets) for model in (ours, plain)]
        print(f"step {step}: loss {losses[0].item():.6f} and {losses[1].item():.6f}")
        torch.testing.assert_close(losses[0], losses[1], rtol=1e-5, atol=1e-5)
        for model, loss, theirs in zip((ours, plain), losses, optimizers, strict=True):
            loss.backward()
            for optimizer in theirs:
                optimizer.step()
            model.zero_grad(set_to_none=True)
    for (name, one), other in zip(ours.named_parameters(), plain.parameters(), strict=True):
        apart = ((one - other).norm() / one.norm()).item()
        assert apart < 1e-3, f"{name} is {apart:.1e} apart"


# ---------------------------------------------------------------------------------------------------------------------------------
# The measurement
# ---------------------------------------------------------------------------------------------------------------------------------


def output_of(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def seconds_of_steps(workspace: Path) -> dict[str, list[float]]:
    """Of one process of each kind, which go step by step in turn."""
    environment = os.environ | {"AUTORESEARCH_STEPS": str(WARMUP + STEPS), "AUTORESEARCH_TRIAL": "speed"}  # a trial is not evaluated here
    children = {
        kind: subprocess.Popen(
            [sys.executable, __file__, kind, workspace],
            cwd=workspace, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        for kind in KINDS
    }  # fmt: skip
    seconds: dict[str, list[float]] = {kind: [] for kind in KINDS}
    try:
        for turn in range(WARMUP + STEPS):
            for kind, child in children.items():
                assert child.stdin is not None and child.stdout is not None
                if turn:
                    print(file=child.stdin, flush=True)
                line = child.stdout.readline()
                assert line, f"{kind} ended"
                seconds[kind].append(float(line))
    finally:
        for child in children.values():
            child.kill()
            child.communicate()
    return {kind: values[WARMUP:] for kind, values in seconds.items()}


@pytest.mark.slow
def test_training_is_as_fast_as_plain_code(tmp_path: Path, data_cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = tmp_path / "lab"
    output_of(HARNESS / "prepare.py", "new", workspace, "--profile", "demo", folder=tmp_path)
    output_of("prepare.py", folder=workspace)
    same = output_of(__file__, "same", workspace, folder=workspace)
    rounds = [{kind: statistics.median(steps) for kind, steps in seconds_of_steps(workspace).items()} for _ in range(ROUNDS)]
    ratios = {kind: statistics.median(one[kind] / one["ours"] for one in rounds) for kind in KINDS}
    with capsys.disabled():
        print(f"\n{same.strip()}\ntokens a second of one thread, medians of {ROUNDS} processes of each kind:")
        for kind, name in KINDS.items():
            rate = TOKENS / statistics.median(one[kind] for one in rounds)
            print(f"  {name:<30} {rate:>8,.0f}   train.py is {ratios[kind]:.3f} times as fast")
    assert ratios["plain"] >= 1.0


def main(kind: str, workspace: str) -> None:
    sys.path.insert(0, workspace)
    import prepare
    import train

    if kind == "same":
        prove_same(prepare, train)
    elif kind == "ours":
        run_ours(prepare, train)
    else:
        assert train.TOTAL_BATCH_SIZE == TOKENS
        run_plain(prepare, train, allocator=kind == "allocator")


if __name__ == "__main__":
    main(*sys.argv[1:])
