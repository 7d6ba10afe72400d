"""A small GPT and its training: the half of the workspace that the researcher edits. The goal is the lowest val_bpb in the budget.

The contract (prepare.py checks it, and says what is wrong): importing this file trains nothing; `build_model()` takes no arguments
and returns an nn.Module; in eval() mode `model(tokens)` takes int64 [B, T] and returns logits [B, T, VOCAB_SIZE], each position from
its own past in its own row alone; its state is parameters and buffers; seed, data, clock and checkpoint come from prepare.py.
Everything else may change: the model, the optimizer, the schedule, the loop.
"""

import functools
import importlib.util
from typing import Any

import prepare  # first: it sets up torch's caches
import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Size of the model
DEPTH = 8  # layers
ASPECT_RATIO = 64  # width of the model per layer; the width is rounded up to whole heads
HEAD_DIM = 128  # width of one attention head; 128 is what the GPU's kernels like best
KV_HEADS = 0  # heads that keys and values have; 0: as many as queries
MLP_RATIO = 4  # width of the MLP's inside, in widths of the model
WINDOW_PATTERN = "SSSL"  # one of: L, SL, SSL, SSSL; layer by layer, L sees the whole context, S a part of it; the last layer is L
SHORT_WINDOW = 0.5  # what an S layer sees, as a share of the context
ACTIVATION = "relu2"  # one of: relu2, gelu, silu; relu2 is sparse, and needs no exponential
VALUE_EMBEDDINGS = "alternate"  # one of: alternate, all, none; layers whose values get the token's own embedding added
SOFTCAP = 15.0  # logits stay between minus and plus this; 0: no cap
ROPE_BASE = 10000  # wavelength of the slowest rotation; a longer context wants a larger one

# Where the training begins
EMBEDDING_STD = 1.0  # of the token embeddings, which are normalised right after
HEAD_STD = 0.001  # of the output layer: nearly zero, so the first loss is that of a guess
INIT_SCALE = 1.0  # of the matrices inside the blocks, in units of 1/sqrt(width)
X0_LAMBDA = 0.1  # how much of the embedding is mixed back into each layer's input

# Optimization: Muon for matrices, AdamW for the rest
TOTAL_BATCH_SIZE = 2**19  # tokens in an optimizer step
DEVICE_BATCH_SIZE = 128  # rows in one pass; lower it when memory is short, the total stays
MATRIX_LR = 0.04  # Muon, matrices of the blocks
EMBEDDING_LR = 0.6  # AdamW, token and value embeddings; scaled by 1/sqrt(width / 768), as is the next
UNEMBEDDING_LR = 0.004  # AdamW, output layer
SCALAR_LR = 0.5  # AdamW, the mixing of the residual stream
WEIGHT_DECAY = 0.2  # Muon, only where the step agrees with the weight; goes down to zero over the budget
EMBEDDING_WEIGHT_DECAY = 0.0  # AdamW, token and value embeddings
ADAM_BETAS = (0.8, 0.95)  # memory of mean and square: short, for a short training
MUON_MOMENTUM = 0.95  # reached from 0.85 over the first 300 steps
MUON_STEPS = 5  # one of: 3, 4, 5; iterations towards an orthogonal step
WARMUP_RATIO = 0.0  # share of the budget over which the learning rates go up
WARMDOWN_RATIO = 0.5  # share of the budget over which they go down
FINAL_LR_FRAC = 0.0  # where they end, as a share of where they were

