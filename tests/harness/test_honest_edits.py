"""A battery of honest edits of train.py, of the kind a researcher makes in a night: none of them may be refused a number."""

from __future__ import annotations

import gc
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.harness.trials import edited, run_trial

Edit = tuple[tuple[str, str], ...]


def knobs(**values: object) -> Edit:
    """Exactly the edit that turns a few knobs; the old value stays in the comment behind it."""
    return tuple((f"\n{name} = ", f"\n{name} = {value!r}  # was ") for name, value in values.items())


# Places that several edits share, word for word as train.py has them.
MLP_RESULT = "self.down(activate(self.up(norm(x))))"
UP = "        self.up = nn.Linear(WIDTH, MLP_RATIO * WIDTH, bias=False)\n"
NORMED = "        h = norm(x)\n"
HEAD = "        self.head = nn.Linear(WIDTH, prepare.VOCAB_SIZE, bias=False)\n"
EMBED = "x = x0 = norm(self.embedding(tokens))"
LAST_NORM = "        x = norm(x)\n        if SOFTCAP:"
LOSS = "F.cross_entropy(logits.flatten(0, 1), targets.flatten())"
RETURN = f"        return logits if targets is None else {LOSS}\n"
ATTEND = "y = self.attend(norm(rotate(q, cos, sin)), norm(rotate(k, cos, sin)), v)"
BLOCK_CALL = "x = block(self.residual[layer] * x + self.x0[layer] * x0, tokens, cos, sin)"
MODEL = "    model = build_model()\n"
CLOCK = "    clock = prepare.start(model, flops_per_token(model))\n"
ZERO_GRAD = "        model.zero_grad(set_to_none=True)\n"
TICK = "        clock.step(loss, lrm)\n"
SAVE = "    prepare.save(model, depth=DEPTH)\n"
COMPILED = "compiled = torch.compile(model, dynamic=False) if prepare.can_compile() else model"
OPTIMIZERS = "    optimizers = optimizers_of(model)\n"
IS_MUON = "if isinstance(optimizer, Muon):"
COMPILE = 'compiled = torch.compile(model, backend="eager")'
SHALLOW = knobs(DEPTH=1, ASPECT_RATIO=64)
BUILT = "    return model\n\n\ndef flops"
LAYERS = "nn.ModuleList(Block(layer) for layer in range(DEPTH))"
IN_BLOCK = "        self.out = nn.Linear(WIDTH, WIDTH, bias=False)\n"
ZERO_DOWN = "            block.down.weight.zero_()\n"


def optimizer(made: str) -> Edit:
    """One optimizer for everything, where the schedule finds what only Muon has."""
    return ((OPTIMIZERS, f"    optimizers = [{made}]\n"), (IS_MUON, "if False:"))


def before_block(source: str) -> tuple[str, str]:
    """A class that stands before the block, as a new part of the model does."""
    return ("class Block(nn.Module):\n", f"{source.strip()}\n\n\nclass Block(nn.Module):\n")


ADAMW = "torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.1)"

LION = """
class Lion:
    def __init__(self, params: list[nn.Parameter], lr: float) -> None:
        self.param_groups = [{"params": params, "lr": lr, "mean": [torch.zeros_like(p) for p in params]}]

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p, mean in zip(group["params"], group["mean"], strict=True):
                p.add_((0.9 * mean + 0.1 * p.grad).sign(), alpha=-group["lr"])
                mean.lerp_(p.grad, 0.01)
"""

EXPERTS = """
class Experts(nn.Module):
    def __init__(self, count: int = 4) -> None:
        super().__init__()
        self.router = nn.Linear(WIDTH, count, bias=False)
        self.ups = nn.ModuleList(nn.Linear(WIDTH, 2 * WIDTH, bias=False) for _ in range(count))
        self.downs = nn.ModuleList(nn.Linear(2 * WIDTH, WIDTH, bias=False) for _ in range(count))

    def forward(self, x: Tensor) -> Tensor:
        flat = x.flatten(0, 1)
        scores = self.router(flat).float()
        if self.training:
            scores = scores + 0.1 * torch.randn_like(scores)
        share, chosen = scores.softmax(-1).max(-1)
        out = torch.zeros_like(flat)
        for expert, (up, down) in enumerate(zip(self.ups, self.downs, strict=True)):
            mine = (chosen == expert).nonzero().flatten()
            out = out.index_add(0, mine, down(activate(up(flat[mine]))) * share[mine, None].to(x.dtype))
        self.balance = scores.softmax(-1).mean(0).square().sum() * len(self.ups)
        return out.view_as(x)
"""

