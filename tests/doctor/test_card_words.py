"""What is said of torch and the card: whether they suit each other, and the line that installs what does."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from autoresearch_tui.doctor.card import Card
from autoresearch_tui.doctor.wheel import Wheel, has_code
from autoresearch_tui.telemetry.sample import Process
from tests.doctor.machines import GB, H100, MODERN, finding, having

OLD_DRIVER = replace(H100, driver="550.54", cuda=12.4)
PASCAL = replace(H100, name="NVIDIA GeForce GTX 1080 Ti", capability=6.1)
KEPLER = replace(H100, name="Tesla K80", capability=3.7)
BLACKWELL = replace(H100, name="NVIDIA GeForce RTX 5090", capability=12.0)
AMD = Card("amd", "AMD Radeon RX 7900 XTX", total=24 * GB, used=GB)
CUDA = Wheel("/venv/bin/python", "2.13.0+cu130", cuda="13.0", available=True, kernels=MODERN)
CPU = Wheel("/venv/bin/python", "2.13.0+cpu", threads=4)
LEGACY = replace(CUDA, version="2.13.0+cu126", cuda="12.6", kernels=("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"))


@pytest.mark.parametrize(
    ("wheel", "card", "said", "mend"),
    [
        (CPU, H100, "a build without CUDA, and an NVIDIA card is here", "/whl/cu130"),
        (CPU, OLD_DRIVER, "a build without CUDA", "/whl/cu126"),
        (CPU, PASCAL, "a build without CUDA", "/whl/cu126"),
        (replace(CUDA, available=False), OLD_DRIVER, "it wants CUDA 13.0, and the driver 550.54 knows 12.4", "/whl/cu126"),
        (replace(CUDA, available=False), replace(H100, driver="450.1", cuda=11.0), "knows 11.0", "nvidia-driver (580 or later)"),
        (CUDA, PASCAL, "GTX 1080 Ti (6.1) is too old for this build", "/whl/cu126"),
        (CUDA, KEPLER, "Tesla K80 (3.7) is too old", "AUTORESEARCH_DEVICE=cpu trains without it"),
        (LEGACY, BLACKWELL, "RTX 5090 (12.0) is too new for this build", "/whl/cu130"),
        (LEGACY, replace(BLACKWELL, cuda=12.8), "too new", "nvidia-driver (580 or later)"),
        (replace(CUDA, available=False, said="Error 803"), H100, "CUDA shows no card: Error 803", "sudo modprobe nvidia_uvm"),
        (CPU, AMD, "a build without ROCm, and an AMD card is here", "/whl/rocm6.4"),
        (replace(CPU, hip="6.4", version="2.9.0+rocm6.4"), AMD, "ROCm shows no card", 'sudo usermod -aG render,video "$USER"'),
    ],
)
def test_a_build_that_cannot_use_the_card_is_said_with_the_line_that_installs_another(
    wheel: Wheel, card: Card, said: str, mend: str
) -> None:
    found = finding(having(wheel=wheel, card=card), "torch build")
    assert found.state == "missing"
    assert said in found.found
    assert mend in found.mend
    on_the_processor = finding(having(wheel=wheel, card=card, device="cpu"), "torch")
    assert on_the_processor.state == "ok", "a workspace that trains on the processor needs no card"


@pytest.mark.parametrize(
    ("wheel", "card"),
    [(CUDA, H100), (LEGACY, H100), (LEGACY, PASCAL), (CUDA, BLACKWELL), (CPU, Card()), (replace(CPU, mps=True), Card("apple", "Apple M4"))],
)
def test_a_build_that_suits_is_ok(wheel: Wheel, card: Card) -> None:
    assert finding(having(wheel=wheel, card=card), "torch").state == "ok"


def test_a_kernel_runs_on_later_cards_of_its_own_major_version_and_ptx_on_all_later_ones() -> None:
    assert has_code(["sm_80"], 8.6) and has_code(["sm_90a"], 9.0)
    assert not has_code(["sm_80"], 9.0) and not has_code(["sm_86"], 8.0)
    assert has_code(["compute_90"], 12.0) and not has_code(["compute_120"], 9.0)
    assert not has_code(["gfx942", "sm_"], 9.0)


@pytest.mark.parametrize(
    ("wheel", "state", "said"),
    [
        (replace(CPU, fails="OSError: libcudart.so.13: cannot open shared object file"), "missing", "it does not load: OSError: libcudart"),
        (Wheel("/lab/.venv/bin/python", absent=True), "missing", "not installed in /lab/.venv/bin/python"),
        (Wheel(late=True), "warning", "it did not load within 20 s"),
        (Wheel(other="sh train.sh"), "ok", "the training is `sh train.sh`"),
    ],
)
def test_a_torch_that_is_not_there_or_does_not_load(wheel: Wheel, state: str, said: str) -> None:
    found = finding(having(wheel=wheel), "torch")
    assert (found.state, said in found.found) == (state, True)


MISMATCH = "The NVIDIA driver was updated while it was in use (its library and its kernel module differ): restart the machine."
FORBIDDEN = "This user may not use the card: see who may open /dev/nvidia0 (on many systems the group `video`)."


@pytest.mark.parametrize(
    ("card", "state", "said", "mend"),
    [
        (Card("nvidia", fault="mismatch", said=MISMATCH), "missing", "its library and its kernel module differ", "sudo reboot"),
        (Card("nvidia", fault="unknown", said=FORBIDDEN), "missing", "This user may not use the card", 'usermod -aG video,render "$USER"'),
        (Card("nvidia", fault="reset", said="The card wants a reset."), "missing", "wants a reset", "sudo nvidia-smi --gpu-reset"),
        (Card("nvidia", fault="gone", said="There is no GPU 7 here: name one of 0 (H100)."), "missing", "0 (H100)", "`--gpu`"),
        (Card(bare=True), "warning", "an NVIDIA card is built in, and no driver is installed", "sudo apt install nvidia-driver"),
        (Card(claimed="550.54"), "missing", "NVIDIA's driver (550.54) shows none", "sudo modprobe nvidia"),
        (Card(hidden="CUDA_VISIBLE_DEVICES=''", claimed="550.54"), "ok", "hidden by CUDA_VISIBLE_DEVICES=''", ""),
        (Card(), "ok", "none: it trains on the processor", ""),
    ],
)
def test_a_card_that_cannot_be_used_is_said_with_what_helps(card: Card, state: str, said: str, mend: str) -> None:
    found = finding(having(card=card, wheel=CPU), "card")
    assert (found.state, said in found.found, mend in found.mend) == (state, True, True)
    if state == "missing":
        assert "AUTORESEARCH_DEVICE=cpu trains without it" in found.found
        assert finding(having(card=card, wheel=CPU, device="cpu"), "card").state == "ok"


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (replace(H100, others=1), "and 1 more (`--slots 2` uses both, `--gpu` chooses)"),
        (replace(H100, others=7), "and 7 more (`--slots 8` uses all, `--gpu` chooses)"),
        (replace(AMD, others=1), "and 1 more (`--gpu` chooses)"),
    ],
)
def test_other_cards_are_named_with_what_uses_them(card: Card, said: str) -> None:
    assert said in finding(having(card=card, wheel=CPU), "card").found


def test_who_holds_the_memory_of_the_card_is_named() -> None:
    holders = (Process(7, 12 * GB, "ollama", "ann"), Process(8, 65 * GB, "python", "bob"))
    found = finding(having(card=replace(H100, used=78 * GB, holders=holders)), "card memory")
    assert found.state == "warning"
    assert "2.0 of 80.0 GB free; ollama 12.0 GB (pid 7), python 65.0 GB (pid 8)" in found.found


def test_what_torch_needs_to_compile_is_named_where_there_is_a_card() -> None:
    assert (
        finding(having(card=replace(H100, compiles=("a C compiler",))), "compiler").mend == "sudo apt install build-essential python3-dev"
    )
    assert finding(having(card=replace(H100, compiles=("triton",))), "compiler").mend == "pip install triton"
