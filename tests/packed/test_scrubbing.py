"""What has the form of a path, a key or a secret is not said, and what only looks like one stays, code above all."""

from __future__ import annotations

import io

import pytest

from autoresearch_tui.packed.names import Names
from autoresearch_tui.packed.scrubbing import Scrubber

BARE = Scrubber(Names({}, {}), Names({}, {}), ["train.py"])
"""Of a night that knows no names."""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("reads ~ann/secret/plan.txt now", "reads /file now"),
        ("reads ~ann/plan.txt", "reads /file"),
        ("reads ~/plan.txt", "reads /file"),
        ("reads ~ann.b/lab/train.py", "reads /train.py"),
        (r"on \\vault\ann\plan.txt", "on /file"),
        (r"on '\\\\vault\\ann\\plan.txt'", "on '/file'"),
        (r"on \\10.1.2.3\ann", "on /file"),
        ("on //vault/ann/plan.txt", "on /file"),
        (r"on C:\Users\ann\train.py", "on /train.py"),
        (r"on 'C:\\Users\\ann\\train.py'", "on '/train.py'"),
        ("/usr/lib/python3/x.py", "/usr/lib/python3/x.py"),
    ],
)
def test_a_path_of_whatever_form_is_a_file(said: str, told: str) -> None:
    assert (BARE.text(said), BARE.words(said)) == (told, told)


@pytest.mark.parametrize(
    "said", ["about ~N/2 of ~steps/10", "n //16/32 and loss/step", r"\d+\\d{2,}", "a ~ b/c", "https: //", "in ~/ itself"]
)
def test_a_quotient_is_no_path(said: str) -> None:
    assert (BARE.text(said), BARE.words(said)) == (said, said)


@pytest.mark.parametrize(
    "said",
    [
        "Authorization: Bearer linnet",
        "{'Authorization': 'Basic linnet=='}",
        "HTTP_AUTHORIZATION=linnet",
        "Set-Cookie: session=linnet; path=/",
        "password=linnet",
        "password: 'linnet with spaces'",
        'the "passwd":"linnet", and more',
        r"{\"password\": \"linnet\"}",
        "DB_PASSWORD = linnet",
        "passphrase: linnet7",
        "login --password linnet",
        "login --hub-token linnet",
        "X-Api-Key: linnet",
        "AWS_SECRET_ACCESS_KEY=linnet/linnet+linnet",
        "client_secret=linnet",
        "HF_TOKEN=linnet",
        "token: linnet",
        "the token is eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJsaW5uZXQifQ.linnet-linnet",
        "curl -H bearer-is 'Bearer linnet12linnet'",
        "hf_linnetlinnetlinnet and github_pat_linnetlinnetlinnet",
        "gho_linnetlinnetlinnet",
    ],
)
def test_a_secret_is_known_by_its_word_or_by_its_form(said: str) -> None:
    told = BARE.text(said)
    assert "linnet" not in told and ("(key)" in told or "(left out)" in told), told
    assert b"linnet" not in b"".join(BARE.lines(io.BytesIO(f"{said}\n".encode() * 500))), "in a log"


def test_a_number_may_be_a_password_and_is_no_token() -> None:
    assert BARE.text("password=20261121") == "password=(key)"
    assert BARE.text("pad_token: 50257, token: 0.5M, tokens: 12, token: 1e-3") == "pad_token: 50257, token: 0.5M, tokens: 12, token: 1e-3"


LOG = """tokenizer: bpe, 8192 tokens; eos_token: <|endoftext|>; total_tokens_M: 499.6 tok/sec: 1,234,567
  File "train.py", line 5, in more
    token = tokens[0]
    password = getpass.getpass()
KeyError: 'no such key: width'
step 00001 (50.0%) | loss: 2.100000 | skip-connection-with-a-gate, weights on mask-1
"""


def test_what_a_training_counts_and_where_it_failed_stays() -> None:
    assert BARE.text(LOG) == LOG


CODE = """
token = tokens[0]
token = first
password, secret = "none", f"token: {token}"
headers = {"Authorization": "Bearer " + token}
pattern = re.compile("\\\\d\\\\d|~x/y")
print("loss:\\n", n // 16 / 32, ~mask / 2)
"""


def test_code_stays_code() -> None:
    assert BARE.code(CODE) == CODE


def test_a_quoted_path_in_code_is_a_file() -> None:
    assert BARE.code('data = load("~ann/plan.bin", "~/plan.bin", "/srv/ann/plan.bin", "~/", "/")') == (
        'data = load("/file", "/file", "/file", "~/", "/")'
    )


def test_of_a_models_words_only_what_can_be_nothing_else_is_a_key() -> None:
    told = "predict the next token: longer context, secret: none, cookie: no; the bearer of information"
    assert BARE.words(told) == told
    assert BARE.words("with eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.x1 and hf_linnetlinnetlinnet") == "with (key) and (key)"