EMA = (
    ("import functools\n", "import copy\nimport functools\n"),
    (CLOCK, CLOCK + "    ema = copy.deepcopy(model).requires_grad_(False)\n"),
    (
        ZERO_GRAD,
        ZERO_GRAD
        + "        with torch.no_grad():\n"
        + "            for slow, fast in zip(ema.parameters(), model.parameters(), strict=True):\n"
        + "                slow.lerp_(fast, 0.3)\n",
    ),
    (SAVE, "    prepare.save(ema, depth=DEPTH)\n"),
)

COSINE = """def lr_multiplier(progress: float) -> float:
    return FINAL_LR_FRAC + (1 - FINAL_LR_FRAC) * 0.5 * (1 + math.cos(math.pi * progress))


def linear_multiplier(progress: float) -> float:
"""

CHUNKED = """        if targets is None:
            return logits
        pieces = zip(logits.flatten(0, 1).split(256), targets.flatten().split(256), strict=True)
        return sum(F.cross_entropy(piece, wanted, reduction="sum") for piece, wanted in pieces) / targets.numel()
"""

FUSED = """        if targets is None:
            return self.logits_of(x)
        pieces = zip(x.flatten(0, 1).split(256), targets.flatten().split(256), strict=True)
        return sum(checkpoint(self.loss_of, *piece, use_reentrant=False) for piece in pieces) / targets.numel()

    def loss_of(self, x: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(self.logits_of(x), targets, reduction="sum")

    def logits_of(self, x: Tensor) -> Tensor:
"""

AHEAD = """        if targets is None:
            return logits
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        if self.training:
            second = self.second(x[:, :-1]).float()
            loss = loss + 0.3 * F.cross_entropy(second.flatten(0, 1), targets[:, 1:].flatten())
        return loss
"""

ALIBI = """        slopes = 2.0 ** (-8 * torch.arange(1, HEADS + 1, device=x.device) / HEADS)
        steps_back = torch.arange(length, device=x.device)[:, None] - torch.arange(length, device=x.device)
        bias = (-slopes[:, None, None] * steps_back).masked_fill(steps_back < 0, -torch.inf).to(q.dtype)
        y = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=bias).transpose(1, 2)"""

WITHIN_DOCUMENTS = """        document = (tokens == prepare.BOS).cumsum(1)
        mask = (document[:, :, None] == document[:, None, :]).tril()[:, None]
        q, k = norm(rotate(q, cos, sin)), norm(rotate(k, cos, sin))
        y = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), attn_mask=mask).transpose(1, 2)"""

RECURRENCE = """        decay = torch.sigmoid(self.forget(h)).float()
        total = torch.zeros_like(h[:, 0]).float()
        states = []
        for position in range(length):
            total = decay[:, position] * total + (1 - decay[:, position]) * h[:, position].float()
            states.append(total)
        h = h + torch.stack(states, 1).to(h.dtype)
"""

VALIDATION = """            model.eval()
            with torch.no_grad(), prepare.autocast():
                print(f"\\nvalidation loss {model(*next(held_back)).item():.4f}")
            model.train()
"""

RUNNING_MEAN = """        x = norm(x)
        if self.training:
            with torch.no_grad():
                self.centre.lerp_(x.float().mean((0, 1)), 0.1)
        x = x - self.centre.to(x.dtype)
        if SOFTCAP:"""

META = """    with torch.device("meta"):
        model = GPT()
    model.to_empty(device=prepare.device())
    model.begin()
    with torch.no_grad():
        model.residual.fill_(1.0)
        model.x0.fill_(X0_LAMBDA)
    angles = torch.outer(torch.arange(T), ROPE_BASE ** (-torch.arange(0, HEAD_DIM, 2) / HEAD_DIM))[:, None, :]
    model.cos, model.sin = (part.to(prepare.device(), prepare.dtype()) for part in (angles.cos(), angles.sin()))
"""

MIXTURE: Edit = (
    before_block(EXPERTS),
    (UP, "        self.experts = Experts()\n"),
    ("        self.down = nn.Linear(MLP_RATIO * WIDTH, WIDTH, bias=False)\n", ""),
    (MLP_RESULT, "self.experts(norm(x))"),
    ("(block.q, block.k, block.v, block.up)", "(block.q, block.k, block.v)"),
    (ZERO_DOWN, ""),
    (LOSS, LOSS + " + 0.01 * sum(block.experts.balance for block in self.blocks)"),
    *optimizer(ADAMW),
)