T = prepare.MAX_SEQ_LEN
WIDTH = -(-DEPTH * ASPECT_RATIO // HEAD_DIM) * HEAD_DIM
HEADS = WIDTH // HEAD_DIM
LR_SCALE = (WIDTH / 768) ** -0.5

# ---------------------------------------------------------------------------------------------------------------------------------
# Attention
# ---------------------------------------------------------------------------------------------------------------------------------


def window_of(layer: int) -> int:
    """How many tokens back a layer sees, itself included."""
    short = WINDOW_PATTERN[layer % len(WINDOW_PATTERN)] == "S" and layer < DEPTH - 1
    return max(1, int(T * SHORT_WINDOW)) if short else T


def flash_attention() -> Any:
    """FlashAttention's own kernel, if it is installed: it knows windows, and is the fastest where it runs."""
    if prepare.device().type == "cuda" and prepare.dtype() == torch.bfloat16:
        for package in ("flash_attn_interface", "flash_attn"):
            if importlib.util.find_spec(package):
                return importlib.import_module(package).flash_attn_func
    return None


@functools.cache
def flex_attention(window: int) -> Any:
    """FlexAttention skips the blocks that a window hides; imported where it is used, for it brings the compiler along."""
    flex = importlib.import_module("torch.nn.attention.flex_attention")
    mask = flex.create_block_mask(lambda b, h, q, k: (k <= q) & (q - k < window), None, None, T, T, device=prepare.device())
    return functools.partial(flex.flex_attention, block_mask=mask)


class Attention(nn.Module):
    """Causal attention over a window, [B, T, heads, HEAD_DIM], by the best kernel that is there.

    Kernel and masks are found here, while the model is built: looked for in a compiled graph, they would cut it in pieces.
    """

    def __init__(self, window: int) -> None:
        super().__init__()
        self.window = window
        self.flash = flash_attention()
        self.flex = flex_attention(window) if window < T and not self.flash and prepare.can_compile() else None
        steps_back = torch.arange(T)[:, None] - torch.arange(T)
        self.register_buffer("mask", (steps_back >= 0) & (steps_back < window) if window < T else None, persistent=False)

    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if self.flash:
            out = self.flash(q, k, v, causal=True, window_size=(self.window - 1, 0))
            return out[0] if isinstance(out, tuple) else out
        q, k, v = q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)
        length, shared = q.size(2), k.size(1) != q.size(1)
        if self.window >= length:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=shared)
        elif self.flex and length == T and torch.compiler.is_compiling():
            out = self.flex(q, k, v, enable_gqa=shared)
        else:
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=self.mask[:length, :length], enable_gqa=shared)
        return out.transpose(1, 2)


# ---------------------------------------------------------------------------------------------------------------------------------
# The model
# ---------------------------------------------------------------------------------------------------------------------------------


def norm(x: Tensor) -> Tensor:
    return F.rms_norm(x, (x.size(-1),)).to(x.dtype)  # autocast makes it float32, which the attention kernels do not take


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary position: the two halves of a head turn together by an angle that grows with the position."""
    left, right = x.chunk(2, -1)
    return torch.cat((left * cos + right * sin, right * cos - left * sin), -1)


def activate(x: Tensor) -> Tensor:
    return F.relu(x).square() if ACTIVATION == "relu2" else getattr(F, ACTIVATION)(x)


class Block(nn.Module):
    """Attention, then an MLP, each added to the residual stream."""

    GATE_WIDTH = 32  # channels that decide how much of the value embedding is let in

    def __init__(self, layer: int) -> None:
        super().__init__()
        self.attend = Attention(window_of(layer))
        self.kv_heads = KV_HEADS or HEADS
        self.q = nn.Linear(WIDTH, WIDTH, bias=False)
        self.k = nn.Linear(WIDTH, self.kv_heads * HEAD_DIM, bias=False)
        self.v = nn.Linear(WIDTH, self.kv_heads * HEAD_DIM, bias=False)
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.up = nn.Linear(WIDTH, MLP_RATIO * WIDTH, bias=False)
        self.down = nn.Linear(MLP_RATIO * WIDTH, WIDTH, bias=False)
        # The last layer always has value embeddings, and every second before it.
        has_values = VALUE_EMBEDDINGS == "all" or (VALUE_EMBEDDINGS == "alternate" and (DEPTH - 1 - layer) % 2 == 0)
        self.value = nn.Embedding(prepare.VOCAB_SIZE, self.kv_heads * HEAD_DIM) if has_values else None
        self.gate = nn.Linear(min(self.GATE_WIDTH, WIDTH), self.kv_heads, bias=False) if has_values else None

    def forward(self, x: Tensor, tokens: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        B, length, _ = x.shape
        h = norm(x)
        q = self.q(h).view(B, length, HEADS, HEAD_DIM)
        k = self.k(h).view(B, length, self.kv_heads, HEAD_DIM)
        v = self.v(h).view(B, length, self.kv_heads, HEAD_DIM)
        if self.value is not None and self.gate is not None:
            share = 2 * torch.sigmoid(self.gate(h[..., : self.GATE_WIDTH]))  # 1 at the start: neutral
            v = v + share[..., None] * self.value(tokens).view_as(v)
        y = self.attend(norm(rotate(q, cos, sin)), norm(rotate(k, cos, sin)), v)
        x = x + self.out(y.reshape(B, length, WIDTH))
        return x + self.down(activate(self.up(norm(x))))


class GPT(nn.Module):
    """Embedding, blocks, output layer; each block's input is a learned mix of the stream and the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(prepare.VOCAB_SIZE, WIDTH)
        self.blocks = nn.ModuleList(Block(layer) for layer in range(DEPTH))
        self.head = nn.Linear(WIDTH, prepare.VOCAB_SIZE, bias=False)
        self.residual = nn.Parameter(torch.ones(DEPTH))
        self.x0 = nn.Parameter(torch.full((DEPTH,), X0_LAMBDA))
        angles = torch.outer(torch.arange(T), ROPE_BASE ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM))[:, None, :]
        self.register_buffer("cos", angles.cos().to(prepare.dtype()), persistent=False)
        self.register_buffer("sin", angles.sin().to(prepare.dtype()), persistent=False)
        self.begin()

    @torch.no_grad()
    def begin(self) -> None:
        """What flows back into the stream starts at zero, so every block starts as the identity."""
        self.embedding.weight.normal_(std=EMBEDDING_STD)
        self.head.weight.normal_(std=HEAD_STD)
        bound = INIT_SCALE * (3 / WIDTH) ** 0.5
        for block in self.blocks:
            for matrix in (block.q, block.k, block.v, block.up):
                matrix.weight.uniform_(-bound, bound)
            block.out.weight.zero_()
            block.down.weight.zero_()
            if block.value is not None:
                block.value.weight.uniform_(-bound, bound)
                block.gate.weight.zero_()

    def forward(self, tokens: Tensor, targets: Tensor | None = None) -> Tensor:
        """Logits; with targets, their mean loss."""
        cos, sin = self.cos[: tokens.size(1)], self.sin[: tokens.size(1)]
        x = x0 = norm(self.embedding(tokens))
        for layer, block in enumerate(self.blocks):
            x = block(self.residual[layer] * x + self.x0[layer] * x0, tokens, cos, sin)
        x = norm(x)
        if SOFTCAP:  # divided before the head, where the tensor is small
            logits = SOFTCAP * torch.tanh(self.head(x / SOFTCAP).float())
        else:
            logits = self.head(x).float()
        return logits if targets is None else F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def build_model() -> nn.Module:
    model = GPT().to(prepare.device())
    for module in model.modules():
        if isinstance(module, nn.Embedding):  # large, and looked up only: half the memory and traffic where bf16 is at hand
            module.to(prepare.dtype())
    return model


