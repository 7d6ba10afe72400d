"""What a training can import is known before it runs."""

from __future__ import annotations

from pathlib import Path

from autoresearch_tui.engine.environment import importable
from autoresearch_tui.sections import Experiment, Settings
from autoresearch_tui.workspace import open_workspace
from tests.engine.nights import make_checkout


def test_what_this_python_has_and_what_stands_beside_train_py(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    (lab / "layers.py").write_text("")
    found = importable(open_workspace(lab, Settings()))
    assert found is not None
    assert {"math", "torch", "msgspec", "autoresearch_tui", "layers", "prepare"} <= found
    assert "flash_attn" not in found


def test_of_a_checkout_with_its_own_environment_that_one_counts(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    site = lab / ".venv" / "lib" / "python3.12" / "site-packages"
    (site / "kernels").mkdir(parents=True)
    (site / "mine-1.0.dist-info").mkdir()
    (site / "mine-1.0.dist-info" / "top_level.txt").write_text("mine\n")
    (tmp_path / "elsewhere" / "theirs").mkdir(parents=True)
    (site / "theirs.pth").write_text(f"import nothing\n{tmp_path / 'elsewhere'}\n")
    workspace = open_workspace(lab, Settings(experiment=Experiment(train=["uv", "run", "train.py"])))
    found = importable(workspace)
    assert found is not None
    assert {"math", "kernels", "mine", "theirs"} <= found
    assert "msgspec" not in found


def test_where_nobody_can_tell_nothing_is_said(tmp_path: Path) -> None:
    lab = make_checkout(tmp_path / "lab")
    assert importable(open_workspace(lab, Settings(experiment=Experiment(train=["sh", "train.sh"])))) is None
