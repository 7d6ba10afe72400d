"""Records the night that comes along: `python -m tests.sample.record [FOLDER]`, about ten minutes on two cores, with torch installed.

Trainings, measurements, verdicts, samples of the machine and git are real: the profile `demo` on this machine, by the engine itself. The
model is a stand-in for a server, which says what `replies.py` holds at the pace of a real one; for a while it is gone. The person is
`person.py`. Paths and user of the machine are replaced by neutral ones after the night was packed.
"""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from autoresearch_tui.journal.store import Journal
from autoresearch_tui.packed import SAMPLE
from autoresearch_tui.packed.writing import pack
from autoresearch_tui.workspace import RunFolder
from tests.sample.person import Person
from tests.sample.renaming import renamed
from tests.sample.replies import Script
from tests.servers.openai import OpenAI
from tests.servers.wire import Heard, Server

TAG = "sample"
EXPERIMENTS = 17
PACE_S = 0.05  # between two pieces of a reply: sixty tokens a second
GONE_S = 25.0  # that the model's server is not there
LONGEST_S = 2400.0
SETTINGS = """[run]
researcher = ["openai:scripted", "sweep"]
overlap = "on"

[openai]
address = "{address}/v1"
"""


def main() -> None:
    lab = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="lab-"))
    folder = lab / "night"
    environment = os.environ | {"HOME": str(lab), "AUTORESEARCH_DATA": str(lab / "data"), "USER": "ann", "LOGNAME": "ann"}
    command = [sys.executable, "-m", "autoresearch_tui"]
    subprocess.run([*command, "new", str(folder), "--profile", "demo"], env=environment, check=True)
    subprocess.run([*command, "prepare", str(folder)], env=environment, check=True)
    model = Model()
    (folder / "autoresearch.toml").write_text(SETTINGS.format(address=model.server.address))
    engine = subprocess.Popen(
        [*command, "run", str(folder), "--tag", TAG, "--experiments", str(EXPERIMENTS)], env=environment, start_new_session=True
    )
    run = RunFolder(folder / ".autoresearch" / TAG)
    try:
        accompany(run, engine, model)
    finally:
        model.server.close()
    user = f'"user":"{getpass.getuser()}"'  # of processes in the samples
    packed, _ = pack(run, folder, lambda tag: lab / f"{tag}.night")
    renamed(packed, SAMPLE, {sys.prefix: "/opt/venv", str(lab): "/home/ann/lab", user: '"user":"ann"'})
    print(f"{SAMPLE}: {SAMPLE.stat().st_size / 1000:.0f} KB")


class Model:
    """The stand-in, and its server, which goes away and comes back under the same address."""

    def __init__(self) -> None:
        self._script = Script()
        self._voice = OpenAI("vllm", ("scripted",), replies=self._reply, pace_s=PACE_S)
        self.server = Server(self._voice.answer)

    def _reply(self, heard: Heard) -> str:
        said = self._script.answer("\n".join(message["content"] for message in heard.json["messages"]))
        self._voice.thinking = said.thinking
        return said.text

    def leave(self) -> None:
        self.server.close()

    def come_back(self) -> None:
        self.server = Server(self._voice.answer, self.server.port)


def accompany(run: RunFolder, engine: subprocess.Popen[bytes], model: Model) -> None:
    """Until the engine ends: the person looks in, and the model's server is gone for a while."""
    person, began, gone = Person(), time.monotonic(), 0.0
    while engine.poll() is None and time.monotonic() - began < LONGEST_S:
        time.sleep(0.1)
        if not run.journal.exists():
            continue
        with Journal(run.journal) as journal:
            state = journal.refresh()
            person.look(journal, state)
        drafting = bool(state.drafts)
        if not gone and len(state.experiments) == 10 and drafting:
            gone = time.monotonic()
            model.leave()
        elif gone > 0 and time.monotonic() - gone > GONE_S:
            gone = -1.0
            model.come_back()
    if engine.poll() is None:
        engine.terminate()
        raise SystemExit("the night did not end in time")


if __name__ == "__main__":
    main()
