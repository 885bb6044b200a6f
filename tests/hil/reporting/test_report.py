"""The page of a run: whole, by itself, and harmless whatever a note says."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from hil.bench.cores import MESH, MICRORING
from hil.note import main as note
from hil.plots.element_map import element_map
from hil.plots.svg import Series, chart, matrix, stacked
from hil.report import main as report
from hil.telemetry.events import EpochEnded
from tests.hil.browsing.conftest import Tell, started

HOSTILE = "<script>alert(1)</script><img src=http://far/x onerror=go()> & \"quoted\" 'so'"
NAMESPACE = "{http://www.w3.org/2000/svg}"


class Reader(HTMLParser):
    """Collects tags, and what they would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag down."""
        self.tags.add(tag)
        self.loads += [str(v) for k, v in attrs if k in ("src", "href", "onerror", "onload")]


def read(path: str) -> str:
    """The page's text; it loads nothing and runs nothing, and its figures are well-formed."""
    page = Path(path).read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    assert not reader.loads
    assert not reader.tags & {"script", "img", "link", "iframe", "object"}
    assert "@import" not in page
    assert "url(" not in page
    for figure in re.findall(r"<svg.*?</svg>", page):
        ElementTree.fromstring(figure)
        assert "nan" not in re.sub(r">[^<]*<", "><", figure).lower()
    return page


def test_the_page_of_a_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert note(["online", HOSTILE, "--author", "<b>Ada"]) == 0
    assert report(["online"]) == 0
    assert "report runs/online/report.html" in capsys.readouterr().out
    page = read("runs/online/report.html")
    for said in (
        "FINISHED",
        "SIMULATED",
        "accuracy, measured on the bench",
        "logistic regression",
        "confusion, test items measured on the bench",
        "twin beside the bench",
        "residual by slot and port",
        "bank 1: level",
        "least margin",
        "where bench time went",
        "no answer &lt;i&gt;twice&lt;/i&gt;",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "&lt;b&gt;Ada",
        "as-built rough",
        "settings.refit.kind",
        "torch",
    ):
        assert said in page, said
    assert "No fault was told" not in page


def test_the_page_of_several_runs(runs: Path) -> None:
    assert report(["online", "frozen", "-o", "both.html"]) == 0
    page = read("both.html")
    assert "2 runs" in page
    assert "settings.method" in page
    assert "items won" in page
    assert page.count('class="state good"') == 2
    # Nothing in the page says where on this machine it was made.
    assert str(Path.cwd()) not in page


@pytest.mark.parametrize(("going_on", "said"), [(True, "it goes on"), (False, "did not finish")])
def test_the_page_of_a_run_that_told_little(going_on: bool, said: str, tell: Tell) -> None:
    tell("run", [started()], going_on=going_on)
    assert report(["run", "-o", "page.html"]) == 0
    page = read("page.html")
    assert said in page
    assert ("RUNNING" if going_on else "KILLED") in page
    for nothing in ("No twin was looked at", "No levels were measured", "No fault was told"):
        assert nothing in page


def test_what_cannot_be_reported(
    tell: Tell,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(words: list[str], said: str, command: Callable[[list[str]], int] = report) -> None:
        assert command(words) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1

    folder = tell("run", [started()])
    Path("empty").mkdir()
    refused(["none"], "no run 'none'")
    refused(["empty"], "is no run folder")
    refused(["run", "-o", "none/page.html"], "cannot be written: No such file")
    if os.geteuid() != 0:
        folder.chmod(0o555)
        try:
            refused(["run"], "name another (-o)")
        finally:
            folder.chmod(0o755)


def figure(text: str) -> ElementTree.Element:
    """A figure, read."""
    return ElementTree.fromstring(text)


def texts(text: str) -> list[str]:
    """Everything written in a figure."""
    return [one.text or "" for one in figure(text).iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize("core", [MESH, MICRORING])
@pytest.mark.parametrize("ports", [2, 3, 16])
def test_every_element_has_its_place(core: str, ports: int) -> None:
    values = np.arange(float(ports**2))
    drawn = figure(element_map("map", core, ports, values, "mW", most=values[-1]))  # type: ignore[arg-type]
    cells = [one for one in drawn.iter(f"{NAMESPACE}rect") if len(one)]
    assert len(cells) == ports**2
    corners = {(one.get("x"), one.get("y")) for one in cells}
    assert len(corners) == ports**2  # none hides another
    boxes = [[float(one.get(k) or "nan") for k in ("x", "y", "width", "height")] for one in cells]
    width, height = float(drawn.get("width") or 0), float(drawn.get("height") or 0)
    for number, (x, y, w, h) in enumerate(boxes):
        assert x >= 0.0
        assert y >= 0.0
        assert x + w <= width
        assert y + h <= height
        for a, b, c, d in boxes[:number]:
            apart = x >= a + c or a >= x + w or y >= b + d or b >= y + h
            assert apart, (number, core, ports)


def test_figures_name_their_units_and_bear_odd_values() -> None:
    values = np.array([1.0, math.nan, 3.0])
    drawn = chart(
        "t <&>", "time, s", "loss, nat", [Series(values, values, line=True)], [("chance", 0.1)]
    )
    assert {"t <&>", "time, s", "loss, nat", "chance"} <= set(texts(drawn))
    assert "nan" not in drawn
    assert "7" in texts(matrix("m", "x", "y", np.array([[7.0, math.nan]])))
    crowded = texts(matrix("m", "x", "y", np.full((2, 64), 123456.0)))
    assert "123456" not in crowded  # it would run into its neighbours
    assert len(crowded) < 40
    assert "nan" not in matrix("m", "x", "y", np.full((2, 2), math.nan)).lower()
    bar = texts(stacked("s", "time, s", [("A", {"write": 3.0, "run": 1.0})], "s"))
    assert {"write 3 s, 75 %", "run 1 s, 25 %", "time, s", "A"} <= set(bar)
    assert stacked("s", "time, s", [("A", {})], "s")


def test_where_a_run_went_on_on_the_bench_is_drawn(tell: Tell) -> None:
    def epoch(number: int, where: str) -> EpochEnded:
        return EpochEnded(
            epoch=number,
            loss=1.0 / number,
            train_accuracy=0.5,
            held_out_accuracy=0.4,
            measured_on=where,
            residual=None,
            fallbacks=0,
            clamped=0,
            alarms=0,
        )

    told = [epoch(1, "twin"), epoch(2, "twin"), epoch(1, "bench")]
    for name, epochs, words in (("two", told, 1), ("one", told[:2], 0)):
        tell(name, [started(method="in-silico-refit"), *epochs])
        assert report([name, "-o", f"{name}.html"]) == 0
        page = read(f"{name}.html")
        assert page.count("on the bench \u2192") == words
        assert ("measured on the twin, then on the bench" in page) is bool(words)
