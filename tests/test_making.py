"""What `new` tells a person to type next can be typed, whatever the folder is called."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path


def test_the_commands_after_new_are_for_a_shell(tmp_path: Path) -> None:
    words = [sys.executable, "-P", "-m", "autoresearch_tui", "new", str(tmp_path / "my lab"), "--profile", "demo"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for command in re.findall("`([^`]*)`", done.stdout):
        name, verb, *folder = shlex.split(command)
        assert name == "autoresearch-tui" and verb in ("prepare", "run") and folder == [str(tmp_path / "my lab")]
