"""The picture: made of any night, by a matplotlib that nobody else has set, and without a word on standard error."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from autoresearch_tui.morning.account import Account
from autoresearch_tui.morning.forms.charts import as_png
from autoresearch_tui.morning.forms.sheet import BAD, STRONG, Unavailable
from tests.morning.accounts import hostile, night

pytestmark = pytest.mark.filterwarnings("error")
CHART = 200  # the row from which on the chart is, below title and legend


def pixels(png: bytes) -> Any:
    from matplotlib.image import imread

    return (imread(io.BytesIO(png))[:, :, :3] * 255).round().astype(int)


def places(png: bytes, colour: str) -> tuple[Any, Any]:
    """Rows and columns of the picture that have exactly this colour."""
    wanted = [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
    found: tuple[Any, Any] = (pixels(png) == wanted).all(axis=2).nonzero()
    return found


def look(account: Account, capfd: pytest.CaptureFixture[str]) -> bytes:
    png = as_png(account)
    assert png.startswith(b"\x89PNG") and struct.unpack(">II", png[16:24]) == (1600, 900)
    assert capfd.readouterr() == ("", "")
    return png


def test_text_of_others_is_drawn_as_it_is_and_nothing_is_said(capfd: pytest.CaptureFixture[str]) -> None:
    look(replace(hostile(), name="漢字 😀 $\\frac{$"), capfd)


@pytest.mark.slow
@pytest.mark.parametrize(
    "account",
    [night(), night(1.0), night(None), night(None, 1.0, 0.9, None), night(1e300, 1e-300), night(1.0, 0.9, sigma=0.01)],
    ids=["none", "one", "crashed", "crashed first", "huge", "with noise"],
)
def test_any_night_is_a_picture_of_one_size(account: Account, capfd: pytest.CaptureFixture[str]) -> None:
    look(account, capfd)


@pytest.mark.parametrize(("goal", "values"), [("lower", (3.0, None, 1.0)), ("higher", (1.0, None, 3.0))])
def test_better_is_down_or_up_and_crashes_stand_at_the_other_edge(goal: str, values: tuple[float | None, ...]) -> None:
    png = as_png(night(*values, goal=goal))
    rows, columns = places(png, STRONG)
    on_chart = rows > CHART
    first, last = (rows[on_chart & there].mean() for there in (columns < 500, columns > 1200))
    crashed, columns = places(png, BAD)
    crashed = crashed[(columns > 700) & (columns < 1000)]
    assert last - first > 200 if goal == "lower" else first - last > 200
    assert crashed.max() < first if goal == "lower" else crashed.min() > first


@pytest.mark.slow
def test_what_a_user_has_set_for_matplotlib_changes_nothing(tmp_path: Path) -> None:
    """No home, TeX for all text, a black style: the same picture, and nothing is said."""
    (tmp_path / "matplotlibrc").write_text("text.usetex: true\naxes.facecolor: black\nfont.family: Comic Nothing\nlines.linewidth: 40\n")
    script = (
        "import sys; from tests.morning.accounts import night; from autoresearch_tui.morning.forms.charts import as_png;"
        "sys.stdout.buffer.write(as_png(night(1.0, None, 0.9, 0.95, idea='it costs $5, not $6')))"
    )
    environment = os.environ | {"MATPLOTLIBRC": str(tmp_path), "HOME": "/nowhere", "MPLBACKEND": "tkagg"}
    environment = {name: value for name, value in environment.items() if name not in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
    assert done.stderr == b""
    assert done.stdout == as_png(night(1.0, None, 0.9, 0.95, idea="it costs $5, not $6"))


def test_without_matplotlib_a_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib.style", None)
    with pytest.raises(Unavailable, match=r"pip install .*\[report\]'` brings it"):
        as_png(night(1.0))


@pytest.mark.slow
def test_ten_thousand_experiments_are_drawn_in_three_seconds() -> None:
    account = night(*(None if at % 13 == 0 else 1.0 - at / 20_000 + (at * 7919 % 101) / 5000 for at in range(10_000)))
    as_png(night(1.0))
    began = time.process_time()
    as_png(account)
    assert time.process_time() - began < 3
