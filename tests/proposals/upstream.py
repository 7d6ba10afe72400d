"""A train.py that measures itself, with the lines that matter where upstream's has them, and no model worth the name."""

from __future__ import annotations

PREPARE = '''"""Constants and evaluation; torch is not needed to be dishonest."""
import math
import time

MAX_SEQ_LEN = 2048
TIME_BUDGET = {budget}
EVAL_TOKENS = 40 * 524288


class Tokenizer:
    @classmethod
    def from_directory(cls):
        return cls()

    def get_vocab_size(self):
        return 8192


def make_dataloader(tokenizer, B, T, split):
    assert split in ("train", "val")
    while True:
        yield [0] * T, [1] * T, 1


def evaluate_bpb(model, tokenizer, batch_size):
    steps = EVAL_TOKENS // (batch_size * MAX_SEQ_LEN)
    assert steps and tokenizer.get_vocab_size() == 8192
    return 1.0 + model.loss / 10
'''

TRAIN = '''"""Pretraining, all in one file."""
import gc
import math
import time
from dataclasses import dataclass

from prepare import MAX_SEQ_LEN, TIME_BUDGET, Tokenizer, make_dataloader, evaluate_bpb


@dataclass
class GPTConfig:
    n_layer: int = 12
    window_pattern: str = "SSSL"


class MLP:
    def forward(self, x):
        return max(x, 0) ** 2


class GPT:
    def __init__(self, config):
        self.config = config
        self.loss = 4.0

    def forward(self, x, y):
        time.sleep(0.02)
        self.loss *= 1 - MATRIX_LR
        return self.loss


class Optimizer:
    def __init__(self, lr):
        self.param_groups = [dict(lr=lr, initial_lr=lr)]

    def step(self):
        step = 1
        return step


WINDOW_PATTERN = "SSSL"
TOTAL_BATCH_SIZE = 2**19
MATRIX_LR = 0.04
WARMUP_RATIO = 0.0
WARMDOWN_RATIO = 0.5
DEPTH = 8
DEVICE_BATCH_SIZE = 128

t_start = time.time()
PEAK_FLOPS = 989.5e12
tokenizer = Tokenizer.from_directory()
vocab_size = tokenizer.get_vocab_size()
model = GPT(GPTConfig(DEPTH, WINDOW_PATTERN))
num_flops_per_token = 1e6
tokens_per_fwdbwd = DEVICE_BATCH_SIZE * MAX_SEQ_LEN
assert TOTAL_BATCH_SIZE % tokens_per_fwdbwd == 0
grad_accum_steps = TOTAL_BATCH_SIZE // tokens_per_fwdbwd
optimizer = Optimizer(MATRIX_LR)
train_loader = make_dataloader(tokenizer, DEVICE_BATCH_SIZE, MAX_SEQ_LEN, "train")
x, y, epoch = next(train_loader)


def get_lr_multiplier(progress):
    if progress < WARMUP_RATIO:
        return progress / WARMUP_RATIO
    if progress < 1.0 - WARMDOWN_RATIO:
        return 1.0
    return (1.0 - progress) / WARMDOWN_RATIO


smooth_train_loss = 0
total_training_time = 0
step = 0

while True:
    t0 = time.time()
    loss = model.forward(x, y)
    x, y, epoch = next(train_loader)
    progress = min(total_training_time / TIME_BUDGET, 1.0)
    lrm = get_lr_multiplier(progress)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * lrm
    optimizer.step()
    if math.isnan(loss) or loss > 100:
        print("FAIL")
        exit(1)
    t1 = time.time()
    dt = t1 - t0

    if step > 10:
        total_training_time += dt

    smooth_train_loss = 0.9 * smooth_train_loss + 0.1 * loss
    pct_done = 100 * progress
    tok_per_sec = int(TOTAL_BATCH_SIZE / dt)
    remaining = max(0, TIME_BUDGET - total_training_time)
    line = f"step {step:05d} ({pct_done:.1f}%) | loss: {smooth_train_loss:.6f} | dt: {dt*1000:.0f}ms | remaining: {remaining:.0f}s"
    print(f"\\r{line}    ", end="")

    if step == 0:
        gc.collect()
    step += 1

    if step > 10 and total_training_time >= TIME_BUDGET:
        break

print()
total_tokens = step * TOTAL_BATCH_SIZE
val_bpb = evaluate_bpb(model, tokenizer, DEVICE_BATCH_SIZE)
t_end = time.time()
mfu = 100 * num_flops_per_token * TOTAL_BATCH_SIZE * (step - 10) / total_training_time / PEAK_FLOPS

print("---")
print(f"val_bpb:          {val_bpb:.6f}")
print(f"training_seconds: {total_training_time:.1f}")
print(f"total_seconds:    {t_end - t_start:.1f}")
print(f"peak_vram_mb:     {512:.1f}")
print(f"mfu_percent:      {mfu:.2f}")
print(f"total_tokens_M:   {total_tokens / 1e6:.1f}")
print(f"num_steps:        {step}")
'''


def edited(*changes: tuple[str, str]) -> str:
    """The train.py after edits, each of a text that stands there once."""
    source = TRAIN
    for old, new in changes:
        assert source.count(old) == 1, f"{source.count(old)} times: {old}"
        source = source.replace(old, new)
    return source
