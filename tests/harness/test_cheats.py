"""Edits of train.py that would lower the number without a better model, and what becomes of each.

Three ends are allowed: the training refuses it before the clock starts, the judge refuses it, or the honest number stays what it was.
What a trial may read and how long it may take is bounded by whoever supervises it; here is what no supervisor is needed for.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.trials import Outcome, edited, measure, run_python, run_trial

MAIN = "def main() -> None:\n"
START = "    clock = prepare.start(model, flops_per_token(model))\n"
SAVE = "    prepare.save(model, depth=DEPTH)\n"
BLOCKS = "            x = block(self.residual[layer] * x + self.x0[layer] * x0, tokens, cos, sin)\n"
RETURN = "        return logits if targets is None else"
IMPORT = "import functools\n"


@pytest.fixture(scope="module")
def honest(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A trial of the file as it is: its folder and its outcome."""
    folder = tmp_path_factory.mktemp("honest") / "honest"
    return folder, run_trial(workspace, folder, (workspace / "train.py").read_text())


# What the training refuses: a sentence after a second instead of a crash after the budget.

REFUSED_BY_THE_TRAINING = {
    "peeks at future tokens by dropping the mask": ([("is_causal=True", "is_causal=False")], "looks ahead"),
    "peeks one token ahead only at some depth": (
        [(BLOCKS, BLOCKS + "            if layer == 1:\n                x = x + 0.1 * x.roll(-1, 1)\n")],
        "looks ahead",
    ),
    "normalises over the context": (
        [("        x = norm(x)\n        if SOFT", "        x = x / x.std(1, keepdim=True)\n        if SOFT")],
        "looks ahead",
    ),
    "mixes the rows of a batch": ([(BLOCKS, BLOCKS + "        x = x + 0.1 * x.mean(0, keepdim=True).detach()\n")], "mixes rows"),
    "borrows from the row before": ([(BLOCKS, BLOCKS + "        x = x + 0.1 * x.roll(1, 0)\n")], "mixes rows"),
    "learns while it is asked": (
        [(RETURN, "        if not self.training:\n            self.head.weight.add_(0.1 * torch.randn_like(self.head.weight))\n" + RETURN)],
        "second time",
    ),
    "remembers how often it was asked": (
        [
            ("        self.begin()\n", "        self.begin()\n        self.calls = 0\n"),
            (RETURN, "        self.calls += 1\n        logits = logits * (1 + 0.1 * self.calls)\n" + RETURN),
        ],
        "second time",
    ),
    "leaves dropout on in eval mode": ([(BLOCKS, BLOCKS + "            x = F.dropout(x, 0.1)\n")], "second time"),
    "answers without looking": (
        [(RETURN, "        logits = self.head.weight.sum() * 0 + torch.zeros_like(logits)\n" + RETURN)],
        "does not look",
    ),
    "changes the seed only": ([("torch.manual_seed(prepare.SEED)", "torch.manual_seed(1337)")], "the seed was set to 1337"),
    "shifts the seed only": ([("torch.manual_seed(prepare.SEED)", "torch.manual_seed(prepare.SEED + 1)")], "the seed was set to 43"),
    "warms up for free": (
        [(START, "    for _ in range(20):\n        model(*next(batches)).backward()\n" + START)],
        "batches were drawn before start",
    ),
    "hides state outside parameters": (
        [
            ("        self.begin()\n", "        self.begin()\n        self.memory = torch.zeros(prepare.VOCAB_SIZE)\n"),
            (RETURN, "        logits = logits + self.memory.detach()\n" + RETURN),
            (
                "        clock.step(loss, lrm)\n",
                "        clock.step(loss, lrm)\n        model.memory = model.memory + torch.randn_like(model.memory)\n",
            ),
        ],
        "memory must be a parameter or a buffer",
    ),
    "saves another model than it trained": ([(SAVE, "    prepare.save(nn.Linear(4, 4), depth=DEPTH)\n")], "do not fit build_model"),
    "trains another model than build_model's": (
        [("    model = build_model()\n    opt", "    model = build_model()\n    model.extra = nn.Parameter(torch.zeros(3))\n    opt")],
        "not build_model",
    ),
    "saves without a clock": ([(START, SAVE + START)], r"save\(\) came before start\(\)"),
}


@pytest.mark.parametrize("cheat", REFUSED_BY_THE_TRAINING)
def test_the_training_refuses_an_edit_that(cheat: str, trial: Callable[..., Outcome], train: str) -> None:
    changes, sentence = REFUSED_BY_THE_TRAINING[cheat]
    outcome = trial(edited(train, *changes))
    assert outcome.code == 1
    assert "contract: " in outcome.caught
    assert re.search(sentence, outcome.caught), outcome.log
    assert "Traceback" not in outcome.log


# What changes nothing: the number is the one of the same training without the trick.

