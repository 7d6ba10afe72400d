"""Data, clock, checkpoint and measurement: the frozen half of a workspace. Nobody edits this file; `train.py` is the other half.

The contract of train.py. `start` checks 2, 3 and 5 before the budget is spent, `save` checks 4, and every evaluation needs 1:

  1. Importing it trains nothing: training stands under `if __name__ == "__main__":`.
  2. `build_model()` takes no arguments and returns an `nn.Module`.
  3. In `eval()` mode `model(tokens)` takes int64 [B, T] and returns logits [B, T, VOCAB_SIZE]. A position's logits depend on the
     tokens up to that position in its own row, and on nothing else. `forward` may have any further optional arguments.
  4. Its state is parameters and buffers: what is not in the state dict is not in the model.
  5. The seed, the data, the clock and the checkpoint come from here: `SEED`, `batches`, `start`, `save`.

Everything else in train.py may change. What it is worth is not for train.py to say: the evaluation runs in processes of its own.
A *host* rebuilds the model from the checkpoint and turns tokens into logits; it knows no answers. A *judge* alone holds the
held-out text, never imports train.py, and scores what the hosts say. There are two hosts, and they cannot speak to each other: the
second is asked some of the rows again, among other rows and with another ending. A model that looks ahead, mixes rows, remembers
or learns while it is measured contradicts itself there, and has no number.

  python prepare.py [--dataset climbmix|tinystories|python|PATH] [--shards N]    data and tokenizer; go on where it stopped
  python prepare.py fit                                         lower DEVICE_BATCH_SIZE in train.py until the training fits
  python prepare.py judge [--checkpoint FILE] [--split audit]   measure a checkpoint
  python prepare.py sample [FILE] [--prompt TEXT]               text from the model you woke up to
  python prepare.py new DIR [--profile auto|NAME]               (in the bundled harness) make a workspace

Environment: AUTORESEARCH_DATA (where data is kept), AUTORESEARCH_DEVICE (cuda, mps or cpu), AUTORESEARCH_SEED, AUTORESEARCH_STEPS
(this many steps instead of the budget: exactly reproducible on a CPU), AUTORESEARCH_TRIAL (the name of a supervised trial:
train.py then leaves the evaluation to its supervisor).
"""

from __future__ import annotations

import argparse
import ast
import atexit
import bisect
import contextlib
import ctypes
import errno
import fcntl
import functools
import gc
import hashlib
import importlib.util
import io
import itertools
import json
import math
import mmap
import os
import queue
import random
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

IMPORTED = time.perf_counter()  # start-up is everything between here and the clock
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autoresearch-tui"
os.environ.setdefault("PYTORCH_ALLOC_CONF", "expandable_segments:True")
os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(CACHE / "compiled"))  # a graph is compiled once, not once a trial
os.environ.setdefault("TRITON_CACHE_DIR", str(CACHE / "compiled" / "triton"))

MISSING = "{} is not installed for " + sys.executable + ": `pip install 'autoresearch-tui[harness]'` installs it."
try:
    import numpy as np
except ImportError:
    sys.exit(MISSING.format("numpy"))

if TYPE_CHECKING:
    import torch


def lazily(name: str) -> Any:
    """A module that is imported when it is first used: torch takes over a second, and most verbs here need none of it."""
    if name not in sys.modules:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            sys.exit(MISSING.format(name))
        spec.loader = importlib.util.LazyLoader(spec.loader)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


torch = lazily("torch")

# ---------------------------------------------------------------------------------------------------------------------------------
# What the profile says
# ---------------------------------------------------------------------------------------------------------------------------------

HERE = Path(__file__).resolve().parent
BUNDLED = HERE / "profiles"  # only beside the bundled copy, which makes workspaces and borrows demo's figures to be importable
PROFILE_FILE = BUNDLED / "demo.toml" if BUNDLED.is_dir() else HERE / "profile.toml"
REQUIRED: dict[str, type | tuple[type, ...]] = {
    "dataset": str,
    "vocab_size": int,
    "sequence_length": int,
    "budget_seconds": (int, float),
    "eval_tokens": int,
    "sigma": float,
}


def read_profile(path: Path) -> dict[str, Any]:
    try:
        profile = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        sys.exit(f"{path} is missing: `prepare.py new DIR` of the bundled harness makes a workspace that has one.")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        sys.exit(f"{path} is not a profile: {error}.")
    for key, kind in REQUIRED.items():
        value = profile.get(key)
        if not isinstance(value, kind) or (isinstance(value, int | float) and value <= 0):
            found, wanted = "missing" if value is None else repr(value), "name" if kind is str else "positive number"
            sys.exit(f"{path}: `{key}` is {found}; it must be a {wanted}.")
    if profile["sequence_length"] < 8:
        sys.exit(f"{path}: `sequence_length` is {profile['sequence_length']}; there is nothing to learn in fewer than 8 tokens.")
    if not 257 <= profile["vocab_size"] <= 65536:
        sys.exit(f"{path}: `vocab_size` is {profile['vocab_size']}; 257 (bytes and a start mark) to 65536 (two bytes a token) can be kept.")
    return profile


def whole_number(variable: str, default: int) -> int:
    text = os.environ.get(variable) or str(default)
    if not re.fullmatch("[0-9]{1,18}", text):
        sys.exit(f"{variable} is {text!r}; it must be a whole number of at most 18 digits.")
    return int(text)


PROFILE = read_profile(PROFILE_FILE)
VOCAB_SIZE: int = PROFILE["vocab_size"]
MAX_SEQ_LEN: int = PROFILE["sequence_length"]
TIME_BUDGET: float = PROFILE["budget_seconds"]
EVAL_TOKENS: int = PROFILE["eval_tokens"]
SEED = whole_number("AUTORESEARCH_SEED", 42)
STEPS = whole_number("AUTORESEARCH_STEPS", 0)
TRIAL = os.environ.get("AUTORESEARCH_TRIAL", "")
CHECKPOINT = HERE / "checkpoint.pt"
SCRIPT = Path(getattr(sys.modules["__main__"], "__file__", None) or HERE / "train.py").resolve()  # train.py, when it is what runs
BOS = 0  # every document starts with this token, and so does every row


def data_folder(dataset: str) -> Path:
    """Where a dataset is kept: `train/` and `tokenizer/`, which a trial may read, and beside them the held-out text, which it may not."""
    if dataset == "python":
        dataset = f"python-{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    elif dataset not in ("climbmix", "tinystories"):
        dataset = f"{Path(dataset).name}-{hashlib.sha256(dataset.encode()).hexdigest()[:8]}"
    return Path(os.environ.get("AUTORESEARCH_DATA") or CACHE) / f"{dataset}-{VOCAB_SIZE}"


DATA = data_folder(PROFILE["dataset"])


