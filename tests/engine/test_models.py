"""Nights by a model: real engines and real sockets, with servers that speak the providers' protocols and break as real ones do."""

from __future__ import annotations

import functools
import os
import pty
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from autoresearch_tui.engine import beside, chain, choosing, night, writing
from autoresearch_tui.journal import events as e
from autoresearch_tui.journal.commands import Idea, Skip, Stop
from autoresearch_tui.journal.events import Recorded
from autoresearch_tui.journal.state import Run
from autoresearch_tui.journal.store import Journal
from autoresearch_tui.privacy import guard
from autoresearch_tui.researchers.patience import Patience
from tests.engine.models import Lab, gaps, turning
from tests.engine.nights import TRAIN, command, journal_of, tui
from tests.servers import anthropic, ollama, ollama_faults, ollama_shapes, openai, openai_faults
from tests.servers.wire import Server, serving

CANARY = "sk-canary-5b2f7c"
SHORT = Patience(connect=2.0, first=1.2, gap=0.8, whole=8.0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A night of seconds waits no minutes for anybody."""
    for module in (chain, writing):
        monkeypatch.setattr(module, "again", lambda run, name, least_s=0.0: time.time() + 0.1)
    monkeypatch.setattr(beside, "LOOK_S", 0.05)
    monkeypatch.setattr(choosing, "PATIENCE", SHORT)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def test_a_model_proposes_and_its_words_tokens_and_health_are_kept(lab: Lab) -> None:
    server = openai.OpenAI(replies=turning(), thinking="Let me think. ")
    with serving(server.answer) as wire:
        run = lab.night("openai:toy", 4, **{"openai.address": wire.address})
    assert [one.researcher for one in run.experiments.values()] == ["", *["openai:toy"] * 3]
    health = run.health["openai:toy"]
    assert (health.asked, health.usable, health.refused, health.unpriced, health.cost) == (3, 3, 0, 0, 0.0)
    assert health.tokens_in > 500 and health.tokens_out > 50 and health.seen
    assert sum(share.usable for share in health.dialects.values()) == 3
    asked = server.bodies[-1]
    prompt = "\n".join(message["content"] for message in asked["messages"])
    assert "MATRIX_LR 0.01 -> 0.011: better by" in prompt, "it is told what was tried"
    assert "best = {" in prompt and "# Lower is better." in prompt, "train.py and program.md are in it"
    said = (lab.folder / ".autoresearch" / "night" / "replies" / "d0001.jsonl").read_text()
    assert '"thinking"' in said
    assert run.engine is not None and run.engine.local_only


def test_the_prompt_of_the_next_draft_can_be_seen(lab: Lab) -> None:
    server = openai.OpenAI(replies=turning())
    with serving(server.answer) as wire:
        lab.night("openai:toy", 3, **{"openai.address": wire.address})
        said = tui(lab.folder, "status", "--prompt", "--researcher", "openai:toy", AUTORESEARCH_TUI_OPENAI_ADDRESS=wire.address)
    assert "MATRIX_LR = " in said and "MATRIX_LR 0.01 -> 0.011" in said and "for openai:toy: about " in said


def every_fault(name: str) -> tuple[str, Any, list[str], dict[str, Any]]:
    """A researcher, its server, all the ways in which that breaks, and what is set for it."""
    if name == "openai":
        faults = [fault for fault in openai_faults.FAULTS if fault != "whole"]
        theirs = openai.OpenAI(replies=turning(), faults=list(faults))
        theirs.slow_s = 5.0
        return "openai:toy", theirs, faults, {}
    if name == "ollama":
        faults = list(ollama_faults.FAULTS)
        return "ollama:qwen3:8b", ollama.Ollama(replies=turning(), faults=list(faults)), faults, {}
    faults = [*anthropic.ERRORS, *anthropic.MID_STREAM, *anthropic.STOPS, *anthropic.ODD]
    return "anthropic:claude-sonnet-5-5", anthropic.Anthropic(replies=turning(), faults=list(faults)), faults, {"privacy.local_only": False}


@pytest.mark.parametrize("name", ["openai", *(pytest.param(name, marks=pytest.mark.slow) for name in ("ollama", "anthropic"))])
def test_after_every_fault_of_a_server_the_night_goes_on(lab: Lab, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends in a fact and a sentence, burns no number, and is followed by the next useful step."""
    researcher, server, faults, flags = every_fault(name)
    monkeypatch.setenv("ANTHROPIC_API_KEY", anthropic.KEY)
    with serving(server.answer) as wire:
        run = lab.night(researcher, 4, **{f"{name}.address": wire.address, "limits.declined": None, **flags})
    assert not server.faults, f"not met: {server.faults}"
    assert len(run.experiments) == 4 and run.health[researcher].usable >= 3
    said = [fact.why for fact in lab.all(e.ResearcherDown)] + [fact.reason for fact in lab.all(e.Refused)]
    said += [fact.category for fact in lab.all(e.Declined)] + [fact.why for fact in lab.all(e.Warned)]
    assert len(said) >= len(faults) - 7, "each is said, but for what was learned, and asked again at once"
    assert all(why.isprintable() and len(why) > 10 and "Traceback" not in why for why in said), said


def test_the_second_speaks_while_the_first_is_down_and_hands_back(lab: Lab) -> None:
    """It dies at experiment 3 and returns at 6: no gap between two trials, and each says who proposed it."""
    server = openai.OpenAI(replies=turning())
    first = Server(server.answer)
    port, wires = first.port, [first]

    def act(recorded: Recorded, run: Run) -> None:
        match recorded.event:
            case e.Launched(number=2):
                wires[0].close()
            case e.Launched(number=5):
                wires.append(Server(server.answer, port))

    lab.on = act
    try:
        run = lab.night(["openai:toy", "sweep"], 9, **{"openai.address": f"http://127.0.0.1:{port}"})
    finally:
        for wire in wires:
            wire.close()
    who = [run.experiments[number].researcher for number in range(1, 9)]
    assert who[:2] == ["openai:toy", "openai:toy"] and "sweep" in who[2:5] and who[-1] == "openai:toy", who
    assert max(gaps(lab.facts)) < 2.0, gaps(lab.facts)


def test_a_search_with_nothing_left_ends_no_night_while_a_model_is_only_down(tmp_path: Path) -> None:
    lab = Lab(tmp_path, 'LR = 0.1\nprint("---\\nval_bpb:          1.000000")\n')

    def stop(recorded: Recorded, run: Run) -> None:
        if isinstance(recorded.event, e.Passed) and len(lab.all(e.Passed)) == 2:
            with Journal(journal_of(lab.folder)) as journal:
                journal.send(Stop(1), "ann")

    lab.on = stop
    run = lab.night(["openai:toy", "sweep"], 500, **{"openai.address": "http://127.0.0.1:9"})
    assert run.ended == "stopped by ann"
    assert all(fact.researcher == "sweep" for fact in lab.all(e.Passed))


def test_words_that_the_search_does_not_understand_wait_for_the_model(lab: Lab) -> None:
    """Sweep comes first here and passes prose on; the model makes something of it."""
    with serving(openai.OpenAI(replies=turning()).answer) as wire:

        def wish(recorded: Recorded, run: Run) -> None:
            if isinstance(recorded.event, e.Launched) and recorded.event.number == 1:
                with Journal(journal_of(lab.folder)) as journal:
                    journal.send(Idea("make the matrices learn faster"), "ann")

        lab.on = wish
        run = lab.night(["sweep", "openai:toy"], 3, **{"openai.address": wire.address})
    assert run.experiments[2].researcher == "openai:toy"
    assert not lab.all(e.Lapsed)


def test_what_a_model_declines_another_is_asked_and_ten_in_a_row_end_its_part(lab: Lab) -> None:
    server = openai.OpenAI(replies=turning(), faults=["refusal"] * 3)
    with serving(server.answer) as wire:
        run = lab.night(["openai:toy", "sweep"], 5, **{"openai.address": wire.address, "limits.declined": 3})
    assert len(lab.all(e.Declined)) == 3
    assert "declined 3 requests in a row" in run.down["openai:toy"].why
    assert {one.researcher for one in run.experiments.values() if one.number} == {"sweep"}


def test_alone_it_ends_the_night_with_the_reason(lab: Lab) -> None:
    server = openai.OpenAI(replies=turning(), faults=["refusal"] * 30)
    with serving(server.answer) as wire:
        run = lab.night("openai:toy", 5, **{"openai.address": wire.address, "limits.declined": 2})
    assert "declined 2 requests in a row" in run.ended
    assert list(run.experiments) == [0], "no number was burnt"


def test_skipped_in_the_middle_of_a_reply_it_leaves_the_server_idle(lab: Lab) -> None:
    server = openai.OpenAI(replies=turning(), pace_s=0.2)
    with serving(server.answer) as wire:
        skipped = threading.Event()

        def skip() -> None:
            until = time.monotonic() + 10
            while not server.bodies and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(0.3)
            server.pace_s = 0.0
            with Journal(journal_of(lab.folder)) as journal:
                journal.send(Skip(draft="d0001"), "ann")
            while wire.busy and time.monotonic() < until:
                time.sleep(0.01)
            skipped.set()

        thread = threading.Thread(target=skip)
        thread.start()
        run = lab.night("openai:toy", 2, **{"openai.address": wire.address, "run.overlap": "off"})
        thread.join(10)
    assert skipped.is_set() and server.left_at
    assert any(fact.why == "skipped by hand" for fact in lab.all(e.Abandoned))
    assert len(run.experiments) == 2


# ------------------------------------------------------------------------------------------------------------------------------
# Money and privacy
# ------------------------------------------------------------------------------------------------------------------------------


def hosted(wire: Server) -> dict[str, object]:
    return {"anthropic.address": wire.address, "privacy.local_only": False}


def test_a_hosted_model_is_paid_for_to_the_cent_and_ends_at_its_limit(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", anthropic.KEY)
    server = anthropic.Anthropic(replies=turning())
    with serving(server.answer) as wire:
        run = lab.night("anthropic:claude-sonnet-5-5", 50, **{**hosted(wire), "limits.max_cost": 0.15})
    assert run.cost >= 0.15 and "the limit of 0.15 USD is reached" in run.ended
    assert 1 < len(run.experiments) < 50


@pytest.mark.slow
def test_a_hosted_model_may_cost_ten_dollars_where_nothing_is_said(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", anthropic.KEY)
    with serving(anthropic.Anthropic(replies=turning()).answer) as wire:
        run = lab.night("anthropic:claude-sonnet-5-5", 2, **hosted(wire))
    assert run.limits.cost == 10.0


@pytest.mark.slow
def test_a_key_is_nowhere_on_the_disk_and_in_no_childs_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shows = "import os\nprint(sorted(os.environ.items()))\n"
    lab = Lab(tmp_path, TRAIN.replace("import math\nimport os\n", f"import math\n{shows}"))
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "SOME_OTHER_TOKEN"):
        monkeypatch.setenv(name, CANARY)
    server = anthropic.Anthropic(replies=turning(), key=CANARY)
    with serving(server.answer) as wire:
        run = lab.night("anthropic:claude-sonnet-5-5", 10, **hosted(wire))
    assert len(run.experiments) == 10
    assert CANARY.encode() not in lab.written()
    assert b"AUTORESEARCH_TOKEN" in lab.written(), "the trainings did print what they know"


def test_this_machine_only_refuses_before_a_byte_is_sent(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from autoresearch_tui.workspace import WorkspaceError

    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    with pytest.raises(WorkspaceError, match="speaks to this machine only"):
        lab.night("anthropic:claude-sonnet-5-5", 2, **{"privacy.local_only": True})
    assert not journal_of(lab.folder).exists()


def test_a_model_that_ollama_forwards_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from autoresearch_tui.workspace import WorkspaceError

    forwarded = ollama_shapes.Model("glm:9b", remote_host="https://models.example.invalid")
    server = ollama.Ollama(ollama.turns_a_knob, models=(forwarded,))
    with serving(server.answer) as wire, pytest.raises(WorkspaceError, match="forwards to one"):
        lab.night("ollama:glm:9b", 2, **{"ollama.address": wire.address})
    assert not any(heard.path == "/api/chat" for heard in wire.heard)


def test_what_gets_past_the_names_is_refused_before_a_byte_is_sent_and_written_down(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of this machine's stands in for one that is not."""
    monkeypatch.setattr(night, "guard", functools.partial(guard, local=("127.0.0.1/32",)))
    with socket.create_server(("127.0.0.2", 0)) as elsewhere:
        port = elsewhere.getsockname()[1]
        run = lab.night(["openai:toy", "sweep"], 2, **{"openai.address": f"http://127.0.0.2:{port}"})
        elsewhere.settimeout(0.2)
        with pytest.raises(TimeoutError):
            elsewhere.accept()
    assert run.blocked == (f"a connection to 127.0.0.2:{port}",)
    assert run.experiments[1].researcher == "sweep"


def test_a_proxy_in_the_environment_hears_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    server = openai.OpenAI(replies=turning())
    with serving(lambda heard, line: line.cut()) as proxy, serving(server.answer) as wire:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.address)
        lab.night("openai:toy", 2, **{"openai.address": wire.address})
    assert not proxy.heard
    assert server.bodies


def test_the_next_draft_is_written_while_a_trial_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_STUB_SECONDS", "1.0")
    lab = Lab(tmp_path)
    server = openai.OpenAI(replies=turning(0.5, "SOFTCAP", 30.0, 5.0))  # each is worse, so the trunk stays where it is
    with serving(server.answer) as wire:
        lab.night("openai:toy", 4, **{"openai.address": wire.address, "run.overlap": "on"})
    trains, beside = False, 0
    for fact in (recorded.event for recorded in lab.facts):
        trains = isinstance(fact, e.Launched) or (trains and not isinstance(fact, e.Ended))
        beside += trains and isinstance(fact, e.Replied)
    assert beside == len(lab.all(e.Replied)), "no reply was waited for"
    assert median(gaps(lab.facts)) < 0.5, gaps(lab.facts)


def test_who_computes_where_the_trial_does_is_not_asked_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_STUB_SECONDS", "0.4")
    lab = Lab(tmp_path)
    server = openai.OpenAI(replies=turning())
    with serving(server.answer) as wire:
        run = lab.night("openai:toy", 4, **{"openai.address": wire.address})
    order = [r.event for r in lab.facts if isinstance(r.event, e.Asked | e.Launched | e.Ended)]
    trains = False
    for fact in order:
        if isinstance(fact, e.Asked):
            assert not trains
        trains = isinstance(fact, e.Launched) or (trains and not isinstance(fact, e.Ended))
    assert len(run.experiments) == 4


# ------------------------------------------------------------------------------------------------------------------------------
# A model that is not there
# ------------------------------------------------------------------------------------------------------------------------------


def at_a_terminal(lab: Lab, typed: bytes, *arguments: str, **environment: str) -> tuple[int, str]:
    """Our own command line with a person before it who types this."""
    theirs, ours = pty.openpty()
    line = command("run", *arguments, "--dir", str(lab.folder))
    try:
        with subprocess.Popen(
            line, stdin=ours, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ | environment
        ) as running:
            os.write(theirs, typed)
            said, _ = running.communicate(timeout=60)
        return running.returncode, said
    finally:
        os.close(theirs)
        os.close(ours)


@pytest.mark.parametrize("answer", ["y", "n"])
def test_a_missing_model_is_fetched_where_a_person_says_yes(lab: Lab, answer: str) -> None:
    server = ollama.Ollama(turning())
    server.downloads["qwen3:4b"] = ollama_shapes.Model("qwen3:4b")
    asked = ("--researcher", "ollama:qwen3:4b", "--experiments", "2", "--tag", "night")
    with serving(server.answer) as wire:
        code, said = at_a_terminal(lab, f"{answer}\n".encode(), *asked, AUTORESEARCH_TUI_OLLAMA_ADDRESS=wire.address)
        heard = [heard.path for heard in wire.heard]
    assert "Fetch it now? [y/N]" in said and "Traceback" not in said
    assert ("/api/pull" in heard) == (answer == "y")
    assert code == (0 if answer == "y" else 1), said
    if answer == "y":
        assert "100% of" in said and "#1 tune" in said


def test_without_a_person_it_is_one_sentence_with_the_command_that_fetches_it(lab: Lab) -> None:
    with serving(ollama.Ollama(turning()).answer) as wire:
        said = tui(lab.folder, "run", "--researcher", "ollama:qwen3:4b", code=1, AUTORESEARCH_TUI_OLLAMA_ADDRESS=wire.address)
    assert "`ollama pull qwen3:4b`" in said


# ------------------------------------------------------------------------------------------------------------------------------
# A coding agent
# ------------------------------------------------------------------------------------------------------------------------------

AGENT = """
import pathlib, re, sys
prompt = sys.stdin.read()
assert "MATRIX_LR" in prompt
file = pathlib.Path("train.py")
text = file.read_text()
value = float(re.search(r"MATRIX_LR = ([0-9.]+)", text)[1])
file.write_text(text.replace(f"MATRIX_LR = {value}", f"MATRIX_LR = {round(value * 1.1, 5)}"))
print("matrix LR a tenth higher, for the matrices learn slowly")
"""


def test_a_coding_agent_edits_a_copy_and_what_it_leaves_is_the_draft(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "agent.py"
    script.write_text(AGENT)
    run = lab.night([f"command:{sys.executable} {script}"], 3)
    assert {one.researcher for one in run.experiments.values() if one.number} == {f"command:{sys.executable} {script}"}
    assert all("MATRIX_LR" in one.changes for one in run.experiments.values() if one.number)
    assert not list((lab.folder / ".autoresearch" / "night").glob("scratch/*")), "its folder is gone"
    assert run.engine is not None and not run.engine.local_only