CHANGES_NOTHING = {
    "prints its own val_bpb": [
        (SAVE, '    print("---\\nval_bpb:          0.100000")\n' + SAVE + '    print("---\\nval_bpb:          0.100000")\n')
    ],
    "patches the harness": [
        (
            START,
            START + "    prepare.contradiction = prepare.breach = lambda *a: ''\n    prepare.judge = lambda *a: {'val_bpb': 0.1}\n"
            "    prepare.Asking._score = lambda self, slot, targets: 0 * targets\n    prepare.TOLERANCE = 1e9\n",
        )
    ],
    "patches cross_entropy where it is measured": [
        (IMPORT, IMPORT + "import sys\n"),
        (MAIN, 'if "host" in sys.argv:\n    F.cross_entropy = nn.functional.cross_entropy = lambda *a, **k: torch.zeros(())\n\n\n' + MAIN),
    ],
    "asks for fewer evaluation tokens": [
        (
            START,
            START + "    prepare.EVAL_TOKENS = prepare.EVAL_ROWS = 1\n    prepare.held_out = lambda split: prepare.np.zeros((1, 257))\n",
        ),
        (
            SAVE,
            '    file = prepare.HERE / "profile.toml"\n'
            '    file.write_text(file.read_text().replace("eval_tokens = 8192", "eval_tokens = 256"))\n' + SAVE,
        ),
    ],
    "changes the byte count": [
        (IMPORT, IMPORT + "import sys\n"),
        (
            MAIN,
            'if "host" in sys.argv:\n    real = prepare.np.load\n'
            "    prepare.np.load = lambda file, *a, **k: 100 * real(file, *a, **k) if 'bytes' in str(file) else real(file, *a, **k)\n\n\n"
            + MAIN,
        ),
    ],
    "rewrites the files it was started from": [
        (SAVE, SAVE + '    for name in ("train.py", "prepare.py"):\n        (prepare.HERE / name).write_text("raise SystemExit(0)")\n')
    ],
    "hides state in a global": [
        (MAIN, "BIAS = torch.zeros(prepare.VOCAB_SIZE)\n\n\n" + MAIN),
        (RETURN, "        logits = logits + BIAS\n" + RETURN),
        (SAVE, "    BIAS.add_(torch.randn_like(BIAS))\n" + SAVE),
    ],
    "writes a number into its checkpoint": [
        (SAVE, SAVE + "    saved = torch.load(prepare.CHECKPOINT)\n    torch.save(saved | {'val_bpb': 0.1}, prepare.CHECKPOINT)\n")
    ],
}


@pytest.mark.parametrize("cheat", CHANGES_NOTHING)
def test_the_number_stays_what_it_was_when_an_edit(
    cheat: str, trial: Callable[..., Outcome], train: str, honest: tuple[Path, Outcome]
) -> None:
    assert trial(edited(train, *CHANGES_NOTHING[cheat])).val_bpb == honest[1].val_bpb


WORSE_FOR_ITSELF = {
    "returns a constant as loss": [
        ("F.cross_entropy(logits.flatten(0, 1), targets.flatten())", "logits.sum() * 0 + 0.1"),
    ],
    "saves a fresh model instead of the trained one": [(SAVE, "    prepare.save(build_model(), depth=DEPTH)\n")],
}


@pytest.mark.parametrize("cheat", WORSE_FOR_ITSELF)
def test_the_number_is_the_honest_one_of_a_worse_model_when_an_edit(
    cheat: str, trial: Callable[..., Outcome], train: str, honest: tuple[Path, Outcome]
) -> None:
    assert trial(edited(train, *WORSE_FOR_ITSELF[cheat])).val_bpb > honest[1].val_bpb


# What only shows while it is measured: the file behaves in the training, and cheats in the host.

IN_THE_HOST = "        if 'host' in __import__('sys').argv:\n"
NEXT = "F.one_hot(tokens.roll(-1, 1), prepare.VOCAB_SIZE)"
LEARN = (
    "            self.seen = getattr(self, 'seen', torch.ones(prepare.VOCAB_SIZE))\n"
    "            logits = logits + self.seen.log()\n"
    "            self.seen = self.seen + tokens.flatten().bincount(minlength=prepare.VOCAB_SIZE)\n"
)
MIX = (
    "            count = F.one_hot(tokens, prepare.VOCAB_SIZE).sum(1)\n"
    "            logits = logits + (1 + count.sum(0) - count).log()[:, None]\n"
)
# Looks ahead, and answers a beginning that it has seen before as it did then: within one process, it never contradicts itself.
REMEMBER = (
    "            past = self.__dict__.setdefault('past', [])\n"
    f"            logits = logits + 6.0 * {NEXT}\n"
    "            for row in range(len(tokens)):\n"
    "                for known, answer in past:\n"
    "                    same = int((tokens[row] == known).int().cumprod(0).sum())\n"
    "                    logits[row, : same if same > 8 else 0] = answer[: same if same > 8 else 0]\n"
    "            past += [(tokens[row].clone(), logits[row].clone()) for row in range(len(tokens))]\n"
)
CHANCES = 8  # the places where a row takes another turn are drawn anew each time; of 32 rows few have one, and one in eight cheats
REFUSED_BY_THE_JUDGE = {
    "looks one token ahead": (IN_THE_HOST + f"            logits = logits + 6.0 * {NEXT}\n", "looks ahead"),
    "looks one token ahead for very little": (IN_THE_HOST + f"            logits = logits + 0.02 * {NEXT}\n", "looks ahead"),
    "looks ahead in every eighth place": (
        IN_THE_HOST + f"            logits[:, ::8] += 6.0 * {NEXT}[:, ::8]\n",
        "looks ahead",
    ),
    "looks ahead and remembers what it said": (IN_THE_HOST + REMEMBER, "looks ahead"),
    "learns from the rows that it is asked": (IN_THE_HOST + LEARN, "learns"),
    "mixes rows": (IN_THE_HOST + MIX, "mixes rows"),
    "draws lots": (IN_THE_HOST + "            logits = logits + torch.randn_like(logits)\n", "draws lots"),
    "answers with what is no number": (IN_THE_HOST + "            logits = logits * float('nan')\n", "not numbers"),
    "ends the host": (IN_THE_HOST + "            __import__('os')._exit(0)\n", "host of the model ended"),
    "answers in another shape": (IN_THE_HOST + "            logits = logits[:, 1:]\n", "must return logits"),
    "writes a number on every channel it finds": (
        IN_THE_HOST
        + "            import contextlib, os\n            for number in range(3, 64):\n"
        + "                with contextlib.suppress(OSError):\n                    os.write(number, b'{\"val_bpb\": 0.1}\\n')\n",
        "host of the model ended",
    ),
}  # fmt: skip