def flops_per_token(model: GPT) -> float:
    """Of forward and backward: six for every weight that is multiplied by, and attention's own."""
    weights = sum(matrix.weight.numel() for matrix in model.modules() if isinstance(matrix, nn.Linear))
    return 6.0 * weights + sum(12.0 * WIDTH * block.attend.window for block in model.blocks)


# ---------------------------------------------------------------------------------------------------------------------------------
# Muon for the matrices, AdamW for the rest
# ---------------------------------------------------------------------------------------------------------------------------------

# Coefficients of the Polar Express (arXiv 2505.16932): each iteration is the best polynomial for what the last one left.
POLAR_EXPRESS = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)


Number = Tensor | float


def muon_step(weights: Tensor, grads: Tensor, mean: Tensor, square: Tensor, momentum: Number, lr: Number, decay: Number) -> Tensor:
    """The new weights of a stack of equal matrices: a step of equal length in every direction that the gradient has."""
    mean.lerp_(grads, 1 - momentum)
    x = grads.lerp(mean, momentum)  # Nesterov's look ahead
    x = x.to(prepare.dtype())
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    x = x / (1.02 * x.norm(dim=(-2, -1), keepdim=True) + 1e-6)
    for a, b, c in POLAR_EXPRESS[:MUON_STEPS]:
        xx = x @ x.mT
        x = a * x + (b * xx + c * (xx @ xx)) @ x
    step = (x.mT if tall else x).float()
    # As NorMuon: rows (or columns) that keep getting long steps are shortened, the length of the whole step stays.
    size = step.square().mean(-1 if tall or step.size(-2) == step.size(-1) else -2, keepdim=True)
    square.lerp_(size, 0.05)
    scale = square.clamp_min(1e-10).rsqrt()
    scale = scale * (size.sum((-2, -1), keepdim=True) / (size * scale.square()).sum((-2, -1), keepdim=True).clamp_min(1e-10)).sqrt()
    step = step * scale
    agrees = step * weights >= 0  # cautious: decay only what the step shrinks anyway
    return weights - lr * (step + decay * weights * agrees)