def tell_in_one_sentence(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Known ends of a process are a sentence; only a bug in train.py is a traceback, which the researcher needs to mend it."""
    atexit.unregister(measure)  # a training that failed after it saved is a failure all the same
    text = str(error)
    if isinstance(error, KeyboardInterrupt):
        print(
            f"\ninterrupted{'; the same command goes on where this stopped' if Path(sys.argv[0]).name == 'prepare.py' else ''}.",
            file=sys.stderr,
        )
    elif isinstance(error, BrokenPipeError):  # whoever read the output is gone: so is this
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    elif isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        print(
            f"no space left for {error.filename or DATA}: free some, or set AUTORESEARCH_DATA to a folder on a larger disk,"
            " and run this again.",
            file=sys.stderr,
        )
    elif isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and Path(sys.argv[0]).name == "prepare.py":
        print(f"{error.filename or DATA} may not be read or written: mend its permissions, or set AUTORESEARCH_DATA.", file=sys.stderr)
    elif kind.__name__ in ("OutOfMemoryError", "MemoryError") or "out of memory" in text or "can't allocate memory" in text:
        rows = getattr(sys.modules["__main__"], "DEVICE_BATCH_SIZE", "unknown")
        print(f"\nout of memory: lower DEVICE_BATCH_SIZE (now {rows}), then DEPTH; {memory_left()}.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


sys.excepthook = tell_in_one_sentence

# ---------------------------------------------------------------------------------------------------------------------------------
# The device
# ---------------------------------------------------------------------------------------------------------------------------------

# Dense bf16 peak of one device, by a part of its name; the longest match counts. A device that is not here has no MFU.
PEAK_FLOPS = {
    "B200": 2250e12, "GB200": 2250e12, "H200": 989.5e12, "GH200": 989.5e12, "H100": 989.5e12, "H100 PCIe": 756e12, "H800": 989.5e12,
    "H20": 148e12, "A100": 312e12, "A800": 312e12, "A6000": 154.8e12, "A40": 149.7e12, "A30": 165e12, "A10": 125e12, "L40S": 362e12,
    "L40": 181e12, "L4": 121e12, "RTX 6000 Ada": 364e12, "RTX 5090": 209.5e12, "RTX 5080": 112.6e12, "RTX 4090": 165.2e12,
    "RTX 4080": 97.5e12, "RTX 3090": 71e12, "RTX 3080": 59.5e12, "MI300X": 1307.4e12, "MI325X": 1307.4e12, "MI250": 191.5e12,
}  # fmt: skip


@functools.cache
def device() -> torch.device:
    """The device of this workspace. A GPU that is there but cannot be used is said, never silently replaced by the CPU."""
    wanted = os.environ.get("AUTORESEARCH_DEVICE") or PROFILE.get("device", "auto")
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", wanted):
        sys.exit(f"the device {wanted!r} is none of auto, cuda, mps and cpu: mend AUTORESEARCH_DEVICE, or `device` in {PROFILE_FILE}.")
    torch.set_num_threads(PROFILE.get("threads", torch.get_num_threads()))
    if wanted == "auto":
        if not torch.cuda.is_available() and (reason := why_no_gpu()):
            sys.exit(f"{reason} To train on the CPU all the same, set AUTORESEARCH_DEVICE=cpu.")
        wanted = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.ones(8, 8, device=wanted).square().sum().item()
    except (RuntimeError, AssertionError) as error:
        sys.exit(
            f"this torch ({torch.__version__}) cannot use the device {wanted}: {first_line(error)}."
            " Install a build of torch for this card and driver, or set AUTORESEARCH_DEVICE=cpu."
        )
    torch.set_float32_matmul_precision("high")
    if wanted == "cpu" and sys.platform == "linux":  # keep freed memory: large tensors come and go every step, and faulting
        allocator = ctypes.CDLL(None)  # their pages in again is a tenth of it. A libc without mallopt does without.
        getattr(allocator, "mallopt", lambda *_: 0)(-3, 2**30)  # M_MMAP_THRESHOLD
        getattr(allocator, "mallopt", lambda *_: 0)(-1, 2**31 - 1)  # M_TRIM_THRESHOLD
    return torch.device(wanted)


def first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def why_no_gpu() -> str:
    """Why torch sees no GPU on a machine that has one; empty where there is none."""
    if Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi"):
        if torch.version.cuda is None:
            return (
                f"This machine has an NVIDIA GPU, but this torch ({torch.__version__}) is a build without CUDA: reinstall torch with CUDA."
            )
        try:
            torch.cuda.init()  # type: ignore[no-untyped-call]
        except (RuntimeError, AssertionError) as error:
            return f"This machine has an NVIDIA GPU that torch {torch.__version__} cannot use: {first_line(error)}."
        return "This machine has an NVIDIA driver, but CUDA shows no device: look at CUDA_VISIBLE_DEVICES."
    if Path("/dev/kfd").exists() and torch.version.hip is None:
        return f"This machine has an AMD GPU, but this torch ({torch.__version__}) is a build without ROCm: reinstall torch with ROCm."
    return ""


def dtype() -> torch.dtype:
    """bf16 where the card computes in it (Ampere and later, ROCm); float32 before, on Apple's and on CPUs, where it seldom pays."""
    gpu = device().type == "cuda"
    return torch.bfloat16 if gpu and (torch.version.hip or torch.cuda.get_device_capability() >= (8, 0)) else torch.float32


def autocast() -> torch.autocast:
    return torch.autocast(device().type, dtype=torch.bfloat16, enabled=dtype() == torch.bfloat16)


@functools.cache
def can_compile() -> bool:
    """torch.compile pays on a GPU, and needs Triton, a C compiler and Python's headers; without them: eager, with one warning."""
    if device().type != "cuda":
        return False
    missing = [] if importlib.util.find_spec("triton") else ["triton"]
    missing += [] if any(map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))) else ["a C compiler"]
    missing += [] if Path(sysconfig.get_path("include"), "Python.h").exists() else ["Python's headers (python3-dev)"]
    if missing:
        print(f"warning: without {' and '.join(missing)} there is no torch.compile: training eagerly, which is slower.", file=sys.stderr)
    return not missing


def device_name() -> str:
    if device().type == "cuda":
        return torch.cuda.get_device_name()
    return f"{device().type}, {torch.get_num_threads()} thread{'s' * (torch.get_num_threads() > 1)}"


@functools.cache
def peak_flops() -> float | None:
    known = [part for part in PEAK_FLOPS if re.search(rf"\b{part}\b", device_name())]
    return PEAK_FLOPS[max(known, key=len)] if known and dtype() == torch.bfloat16 else None


def peak_memory_mb() -> float:
    """What the training needed at its peak: the device's memory, or this process's where the device has none of its own."""
    if device().type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    if device().type == "mps":
        return torch.mps.driver_allocated_memory() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def memory_left() -> str:
    if device().type != "cuda":
        return f"the machine has {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.1f} GB"
    free, total = torch.cuda.mem_get_info()
    return f"this process held {torch.cuda.memory_reserved() / 2**30:.1f} GB, {free / 2**30:.1f} of {total / 2**30:.1f} GB were still free"


# ---------------------------------------------------------------------------------------------------------------------------------
# Batches
# ---------------------------------------------------------------------------------------------------------------------------------

BUFFER = 1000  # documents to choose from when a row is packed
REFILL = 128  # documents that arrive together when fewer are left


class Documents:
    """The tokenized documents of one folder, on disk: document i is `tokens[file[i]][first[i] : first[i] + length[i]]`."""

    def __init__(self, folder: Path) -> None:
        self.tokens: list[np.ndarray] = []
        file, first, length = [], [], []
        for path in sorted(folder.glob("*.bin")):
            bounds = read_bounds(path)
            if bounds is None:
                sys.exit(f"{path} is damaged: `python prepare.py` makes it again.")
            file.append(np.full(len(bounds) - 1, len(self.tokens)))
            first.append(bounds[:-1])
            length.append(np.diff(bounds))
            # asarray: slicing a memmap as such costs more than all else that a document costs a batch.
            self.tokens.append(np.asarray(np.memmap(path, np.uint16, "r")) if bounds[-1] else np.empty(0, np.uint16))
        if not (DATA / "manifest.json").exists() or not file:
            sys.exit(f"no data in {folder}: `python prepare.py` gets it.")
        if read_array(DATA / "tokenizer" / "bytes.npy") is None:  # said now, and not by the judge after a whole training
            sys.exit(f"{DATA / 'tokenizer' / 'bytes.npy'} is missing or damaged: `python prepare.py` makes it again.")
        self.file, self.first, self.length = np.concatenate(file), np.concatenate(first), np.concatenate(length)

    def __len__(self) -> int:
        return len(self.length)

    def __getitem__(self, i: int) -> np.ndarray:
        first = self.first[i]
        document: np.ndarray = self.tokens[self.file[i]][first : first + self.length[i]]
        return document


def read_array(path: Path) -> np.ndarray | None:
    try:
        array: object = np.load(path)
    except Exception:  # damage has many faces: numpy takes it for a zip archive, a pickle, a header that is no Python
        return None
    return array if isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype == np.int64 and len(array) else None


def read_bounds(tokens: Path) -> np.ndarray | None:
    """Where documents begin and end in a file of tokens; None if the two files do not fit each other, or one cannot be read."""
    bounds = read_array(tokens.with_suffix(".npy"))
    if bounds is None or not tokens.exists() or tokens.stat().st_size != bounds[-1] * 2:
        return None
    return bounds if bounds[0] == 0 and bool((np.diff(bounds) > 0).all()) else None


def endless(count: int, seed: int) -> Iterator[tuple[int, int]]:
    """(epoch, document) for ever, in another order every epoch."""
    epoch = 1
    while True:
        yield from ((epoch, i) for i in np.random.default_rng([seed, epoch]).permutation(count).tolist())
        epoch += 1


def pack(documents: Documents, supply: Iterator[tuple[int, int]], rows: int) -> Iterator[tuple[np.ndarray, int]]:
    """Batches of `rows` full rows, MAX_SEQ_LEN + 1 tokens each, and the epoch they reach into.

    Best fit, no padding: into a row goes the longest waiting document that fits whole, the oldest of equals; when none fits, the
    shortest fills the row and its rest is dropped. The waiting ones are kept as sorted integers, length above arrival, so that a
    choice is one bisection instead of a walk through a thousand documents.
    """
    length = documents.length.tolist()
    waiting: list[int] = []
    arrived: dict[int, int] = {}
    arrival, epoch = 1 << 40, 0  # arrivals are counted down: of equals, the oldest comes last
    while True:
        pieces: list[np.ndarray] = []
        for _ in range(rows):
            space = MAX_SEQ_LEN + 1
            while space:
                if len(waiting) < BUFFER:
                    while len(waiting) < BUFFER and (new := list(itertools.islice(supply, REFILL))):
                        epoch = new[-1][0]
                        for _, document in new:
                            arrival -= 1
                            arrived[arrival] = document
                            waiting.append(length[document] << 40 | arrival)
                    waiting.sort()
                if not waiting:
                    return
                behind = bisect.bisect(waiting, space + 1 << 40) or bisect.bisect(waiting, (waiting[0] >> 40) + 1 << 40)
                piece = documents[arrived.pop(waiting.pop(behind - 1) & (1 << 40) - 1)][:space]
                pieces.append(piece)
                space -= len(piece)
        yield np.concatenate(pieces).reshape(rows, MAX_SEQ_LEN + 1), epoch


