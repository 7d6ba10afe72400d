"""A known name goes however it is written, what has the form of something private goes, and what is everybody's word stays."""

from __future__ import annotations

import io

import pytest

from autoresearch_tui.packed.names import Names
from autoresearch_tui.packed.scrubbing import Scrubber

HOME = "/home/zoë smith"
PLACES = {HOME: "/home/person", "/opt/zoes/venv": "/python", "zoë@Falcon-7": "person"}
NAMES = Names(PLACES, {"zoë": "person", "Falcon-7": "machine", "adam": "person", "al": "person"})


@pytest.fixture
def scrubber() -> Scrubber:
    return Scrubber(NAMES, Names({"lower the rate at night": "(left out)"}, {}), ("train.py", "prepare.py"))


@pytest.mark.parametrize(
    ("written", "left"),
    [
        (f"{HOME}/x", "/home/person/x"),
        ('{"cwd": "/home/zo\\u00eb smith"}', '{"cwd": "/home/person"}'),
        ("file:///home/zo%C3%AB%20smith", "file:///home/person"),
        ("%2Fhome%2Fzo%C3%AB%20smith", "/home/person"),
        ('"/home/zo\\303\\253 smith"', '"/home/person"'),
        ("/home/zoe\u0308 smith", "/home/person"),
        ("ssh zoë@falcon-7, by ZOË", "ssh person, by person"),
        ("FALCON-7.local", "machine.local"),
        ("zoës_run by zoë_s", "zoës_run by person_s"),
        ("Adam's beta1, adam_betas; al the same", "Adam's beta1, adam_betas; al the same"),
    ],
)
def test_a_name_goes_in_every_spelling(written: str, left: str) -> None:
    assert NAMES.replaced(written) == left


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("at /data/customers/acme.bin", "at /file"),
        ("in ~/notes/todo.txt and /opt/zoes/venv/lib/python3/torch/nn.py", "in /file and /python/lib/python3/torch/nn.py"),
        ('File "/usr/lib/python3.11/re.py", line 3', 'File "/usr/lib/python3.11/re.py", line 3'),
        ('File "/x/y z/train.py", line 3; File "<string>"', 'File "train.py", line 3; File "<string>"'),
        ("loss 1/2 at 3/4, version 2.0.1.10a, 12:34:56", "loss 1/2 at 3/4, version 2.0.1.10a, 12:34:56"),
        ("std::vector, c10::Error", "std::vector, c10::Error"),
        ("10.0.0.1:80, 127.0.0.1:80, v2.11.0", "(address):80, 127.0.0.1:80, v2.11.0"),
        ("http://127.0.0.1:80/v1 and https://a.example/x?y=z", "http://127.0.0.1:80/… and https://…"),
        ("a.b@c.example wrote", "a person wrote"),
        ("python (pid 4711, ann) computes on the card", "somebody (pid 4711) computes on the card"),
        ("the engine (pid 4711) died", "the engine (pid 4711) died"),
        ("held by ann's run x in /y (pid 5) since 1; waiting", "held by somebody else's run since 1; waiting"),
        ("who would lower the rate at night?", "who would (left out)?"),
    ],
)  # fmt: skip
def test_what_a_machine_says_keeps_what_is_everybodys(scrubber: Scrubber, said: str, left: str) -> None:
    assert scrubber.text(said) == left


def test_code_stays_code(scrubber: Scrubber) -> None:
    code = f'x = a /b/c  # by zoë\nDATA = "{HOME}/data"\nTEXTS = "/srv/acme/texts"\ny = q@k.T; url = "https://arxiv.org/abs/1"\n'
    assert scrubber.code(code) == ('x = a /b/c  # by person\nDATA = "/file"\nTEXTS = "/file"\ny = q@k.T; url = "https://arxiv.org/abs/1"\n')


def test_a_log_of_any_length_is_read_in_pieces(scrubber: Scrubber) -> None:
    line = f"step 1 of {HOME}: \r".encode()
    log = line * 40_000 + b"\xff no text, and no end"
    assert b"".join(scrubber.lines(io.BytesIO(log))) == b"step 1 of /file: \r" * 40_000 + b"\xff no text, and no end"


def test_a_card_keeps_its_number(scrubber: Scrubber) -> None:
    one, other = (f"GPU-{digit * 8}-1111-2222-3333-444444444444" for digit in "ab")
    assert scrubber.text(f"{one} and {other}, {one.upper().replace('GPU', 'GPU')}") == "GPU-1 and GPU-2, GPU-1"