class Muon:
    """Orthogonal steps for matrices; those of one shape are stacked and take their step as one."""

    def __init__(self, matrices: list[nn.Parameter], lr: float) -> None:
        by_shape: dict[torch.Size, list[nn.Parameter]] = {}
        for matrix in matrices:
            by_shape.setdefault(matrix.shape, []).append(matrix)
        self.param_groups = []
        for (rows, columns), stack in by_shape.items():
            mean = torch.zeros(len(stack), rows, columns, device=stack[0].device)
            square = torch.zeros((len(stack), rows, 1) if rows >= columns else (len(stack), 1, columns), device=stack[0].device)
            aspect = max(1.0, rows / columns) ** 0.5
            self.param_groups.append(
                {
                    "params": stack,
                    "lr": lr * aspect,
                    "momentum": MUON_MOMENTUM,
                    "weight_decay": WEIGHT_DECAY,
                    "mean": mean,
                    "square": square,
                }
            )
        self.update, self.number = muon_step, float
        if prepare.can_compile():  # numbers that change go into a graph as tensors, or every new value would be a new graph
            self.update, self.number = torch.compile(muon_step, dynamic=False, fullgraph=True), torch.tensor

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            numbers = [self.number(group[name]) for name in ("momentum", "lr", "weight_decay")]
            grads = torch.stack([matrix.grad for matrix in group["params"]])
            weights = self.update(torch.stack(group["params"]), grads, group["mean"], group["square"], *numbers)
            torch._foreach_copy_(group["params"], list(weights))


class AdamW:
    """torch's fused kernel without torch.optim around it, whose first use imports the compiler: longer than twenty small steps."""

    def __init__(self, groups: list[dict[str, Any]]) -> None:
        self.param_groups = [{"betas": ADAM_BETAS, "weight_decay": 0.0} | group for group in groups if group["params"]]
        for group in self.param_groups:
            for name in ("mean", "square"):
                group[name] = [torch.zeros_like(weight) for weight in group["params"]]
            group["steps"] = [torch.zeros((), device=weight.device) for weight in group["params"]]

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            torch._foreach_add_(group["steps"], 1)
            weights, (beta1, beta2) = group["params"], group["betas"]
            numbers = {"lr": group["lr"], "beta1": beta1, "beta2": beta2, "weight_decay": group["weight_decay"], "eps": 1e-10}
            state = group["mean"], group["square"], [], group["steps"]
            torch._fused_adamw_(weights, [w.grad for w in weights], *state, **numbers, amsgrad=False, maximize=False)


# ---------------------------------------------------------------------------------------------------------------------------------
# The training
# ---------------------------------------------------------------------------------------------------------------------------------


def optimizers_of(model: GPT) -> list[AdamW | Muon]:
    embeddings = [module.weight for module in model.modules() if isinstance(module, nn.Embedding)]
    matrices = [weight for weight in model.blocks.parameters() if not any(weight is e for e in embeddings)]
    adam = AdamW(
        [
            {"params": [model.head.weight], "lr": UNEMBEDDING_LR * LR_SCALE},
            {"params": embeddings, "lr": EMBEDDING_LR * LR_SCALE, "weight_decay": EMBEDDING_WEIGHT_DECAY},
            {"params": [model.residual], "lr": SCALAR_LR * 0.01},  # near one, and every layer passes through them
            {"params": [model.x0], "lr": SCALAR_LR, "betas": (0.96, 0.95)},  # a few numbers with noisy gradients: a longer mean
        ]
    )
    return [adam, Muon(matrices, MATRIX_LR)]


def lr_multiplier(progress: float) -> float:
    if progress < WARMUP_RATIO:
        return progress / WARMUP_RATIO
    if progress <= 1.0 - WARMDOWN_RATIO:
        return 1.0
    left = (1.0 - progress) / WARMDOWN_RATIO
    return left + (1.0 - left) * FINAL_LR_FRAC


def main() -> None:
    torch.manual_seed(prepare.SEED)
    model = build_model()
    optimizers = optimizers_of(model)
    base_lr = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    accumulate, rest = divmod(TOTAL_BATCH_SIZE, DEVICE_BATCH_SIZE * T)
    assert accumulate and not rest, f"TOTAL_BATCH_SIZE must be a multiple of DEVICE_BATCH_SIZE * {T} tokens"
    compiled = torch.compile(model, dynamic=False) if prepare.can_compile() else model
    batches = prepare.batches(DEVICE_BATCH_SIZE)
    tokens, targets = next(batches)

    step = 0
    clock = prepare.start(model, flops_per_token(model))
    while not clock.over:
        for _ in range(accumulate):
            with prepare.autocast():
                loss = compiled(tokens, targets)
            (loss / accumulate).backward()
            tokens, targets = next(batches)  # packed while the device still computes
        lrm = lr_multiplier(clock.progress)
        for optimizer, bases in zip(optimizers, base_lr, strict=True):
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = base * lrm
                if isinstance(optimizer, Muon):
                    group["momentum"] = MUON_MOMENTUM - (MUON_MOMENTUM - 0.85) * max(0.0, 1 - step / 300)
                    group["weight_decay"] = WEIGHT_DECAY * (1 - clock.progress)
            optimizer.step()
        model.zero_grad(set_to_none=True)
        clock.step(loss, lrm)
        step += 1
    prepare.save(model, depth=DEPTH)


if __name__ == "__main__":
    main()
