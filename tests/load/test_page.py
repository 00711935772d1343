"""The HTML report: one file that needs nothing else, with the right figures in its table and its plots."""

import re
from html.parser import HTMLParser

import pytest
from load.reports import report

from setsmart_async.load.page import as_page
from setsmart_async.load.plots import count_axis, latency_axis, logarithm, nines, percent_axis, time_axis
from setsmart_async.load.schedule import ClosedModel
from setsmart_async.load.thresholds import parse_thresholds

VOID_ELEMENTS = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Reads a page, and keeps what a test looks at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID_ELEMENTS:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data

    def all(self, tag: str, style: str | None = None) -> list[dict[str, str | None]]:
        return [found for name, found in self.elements if name == tag and style in (None, found.get("class"))]


def test_it_needs_nothing_else() -> None:
    text = as_page(report())
    page = Page(text)
    assert page.open == []
    assert not page.all("script")
    assert not page.all("link")
    assert not [found for _, found in page.elements if {"src", "href", "srcset", "onload", "onclick"} & set(found)]
    assert not re.search(r"@import|url\(|\$[a-z]", text)
    assert "prefers-color-scheme: dark" in text


def test_the_table_holds_the_figures() -> None:
    page = Page(as_page(report()))
    row = next(row for row in page.rows if row[0] == "all")
    assert row == ["all", "100", "3", "500 ms", "900 ms", "950 ms", "990 ms", "1.00 s", "1.00 s"]
    assert next(row for row in page.rows if row[0] == "properties.list")[1:3] == ["25", "1"]
    assert next(row for row in page.rows if row[0] == "404 NotFoundError") == ["404 NotFoundError", "3"]
    assert next(row for row in page.rows if row[0] == "waiting for quota")[1] == "50.0 %"


def test_the_bars_stand_as_high_as_the_windows() -> None:
    page = Page(as_page(report()))
    heights = [float(found["height"] or 0) for found in page.all("rect", "one")]
    assert len(heights) == 4
    assert [height / heights[1] for height in heights] == pytest.approx([0.6, 1.0, 0.9, 0.4], abs=0.01)
    (refused,) = page.all("rect", "bad")
    assert float(refused["height"] or 0) / heights[1] == pytest.approx(0.2, abs=0.01)
    assert len(page.all("line", "limit")) == 4
    limits = {found["y1"] for found in page.all("line", "limit")}
    assert limits == {page.all("rect", "one")[1]["y"]}  # fifty of fifty: the bar ends at the limit
    assert "5.0 s: 50 of 50 accepted, 10 refused" in page.words


def test_the_curves_are_where_the_axes_say() -> None:
    page = Page(as_page(report()))
    over_time, by_percentile = (
        [tuple(map(float, point.split(","))) for point in (found["points"] or "").split()]
        for found in page.all("polyline", "one")
    )
    # From 10 ms to 1 s, two powers of ten, over the plot's 240 points of height.
    assert over_time[0][1] - over_time[-1][1] == pytest.approx(240, abs=5)
    assert len(over_time) == len({int(0.29 * number / 0.5) for number in range(100)})
    at_90 = min(by_percentile, key=lambda point: abs(point[0] - (74 + 790 / 2)))  # one nine of two
    assert at_90[1] == pytest.approx(16 + 240 * (1 - (logarithm(0.9) + 4) / 4), abs=2)


def test_warnings_stand_on_top_and_void_figures_are_struck_out() -> None:
    quiet = Page(as_page(report()))
    assert not quiet.all("p", "warning")
    assert not quiet.all("td", "void")
    late = Page(as_page(report(lag=0.5, ended="interrupted", model=ClosedModel(3), others=5)))
    assert len(late.all("p", "warning")) == 4
    assert len(late.all("td", "void")) == 6 * 3
    assert len(late.all("b", "void")) == 3


def test_verdicts_are_shown_as_they_were_written() -> None:
    page = Page(as_page(report().judged(parse_thresholds("p99<500ms,429<=10"))))
    assert ["p99<500ms", "990 ms", "MISSED"] in page.rows
    assert ["429<=10", "10", "holds"] in page.rows


def test_a_run_without_calls_is_a_page_too() -> None:
    page = Page(as_page(report(calls=0)))
    assert page.open == []
    assert not page.all("svg")


@pytest.mark.parametrize("seconds", [0.3, 1.0, 7.3, 30.0, 3_600.0])
def test_a_time_axis_has_a_few_round_ticks_within_it(seconds: float) -> None:
    ticks = [value for value, _ in time_axis(seconds).ticks]
    assert 4 <= len(ticks) <= 9
    assert ticks[0] == 0
    assert ticks[-1] <= seconds + 1e-9


@pytest.mark.parametrize("most", [0, 1, 7, 99, 100, 12_345])
def test_a_count_axis_holds_the_highest(most: float) -> None:
    axis = count_axis(most, "requests")
    assert axis.end >= most
    assert axis.ticks[-1][0] == axis.end


def test_latencies_stand_between_powers_of_ten() -> None:
    axis = latency_axis([0.0042, 1.7])
    assert [label for _, label in axis.ticks] == ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]
    assert latency_axis([]).end > latency_axis([]).begin
    assert latency_axis([0.0]).ticks[0][1] == "0.1 ms"


def test_percentiles_stand_by_their_nines() -> None:
    assert [nines(percent) for percent in (0, 90, 99, 99.9)] == pytest.approx([0, 1, 2, 3])
    assert [label for _, label in percent_axis(10_000).ticks] == ["0 %", "50", "90", "99", "99.9", "99.99"]