EDITS: dict[str, Edit] = {
    # Size and shape
    "nothing_changed": (),
    "gelu": knobs(ACTIVATION="gelu"),
    "silu": knobs(ACTIVATION="silu"),
    "swiglu_with_a_gate_matrix": (
        (UP, UP + UP.replace("self.up", "self.swish")),
        (MLP_RESULT, "self.down(F.silu(self.swish(norm(x))) * self.up(norm(x)))"),
    ),
    "grouped_query_attention": knobs(HEAD_DIM=16, KV_HEADS=2),
    "more_heads": knobs(HEAD_DIM=8),
    "deeper": knobs(DEPTH=5, ASPECT_RATIO=16),
    "wider": knobs(ASPECT_RATIO=64, MLP_RATIO=2),
    "sliding_windows": knobs(WINDOW_PATTERN="SSSL", SHORT_WINDOW=0.125, DEPTH=3),
    "one_block_for_every_layer": ((LAYERS, "nn.ModuleList([Block(0)] * DEPTH)"),),
    "no_value_embeddings": knobs(VALUE_EMBEDDINGS="none"),
    # The block
    "parallel_attention_and_mlp": (
        ("x = x + self.out(y.reshape(B, length, WIDTH))", "x, y = x + self.out(y.reshape(B, length, WIDTH)), h"),
        (MLP_RESULT, "self.down(activate(self.up(y)))"),
    ),
    "dropout_as_a_module": (
        (IN_BLOCK, IN_BLOCK + "        self.dropout = nn.Dropout(0.1)\n"),
        (MLP_RESULT, "self.dropout(self.down(activate(self.up(norm(x)))))"),
    ),
    "dropout_as_a_function": ((EMBED, EMBED.replace("norm(", "F.dropout(norm(")[:-1] + "), 0.1, training=self.training)"),),
    "layer_norm_with_weights": (
        (IN_BLOCK, IN_BLOCK + "        self.before = nn.LayerNorm(WIDTH)\n"),
        (NORMED, "        h = self.before(x)\n"),
        ("weight for weight in model.blocks.parameters() if", "weight for weight in model.blocks.parameters() if weight.ndim == 2 and"),
        (
            '{"params": [model.residual]',
            '{"params": [p for p in model.blocks.parameters() if p.ndim == 1], "lr": 0.01},\n            {"params": [model.residual]',
        ),
    ),
    "rms_norm_with_weights": (
        (HEAD, HEAD + "        self.final = nn.RMSNorm(WIDTH)\n"),
        (LAST_NORM, "        x = self.final(x)\n        if SOFTCAP:"),
        ('{"params": [model.residual]', '{"params": [model.final.weight], "lr": 0.01},\n            {"params": [model.residual]'),
    ),
    "causal_convolution_before_attention": (
        (IN_BLOCK, IN_BLOCK + "        self.conv = nn.Conv1d(WIDTH, WIDTH, 4, groups=WIDTH)\n"),
        (NORMED, NORMED + "        h = h + self.conv(F.pad(h.transpose(1, 2), (3, 0))).transpose(1, 2)\n"),
        *optimizer(ADAMW),
    ),
    "token_shift": ((NORMED, NORMED + "        h = 0.7 * h + 0.3 * F.pad(h, (0, 0, 1, -1))\n"),),
    "learned_positions": (
        (HEAD, HEAD + "        self.position = nn.Embedding(T, WIDTH)\n"),
        (EMBED, "x = x0 = norm(self.embedding(tokens) + self.position.weight[: tokens.size(1)])"),
        (ATTEND, "y = self.attend(norm(q), norm(k), v)"),
    ),
    "alibi": (("        " + ATTEND, ALIBI),),
    "no_positions_at_all": ((ATTEND, "y = self.attend(norm(q), norm(k), v)"),),
    "attention_within_documents": (("        " + ATTEND, WITHIN_DOCUMENTS),),
    "recurrence_over_the_past": (
        (IN_BLOCK, IN_BLOCK + "        self.forget = nn.Linear(WIDTH, WIDTH, bias=False)\n"),
        (NORMED, NORMED + RECURRENCE),
        *knobs(DEPTH=1, ASPECT_RATIO=64),
    ),
    "mixture_of_experts_one_per_token": MIXTURE,
    "experts_whose_near_ties_rounding_decides": (  # what bfloat16 and atomic additions do on a GPU, all at once
        *MIXTURE,
        (
            "        scores = self.router(flat).float()\n",
            "        flat = flat * (1 + 2**-9 * torch.randn_like(flat))\n        scores = self.router(flat).float()\n",
        ),
    ),
    "batch_norm_with_running_statistics": (
        (HEAD, HEAD + "        self.batch_norm = nn.BatchNorm1d(WIDTH, affine=False)\n"),
        (LAST_NORM, "        x = self.batch_norm(x.flatten(0, 1)).view_as(x)\n        if SOFTCAP:"),
    ),
    "a_running_mean_in_a_buffer": (
        (HEAD, HEAD + '        self.register_buffer("centre", torch.zeros(WIDTH))\n'),
        (LAST_NORM, RUNNING_MEAN),
    ),
    "gradient_checkpointing": (
        ("import torch.nn.functional as F\n", "import torch.nn.functional as F\nimport torch.utils.checkpoint\n"),
        (BLOCK_CALL, BLOCK_CALL.replace("block(", "self.run(block, ")),
        (
            "    @torch.no_grad()\n    def begin",
            "    def run(self, block: nn.Module, *inputs: Tensor) -> Tensor:\n"
            "        return torch.utils.checkpoint.checkpoint(block, *inputs, use_reentrant=False) if self.training else block(*inputs)\n\n"
            "    @torch.no_grad()\n    def begin",
        ),
    ),
    "a_layer_of_chance_in_training": (
        (
            "        x = norm(x)\n        if SOFTCAP:",
            "        x = norm(x)\n        if self.training and torch.rand(()) < 0.5:\n            x = norm(x + x0)\n        if SOFTCAP:",
        ),
    ),
    # Embedding and output
    "tied_embeddings": (
        (HEAD, HEAD + "        self.head.weight = self.embedding.weight\n"),
        ("        self.head.weight.normal_(std=HEAD_STD)\n", ""),
        ('            {"params": [model.head.weight], "lr": UNEMBEDDING_LR * LR_SCALE},\n', ""),
        *knobs(EMBEDDING_STD=0.02, EMBEDDING_LR=0.004),
    ),
    "softcap_off": knobs(SOFTCAP=0),
    "a_bias_in_the_head": (
        (HEAD, HEAD.replace("bias=False", "bias=True")),
        ('"params": [model.head.weight]', '"params": [*model.head.parameters()]'),
    ),
    "vocabulary_padded_for_the_kernels": (
        (HEAD, HEAD.replace("prepare.VOCAB_SIZE", "prepare.VOCAB_SIZE + 64")),
        (RETURN, "        logits = logits[..., : prepare.VOCAB_SIZE]\n" + RETURN),
    ),
    "start_mark_never_predicted": (
        (
            RETURN,
            "        if not self.training:\n"
            "            logits = torch.cat((torch.full_like(logits[..., :1], -torch.inf), logits[..., 1:]), -1)\n" + RETURN,
        ),
    ),
    "an_optional_argument_in_forward": (
        ("targets: Tensor | None = None) -> Tensor:\n", 'targets: Tensor | None = None, reduction: str = "mean") -> Tensor:\n'),
        (LOSS, LOSS[:-1] + ", reduction=reduction)"),
        ("compiled(tokens, targets)", 'compiled(tokens, targets, reduction="none").mean()'),
    ),
    # The loss
    "loss_in_chunks": ((RETURN, CHUNKED),),
    "head_and_loss_fused_in_chunks": (
        ("import torch.nn.functional as F\n", "import torch.nn.functional as F\nfrom torch.utils.checkpoint import checkpoint\n"),
        (LAST_NORM, "        x = norm(x)\n" + FUSED + "        if SOFTCAP:"),
        (RETURN, "        return logits\n"),
    ),
    "label_smoothing_in_training": ((LOSS, LOSS[:-1] + ", label_smoothing=0.1 if self.training else 0.0)"),),
    "z_loss_in_training": ((LOSS, LOSS + " + (1e-4 * logits.logsumexp(-1).square().mean() if self.training else 0.0)"),),
    "predicting_two_tokens_in_training": (
        (HEAD, HEAD + HEAD.replace("self.head", "self.second")),
        (RETURN, AHEAD),
        ('"params": [model.head.weight]', '"params": [model.head.weight, model.second.weight]'),
    ),
    # The optimizer and its schedule
    "adamw_for_everything": optimizer(ADAMW),
    "sgd_with_momentum": optimizer("torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, nesterov=True)"),
    "lion_by_hand": (before_block(LION), *optimizer("Lion(list(model.parameters()), 1e-3)")),
    "cosine_schedule": (
        ("import functools\n", "import functools\nimport math\n"),
        ("def lr_multiplier(progress: float) -> float:\n", COSINE),
    ),
    "warm_up_and_down": knobs(WARMUP_RATIO=0.2, WARMDOWN_RATIO=0.4, FINAL_LR_FRAC=0.1),
    "more_weight_decay": knobs(WEIGHT_DECAY=0.5, EMBEDDING_WEIGHT_DECAY=0.05),
    "gradient_clipping": (("        lrm = lr_mul", "        nn.utils.clip_grad_norm_(model.parameters(), 1.0)\n        lrm = lr_mul"),),
    "another_accumulation": (
        ("\nDEVICE_BATCH_SIZE = 4", "\nDEVICE_BATCH_SIZE = 2"),
        ("\nTOTAL_BATCH_SIZE = 256", "\nTOTAL_BATCH_SIZE = 384"),
    ),
    "averaged_weights": EMA,
    "averaged_by_torch": (
        (CLOCK, CLOCK + "    average = torch.optim.swa_utils.AveragedModel(model)\n"),
        (ZERO_GRAD, ZERO_GRAD + "        average.update_parameters(model)\n"),
        (SAVE, "    prepare.save(average.module, depth=DEPTH)\n"),
    ),
    "orthogonal_initialisation": (("matrix.weight.uniform_(-bound, bound)", "nn.init.orthogonal_(matrix.weight, gain=INIT_SCALE)"),),
    "built_on_meta_then_filled": (("    model = GPT().to(prepare.device())\n", META),),
    "weight_norm_by_parametrization": (
        (
            "    for module in model.modules():\n        if isinstance(module, nn.Emb",
            "    for block in model.blocks:\n        nn.utils.parametrizations.weight_norm(block.up)\n"
            "    for module in model.modules():\n        if isinstance(module, nn.Emb",
        ),
        *optimizer(ADAMW),
    ),
    # The loop
    "compiled_whole": ((COMPILED, COMPILE), (SAVE, SAVE.replace("model", "compiled")), *SHALLOW),
    "compiled_in_the_same_name": (
        (MODEL, MODEL + COMPILE.replace("compiled", "    model") + "\n"),
        (COMPILED, "compiled = model"),
        *SHALLOW,
    ),
    "compiled_in_build_model": (
        (BUILT, BUILT.replace("model\n", 'torch.compile(model, backend="eager")\n', 1)),
        (COMPILED, "compiled = model"),
        *SHALLOW,
    ),
    "compiled_block_by_block": ((LAYERS, LAYERS.replace("Block(layer)", 'torch.compile(Block(layer), backend="eager")')), *SHALLOW),
    "compiled_in_place": ((COMPILED, 'compiled = model\n    model.compile(backend="eager")'), *SHALLOW),
    "trained_in_bfloat16": ((MODEL, MODEL + "    model.to(torch.bfloat16)\n"), *optimizer(ADAMW)),
    "trained_in_float64": ((MODEL, MODEL + "    model.double()\n"), *optimizer(ADAMW)),
    "saved_twice": ((TICK, TICK + "        if step == 1:\n" + "        " + SAVE),),
    "validated_in_the_loop": (
        (CLOCK, CLOCK + "    held_back = prepare.batches(2)\n"),
        (TICK, TICK + "        if step % 2 == 0:\n" + VALIDATION),
    ),
    "clock_told_a_plain_number": ((TICK, TICK.replace("loss, lrm", "loss.item(), lrm")),),
}