class Batches:
    """An endless iterator over (tokens, targets), int64 [rows, MAX_SEQ_LEN] each, on the device."""

    drawn = 0  # batches given out by this process, whichever iterator gave them
    tokens_drawn = 0
    epoch = 1

    def __init__(self, rows: int) -> None:
        documents = Documents(DATA / "train")
        self.packed = pack(documents, endless(len(documents), SEED), rows)

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> tuple[torch.Tensor, torch.Tensor]:
        rows, Batches.epoch = next(self.packed)
        # Pinned memory comes from torch's own cache, which does not hand a buffer out again before the copy from it is done.
        batch = torch.empty((2, len(rows), MAX_SEQ_LEN), dtype=torch.int64, device="cpu", pin_memory=device().type == "cuda")
        batch.numpy()[0], batch.numpy()[1] = rows[:, :-1], rows[:, 1:]
        Batches.drawn += 1
        Batches.tokens_drawn += len(rows) * MAX_SEQ_LEN
        tokens, targets = batch.to(device(), non_blocking=True)
        return tokens, targets


def batches(rows: int) -> Batches:
    return Batches(rows)


# ---------------------------------------------------------------------------------------------------------------------------------
# The contract and the clock
# ---------------------------------------------------------------------------------------------------------------------------------

TOLERANCE = 0.01  # of the spread of the logits: far above rounding, far below what a token more or less does
WARMUP_STEPS = 10  # compilation, allocation, caches: charged at the median of the later steps
PRICED_STEPS = 110  # that median is taken of steps 11 to 110: settled early, and little to look up


def breach(sentence: str) -> NoReturn:
    atexit.unregister(measure)
    sys.exit(f"contract: {sentence}")


def built_model() -> torch.nn.Module:
    """Another fresh model from the `build_model` of the file that is training, or that the host was given."""
    build = getattr(sys.modules.get("train") or sys.modules["__main__"], "build_model", None)
    if build is None:
        breach("train.py has no function build_model(); the evaluation needs it to rebuild the model.")
    try:
        with without_a_trace():
            model = build()
    except TypeError as error:
        if "argument" in str(error) and "build_model" in str(error):
            breach(f"build_model() must take no arguments ({error}).")
        raise
    if not isinstance(model, torch.nn.Module):
        breach(f"build_model() returned a {type(model).__name__}, not an nn.Module.")
    return getattr(model, "_orig_mod", model).to(device())  # asked eagerly, as the trained one is by save


