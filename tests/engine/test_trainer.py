"""One trial as the engine sees it: what it is told, what it may ask, and what it costs."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from pathlib import Path

import pytest

from autoresearch_tui.engine.trainer import Outcome, Training, spawn
from tests.engine.trainings import alive, order, run

SAYS_AND_ENDS = "import sys\nprint({text!r})\nsys.exit({code})\n"


@pytest.mark.parametrize(
    ("text", "code", "crash", "why"),
    [
        ("step 00001 (1.0%) | loss: nan\nFAIL", 1, "nan", "the loss is not a number, or above 100"),
        ("contract: later tokens are seen.", 1, "contract", "contract: later tokens are seen."),
        ("out of memory: lower DEVICE_BATCH_SIZE", 1, "memory", "out of memory: lower DEVICE_BATCH_SIZE"),
        ("a\rb", 3, "error", "b"),
    ],
)
def test_a_crash_says_what_it_was(tmp_path: Path, text: str, code: int, crash: str, why: str) -> None:
    assert outcome(run(order(tmp_path / "trial", SAYS_AND_ENDS.format(text=text, code=code)))) == ("crash", crash, why, code)


def outcome(ended: Outcome) -> tuple[str, str, str, int | None]:
    return ended.outcome, ended.crash, ended.why, ended.code


def test_a_bug_is_told_by_the_end_of_its_traceback(tmp_path: Path) -> None:
    ended = run(order(tmp_path / "trial", "def f():\n    raise ValueError('no\\nsuch width')\nf()\n"))
    assert outcome(ended) == ("crash", "error", "ValueError: no such width", 1)


def test_a_kill_that_is_not_ours_is_a_crash(tmp_path: Path) -> None:
    ended = run(order(tmp_path / "trial", f"import os\nos.kill(os.getpid(), {signal.SIGKILL})\n"))
    assert outcome(ended) == ("crash", "killed", "killed from outside by SIGKILL", -9)


def test_a_command_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    ended = run(order(tmp_path / "trial", "", command=("uv-is-not-here", "run")))
    assert (ended.outcome, ended.crash) == ("crash", "error")
    assert ended.why == f"uv-is-not-here cannot be started in {tmp_path / 'trial'}: No such file or directory"


def test_a_training_that_ends_well_is_finished_and_measured(tmp_path: Path) -> None:
    ended = run(order(tmp_path / "trial", "import time\nwhile time.process_time() < 0.2: pass\n"))
    assert ended.outcome == "finished"
    assert 0.2 <= ended.cpu_s < ended.seconds < 3
    assert ended.gap_s < 0.1
    assert ended.rss_mb > 1


def test_the_first_reason_stands(tmp_path: Path) -> None:
    def twice(training: Training) -> None:
        training.end()
        training.end("interrupted", "stop now")

    ended = run(order(tmp_path / "trial", "import time\nprint('alive', flush=True)\ntime.sleep(60)\n"), twice)
    assert (ended.outcome, ended.why) == ("skipped", "skipped by hand")


@pytest.mark.parametrize("then_release", [False, True])
def test_ended_before_its_release_it_never_runs(tmp_path: Path, then_release: bool) -> None:
    one = order(tmp_path / "trial", "open('ran', 'w')\n")

    async def trial() -> Outcome:
        training = await spawn(one)
        training.end("interrupted", "stop now")
        if then_release:
            training.release()
        return await training.wait()

    ended = asyncio.run(trial())
    assert (ended.outcome, ended.code, ended.seconds) == ("interrupted", None, 0.0)
    assert not (tmp_path / "trial" / "ran").exists()
    assert not alive(one)


def test_whoever_waits_may_give_up_and_come_back(tmp_path: Path) -> None:
    async def trial() -> Outcome:
        training = await spawn(order(tmp_path / "trial", "import time\ntime.sleep(0.3)\n"))
        training.release()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(training.wait(), 0.1)
        first, second = await asyncio.gather(training.wait(), training.wait())
        assert first == second
        training.end()  # too late: without effect
        return await training.wait()

    assert asyncio.run(trial()).outcome == "finished"


def test_an_event_loop_that_ends_ends_the_trial(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", "import time\nprint('alive', flush=True)\ntime.sleep(60)\n", grace_s=0.1)
    kept: list[Training] = []

    async def trial() -> None:
        kept.append(await spawn(one))
        kept[0].release()
        await asyncio.sleep(0.2)

    asyncio.run(trial())
    end = time.monotonic() + 10
    while alive(one):
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize(
    "ends",
    [
        "print('\\rstep 00009 (99.5%) | loss: 1.0', end='', flush=True)\ntime.sleep(0.9)\n",  # saves and evaluates
        "time.sleep(0.9)\n",  # compiles
        "for step in range(9):\n    print(f'\\rstep {step:05d} (40.0%) | loss: 1.0', end='', flush=True)\n    time.sleep(0.1)\n",
    ],
    ids=["after the budget", "before the first step", "with steps"],
)
def test_silence_is_no_stall(tmp_path: Path, ends: str) -> None:
    assert run(order(tmp_path / "trial", "import time\n" + ends, stall_s=0.4)).outcome == "finished"


def test_a_log_that_shrank_is_told(tmp_path: Path) -> None:
    source = "import os, time\nprint('x' * 100, flush=True)\ntime.sleep(0.6)\nos.ftruncate(1, 10)\n"
    assert run(order(tmp_path / "trial", source)).shrank
    assert not run(order(tmp_path / "other", "print('x')\n")).shrank


def test_a_log_that_is_a_link_is_refused(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", "")
    (tmp_path / "elsewhere").write_text("dear")
    one.log.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        run(one)
    assert (tmp_path / "elsewhere").read_text() == "dear"


def test_a_log_whose_name_is_taken_away_is_still_read(tmp_path: Path) -> None:
    one = order(tmp_path / "trial", "")
    source = f"import os, sys\nos.unlink({str(one.log)!r})\nos.symlink('/etc/passwd', {str(one.log)!r})\nsys.exit('contract: really')\n"
    (tmp_path / "trial" / "train.py").write_text(source)
    assert run(one).why == "contract: really"


def test_a_trial_is_started_from_the_main_thread_alone(tmp_path: Path) -> None:
    said: list[str] = []

    def elsewhere() -> None:
        try:
            asyncio.run(spawn(order(tmp_path / "trial", "")))
        except RuntimeError as error:
            said.append(str(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert said == ["a trial is started from the main thread: the kernel ends it with the thread that started it"]