SIZES = {"sequence_length": 64, "eval_tokens": 2048, "DEVICE": 4, "TOTAL": 256}


@pytest.fixture(scope="module")
def small(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A workspace on the same data, with shorter rows: what is asked here is whether there is a number, not which."""
    folder = tmp_path_factory.mktemp("small") / "lab"
    shutil.copytree(workspace, folder)
    profile, train = folder / "profile.toml", folder / "train.py"
    profile.write_text(re.sub(r"(?m)^(eval_tokens|sequence_length) = \d+", lambda m: f"{m[1]} = {SIZES[m[1]]}", profile.read_text()))
    train.write_text(re.sub(r"(?m)^(TOTAL|DEVICE)_BATCH_SIZE = \d+", lambda m: f"{m[1]}_BATCH_SIZE = {SIZES[m[1]]}", train.read_text()))
    torch.compile(torch.nn.Linear(2, 2), backend="eager")(torch.ones(2)).sum().backward()  # imports, once here and not in every trial
    gc.collect()
    gc.freeze()  # and a trial's own collection need not walk through them
    yield folder
    gc.unfreeze()


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_honest_edit_gets_a_number(edit: Edit, small: Path, tmp_path: Path) -> None:
    source = edited((small / "train.py").read_text(), *edit)
    assert run_trial(small, tmp_path / "trial", source, steps=3).val_bpb > 0
