"""What the best code has instead of the baseline's: one question to git, of which nothing but git's own code answers.

No configuration of a person, no external diff, no filter, no pager and no network has a part in it.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from autoresearch_tui.journal.text import clean_line
from autoresearch_tui.privacy import scrubbed

GIT_S = 20.0
LARGEST = 2**22  # bytes of a diff that anybody reads
ISOLATED = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
PLAIN = ("--text", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--src-prefix=a/", "--dst-prefix=b/")


def difference(folder: Path, before: str, after: str) -> tuple[str, str]:
    """The patch from one commit to another, or nothing and a sentence that says why."""
    if not (COMMIT.fullmatch(before) and COMMIT.fullmatch(after)):
        return "", "The diff is missing: the journal names no commits."
    command = ["git", "-c", "safe.directory=*", "-c", "core.quotePath=false", "diff-tree", "-p", *PLAIN, before, after]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=scrubbed(os.environ) | ISOLATED,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_S,
            check=False,
        )
    except FileNotFoundError:
        return "", "The diff is missing: git is not installed, or the folder of its commits has gone."
    except subprocess.TimeoutExpired:
        return "", f"The diff is missing: git gave no answer within {GIT_S:.0f} seconds."
    except OSError as error:
        return "", f"The diff is missing: git cannot be called ({error.strerror or error})."
    if done.returncode:
        said = clean_line(done.stderr.decode("utf-8", "replace")) or f"status {done.returncode}"
        return "", f"The diff is missing: {said.removeprefix('fatal: ').rstrip('.')}."
    if len(done.stdout) > LARGEST:
        return "", f"The diff is missing: it has more than {LARGEST >> 20} MB, which nobody reads; `git diff` shows it."
    return done.stdout.decode("utf-8", "replace"), ""