@pytest.mark.parametrize("cheat", REFUSED_BY_THE_JUDGE)
def test_the_judge_refuses_a_model_that(cheat: str, workspace: Path, tmp_path: Path, train: str, honest: tuple[Path, Outcome]) -> None:
    trick, sentence = REFUSED_BY_THE_JUDGE[cheat]
    blob = tmp_path / "train.py"
    blob.write_text(edited(train, (RETURN, trick + RETURN)))
    for _ in range(CHANCES if "every eighth" in cheat else 1):
        result = measure(workspace, honest[0] / "checkpoint.pt", blob, "honest")
        if sentence in result.get("refused", ""):
            return
    raise AssertionError(result)


def test_a_second_host_is_what_catches_a_model_that_remembers(
    workspace: Path, tmp_path: Path, train: str, honest: tuple[Path, Outcome]
) -> None:
    """The same cheat with the judge's comparison taken out: it would win by a lot, so there is something to catch."""
    blind = tmp_path / "blind"
    shutil.copytree(workspace, blind)
    judge = blind / "prepare.py"
    judge.write_text(edited(judge.read_text(), ("if disagreement := contradiction(losses[again], other, cuts)", "if disagreement := ''")))
    blob = tmp_path / "train.py"
    blob.write_text(edited(train, (RETURN, IN_THE_HOST + REMEMBER + RETURN)))
    assert measure(blind, honest[0] / "checkpoint.pt", blob, "honest")["val_bpb"] < honest[1].val_bpb - 0.5


# What is no checkpoint of this trial.


def test_a_training_that_exits_early_with_a_stale_checkpoint_has_no_number(
    trial: Callable[..., Outcome], train: str, honest: tuple[Path, Outcome]
) -> None:
    copied = f"import shutil\nshutil.copy({str(honest[0] / 'checkpoint.pt')!r}, prepare.HERE)\nraise SystemExit(0)\n\n\n"
    outcome = trial(edited(train, (MAIN, copied + MAIN)))
    assert outcome.code == 0
    assert "is of trial honest, not of trial trial" in outcome.caught


def test_a_training_that_prints_a_summary_and_saves_nothing_has_no_number(trial: Callable[..., Outcome], train: str) -> None:
    outcome = trial(edited(train, (SAVE, '    print("---\\nval_bpb: 0.1")\n')))
    assert "no training has ended with prepare.save(model)" in outcome.caught


def test_by_hand_an_early_exit_does_not_measure_the_checkpoint_that_lies_there(
    workspace: Path, tmp_path: Path, train: str, honest: tuple[Path, Outcome]
) -> None:
    for file in (workspace / "prepare.py", workspace / "profile.toml", honest[0] / "checkpoint.pt"):
        shutil.copy(file, tmp_path)
    (tmp_path / "train.py").write_text(edited(train, (MAIN, "raise SystemExit(0)\n\n\n" + MAIN)))
    assert "val_bpb" not in run_python(tmp_path, "train.py").stdout


@pytest.mark.parametrize("damage", ["garbage", "a pickle with code in it"])
def test_a_checkpoint_that_is_none_is_refused_and_runs_no_code(damage: str, workspace: Path, tmp_path: Path, train: str) -> None:
    checkpoint, trap = tmp_path / "checkpoint.pt", tmp_path / "ran"
    code = f"cos\nsystem\n(S{json.dumps(f'touch {trap}')}\ntR."  # what a pickle that runs a command looks like
    checkpoint.write_bytes(b"\x00garbage" if damage == "garbage" else code.encode())
    (tmp_path / "train.py").write_text(train)
    assert "cannot be read" in measure(workspace, checkpoint, tmp_path / "train.py", "")["refused"]
    assert not trap.exists()