def logits(model: torch.nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Float32 logits [B, T, VOCAB_SIZE] for tokens [B, T]: the one way a model is asked."""
    training = model.training
    model.eval()
    with torch.no_grad(), autocast():
        answer = model(tokens)
    model.train(training)
    if not isinstance(answer, torch.Tensor) or answer.shape != (*tokens.shape, VOCAB_SIZE):
        shape = list(answer.shape) if isinstance(answer, torch.Tensor) else type(answer).__name__
        breach(f"in eval() mode model(tokens) must return logits {[*tokens.shape, VOCAB_SIZE]}, not {shape}.")
    return answer.float()


def differs(one: torch.Tensor, other: torch.Tensor, share: float = 0.05) -> bool:
    """Whether logits moved at more than a share of the positions. A few may: where a router nearly ties, rounding decides."""
    real = one > -1e4  # a masked-out token is minus infinity in both
    spread = one[real].max() - one[real].min()
    moved = real & ((one - other).abs() > TOLERANCE * spread)
    return bool(moved.any(-1).float().mean() > share)


@contextlib.contextmanager
def without_a_trace() -> Iterator[None]:
    """Random numbers that are drawn in here are not missed by the training."""
    with torch.random.fork_rng([torch.cuda.current_device()] if device().type == "cuda" else [], device_type="cuda"):
        yield


def random_tokens(rows: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(random.SystemRandom().getrandbits(32))
    return torch.randint(VOCAB_SIZE, (rows, MAX_SEQ_LEN), generator=generator, device="cpu").to(device())


def probe(model: torch.nn.Module) -> None:
    """Ask a fresh copy, its weights shaken, before the clock starts: a broken contract shows here after a second.

    Never as it is fresh: a zero-initialised output layer would hide a missing mask. A replay in unchanged shapes, so that kernels of
    every kind give the same answer again; bit-equality is not asked for.
    """
    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad(), without_a_trace():
        for weight in filter(torch.is_floating_point, model.parameters()):
            scale = weight[0].numel() ** -0.5 if weight.ndim > 1 else 0.1
            weight.add_(scale * torch.randn(weight.shape, generator=generator, device="cpu").to(weight))
        for _ in range(3):  # rounding may turn a router's near tie, and what follows from it; not three times
            fault = fault_of(model)
            if not fault:
                return
    breach(fault)


def fault_of(model: torch.nn.Module) -> str:
    """How a model's answers break the contract, on rows of chance; empty if they do not."""
    rows = random_tokens(4)
    cuts = torch.tensor([1, MAX_SEQ_LEN // 4, MAX_SEQ_LEN // 2, MAX_SEQ_LEN - 1], device=device())[:, None]
    early = torch.arange(MAX_SEQ_LEN, device=device()) < cuts
    answer = logits(model, rows)
    if not (answer.isfinite() | (answer == -math.inf)).all():
        return "the logits of a model with small random weights are not finite."
    if differs(answer, logits(model, rows)):
        return "the same tokens get other logits the second time: eval() leaves something random, or it remembers."
    if differs(answer[0], logits(model, torch.cat([rows[:1], random_tokens(3)]))[0]):
        return "a row's logits change when another row of the batch changes: the model mixes rows."
    other_ending = logits(model, torch.where(early, rows, random_tokens(4)))
    turn = early & torch.arange(MAX_SEQ_LEN, device=device()).ge(cuts - 4)  # where a look of one token ahead shows, and only there
    if differs(answer[early], other_ending[early]) or differs(answer[turn], other_ending[turn], share=0.2):
        return "a position's logits change when later tokens change: the model looks ahead."
    if torch.equal(answer[~early], other_ending[~early]):
        return "the logits do not change when the tokens do: the model does not look at them."
    return ""


class Clock:
    """The budget, the progress line and the facts of a training. The budget counts training: steps, not start-up or compilation."""

    def __init__(self, flops_per_token: float) -> None:
        self.startup_seconds = time.perf_counter() - IMPORTED
        self.flops_per_token = flops_per_token
        self.durations: list[tuple[float, int]] = []  # of each step: seconds, tokens drawn
        self.late_seconds = 0.0
        self.progress = 0.0
        self.smooth_loss = 0.0
        self.tokens_before = Batches.tokens_drawn
        self.last = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds charged so far. A warm-up step is charged as its tokens would cost later, so drawing more wins nothing."""
        early, late = self.durations[:WARMUP_STEPS], self.durations[WARMUP_STEPS:PRICED_STEPS]
        price = statistics.median(s / n for s, n in late) if late else min((s / n for s, n in early), default=0.0)
        return price * sum(n for _, n in early) + self.late_seconds

    @property
    def over(self) -> bool:
        return self.progress >= 1.0

    def step(self, loss: torch.Tensor | float, lrm: float = 1.0) -> None:
        """One optimizer step is done: look at the loss, charge the time, print the line."""
        value = float(loss.detach() if isinstance(loss, torch.Tensor) else loss)  # waits for the device, so the clock reads true
        if math.isnan(value) or value > 100:
            atexit.unregister(measure)
            print("\nFAIL")
            sys.exit(1)
        now = time.perf_counter()
        seconds, self.last = now - self.last, now
        tokens, self.tokens_before = Batches.tokens_drawn - self.tokens_before, Batches.tokens_drawn
        self.durations.append((seconds, max(1, tokens)))
        self.late_seconds += seconds if len(self.durations) > WARMUP_STEPS else 0.0
        steps = len(self.durations)
        # The first step alone has no price yet: taken for one, a long compilation would end the budget, or the schedule's best part.
        progress = steps / STEPS if STEPS else self.seconds / TIME_BUDGET if steps > 1 else 0.0
        self.progress = max(self.progress, min(1.0, progress))
        self.smooth_loss = 0.9 * self.smooth_loss + 0.1 * value
        rate = tokens / seconds
        mfu = self.mfu(rate)
        whole = self.seconds / self.progress if STEPS else TIME_BUDGET
        line = (
            f"step {steps - 1:05d} ({100 * self.progress:.1f}%)",
            f"loss: {self.smooth_loss / (1 - 0.9**steps):.6f}",
            f"lrm: {lrm:.2f}",
            f"dt: {1000 * seconds:.0f}ms",
            f"tok/sec: {int(rate):,}",
            "mfu: n/a" if mfu is None else f"mfu: {mfu:.1f}%",
            f"epoch: {Batches.epoch}",
            f"remaining: {(1 - self.progress) * whole:.0f}s    ",
        )
        width = shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else None  # wrapped, it would scroll instead of staying
        print("\r" + " | ".join(line)[:width], end="\n" if self.over else "", flush=True)

    def mfu(self, tokens_per_second: float) -> float | None:
        peak = peak_flops()
        return 100 * self.flops_per_token * tokens_per_second / peak if peak and self.flops_per_token else None

    def facts(self) -> dict[str, Any]:
        late = self.durations[WARMUP_STEPS:]
        share = sum(n for _, n in late) / max(1, sum(n for _, n in self.durations))
        mfu = self.mfu(Batches.tokens_drawn * share / self.late_seconds) if late else None
        return {
            "training_seconds": self.seconds,
            "mfu_percent": mfu,
            "total_tokens_M": Batches.tokens_drawn / 1e6,
            "num_steps": len(self.durations),
            "startup_seconds": self.startup_seconds,
        }


the_clock: Clock | None = None


def start(model: torch.nn.Module, flops_per_token: float = 0.0) -> Clock:
    """Check the contract, then start the clock. Everything before this call is start-up, so nothing is trained before it."""
    global the_clock
    if BUNDLED.is_dir():
        sys.exit(f"{HERE} is the bundled harness, not a workspace: `python {HERE / 'prepare.py'} new DIR` makes one.")
    if Batches.drawn > 1:
        breach(f"{Batches.drawn} batches were drawn before start(): what is trained before the clock starts does not count.")
    if torch.initial_seed() != SEED:
        breach(
            f"the seed was set to {torch.initial_seed()}; it is the trial's, so that luck can be measured: torch.manual_seed(prepare.SEED)."
        )
    CHECKPOINT.unlink(missing_ok=True)
    copy = built_model()
    if state_of(copy).keys() != state_of(model).keys():
        breach(
            f"the model that trains is not build_model()'s: {some(state_of(copy).keys() ^ state_of(model).keys())} are in one of them only."
        )
    probe(copy)
    del copy
    if device().type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        torch.cuda.synchronize()
    gc.collect()
    gc.freeze()
    gc.disable()  # a collection in mid-training stalls it for half a second
    the_clock = Clock(flops_per_token)
    return the_clock


def state_of(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {plain(name): value for name, value in model.state_dict().items()}


def plain(name: str) -> str:
    """The name of a weight, compiled or not."""
    return name.replace("_orig_mod.", "")


def some(names: Iterable[str]) -> str:
    names = sorted(names)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def unregistered(model: torch.nn.Module) -> list[str]:
    """Tensors that hang on a module without being a parameter or a buffer: lost in the checkpoint."""
    found = []
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            values = value if isinstance(value, list | tuple) else value.values() if isinstance(value, dict) else [value]
            if not name.startswith("_") and any(isinstance(v, torch.Tensor) for v in values):
                found.append(f"{path}.{name}".lstrip("."))
    return found


def rebuilt_model(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """build_model() with these weights, as the evaluation will see it."""
    model = built_model()
    fresh = state_of(model)
    if fresh.keys() != state.keys():
        breach(f"the weights do not fit build_model(): {some(fresh.keys() ^ state.keys())} are in one of them only.")
    if wrong := [name for name in state if state[name].shape != fresh[name].shape]:
        breach(f"the weights do not fit build_model(): {some(wrong)} have another shape.")
    kinds, fresh_kinds = ({value.dtype for value in values.values() if value.is_floating_point()} for values in (state, fresh))
    if len(kinds) == 1 and kinds != fresh_kinds:  # as after model.to(bfloat16), which casts buffers that are not saved, too
        model.to(kinds.pop())
    # Compiled parts have other names in the state dict; the weights keep the types that were trained.
    model.load_state_dict({name: state[plain(name)] for name in model.state_dict()}, assign=True)
    return model


def save(model: torch.nn.Module, depth: int | None = None) -> None:
    """Write the checkpoint, after a look at whether it is the model: rebuilt by build_model(), it must answer as the trained one does.

    By hand, the evaluation follows when train.py ends. Save again and the newer checkpoint counts.
    """
    if the_clock is None:
        breach("save() came before start(): nothing was trained on the clock.")
    measured = the_clock.facts() | {"peak_vram_mb": peak_memory_mb()}
    model = getattr(model, "_orig_mod", model)  # asked eagerly: compiling it for one question takes longer than the question
    state = {name: value.detach().clone() for name, value in state_of(model).items()}
    rebuilt = rebuilt_model(state)
    if all(differs(logits(model, tokens), logits(rebuilt, tokens)) for tokens in map(random_tokens, (2, 2, 2))):
        lost = unregistered(model)
        cure = f"{some(lost)} must be a parameter or a buffer" if lost else "it keeps state outside its parameters and buffers"
        breach(f"rebuilt from its weights the model answers otherwise: {cure}.")
    facts = measured | {
        "total_seconds": time.perf_counter() - IMPORTED,
        "num_params_M": sum(weight.numel() for weight in model.parameters()) / 1e6,
        "depth": depth,
        "device": f"{device_name()}, {str(dtype()).removeprefix('torch.')}, torch {torch.__version__}",
    }
    checkpoint = io.BytesIO()  # first whole in memory: on a full disk torch's own writing fails with riddles
    torch.save({"model": state, "vocab_size": VOCAB_SIZE, "trial": TRIAL}, checkpoint)
    write_aside(CHECKPOINT, [checkpoint.getbuffer()])
    if TRIAL:
        print_summary(facts)
    else:
        atexit.unregister(measure)
        atexit.register(measure, facts)


SUMMARY = {  # the lines that the tools of this world read, in their order; ours come after
    "val_bpb": ".6f", "training_seconds": ".1f", "total_seconds": ".1f", "peak_vram_mb": ".1f", "mfu_percent": ".2f",
    "total_tokens_M": ".3f", "num_steps": "", "num_params_M": ".1f", "depth": "",
    "startup_seconds": ".1f", "eval_seconds": ".1f", "trust": "", "device": "",
}  # fmt: skip


def print_summary(facts: dict[str, Any]) -> None:
    """What is not known here has no line here; what cannot be known on this device is n/a."""
    print("---")
    for name in filter(facts.__contains__, SUMMARY):
        print(f"{name + ':':<17} {'n/a' if facts[name] is None else format(facts[name], SUMMARY[name])}")
    sys.stdout.flush()


# ---------------------------------------------------------------------------------------------------------------------------------
# The evaluation: two hosts that turn tokens into logits, a judge that knows the answers
# ---------------------------------------------------------------------------------------------------------------------------------

SLOTS = 2  # while one batch of logits is scored, the host computes the next
EVAL_ROWS = max(1, min(16, 2**28 // (MAX_SEQ_LEN * VOCAB_SIZE * 2)))  # rows a batch: a quarter of a gigabyte of logits
PATIENCE = 300.0  # seconds for one answer of a host
# How far two hosts may be apart, in nats a token. On a CPU honest models are equal; with every matrix product blurred as by bf16 they
# reach 0.006 in size. Where the second host's row takes another turn, nothing but that rounding is allowed either.
SAME_MEAN = 0.003  # on average: learning pays at least that much
SAME_SIZE = 0.01  # in size: mixing rows moves single losses, if not their mean
SAME_AT_THE_TURN = 0.003  # in size, or three times what it is elsewhere: looking ahead pays there, and only there


class Shared:
    """The memory between a judge and a host: in each slot tokens, int64 [rows, T], and logits, float16 [rows, T, VOCAB_SIZE]."""

    TOKENS, LOGITS = EVAL_ROWS * MAX_SEQ_LEN * 8, EVAL_ROWS * MAX_SEQ_LEN * VOCAB_SIZE * 2
    SIZE = SLOTS * (TOKENS + LOGITS)

    def __init__(self, descriptor: int) -> None:
        memory = torch.frombuffer(mmap.mmap(descriptor, self.SIZE), dtype=torch.uint8)
        if device().type == "cuda":
            # Pinned, copies run at the bus's speed; where that is refused they run all the same.
            torch.cuda.cudart().cudaHostRegister(memory.data_ptr(), self.SIZE, 0)  # type: ignore[no-untyped-call]
        self.tokens, self.logits = [], []
        for part in memory.chunk(SLOTS):
            self.tokens.append(part[: self.TOKENS].view(torch.int64).view(EVAL_ROWS, MAX_SEQ_LEN))
            self.logits.append(part[self.TOKENS :].view(torch.float16).view(EVAL_ROWS, MAX_SEQ_LEN, VOCAB_SIZE))

    @classmethod
    def create(cls) -> int:
        """A descriptor of anonymous memory, sealed where the system can: a host cannot shrink it under the judge's reading."""
        if not hasattr(os, "memfd_create"):
            with tempfile.TemporaryFile() as file:
                os.truncate(file.fileno(), cls.SIZE)
                return os.dup(file.fileno())
        descriptor = os.memfd_create("logits", os.MFD_ALLOW_SEALING)
        os.truncate(descriptor, cls.SIZE)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL)
        return descriptor


def host(channels: list[socket.socket], checkpoint: Path, train: Path, trial: str) -> None:
    """Answer a judge. Until it speaks, neither the device nor the checkpoint is touched: a host may wait beside a training.

    With two channels it becomes two processes here, before it has read anything that they could know of each other.
    """
    torch.set_grad_enabled(False)  # imports torch, which waiting is good for
    channel = channels[0]
    for other in channels[1:]:
        if os.fork() == 0:
            channel = other
            break
    for other in channels:
        if other is not channel:
            other.close()
    message, descriptors, _, _ = socket.recv_fds(channel, 16, 1)
    if not message:
        return
    try:
        model = load_model(checkpoint, train, trial)
        shared = Shared(descriptors[0])
        channel.sendall(b"ready\n")
        while slot := channel.recv(1):
            answer = logits(model, shared.tokens[slot[0]].to(device()))
            # The scale's zero is free: with the likeliest token there, sixteen bits are finest where the probability is.
            shared.logits[slot[0]].copy_(answer.sub_(answer.amax(-1, keepdim=True)))
            channel.sendall(b"done\n")
    except (BrokenPipeError, KeyboardInterrupt):  # the judge has ended, or says so itself
        return
    except SystemExit as end:
        channel.sendall(json.dumps({"refused": str(end)}).encode() + b"\n")
    except Exception as error:
        channel.sendall(json.dumps({"refused": f"the model cannot be asked: {type(error).__name__}: {error}"[:2000]}).encode() + b"\n")
        raise


def load_model(checkpoint: Path, train: Path, trial: str = "") -> torch.nn.Module:
    """The model of a checkpoint. Everything that comes from the file is checked before a line of train.py runs."""
    try:
        saved = torch.load(checkpoint, map_location=device(), weights_only=True)
        state, vocab_size, name = saved["model"], saved["vocab_size"], saved["trial"]
    except FileNotFoundError:
        sys.exit(f"{checkpoint} is missing: no training has ended with prepare.save(model).")
    except Exception as error:
        sys.exit(f"{checkpoint} cannot be read ({type(error).__name__}): `python train.py` makes a new one.")
    if vocab_size != VOCAB_SIZE:
        sys.exit(
            f"{checkpoint} was trained with a vocabulary of {vocab_size}, {PROFILE_FILE} has {VOCAB_SIZE}: use the profile that it was"
            " trained with, or train again."
        )
    if trial and name != trial:
        sys.exit(f"{checkpoint} is of {f'trial {name}' if name else 'another training'}, not of trial {trial}: this one saved nothing.")
    if not train.exists():
        sys.exit(f"{train} is missing: the model is rebuilt by its build_model().")
    sys.modules["prepare"] = sys.modules[__name__]
    spec = importlib.util.spec_from_file_location("train", train)
    assert spec is not None and spec.loader is not None
    module = sys.modules["train"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return rebuilt_model(state)


class Refused(Exception):
    """There is no number; the sentence says why."""


class Asking:
    """A judge's end of the channel to one host."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.channel.settimeout(PATIENCE)
        self.lines = channel.makefile("rb")
        descriptor = Shared.create()
        socket.send_fds(channel, [b"begin"], [descriptor])
        self.shared = Shared(descriptor)
        os.close(descriptor)

    def hear(self) -> None:
        try:
            line = self.lines.readline(65536)
        except TimeoutError:
            raise Refused(f"the model did not answer for {PATIENCE:.0f} s.") from None
        except OSError as error:
            raise Refused(f"the host of the model ended: {error.strerror}.") from None
        if line not in (b"ready\n", b"done\n"):
            raise Refused(_refusal(line))

    def losses(self, rows: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """The loss in nats of every target, [n, T]; the rows are asked in batches, in an order that nobody can foresee."""
        count = -(-len(rows) // EVAL_ROWS)
        order = random.SystemRandom().sample(range(count), count)
        members = [np.arange(b * EVAL_ROWS, (b + 1) * EVAL_ROWS) % len(rows) for b in order]  # the last one starts over to be full
        losses = np.empty(targets.shape, np.float32)
        self.hear()
        for turn in range(count + 1):
            if turn < count:
                self.shared.tokens[turn % SLOTS].copy_(torch.from_numpy(rows[members[turn]].astype(np.int64)))
                self._send(turn % SLOTS)
            if turn:
                self.hear()
                losses[members[turn - 1]] = self._score((turn - 1) % SLOTS, targets[members[turn - 1]])
        return losses

    def _send(self, slot: int) -> None:
        try:
            self.channel.sendall(bytes([slot]))
        except OSError:
            self.hear()  # its last words say why it went

    def _score(self, slot: int, targets: np.ndarray) -> np.ndarray:
        answer = self.shared.logits[slot].to(device()).float()
        wanted = torch.from_numpy(targets.astype(np.int64)).to(device())
        nats = torch.nn.functional.cross_entropy(answer.flatten(0, 1), wanted.flatten(), reduction="none")
        losses: np.ndarray = nats.view(wanted.shape).cpu().numpy()
        losses[targets == BOS] = 0.0  # a start mark has no part in the score, and a model may rule it out
        if not np.isfinite(losses).all():
            raise Refused("the model's logits are not numbers.")
        return losses


def _refusal(line: bytes) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return str(json.loads(line)["refused"])
    return "the host of the model ended without an answer; the log says more."


def held_out(split: str) -> np.ndarray:
    """The rows of a held-out file that are scored, uint16 [n, MAX_SEQ_LEN + 1]: always the same."""
    documents = Documents(DATA / split)
    count = max(1, EVAL_TOKENS // MAX_SEQ_LEN)
    rows = [row for (row,), _ in itertools.islice(pack(documents, ((1, i) for i in range(len(documents))), 1), count)]
    if len(rows) < count:
        lower = f"lower eval_tokens in {PROFILE_FILE} to {len(rows) * MAX_SEQ_LEN}, or " if rows else ""
        sys.exit(
            f"{DATA / split} is too small: it fills {len(rows)} rows of {MAX_SEQ_LEN} tokens, eval_tokens = {EVAL_TOKENS} needs {count};"
            f" {lower}choose a larger corpus with `python prepare.py --dataset`."
        )
    return np.stack(rows)


def contradiction(first: np.ndarray, second: np.ndarray, cuts: np.ndarray) -> str:
    """What two hosts disagree in, in words; empty if they agree. Losses [n, T] of the same targets; of row i the first cuts[i]."""
    apart = second - first
    before = np.arange(apart.shape[1]) < cuts[:, None] - 1
    turn = float(np.abs(apart[np.arange(len(cuts)), cuts - 1]).mean())
    mean, size = float(apart[before].mean()), float(np.abs(apart[before]).mean())
    if turn > max(SAME_AT_THE_TURN, 3 * size):
        return f"it looks ahead: where the next token was exchanged, its loss moved by {turn:.3f} nats, elsewhere by {size:.4f}."
    if abs(mean) > SAME_MEAN or size > SAME_SIZE:
        return (
            f"a second copy, asked the same among other rows, answers otherwise ({mean:+.4f} nats a token, {size:.4f} in size):"
            " it mixes rows, remembers, learns or draws lots while it is measured."
        )
    return ""


def judge(channels: list[socket.socket], split: str) -> dict[str, Any]:
    """Bits per byte of the model behind the channels, or why it has no number."""
    rows = held_out(split)
    nbytes = np.array(bytes_of_tokens(load_tokenizer()))[rows[:, 1:]]
    began = time.perf_counter()
    draw = np.random.default_rng()
    again = draw.permutation(len(rows))[: max(128, len(rows) // 4)]
    cuts = draw.integers(1, MAX_SEQ_LEN, len(again))
    endings = rows[draw.permutation(len(rows))[: len(again)]]
    twins = np.where(np.arange(MAX_SEQ_LEN) < cuts[:, None], rows[again, :-1], endings[:, :-1])
    try:
        with ThreadPoolExecutor(2) as pool:
            first, second = (Asking(channel) for channel in channels)
            whole = pool.submit(first.losses, rows[:, :-1], rows[:, 1:])
            partly = pool.submit(second.losses, twins, rows[again, 1:])
            losses, other = whole.result(), partly.result()
    except Refused as refused:
        return {"refused": str(refused)}
    finally:
        for channel in channels:
            channel.close()
    if disagreement := contradiction(losses[again], other, cuts):
        return {"refused": disagreement}
    nats = float(np.sum(losses, where=nbytes > 0, dtype=np.float64))  # a start mark has no bytes, and no part in the score
    return {
        "val_bpb": nats / math.log(2) / int(nbytes.sum()),
        "split": split,
        "eval_tokens": rows[:, 1:].size,
        "eval_seconds": time.perf_counter() - began,
    }


def open_hosts(checkpoint: Path, train: Path, trial: str) -> list[int]:
    """Two hosts on their way, uncontained; the judge's ends of their channels."""
    pairs = [socket.socketpair() for _ in range(2)]
    theirs = [str(their.fileno()) for _, their in pairs]
    files = f"--checkpoint={checkpoint}", f"--train={train}", f"--trial={trial}"
    command = [sys.executable, __file__, "host", *files, "--channel", *theirs]
    subprocess.Popen(command, pass_fds=[*map(int, theirs)], stdin=subprocess.DEVNULL)
    for _, their in pairs:
        their.close()
    return [our.detach() for our, _ in pairs]


def measure(facts: dict[str, Any]) -> None:
    """Become the judge of what was just trained. The training's process ends here, and its memory goes back to the device."""
    sys.stdout.flush()
    facts = facts | {"began": time.time() - (time.perf_counter() - IMPORTED)}
    descriptors = open_hosts(CHECKPOINT, SCRIPT, "")
    for descriptor in descriptors:
        os.set_inheritable(descriptor, True)
    command = [sys.executable, __file__, "judge", "--facts", json.dumps(facts), "--channels", *map(str, descriptors)]
    os.execv(sys.executable, command)


# ---------------------------------------------------------------------------------------------------------------------------------
# Data and tokenizer
# ---------------------------------------------------------------------------------------------------------------------------------

# A split as GPT-4's: contractions, words with one leading mark, numbers of two digits at most, punctuation, line ends, blanks.
SPLIT_PATTERN = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+"
TOKENIZER_CHARACTERS = 2**28  # text to learn the tokenizer from; more changes nothing that shows
FOLDER_PARTS = 16  # files of tokens for the texts of a folder, be they one or a million
LONG_DOCUMENT = 10_000  # characters of one document that the tokenizer learns from, so that no single one dominates
HELD_OUT_TOKENS = 2**22  # of each held-out file: twice what the largest profile scores
HELD_OUT_MODULES = ("pydoc_data", "idlelib", "lib2to3", "tkinter", "turtledemo")  # that no training needs, so a sandbox can hide them
DATASETS = ("climbmix", "tinystories", "python")  # any other is the path of a folder
SPLITS = ("train", "validation", "audit")
LAST_SHARD = 6542  # of climbmix: upstream's validation shard; the one before it is our audit
HUB = (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


@dataclass(frozen=True)
class Part:
    """One file of tokens to be: in which split, from which download if any, and its texts."""

    split: str
    name: str
    texts: Callable[[], Iterable[str]]
    download: tuple[str, Path] | None = None  # address, file


def aside(path: Path) -> Path:
    """Where a file is while it is not whole."""
    return path.with_name(path.name + ".part")


def write_aside(path: Path, chunks: Iterable[bytes | memoryview]) -> None:
    """Whole or not at all: written beside, flushed to the disk, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = aside(path)
    try:
        with open(part, "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    os.replace(part, path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def write_array(path: Path, array: np.ndarray) -> None:
    whole = io.BytesIO()  # numpy's own way into a file does not say why it failed
    np.save(whole, array)
    write_aside(path, [whole.getbuffer()])


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time writes in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"another process writes in {folder}: waiting for it", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def parts_of(dataset: str, shards: int) -> list[Part]:
    """What a dataset is made of. The training text comes first: the tokenizer learns from it."""
    if dataset == "python":
        return [Part(split, "00000", functools.partial(python_texts, split)) for split in ("train", "validation", "audit")]
    if dataset == "climbmix":
        files = {("train", f"{i:05d}"): i for i in range(min(max(shards, 1), LAST_SHARD - 1))}
        files |= {("validation", "00000"): LAST_SHARD, ("audit", "00000"): LAST_SHARD - 1}
        return [hub_part(*part, "karpathy/climbmix-400b-shuffle", f"shard_{shard:05d}.parquet") for part, shard in files.items()]
    if dataset == "tinystories":
        stories = {"train": (20_000, None), "validation": (10_000, 20_000), "audit": (0, 10_000)}
        return [
            hub_part(split, "00000", "karpathy/tinystories-gpt4-clean", "tinystories_gpt4_clean.parquet", *rows)
            for split, rows in stories.items()
        ]
    texts = files_in(Path(dataset))
    slices = [texts[i::FOLDER_PARTS] for i in range(min(FOLDER_PARTS, len(texts)))]
    train = [folder_part("train", i, some_texts) for i, some_texts in enumerate(slices)]
    return [*train, folder_part("validation", 0, texts), folder_part("audit", 0, texts)]


def python_texts(split: str) -> list[str]:
    held_out = python_library(held_out=True)
    if split == "train":  # modules copy from each other
        texts = sorted(set(python_library(held_out=False)) - set(held_out))
    else:  # the two files share the modules, and no text
        texts = [text for text in held_out if hashlib.sha256(text.encode()).digest()[0] % 2 == (split == "audit")]
    return random.Random(0).sample(texts, len(texts))


@functools.cache
def python_library(held_out: bool) -> list[str]:
    """The running interpreter's own library, its tests aside: functions, other statements of some length, and each docstring alone."""
    library = Path(sysconfig.get_path("stdlib"))
    texts: set[str] = set()
    for path in library.rglob("*.py"):
        parts = path.relative_to(library).parts
        if {"test", "tests", "idle_test", "site-packages", "dist-packages", "encodings"} & set(parts) or (
            parts[0] in HELD_OUT_MODULES
        ) != held_out:
            continue
        with contextlib.suppress(SyntaxError, ValueError):  # a template that is no Python is no text of ours
            source = path.read_text(encoding="utf-8")
            texts.update(texts_of(ast.parse(source), source.splitlines(keepends=True)))
    return sorted(texts)


def texts_of(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> Iterator[str]:
    if docstring := ast.get_docstring(node):
        yield docstring
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield from texts_of(child, lines)
        if isinstance(child, ast.Assign) and isinstance(child.value, ast.Dict):  # pydoc's topics: one large dictionary of prose
            yield from (
                v.value for v in child.value.values if isinstance(v, ast.Constant) and isinstance(v.value, str) and len(v.value) > 500
            )
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not isinstance(child, ast.ClassDef):
            text = "".join(lines[child.lineno - 1 : child.end_lineno])
            if len(text) > 80:
                yield text


def files_in(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in (".txt", ".md", ".jsonl", ".parquet") and path.is_file())
    return files or sys.exit(
        f"{folder} holds no .txt, .md, .jsonl or .parquet file: give --dataset a folder that does, or climbmix, tinystories or python."
    )


def folder_part(split: str, number: int, files: list[Path]) -> Part:
    """Named after its files as they are now: when one has changed, this is another part, and nobody takes the old one for it."""
    now = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    name = f"{number:05d}-{hashlib.sha256(repr(now).encode()).hexdigest()[:8]}"
    return Part(split, name, functools.partial(folder_texts, split, files))


def folder_texts(split: str, files: list[Path]) -> Iterator[str]:
    """The documents of a folder; a fiftieth is held out for each of the two files, chosen by content, so copies stay together."""
    for file in files:
        for text in pieces_of(read_texts(file)):
            words = " ".join(text.split())  # a copy may end without the line end, or have others
            bucket = hashlib.sha256(words.encode()).digest()[0] % 50
            if {0: "validation", 1: "audit"}.get(bucket, "train") == split:
                yield text


def read_texts(file: Path, first: int = 0, last: int | None = None) -> Iterator[str]:
    """The documents of a file; of a parquet file, those of the rows from first to last."""
    try:
        if file.suffix == ".parquet":
            yield from parquet_texts(file, first, last)
        elif file.suffix == ".jsonl":
            with open(file, encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        yield jsonl_text(line, number)
        else:
            yield file.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError, RecursionError) as error:
        sys.exit(f"{file} cannot be read as {file.suffix[1:]} of documents with a `text` ({error}): mend or move it, and run this again.")


def jsonl_text(line: str, number: int) -> str:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from error
    fields = document if isinstance(document, dict) else {"text": document}
    text = next((fields[name] for name in ("text", "content", "story") if name in fields), None)
    if not isinstance(text, str):
        raise ValueError(f"line {number} has no text")
    return text


def pieces_of(texts: Iterable[str]) -> Iterator[str]:
    """Long texts in pieces of some 4,000 characters, cut at line ends: a row takes whole documents, and a book is none."""
    for text in texts:
        clean = text.encode("utf-8", "replace").decode()
        for piece in re.findall(r".{1,4000}(?:\n+|\Z)|.{1,4000}", clean, re.DOTALL):
            if piece.strip():
                yield piece


def parquet_texts(file: Path, first: int = 0, last: int | None = None) -> Iterator[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            strings = [field.name for field in table.schema_arrow if pa.types.is_string(field.type) or pa.types.is_large_string(field.type)]
            if not strings:
                raise ValueError("no column of text")
            row = 0
            for batch in table.iter_batches(columns=["text" if "text" in strings else strings[0]], batch_size=1024):
                texts = batch.column(0).to_pylist()[max(0, first - row) : None if last is None else max(0, last - row)]
                yield from (text for text in texts if text)
                row += len(batch)
                if last is not None and row >= last:
                    return
    except pa.ArrowException as error:
        raise ValueError(str(error).partition("\n")[0]) from error


def hub_part(split: str, name: str, repository: str, shard: str, first: int = 0, last: int | None = None) -> Part:
    file = DATA.parent / "downloads" / repository.split("/")[1] / shard
    address = f"{HUB}/datasets/{repository}/resolve/main/{shard}"
    return Part(split, name, functools.partial(read_texts, file, first, last), (address, file))


def described(address: str) -> tuple[int, str]:
    """Size and SHA-256 of a file of the hub, which says them in its redirection to where the file lies."""
    import httpx

    answer = httpx.head(address, timeout=30)
    for _ in range(3):  # a repository that has been renamed is a redirection more
        if answer.next_request and "x-linked-etag" not in answer.headers:
            answer = httpx.head(answer.next_request.url, timeout=30)
    if answer.status_code >= 400:
        said = f"{answer.status_code} {answer.reason_phrase}"
        sys.exit(f"{address} answers {said}: try later, or use `--dataset python`, which needs no network.")
    size, checksum = answer.headers.get("x-linked-size", ""), answer.headers.get("x-linked-etag", "").strip('"')
    if not size.isdecimal() or len(checksum) != 64:  # the login page of some network, perhaps
        sys.exit(f"{address} is answered by something that is no hub: look at HF_ENDPOINT and at your network, or use `--dataset python`.")
    return int(size), checksum


def fetch(address: str, file: Path, size: int, checksum: str, advance: Callable[[int], object]) -> None:
    """Download what is missing of a file, and take it only if its checksum is the one that the hub said."""
    import httpx

    part = aside(file)
    for attempt in range(5):
        have = part.stat().st_size if part.exists() else 0
        headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"}
        try:
            if have < size:
                with httpx.stream("GET", address, headers=headers, follow_redirects=True, timeout=30) as answer:
                    answer.raise_for_status()
                    if answer.status_code != 206:  # all of it, whatever was asked for
                        part.unlink(missing_ok=True)
                        advance(-have)
                    with open(part, "ab", buffering=0) as out:  # what came counts, however this ends
                        for block in answer.iter_raw():
                            out.write(block)
                            advance(len(block))
                        os.fsync(out.fileno())
        except httpx.HTTPError:
            if attempt == 4:
                raise
        if (have := part.stat().st_size if part.exists() else 0) >= size:
            if file_checksum(part) == checksum:
                write_aside(checksum_of(file), [checksum.encode()])
                os.replace(part, file)
                return
            part.unlink()
            advance(-have)
        time.sleep(2**attempt / 4)
    sys.exit(f"{address} came damaged five times: try later, or use `--dataset python`, which needs no network.")


def file_checksum(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def checksum_of(file: Path) -> Path:
    return file.with_name(file.name + ".sha256")


def is_whole(file: Path) -> bool:
    return file.exists() and checksum_of(file).exists() and file_checksum(file).encode() == checksum_of(file).read_bytes()


def download(parts: list[Part]) -> None:
    """The files of these parts. They are kept: another vocabulary is made of the same ones."""
    wanted = dict(part.download for part in parts if part.download)
    if not wanted:
        return
    import httpx
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    folder = next(iter(wanted.values())).parent
    ended: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    slots = threading.Semaphore(8)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with locked(folder), Progress(*columns) as progress:
        missing = {address: file for address, file in wanted.items() if not is_whole(file)}
        task = progress.add_task(f"{len(missing)} of {len(wanted)} files", total=0, visible=bool(missing))

        def work(address: str, size: int, checksum: str) -> None:
            try:
                with slots:
                    fetch(address, missing[address], size, checksum, functools.partial(progress.advance, task))
                ended.put(None)
            except BaseException as error:
                ended.put(error)

        try:
            files = [(address, *described(address)) for address in missing]
            have = sum(aside(file).stat().st_size for file in missing.values() if aside(file).exists())
            progress.update(task, total=sum(size for _, size, _ in files), completed=have)
            for file in files:  # daemons: neither Ctrl+C nor an error of one waits for what the others still have to download
                threading.Thread(target=work, args=file, daemon=True).start()
            for _ in files:
                if error := ended.get():
                    raise error
        except httpx.HTTPError as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            sys.exit(f"{HUB} cannot be reached ({reason}): run this again when online, it goes on; `--dataset python` needs no network.")


def tokenizer_from(texts: Iterable[str]) -> Any:
    """Byte-level BPE: every text can be written, and the length of a token in bytes is exact, halves of characters included."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    def capped() -> Iterator[str]:
        left = TOKENIZER_CHARACTERS
        for text in texts:
            yield text[:LONG_DOCUMENT]
            left -= min(len(text), LONG_DOCUMENT)
            if left <= 0:
                return

    tokenizer = Tokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        capped(), trainers.BpeTrainer(vocab_size=VOCAB_SIZE, initial_alphabet=alphabet, special_tokens=["<|start|>"], show_progress=False)
    )
    return tokenizer


def bytes_of_tokens(tokenizer: Any) -> list[int]:
    """Each token's length in bytes: in the byte-level alphabet a character is a byte."""
    return [0 if i == BOS else len(tokenizer.id_to_token(i)) for i in range(tokenizer.get_vocab_size())]


def whole_tokenizer() -> Any | None:
    """The tokenizer, if its two files are there and agree."""
    from tokenizers import Tokenizer

    nbytes = read_array(DATA / "tokenizer" / "bytes.npy")
    try:
        tokenizer = Tokenizer.from_file(str(DATA / "tokenizer" / "tokenizer.json"))
    except Exception:  # tokenizers raises nothing more particular
        return None
    tokenizer.encode_special_tokens = True  # a text that says <|start|> starts nothing
    return tokenizer if nbytes is not None and nbytes.tolist() == bytes_of_tokens(tokenizer) else None


def load_tokenizer() -> Any:
    return whole_tokenizer() or sys.exit(f"no tokenizer in {DATA / 'tokenizer'}, or a damaged one: `python prepare.py` makes it.")


def tokenize(part: Part, tokenizer: Any) -> None:
    """Write a part's tokens as they come, and the bounds of its documents. Where the file of tokens is, the part is done."""
    target = DATA / part.split / f"{part.name}.bin"

    bounds = [0]

    def tokens() -> Iterator[memoryview]:
        texts = iter(part.texts())
        while batch := list(itertools.islice(texts, 1024)):
            for encoded in tokenizer.encode_batch_fast(batch):
                yield np.array([BOS, *encoded.ids], np.uint16).data
                bounds.append(bounds[-1] + 1 + len(encoded.ids))
            if part.split != "train" and bounds[-1] >= HELD_OUT_TOKENS:
                break
        write_array(target.with_suffix(".npy"), np.array(bounds))

    write_aside(target, tokens())


def learn_tokenizer(dataset: str, parts: list[Part]) -> Any:
    print(f"tokenizer: learning {VOCAB_SIZE} tokens", flush=True)
    tokenizer = tokenizer_from(text for part in parts if part.split == "train" for text in part.texts())
    if (found := tokenizer.get_vocab_size()) != VOCAB_SIZE:
        sys.exit(f"{dataset} has text for {found} tokens, not for {VOCAB_SIZE}: lower vocab_size in {PROFILE_FILE}, or use more text.")
    write_aside(DATA / "tokenizer" / "tokenizer.json", [tokenizer.to_str().encode()])
    write_array(DATA / "tokenizer" / "bytes.npy", np.array(bytes_of_tokens(tokenizer)))
    return load_tokenizer()


def prepare(dataset: str, shards: int) -> None:
    """Everything that a training needs on disk. Done things stay done: this can be interrupted anywhere and run again."""
    with locked(DATA):
        parts = parts_of(dataset, shards)
        tokenizer = whole_tokenizer()
        if not tokenizer:
            (DATA / "manifest.json").unlink(missing_ok=True)
            for split in SPLITS:  # what another tokenizer wrote means nothing now
                shutil.rmtree(DATA / split, ignore_errors=True)
        names = {(part.split, part.name) for part in parts}
        for file in DATA.glob("*/*.bin"):  # damaged, or of files in a folder that have changed since
            if read_bounds(file) is None or (dataset not in DATASETS and (file.parent.name, file.stem) not in names):
                file.unlink()
                file.with_suffix(".npy").unlink(missing_ok=True)
        undone = [part for part in parts if not (DATA / part.split / f"{part.name}.bin").exists()]
        download(undone)
        tokenizer = tokenizer or learn_tokenizer(dataset, parts)
        for number, part in enumerate(undone, 1):
            print(f"tokens: {part.split}/{part.name} ({number} of {len(undone)})", flush=True)
            tokenize(part, tokenizer)
        counts = {split: sum(file.stat().st_size // 2 for file in (DATA / split).glob("*.bin")) for split in SPLITS}
        manifest = {
            "dataset": dataset,
            "vocab_size": VOCAB_SIZE,
            "tokens": counts,
            "tokenizer": file_checksum(DATA / "tokenizer" / "tokenizer.json"),
        }
        file, text = DATA / "manifest.json", json.dumps(manifest, indent=1)
        if not file.exists() or file.read_text() != text:
            write_aside(file, [text.encode()])
    for split in SPLITS[1:]:
        held_out(split)
    train, *others = counts.values()
    print(f"ready: {train / 1e6:.1f} M tokens to train on, {' and '.join(f'{n / 1e3:.0f} k' for n in others)} held out, in {DATA}")


def choose_dataset(dataset: str) -> None:
    """Another dataset than the profile's: the profile is where train.py looks, so it is written there."""
    global DATA
    if dataset not in DATASETS:
        if not Path(dataset).is_dir():
            sys.exit(f"{dataset} is neither a folder nor one of climbmix, tinystories and python.")
        dataset = str(Path(dataset).resolve())
        files_in(Path(dataset))  # nothing is chosen that cannot be used
    if dataset != PROFILE["dataset"]:
        line = f"dataset = {json.dumps(dataset, ensure_ascii=False)}"
        profile = PROFILE_FILE.read_text(encoding="utf-8")
        text, count = re.subn(r"(?m)^dataset\s*=.*?(\s*#[^\"\n]*)?$", lambda found: line + (found[1] or ""), profile, count=1)
        if not count:
            sys.exit(f"{PROFILE_FILE} has no line `dataset = ..` to change.")
        write_aside(PROFILE_FILE, [text.encode()])
        PROFILE["dataset"] = dataset
        DATA = data_folder(dataset)
        print(f"{PROFILE_FILE.name} now says {line}")


# ---------------------------------------------------------------------------------------------------------------------------------
# A workspace that fits its device; text from a model
# ---------------------------------------------------------------------------------------------------------------------------------


def with_knobs(source: str, knobs: dict[str, Any]) -> str:
    """train.py with these values in its block of constants; comments stay."""
    for name, value in knobs.items():
        line = re.search(rf"(?m)^{name} = [^#\n]*?( *#.*)?$", source)
        if not line:
            sys.exit(f"train.py has no line `{name} = ..` to set to {value!r}.")
        source = f"{source[: line.start()]}{name} = {value!r}{line[1] or ''}{source[line.end() :]}"
    return source


def profile_for_this_device() -> str:
    """By what is free now, not by what the card has: a language model may live there too."""
    if device().type != "cuda":
        return "small" if device().type == "mps" else "cpu"
    free = torch.cuda.mem_get_info()[0] / 2**30
    return "h100" if free > 70 else "shared-48gb" if free > 30 else "rtx3090" if free > 12 else "small"


def new(folder: Path, name: str) -> None:
    """A workspace: the two files, the profile, its knobs written into train.py, and the instructions to the researcher."""
    if not BUNDLED.is_dir():
        sys.exit(f"{HERE} is a workspace already; the bundled harness makes new ones.")
    known = sorted(path.stem for path in BUNDLED.glob("*.toml"))
    if name not in ("auto", *known):
        sys.exit(f"there is no profile {name!r}: choose auto or one of {', '.join(known)}.")
    if any((folder / file).exists() for file in ("train.py", "prepare.py", "profile.toml")):
        sys.exit(f"{folder} holds a workspace already; nothing was changed.")
    chosen = profile_for_this_device() if name == "auto" else name
    profile = BUNDLED / f"{chosen}.toml"
    source = with_knobs((HERE / "train.py").read_text(encoding="utf-8"), read_profile(profile).get("knobs", {}))
    instructions = next(path for path in (HERE.parent / "program.md", HERE / "program.md") if path.exists())
    for target, content in {"prepare.py": Path(__file__), "profile.toml": profile, "program.md": instructions}.items():
        write_aside(folder / target, [content.read_bytes()])
    write_aside(folder / "train.py", [source.encode()])
    print(f"{folder} is a workspace with the profile {chosen}")
    if name == "auto":
        for verb in ([], ["fit"]):
            if code := subprocess.run([sys.executable, folder / "prepare.py", *verb]).returncode:
                sys.exit(code)


def fit() -> None:
    """Halve DEVICE_BATCH_SIZE until a few real steps fit into what is free; the total batch stays, so the experiment does too."""
    train = HERE / "train.py"
    source = train.read_text(encoding="utf-8")
    found = re.search(r"(?m)^DEVICE_BATCH_SIZE = (\d+)", source)
    if not found:
        sys.exit(f"{train} has no line `DEVICE_BATCH_SIZE = ..` to fit.")
    rows = int(found[1])
    while rows:
        with tempfile.TemporaryDirectory() as scratch:
            for file in ("prepare.py", "profile.toml"):
                shutil.copy(HERE / file, scratch)
            Path(scratch, "train.py").write_text(with_knobs(source, {"DEVICE_BATCH_SIZE": rows}), encoding="utf-8")
            environment = os.environ | {"AUTORESEARCH_STEPS": "3", "AUTORESEARCH_TRIAL": "fit"}
            tried = subprocess.run(
                [sys.executable, "train.py"], cwd=scratch, env=environment, capture_output=True, text=True, errors="replace"
            )
        if tried.returncode == 0:
            peak = re.search(r"(?m)^peak_vram_mb: +(.*)$", tried.stdout)
            fitted = with_knobs(source, {"DEVICE_BATCH_SIZE": rows}).encode()
            write_aside(train, [fitted])
            print(f"fits: DEVICE_BATCH_SIZE = {rows}, {float(peak[1]) / 1024 if peak else 0:.1f} GB at its peak")
            return
        if "out of memory" not in tried.stderr:
            sys.exit(f"the training does not run at all: {(tried.stderr.strip().splitlines() or ['no output'])[-1]}")
        print(f"DEVICE_BATCH_SIZE = {rows} does not fit")
        rows //= 2
    sys.exit("not even a device batch of one row fits: choose a smaller profile, or free some memory.")


def sample(checkpoint: Path, prompt: str, count: int, temperature: float) -> None:
    """Text from a checkpoint, as it comes. Rows keep their full length, as the contract has it: what follows is not seen anyway."""
    tokenizer = load_tokenizer()
    model = load_model(checkpoint, HERE / "train.py")
    tokens = [BOS, *tokenizer.encode(prompt.encode("utf-8", "replace").decode()).ids]
    shown = ""
    for _ in range(count):
        window = tokens[-MAX_SEQ_LEN:]
        row = torch.tensor([window + [BOS] * (MAX_SEQ_LEN - len(window))], device=device())
        chances = torch.softmax(logits(model, row)[0, len(window) - 1] / max(temperature, 1e-4), -1)
        tokens.append(int(torch.multinomial(chances, 1)))
        if tokens[-1] == BOS:
            break
        text = tokenizer.decode(tokens[1:]).rstrip("\ufffd")  # a character of several tokens is shown when it is whole
        print(text[len(shown) :], end="", flush=True)
        shown = text
    print()


# ---------------------------------------------------------------------------------------------------------------------------------
# The command line
# ---------------------------------------------------------------------------------------------------------------------------------


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="prepare.py", description="Data, tokenizer and measurement; the head of the file says more.")
    parser.add_argument(
        "--dataset", help="climbmix, tinystories, python, or a folder of text, jsonl or parquet files (default: the profile's)"
    )
    parser.add_argument("--shards", type=int, default=10, help="of climbmix: how many files of some 60 M tokens (default: 10)")
    verbs = parser.add_subparsers(dest="verb")
    verbs.add_parser("fit", help="lower DEVICE_BATCH_SIZE until the training fits")
    verb = verbs.add_parser("new", help="make a workspace")
    verb.add_argument("folder", type=Path)
    verb.add_argument("--profile", default="auto")
    verb = verbs.add_parser("sample", help="text from a checkpoint")
    verb.add_argument("checkpoint", type=Path, nargs="?", default=CHECKPOINT)
    verb.add_argument("--prompt", default="")
    verb.add_argument("--tokens", type=int, default=200)
    verb.add_argument("--temperature", type=float, default=0.8)
    for name in ("judge", "host"):
        verb = verbs.add_parser(name)
        verb.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
        verb.add_argument("--train", type=Path, default=HERE / "train.py")
        verb.add_argument("--trial", default="", help="refuse a checkpoint of another trial")
    verb.add_argument("--channel", type=int, nargs="+", required=True, help="descriptors of sockets to the judge: a process for each")
    verb = verbs.choices["judge"]
    verb.add_argument("--split", choices=("validation", "audit"), default="validation")
    verb.add_argument("--channels", type=int, nargs=2, help="descriptors of the sockets to two hosts; without them it starts its own")
    verb.add_argument("--result", type=int, help="descriptor to write the result to, as JSON; without it a summary is printed")
    verb.add_argument("--wait", action="store_true", help="wait for a line on standard input before touching anything")
    verb.add_argument("--facts", type=json.loads, default={}, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.verb and given.dataset:
        parser.error(f"--dataset goes without a verb, not with {given.verb}")
    if given.verb == "sample" and not (given.tokens >= 0 and 0 <= given.temperature < math.inf):
        parser.error("--tokens and --temperature are numbers from 0 on")
    if given.shards < 1:
        parser.error("--shards needs a number from 1 on")
    return given


def main(arguments: list[str]) -> None:
    given = parse(arguments)
    if BUNDLED.is_dir() and given.verb != "new":
        sys.exit(f"{HERE} is the bundled harness, not a workspace: `python {sys.argv[0]} new DIR` makes one.")
    if given.verb == "new":
        new(given.folder, given.profile)
    elif given.verb == "fit":
        fit()
    elif given.verb == "sample":
        sample(given.checkpoint, given.prompt, given.tokens, given.temperature)
    elif given.verb == "host":
        host([socket.socket(fileno=number) for number in given.channel], given.checkpoint, given.train, given.trial)
    elif given.verb == "judge":
        torch.set_grad_enabled(False)  # imports torch, which waiting is good for
        if given.wait and not sys.stdin.readline():
            return
        channels = [socket.socket(fileno=number) for number in given.channels or open_hosts(given.checkpoint, given.train, given.trial)]
        result = judge(channels, given.split)
        if given.result is not None:
            with open(given.result, "w") as out:
                json.dump(result, out)
        elif "refused" in result:
            sys.exit(result["refused"])
        else:
            began = given.facts.get("began")
            total = {"total_seconds": time.time() - began} if began else {}
            print_summary({"device": device_name()} | given.facts | total | result | {"trust": "verified, uncontained"})
    else:
        if given.dataset is not None:
            choose_dataset(given.dataset)
        prepare(PROFILE["dataset"], given.shards)


if __name__ == "__main__":
    main(sys.argv[1:])
