"""The loader gives what the plainest best-fit loader would give, and gives it much faster."""

from __future__ import annotations

import importlib.util
import itertools
import shutil
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

BUFFER, REFILL = 1000, 128
START = 0  # the token that begins a document


class Naive:
    """Best fit in its plainest form: tokenize what arrives, look through the whole list for every choice, copy into the row."""

    def __init__(self, encode: Callable[[list[int]], list[list[int]]], supply: Iterator[tuple[int, int]], row_length: int) -> None:
        self.encode, self.supply, self.row_length = encode, supply, row_length
        self.waiting: list[list[int]] = []
        self.encoding_seconds = 0.0

    def refill(self) -> None:
        while len(self.waiting) < BUFFER:
            arriving = [document for _, document in itertools.islice(self.supply, REFILL)]
            began = time.perf_counter()
            self.waiting += self.encode(arriving)
            self.encoding_seconds += time.perf_counter() - began

    def batch(self, rows: int) -> torch.Tensor:
        batch = torch.empty((rows, self.row_length), dtype=torch.int64)
        for row in batch:
            filled = 0
            while filled < self.row_length:
                self.refill()
                space = self.row_length - filled
                best, best_length = -1, 0
                for i, document in enumerate(self.waiting):
                    if best_length < len(document) <= space:
                        best, best_length = i, len(document)
                if best < 0:
                    best = min(range(len(self.waiting)), key=lambda i: len(self.waiting[i]))
                document = self.waiting.pop(best)[:space]
                row[filled : filled + len(document)] = torch.tensor(document)
                filled += len(document)
        return batch


@pytest.fixture(scope="module")
def load(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Any]]:
    """The workspace's prepare.py as a module that works with rows of another length, on the same tokens."""
    hook = sys.excepthook

    def load(sequence_length: int) -> Any:
        folder = tmp_path_factory.mktemp("loader")
        shutil.copy(workspace / "prepare.py", folder)
        profile = (workspace / "profile.toml").read_text()
        assert "sequence_length = 256" in profile
        (folder / "profile.toml").write_text(profile.replace("sequence_length = 256", f"sequence_length = {sequence_length}"))
        spec = importlib.util.spec_from_file_location(f"prepare_{folder.name}", folder / "prepare.py")
        assert spec is not None and spec.loader is not None
        module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # where its dataclasses look for it
        spec.loader.exec_module(module)
        return module

    yield load
    sys.excepthook = hook


def texts_in_order(prepare: Any) -> list[str]:
    """The training texts, numbered as `Documents` numbers them: by file, then by place in it."""
    parts = [part for part in prepare.parts_of(prepare.PROFILE["dataset"], 1) if part.split == "train"]
    return [text for part in sorted(parts, key=lambda part: str(part.name)) for text in part.texts()]


def naive(prepare: Any, seed: int) -> Naive:
    texts, tokenizer = texts_in_order(prepare), prepare.load_tokenizer()

    def encode(documents: list[int]) -> list[list[int]]:
        return [[START, *encoded.ids] for encoded in tokenizer.encode_batch_fast([texts[i] for i in documents])]

    return Naive(encode, prepare.endless(len(texts), seed), prepare.MAX_SEQ_LEN + 1)


@pytest.mark.parametrize("seed", [42, 43, 44])
def test_batches_are_those_of_the_naive_loader_bit_for_bit(load: Callable[[int], Any], seed: int) -> None:
    prepare = load(256)
    prepare.SEED = seed
    reference = naive(prepare, seed)
    for _, (tokens, targets) in zip(range(6), prepare.batches(32), strict=False):
        rows = reference.batch(32)
        assert tokens.dtype == targets.dtype == torch.int64
        assert torch.equal(tokens, rows[:, :-1])
        assert torch.equal(targets, rows[:, 1:])


def test_rows_are_full_and_begin_with_a_document(load: Callable[[int], Any]) -> None:
    prepare = load(256)
    documents = prepare.Documents(prepare.DATA / "train")
    first_tokens = {tuple(documents[i][:20].tolist()) for i in range(len(documents))}
    for _, (tokens, targets) in zip(range(50), prepare.batches(32), strict=False):
        assert tokens.shape == targets.shape == (32, 256)
        assert (tokens[:, 0] == START).all()
        assert torch.equal(tokens[:, 1:], targets[:, :-1])
        # Nothing but documents: padding would be a start that no document follows, or one that follows a start.
        assert not ((tokens == START) & (targets == START)).any()
        for row in tokens[::8].tolist():
            begin = row[: row.index(START, 1)] if START in row[1:] else row
            assert any(known[: len(begin)] == tuple(begin[:20])[: len(known)] for known in first_tokens)


def test_every_arrival_is_handed_out_at_most_once_and_epochs_count_up(load: Callable[[int], Any]) -> None:
    prepare = load(256)
    documents = prepare.Documents(prepare.DATA / "train")
    arrivals: list[tuple[int, int]] = []
    handed_out: list[int] = []

    class Watched:
        length = documents.length

        def __getitem__(self, i: int) -> Any:
            handed_out.append(i)
            return documents[i]

    def supply() -> Iterator[tuple[int, int]]:
        for arrival in prepare.endless(len(documents), 42):
            arrivals.append(arrival)
            yield arrival

    for _, epoch in prepare.pack(Watched(), supply(), 64):
        assert epoch == arrivals[-1][0]
        assert Counter(handed_out) <= Counter(document for _, document in arrivals)
        assert BUFFER - 1 <= len(arrivals) - len(handed_out) < BUFFER + REFILL  # the others wait
        if epoch == 3:
            break
    for epoch in (1, 2):  # each document once an epoch, and every epoch in an order of its own
        assert sorted(document for number, document in arrivals if number == epoch) == list(range(len(documents)))
    assert arrivals[0][1] != arrivals[len(documents)][1]


def test_fifty_times_the_speed_of_the_naive_loader(load: Callable[[int], Any], capsys: pytest.CaptureFixture[str]) -> None:
    prepare = load(2048)
    tokens = 128 * 2048
    reference, batches = naive(prepare, prepare.SEED), prepare.batches(128)
    reference.refill()  # the first filling of the buffer is nobody's batch
    next(batches)
    slow, bare, fast = [], [], []
    for _ in range(3):
        encoded, began = reference.encoding_seconds, time.perf_counter()
        reference.batch(128)
        slow.append(time.perf_counter() - began)
        bare.append(slow[-1] - (reference.encoding_seconds - encoded))
        for _ in range(5):
            began = time.perf_counter()
            next(batches)
            fast.append(time.perf_counter() - began)
    rate, naive_rate, bare_rate = (tokens / statistics.median(seconds) / 1e6 for seconds in (fast, slow, bare))
    with capsys.disabled():
        print(f"\nloader, 128 x 2048: {rate:.1f} M tokens/s; naive {naive_rate:.2f}, without its tokenizer {bare_rate:.2f}")
    assert rate >= 50 * naive_rate
