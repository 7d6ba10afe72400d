"""What a training died of, by its exit code and its last words."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoresearch_tui.engine.crashes import LENGTH, crash_of
from autoresearch_tui.journal.text import clean_line
from tests.pace import is_within

PROGRESS = "step 00042 (4.4%) | loss: 5.123456 | remaining: 287s    "
TRACEBACK = 'Traceback (most recent call last):\n  File "train.py", line 9, in <module>\n    main()\n'


@pytest.mark.parametrize(
    ("tail", "kind", "why"),
    [
        (f"\r{PROGRESS}\nFAIL\n", "nan", "the loss is not a number, or above 100"),
        ("contract: later tokens are seen.\n", "contract", "contract: later tokens are seen."),
        (f"\r{PROGRESS}\nout of memory: lower DEVICE_BATCH_SIZE (now 128), then DEPTH; 1 GB free.\n", "memory", None),
        (f"{TRACEBACK}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has\n", "memory", None),
        (f"{TRACEBACK}torch.cuda.OutOfMemoryError: HIP out of memory. Tried\n", "memory", None),
        (f"{TRACEBACK}MemoryError\n", "memory", "MemoryError"),
        (f"{TRACEBACK}OSError: [Errno 12] Cannot allocate memory\n", "memory", None),
        (f"{TRACEBACK}OSError: [Errno 28] No space left on device: 'checkpoint.pt'\n", "disk", None),
        (f"{TRACEBACK}OSError: [Errno 122] Disk quota exceeded\n", "disk", None),
        ("no space left for /data: free some, or set AUTORESEARCH_DATA to a folder on a larger disk, and run this again.\n", "disk", None),
        (f"{TRACEBACK}AssertionError\n", "error", "AssertionError"),
        (
            f"{TRACEBACK}RuntimeError: mat1 and mat2\n  cannot be \x1b[31mmultiplied\x1b[0m\n",
            "error",
            "RuntimeError: mat1 and mat2 cannot be multiplied",
        ),
        (f"{TRACEBACK}KeyError: 1\n\nDuring another, another:\n\n{TRACEBACK}KeyError: 2\n", "error", "KeyError: 2"),
        (
            "  File \"train.py\", line 3\n    x = (\n        ^\nSyntaxError: '(' was never closed\n",
            "error",
            "SyntaxError: '(' was never closed",
        ),
        (f"out of memory, trying a smaller batch\n{TRACEBACK}ValueError: no\n", "error", "ValueError: no"),
        (f"{TRACEBACK}", "error", "main()"),
        (f"compiled\n\r{PROGRESS}\r{PROGRESS}", "error", "compiled"),
        ("", "error", "ended with exit code 1 and no word why"),
    ],
)
def test_the_last_words_of_a_log_tell(tail: str, kind: str, why: str | None) -> None:
    found, sentence = crash_of(1, tail)
    assert found == kind
    assert sentence == why if why is not None else sentence in tail


@pytest.mark.parametrize(
    ("code", "oom_kills", "kind", "why"),
    [
        (-signal.SIGKILL, 0, "killed", "killed from outside by SIGKILL"),
        (-signal.SIGKILL, 1, "memory", "ended by the system, which ran out of memory"),
        (128 + signal.SIGKILL, 1, "memory", "ended by the system, which ran out of memory"),
        (-signal.SIGTERM, 0, "killed", "killed from outside by SIGTERM"),
        (-signal.SIGSEGV, 0, "error", "ended by SIGSEGV (segmentation fault)"),
        (-signal.SIGXFSZ, 0, "error", "it wrote a larger file than a trial may"),
        (-50, 0, "error", "ended by signal 50"),
    ],
)
def test_a_signal_tells(code: int, oom_kills: int, kind: str, why: str) -> None:
    assert crash_of(code, f"\r{PROGRESS}", oom_kills) == (kind, why)


def test_an_old_fail_is_no_reason() -> None:
    assert crash_of(1, "FAIL\n" + "warning: something else\n" * 30 + "nothing\n") == ("error", "nothing")


@given(st.integers(-64, 255).filter(bool), st.text())
def test_any_log_gives_one_short_line(code: int, tail: str) -> None:
    kind, why = crash_of(code, tail)
    assert kind and why and why == clean_line(why, LENGTH)


@pytest.mark.parametrize("unit", ["\x9d", "\x1b]", " ", "x", "Traceback (most recent call last):\n", "FAIL\r"])
def test_a_hostile_log_is_read_at_once(unit: str) -> None:
    assert is_within(0.5, lambda: crash_of(1, unit * (65536 // len(unit.encode()))))
