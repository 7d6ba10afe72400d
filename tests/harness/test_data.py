"""`python prepare.py`: from a hub, a folder or the standard library to files of tokens, whatever happens on the way."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import sysconfig
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx  # noqa: F401  (as in trials.py: here, and not in every child)
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rich.progress  # noqa: F401
from tokenizers import Tokenizer

from tests.harness.trials import fork, make_workspace, run_python, wait

WORDS = [f"{a}{b}{c}" for a in ("b", "pl", "str") for b in ("a", "ea", "ou") for c in ("nd", "m", "ll", "ck", "s")]
VALIDATION, AUDIT = "shard_06542.parquet", "shard_06541.parquet"


class Hub(ThreadingHTTPServer):
    """The Hugging Face hub: it describes a file in a redirection to where the file lies, and there it serves ranges."""

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), HubRequest)
        self.files = files
        self.status = 302  # of what describes a file
        self.faults: dict[str, str] = {}  # file: what goes wrong with it, once
        self.pace = 0.0  # seconds before every 16 kB
        self.requests: list[str] = []
        self.downloads: list[tuple[str, int]] = []  # file, first byte that was asked for
        self.stalled = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubRequest(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        name = Path(self.path).name
        self.server.requests.append(f"{self.command} {self.path}")
        self.send_response(self.server.status)
        if self.server.status == 302:
            self.send_header("X-Linked-Size", str(len(self.server.files[name])))
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(self.server.files[name]).hexdigest()}"')
            self.send_header("Location", f"{self.server.address}/store/{name}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_GET(self) -> None:
        if not self.path.startswith("/store/"):
            return self.do_HEAD()
        name = Path(self.path).name
        self.server.requests.append(f"GET {self.path}")
        first = int(re.fullmatch(r"bytes=(\d+)-", self.headers["Range"])[1])  # type: ignore[index]
        self.server.downloads.append((name, first))
        whole = self.server.files[name]
        content, fault = bytearray(whole[first:]), self.server.faults.pop(name, "")
        if fault == "flipped":
            content[len(content) // 2] ^= 16
        if fault == "truncated":
            del content[len(content) // 2 :]
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{len(whole) - 1}/{len(whole)}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if fault in ("cut", "stalled"):
            del content[len(content) // 2 :]
        for at in range(0, len(content), 2**14):
            time.sleep(self.server.pace)
            try:
                self.wfile.write(content[at : at + 2**14])
            except OSError:  # it was killed
                return None
        if fault == "stalled":
            self.server.stalled.set()
            time.sleep(30)
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class Lab:
    """A workspace with a data folder of its own, and the hub that it knows."""

    folder: Path
    hub: Hub
    data: Path
    logs: list[Path] = field(default_factory=list)
    largest_file: int = resource.RLIM_INFINITY

    @property
    def environment(self) -> dict[str, str]:
        return {"AUTORESEARCH_DATA": str(self.data), "HF_ENDPOINT": self.hub.address, "NO_PROXY": "127.0.0.1", "AUTORESEARCH_STEPS": "1"}

    def start(self, *arguments: str, script: str = "prepare.py") -> int:
        self.logs.append(self.folder / f"{len(self.logs)}.log")
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self.largest_file, limits[1]))  # a child inherits it
        child = fork(self.folder / script, list(arguments), self.logs[-1], self.environment)
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        return child

    def run(self, *arguments: str, script: str = "prepare.py") -> tuple[int, str]:
        code = wait(self.start(*arguments, script=script))
        return code, self.logs[-1].read_text()

    def done(self, *arguments: str) -> str:
        code, said = self.run(*arguments)
        assert code == 0, said
        return said

    def failed(self, *arguments: str, script: str = "prepare.py") -> str:
        """The one sentence that it ends with."""
        code, said = self.run(*arguments, script=script)
        assert code == 1 and "Traceback" not in said, said
        last = said.strip().splitlines()[-1]
        assert last.endswith("."), said
        return last

    @property
    def prepared(self) -> Path:
        (folder,) = (path.parent for path in self.data.glob("*/manifest.json"))
        return folder

    def files(self) -> dict[str, bytes]:
        """What a training and a judge read."""
        return {str(path.relative_to(self.prepared)): path.read_bytes() for path in sorted(self.prepared.glob("*/*"))}

    def texts(self, split: str) -> list[str]:
        """The documents of a split, decoded; their bytes are counted on the way."""
        tokenizer = Tokenizer.from_file(str(self.prepared / "tokenizer" / "tokenizer.json"))
        nbytes = np.load(self.prepared / "tokenizer" / "bytes.npy")
        texts = []
        for file in sorted((self.prepared / split).glob("*.bin")):
            bounds = np.load(file.with_suffix(".npy"))
            for document in np.split(np.fromfile(file, np.uint16), bounds[1:-1]):
                assert document[0] == 0 and document[1:].all()
                texts.append(tokenizer.decode(document[1:].tolist(), skip_special_tokens=False))
                assert nbytes[document].sum() == len(texts[-1].encode())
        return texts


def documents(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(WORDS, k=draw.randint(20, 60))) + f" {seed}.{i}\n" for i in range(count)]


def parquet(texts: list[str]) -> bytes:
    out = pa.BufferOutputStream()
    pq.write_table(pa.table({"number": range(len(texts)), "text": texts}), out)
    return bytes(out.getvalue())


def climbmix(count: int = 80) -> dict[str, bytes]:
    names = [*(f"shard_{i:05d}.parquet" for i in range(3)), AUDIT, VALIDATION]
    return {name: parquet(documents(count, seed)) for seed, name in enumerate(names)}


def set_profile(folder: Path, **values: Any) -> None:
    profile = folder / "profile.toml"
    text = profile.read_text()
    for name, value in values.items():
        text, count = re.subn(rf"(?m)^{name} = .*$", f"{name} = {json.dumps(value)}", text)
        assert count == 1
    profile.write_text(text)


@pytest.fixture(scope="module")
def small_workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_workspace(tmp_path_factory.mktemp("small") / "lab", eval_tokens=512)
    set_profile(folder, dataset="climbmix", vocab_size=300, sequence_length=64)
    return folder


@pytest.fixture
def lab(small_workspace: Path, tmp_path: Path) -> Iterator[Lab]:
    shutil.copytree(small_workspace, tmp_path / "lab")
    with Hub(climbmix()) as hub:
        threading.Thread(target=hub.serve_forever, args=(0.02,), daemon=True).start()
        yield Lab(tmp_path / "lab", hub, tmp_path / "data")
        hub.shutdown()


def corpus(folder: Path) -> Path:
    """Six hundred documents, two hundred of them again and half of these once more: in every format, with other line ends."""
    folder.mkdir()
    (folder / "lines.jsonl").write_text("".join(json.dumps({"text": text}) + "\n\n" for text in documents(300, 1)))
    (folder / "table.parquet").write_bytes(parquet(documents(300, 2)))
    copies = [text.strip() for text in (*documents(300, 1)[:100], *documents(300, 2)[:100])]
    (folder / "copies.jsonl").write_text("".join(json.dumps(text) + "\n" for text in copies))
    for i, text in enumerate(documents(100, 1)):
        (folder / f"{i}.txt").write_text(text + "\n\n")
    return folder


# A dataset of the hub


def test_climbmix_is_downloaded_tokenized_and_kept_and_a_second_run_does_nothing(lab: Lab) -> None:
    first = run_python(lab.folder, "prepare.py", "--dataset", "climbmix", "--shards", "2", **lab.environment)
    assert first.returncode == 0, first.stderr
    assert sorted(name for name, _ in lab.hub.downloads) == ["shard_00000.parquet", "shard_00001.parquet", AUDIT, VALIDATION]
    described = [said for said in lab.hub.requests if said.startswith("HEAD /datasets/karpathy/climbmix-400b-shuffle/resolve/main/")]
    assert len(described) == 4
    size = sum(len(lab.hub.files[name]) for name, _ in lab.hub.downloads) / 1e3
    assert f"{size:.1f}/{size:.1f} kB" in first.stdout, first.stdout
    names = [f"{split}/{part}.{kind}" for split in ("train",) for part in ("00000", "00001") for kind in ("bin", "npy")]
    held_out = [f"{split}/00000.{kind}" for split in ("audit", "validation") for kind in ("bin", "npy")]
    assert sorted(lab.files()) == sorted([*names, *held_out, "tokenizer/bytes.npy", "tokenizer/tokenizer.json"])
    assert lab.texts("train") == documents(80, 0) + documents(80, 1)
    assert lab.texts("audit") == documents(80, 3) and lab.texts("validation") == documents(80, 4)
    manifest = json.loads((lab.prepared / "manifest.json").read_text())
    assert manifest["tokens"] == {
        split: sum(path.stat().st_size for path in (lab.prepared / split).glob("*.bin")) // 2 for split in ("train", "validation", "audit")
    }

    before = {path: path.stat().st_mtime_ns for path in lab.data.rglob("*")}
    requests = len(lab.hub.requests)
    lab.done("--shards", "2")
    assert len(lab.hub.requests) == requests
    assert {path: path.stat().st_mtime_ns for path in lab.data.rglob("*")} == before

    tokenizer = lab.files()["tokenizer/tokenizer.json"]
    lab.done("--shards", "3")
    assert [name for name, _ in lab.hub.downloads[4:]] == ["shard_00002.parquet"]
    assert lab.files()["tokenizer/tokenizer.json"] == tokenizer
    assert lab.texts("train")[160:] == documents(80, 2)


def test_what_comes_damaged_is_fetched_again_and_what_is_cut_is_resumed_where_it_stopped(lab: Lab) -> None:
    lab.hub.faults = {"shard_00000.parquet": "cut", "shard_00001.parquet": "flipped", AUDIT: "truncated"}
    lab.done("--shards", "2")
    asked: dict[str, list[int]] = {}
    for name, start in lab.hub.downloads:
        asked.setdefault(name, []).append(start)
    half = {name: len(content) - len(content[len(content) // 2 :]) for name, content in lab.hub.files.items()}
    assert asked["shard_00000.parquet"] == [0, half["shard_00000.parquet"]]
    assert asked["shard_00001.parquet"] == [0, 0]
    assert asked[AUDIT] == [0, half[AUDIT]]
    assert asked[VALIDATION] == [0]
    assert lab.texts("train") == documents(80, 0) + documents(80, 1)
    assert lab.texts("audit") == documents(80, 3)


def test_a_shard_that_is_damaged_on_the_disk_before_it_is_tokenized_is_fetched_again(lab: Lab) -> None:
    set_profile(lab.folder, vocab_size=50_000)
    assert "has text for" in lab.failed("--shards", "1")  # downloaded, and no further
    set_profile(lab.folder, vocab_size=300)
    shard, *others = sorted(lab.data.rglob("*.parquet"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    lab.hub.downloads.clear()
    lab.done("--shards", "1")
    assert lab.hub.downloads == [(shard.name, 0)] and len(others) == 2
    assert lab.texts("train") == documents(80, 0)


def test_killed_at_any_moment_and_run_again_it_ends_with_the_same_bytes(lab: Lab) -> None:
    lab.hub.files, lab.hub.pace = climbmix(400), 0.03
    began = time.perf_counter()
    lab.done("--shards", "2")
    took = time.perf_counter() - began
    undisturbed = lab.files()
    shutil.rmtree(lab.data)
    for part in (0.3, 0.6, 0.85):
        child = lab.start("--shards", "2")
        time.sleep(part * took * random.uniform(0.8, 1.1))
        os.kill(child, signal.SIGKILL)
        wait(child)
    lab.done("--shards", "2")
    assert lab.files() == undisturbed
    assert not list(lab.data.rglob("*.part"))


def test_a_hub_that_cannot_be_used_is_one_sentence_and_leaves_nothing_behind(lab: Lab) -> None:
    for status, word in ((404, "answers 404"), (503, "answers 503"), (200, "is answered by something that is no hub")):
        lab.hub.status = status
        said = lab.failed("--shards", "1")
        assert word in said and "--dataset python" in said
    lab.hub.shutdown()
    lab.hub.server_close()
    said = lab.failed("--shards", "1")
    assert "cannot be reached" in said and "run this again when online" in said
    assert {path.name for path in lab.data.rglob("*") if path.is_file()} == {".lock"}


def test_control_c_ends_a_download_at_once_with_one_sentence(lab: Lab) -> None:
    lab.hub.faults = {"shard_00000.parquet": "stalled"}
    command = [sys.executable, "prepare.py", "--shards", "1"]
    running = subprocess.Popen(command, cwd=lab.folder, env=os.environ | lab.environment, stderr=subprocess.PIPE, text=True)
    assert lab.hub.stalled.wait(60)
    while not any(part.stat().st_size for part in lab.data.rglob("shard_00000.parquet.part")):
        time.sleep(0.01)
    began = time.perf_counter()
    running.send_signal(signal.SIGINT)
    said = running.communicate()[1]
    assert time.perf_counter() - began < 3
    assert running.returncode == -signal.SIGINT
    assert said.strip() == "interrupted; the same command goes on where this stopped."
    (part,) = lab.data.rglob("shard_00000.parquet.part")
    have = part.stat().st_size
    assert have > 0
    lab.done("--shards", "1")
    assert ("shard_00000.parquet", have) in lab.hub.downloads


def test_of_two_preparations_at_once_one_waits_and_both_end_well(lab: Lab) -> None:
    lab.hub.faults = {"shard_00000.parquet": "cut"}
    lab.hub.pace = 0.3
    first = lab.start("--shards", "1")
    while not lab.hub.downloads:
        time.sleep(0.01)
    second = lab.start("--shards", "1")
    assert (wait(first), wait(second)) == (0, 0)
    assert "waiting for it" in lab.logs[1].read_text() and "waiting for it" not in lab.logs[0].read_text()
    assert sum("HEAD" in said for said in lab.hub.requests) == 3
    assert lab.texts("train") == documents(80, 0)


# Room on the disk


@contextmanager
def little_room(lab: Lab, size: int, by_limit: bool) -> Iterator[Callable[[], object]]:
    """Data on a disk of this size, or where that cannot be had in files of this size; yields what makes room."""
    lab.data.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(lab.data)]
    if not by_limit and os.geteuid() == 0 and shutil.which("mount") and not subprocess.run(mount, capture_output=True).returncode:
        try:
            yield lambda: subprocess.run(["mount", "-o", "remount,size=64m", lab.data], check=True)
        finally:
            subprocess.run(["umount", lab.data], check=True)
    else:
        lab.largest_file = size
        yield lambda: setattr(lab, "largest_file", resource.RLIM_INFINITY)


@pytest.mark.parametrize("by_limit", [False, True], ids=["a full disk", "a limit"])
def test_no_room_is_one_sentence_and_with_room_it_goes_on(lab: Lab, tmp_path: Path, by_limit: bool) -> None:
    wanted = [max(map(len, lab.hub.files.values())) // 2, 2**15]  # not even a download; downloads, and no tokens
    texts = corpus(tmp_path / "texts")
    for dataset, size in zip(("climbmix", str(texts)), wanted, strict=True):
        with little_room(lab, size, by_limit) as make_room:
            said = lab.failed("--dataset", dataset, "--shards", "1")
            assert said.startswith("no space left for ") and "AUTORESEARCH_DATA" in said
            assert not list(lab.data.glob("*/manifest.json"))
            make_room()
            lab.done("--shards", "1")
            assert len(lab.texts("train")) >= 80
            assert not list(lab.data.rglob("*.part"))
        shutil.rmtree(lab.data)


def test_no_room_for_the_bounds_of_many_short_documents_is_the_same_sentence(lab: Lab) -> None:
    lab.hub.files = climbmix(60) | {AUDIT: parquet(["a"] * 4000)}
    lab.largest_file = 24_000  # the tokens fit
    assert lab.failed("--shards", "1").startswith(f"no space left for {lab.data}/climbmix-300/audit/00000.npy: ")
    lab.largest_file = resource.RLIM_INFINITY
    lab.done("--shards", "1")


# A folder of one's own


def test_a_folder_of_every_format_is_a_dataset_and_no_copy_is_both_learned_and_held_out(lab: Lab, tmp_path: Path) -> None:
    folder = corpus(tmp_path / 'my "texts" #1 🙂')
    said = lab.done("--dataset", str(folder))
    line = next(line for line in (lab.folder / "profile.toml").read_text().splitlines() if line.startswith("dataset"))
    assert line == f"dataset = {json.dumps(str(folder), ensure_ascii=False)}" and line in said
    splits = {split: {text.strip() for text in lab.texts(split)} for split in ("train", "validation", "audit")}
    wanted = {text.strip() for seed in (1, 2) for text in documents(300, seed)}
    assert set().union(*splits.values()) == wanted
    assert sum(map(len, splits.values())) == len(wanted)
    assert all(len(texts) > 5 for texts in splits.values())
    assert len(list((lab.prepared / "train").glob("*.bin"))) <= 16

    before = lab.files()
    lab.done()
    assert lab.files() == before
    (folder / "more.txt").write_text("a text that came later")
    lab.done()
    after = [text.strip() for split in splits for text in lab.texts(split)]
    assert set(after) == {*wanted, "a text that came later"}
    assert len(after) == sum(len(np.load(path)) - 1 for path in lab.prepared.glob("*/0*.npy")) == 901  # and nothing of before is left


def test_a_folder_that_cannot_be_used_is_one_sentence_that_names_it(lab: Lab, tmp_path: Path) -> None:
    profile = (lab.folder / "profile.toml").read_text()
    assert f"{tmp_path}/nowhere is neither a folder" in lab.failed("--dataset", f"{tmp_path}/nowhere")
    empty = tmp_path / "empty"
    empty.mkdir()
    (empty / "picture.png").write_bytes(b"\x89PNG")
    assert f"{empty} holds no .txt, .md, .jsonl or .parquet file" in lab.failed("--dataset", str(empty))
    assert (lab.folder / "profile.toml").read_text() == profile  # nothing is chosen that cannot be used

    texts = corpus(tmp_path / "texts")
    for name, content, why in (
        ("bad.jsonl", '{"text": "good"}\n{"text": "cut', "line 2: Unterminated string"),
        ("bad.jsonl", '{"text": "good"}\n{"words": 3}', "line 2 has no text"),
        ("bad.jsonl", '{"text": null}', "line 1 has no text"),
        ("bad.jsonl", "[" * 100_000, "recursion"),
        ("bad.parquet", "PAR1 and no more", "Parquet"),
    ):
        (texts / name).write_text(content)
        said = lab.failed("--dataset", str(texts))
        assert f"{texts / name} cannot be read" in said and why in said
        (texts / name).unlink()
    assert not list(lab.data.rglob("*.bin"))
    lab.done()


def test_held_out_text_that_is_too_small_says_how_much_there_is_and_what_to_change(lab: Lab) -> None:
    lab.hub.files[AUDIT] = parquet(documents(20, 3))
    tokens = 1_000_000
    for split in ("validation", "audit"):  # the advice is good: it is followed, and the next file is asked
        set_profile(lab.folder, eval_tokens=tokens)
        said = lab.failed("--shards", "1")
        assert f"{lab.data}/climbmix-300/{split} is too small" in said and f"eval_tokens = {tokens} needs {tokens // 64}" in said
        advice = re.search(r"lower eval_tokens in (\S+) to (\d+), or choose a larger corpus", said)
        assert advice and advice[1] == str(lab.folder / "profile.toml")
        tokens = int(advice[2])
    set_profile(lab.folder, eval_tokens=tokens)
    lab.done("--shards", "1")


# Text


def test_every_character_comes_back_and_counts_its_bytes(lab: Lab, tmp_path: Path) -> None:
    odd = [
        "👩‍👩‍👧‍👦 🏳️‍🌈 ẹ̀́ नमस्ते שלום 日本語 \u202eabc\u202c",
        "\0 in the middle \0\0 and \x01\x1f\x7f\x85\u2028\u2029",
        "\ufeffmarked \uffff \U0010ffff \ue000",
        "<|start|> is a text like another<|start|>",
        "\r\n\r\r\n\t \u00a0\u3000 \n",
        "it's 1234567 o'CLOCK  ,.;:!?\n",
        "x" * 20_000,
        " " * 20_000 + "x",
        "".join(map(chr, range(1, 0xD800))),
        "ab, 🙂" * 2000,
    ]
    lab.hub.files["shard_00000.parquet"] = parquet(odd + documents(80, 0))
    lab.done("--shards", "1")
    assert lab.texts("train") == odd + documents(80, 0)

    folder = corpus(tmp_path / "texts")
    (folder / "escaped.jsonl").write_text('{"text": "half of \\ud83d a pair, \\ud83d\\ude42 a whole one, and \\u0000"}\n')
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 40)
    shutil.rmtree(lab.data)
    lab.done("--dataset", str(folder))
    texts = lab.texts("train") + lab.texts("validation") + lab.texts("audit")
    assert "half of ? a pair, 🙂 a whole one, and \0" in texts


def test_the_standard_library_gives_the_same_text_every_time_and_no_text_is_in_two_splits(lab: Lab, tmp_path: Path) -> None:
    here = Path(sysconfig.get_path("stdlib"))
    library = Path(sysconfig.get_path("stdlib", vars={"installed_base": str(tmp_path)}))  # some of it, for speed
    for package in ("asyncio", "email", "pydoc_data"):
        shutil.copytree(here / package, library / package, ignore=shutil.ignore_patterns("__pycache__"))
    for module in ("argparse.py", "typing.py"):
        shutil.copy(here / module, library)
        shutil.copy(here / module, library / "pydoc_data")
    (library / "pydoc_data" / "template.py").write_text("class {{ this }} is no Python")
    script = textwrap.dedent("""
        import hashlib, prepare, sys, sysconfig
        sysconfig.get_config_vars()["installed_base"] = sys.argv[1]
        splits = [prepare.python_texts(split) for split in ("train", "validation", "audit")]
        train, validation, audit = map(set, splits)
        held_out = set(prepare.python_library(held_out=True))
        assert len(held_out & set(prepare.python_library(held_out=False))) > 100
        assert not train & held_out and not validation & audit and validation | audit == held_out
        assert min(map(len, splits)) > 100, list(map(len, splits))
        print(hashlib.sha256(repr(splits).encode()).hexdigest())
    """)
    command = [sys.executable, "-c", script, str(tmp_path)]
    running = [
        subprocess.Popen(command, cwd=lab.folder, env=os.environ | {"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True)
        for seed in ("1", "2")
    ]
    first, second = (child.communicate()[0] for child in running)
    assert len(first.strip()) == 64 and first == second


# Data that is lost or damaged


def test_data_that_is_lost_or_damaged_is_one_sentence_to_the_training_and_made_again_by_the_preparation(lab: Lab) -> None:
    assert "no data in" in lab.failed(script="train.py")
    lab.done("--shards", "2")
    whole = lab.files()

    def damaged(name: str, damage: Callable[[bytes], bytes]) -> str:
        path = lab.prepared / name
        path.write_bytes(damage(path.read_bytes()))
        return name

    for name, damage in (
        ("train/00001.bin", lambda old: old[:-100]),
        ("train/00000.npy", lambda old: old[:50]),
        ("train/00000.npy", lambda old: b"PK\x03\x04" + old[4:]),
        ("train/00000.npy", lambda old: old[:200] + b"\xff" * 8 + old[208:]),
        ("tokenizer/bytes.npy", lambda old: b""),
    ):
        damaged(name, damage)
        said = lab.failed(script="train.py")
        assert str((lab.prepared / name).with_suffix("")) in said and "`python prepare.py`" in said
        lab.done("--shards", "2")
        assert lab.files() == whole

    damaged("tokenizer/tokenizer.json", lambda old: old[: len(old) // 2])
    said = lab.failed("sample")
    assert "no tokenizer in" in said and "`python prepare.py`" in said
    lab.done("--shards", "2")
    assert lab.files() == whole

    damaged("train/00001.bin", lambda old: old[:-100])  # of more shards than are asked for now: there are fewer, and they are good
    lab.done("--shards", "1")
    assert lab.texts("train") == documents(80, 0)
    assert lab.run(script="train.py")[0] == 0
