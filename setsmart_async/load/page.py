"""The report as one HTML file, which needs nothing else: no script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Final

from setsmart_async.load.histogram import Histogram
from setsmart_async.load.plots import (
    Bar,
    Curve,
    bars,
    count_axis,
    curves,
    latency_axis,
    logarithm,
    nines,
    percent_axis,
    time_axis,
)
from setsmart_async.load.report import PERCENTILES, Report, thinned
from setsmart_async.load.schedule import OpenModel
from setsmart_async.load.text import ENDINGS, generator_in_words, in_short, percent, value_in_words, verdict_in_words
from setsmart_async.load.windows import QuotaWindow

_HEADINGS: Final = ("p50", "p90", "p95", "p99", "p99.9", "max")
_MOST_WINDOWS: Final = 240


def as_page(report: Report) -> str:
    """The whole page."""
    where, shares = report.environment, report.shares
    styles = {"waited": "three", "server": "two", "elsewhere": "faint"}
    template = Template(Path(__file__).with_name("page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(f"setsmart bench, {where.started[:16].replace('T', ' ')} UTC"),
        subtitle=escape(f"{report.plan.model}; {report.measured:.3g} s measured; {where.rule}"),
        warnings="".join(f'<p class="warning">{escape(text)}</p>' for text in _warnings(report)),
        tiles="".join(_tiles(report)),
        thresholds=_thresholds(report),
        plots=_over_time(report) + _percentile_curve(report) + _quota(report),
        latency=_latency_table(report),
        shares="".join(f'<i class="{styles[name]}" style="width:{share:.2%}"></i>' for name, share in shares.items()),
        shares_label=escape(", ".join(f"{name} {percent(share)}" for name, share in shares.items())),
        parts=_parts_table(report),
        errors=_errors(report),
        facts="".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(report)),
    )


def _warnings(report: Report) -> Iterable[str]:
    if ENDINGS[report.ended]:
        yield ENDINGS[report.ended]
    if report.voided:
        yield generator_in_words(report).partition("\n")[2]
    if not isinstance(report.plan.model, OpenModel):
        yield (
            "A closed model: while an answer is late no further call is made, so that these percentiles leave out what "
            "users would have waited."
        )
    if report.quota.others:
        yield f"{report.quota.others:,} requests of others reached the sandbox: its windows count them too."


def _tiles(report: Report) -> Iterable[str]:
    figures, quota = report.figures, report.quota
    failed = figures.failed / figures.calls if figures.calls else None
    yield _tile("calls a second, done", value_in_words(report.throughput, "rate").removesuffix("/s"))
    for each, name in ((50.0, "p50"), (99.0, "p99"), (100.0, "longest")):
        seconds = figures.latency.percentile(each)
        yield _tile(name, in_short(seconds), _void(report, each, seconds))
    yield _tile("of the quota used", percent(quota.goodput))
    yield _tile("times 429", f"{figures.rate_limited:,}")
    yield _tile("of calls failed", percent(failed))


def _tile(name: str, value: str, attributes: str = "") -> str:
    return f"<div><b{attributes}>{escape(value)}</b><span>{escape(name)}</span></div>"


def _thresholds(report: Report) -> str:
    if not report.verdicts:
        return ""
    rows = [
        f"<tr><td><code>{escape(each.threshold.text)}</code></td>"
        f"<td>{escape(value_in_words(each.value, each.threshold.kind))}</td>"
        f'<td class="{"holds" if each.holds else "missed"}">{escape(verdict_in_words(each).partition("  ")[0])}'
        f"{escape(f': {each.reason}' if each.reason else '')}</td></tr>"
        for each in report.verdicts
    ]
    head = _row(("must hold", "measured", ""), "th")
    return f'<h2>Thresholds</h2><div class="scroll"><table>{head}{"".join(rows)}</table></div>'


def _over_time(report: Report) -> str:
    width, slices = report.recorder.width, sorted(report.recorder.slices.items())
    if not slices:
        return ""

    def points(percentile: float) -> list[tuple[float, float]]:
        return [((number + 0.5) * width, part.latency.percentile(percentile) or 0.0) for number, part in slices]

    lines = {"p50": ("one", points(50)), "p99": ("two", points(99)), "longest": ("three", points(100))}
    y = latency_axis(seconds for _, found in lines.values() for _, seconds in found)
    drawn = [
        Curve(
            name=name,
            style=style,
            points=[(at, logarithm(seconds)) for at, seconds in found],
            dots=name == "longest",
        )
        for name, (style, found) in lines.items()
    ]
    x = time_axis(max(report.measured, (slices[-1][0] + 1) * width))
    return curves(f"Latency over time, by when calls were due ({width:g} s each)", x, y, drawn)


def _percentile_curve(report: Report) -> str:
    figures = report.figures
    if not figures.calls:
        return ""
    shown: dict[str, tuple[str, Histogram]] = {
        "latency": ("one", figures.latency),
        "waiting for quota": ("three", figures.waited),
        "in the server": ("two", figures.server),
        "generator's lag": ("faint", report.lag.starts if report.lag.starts.count else report.lag.loop),
    }
    found = {name: (style, thinned(histogram)) for name, (style, histogram) in shown.items() if histogram.count}
    y = latency_axis(seconds for _, curve in found.values() for _, seconds in curve)
    x = percent_axis(figures.calls)
    drawn = [
        Curve(name=name, style=style, points=[(nines(each), logarithm(seconds)) for each, seconds in _stepped(curve)])
        for name, (style, curve) in found.items()
    ]
    return curves("Latency by percentile", x, y, drawn)


def _stepped(curve: Sequence[tuple[float, float]]) -> Iterable[tuple[float, float]]:
    """From each percentage to the next on one height, as the nearest rank has it."""
    before = 0.0
    for each, seconds in curve:
        yield before, seconds
        yield each, seconds
        before = each


def _quota(report: Report) -> str:
    windows = report.quota.windows[-_MOST_WINDOWS:]
    if not windows:
        return ""
    most = max(max(window.accepted + window.refused, window.limit or 0) for window in windows)
    y = count_axis(most, "requests")
    drawn = [
        Bar(
            left=max(0.0, window.begin),
            right=min(report.measured, window.begin + window.length),
            parts=[("one", window.accepted), ("bad", window.refused)],
            limit=window.limit,
            title=_window_in_words(window),
            is_whole=window.whole,
        )
        for window in windows
    ]
    legend = [("accepted", "one"), ("refused (429)", "bad"), ("limit", "limit")]
    name = f"Quota used in each window of {windows[-1].length:g} s, as the sandbox counted"
    return bars(name, time_axis(report.measured), y, drawn, legend)


def _window_in_words(window: QuotaWindow) -> str:
    of = "" if window.limit is None else f" of {window.limit:,}"
    part = "" if window.whole else ", not all of it measured"
    return f"{window.begin:.1f} s: {window.accepted:,}{of} accepted, {window.refused:,} refused{part}"


def _latency_table(report: Report) -> str:
    by_name = sorted(report.recorder.by_name.items(), key=lambda item: -item[1].calls)
    rows = [_row(("", "calls", "failed", *_HEADINGS), "th")]
    for name, figures in [("all", report.figures), *(by_name if len(by_name) > 1 else [])]:
        cells = [
            f"<td{_void(report, each, seconds)}>{in_short(seconds)}</td>"
            for each in PERCENTILES
            for seconds in [figures.latency.percentile(each)]
        ]
        head = _row((name, f"{figures.calls:,}", f"{figures.failed:,}"), "td")
        rows.append(head.removesuffix("</tr>") + "".join(cells) + "</tr>")
    return "".join(rows)


def _void(report: Report, each: float, seconds: float | None) -> str:
    is_void = seconds is not None and report.voids(each, seconds)
    return ' class="void" title="void: the generator itself lagged"' if is_void else ""


def _parts_table(report: Report) -> str:
    figures, shares = report.figures, report.shares

    def cells(histogram: Histogram) -> list[str]:
        return [in_short(histogram.percentile(each)) for each in PERCENTILES]

    rows = [
        ("waiting for quota", percent(shares["waited"]), *cells(figures.waited)),
        ("in the server", percent(shares["server"]), *cells(figures.server)),
        ("elsewhere: client, generator, pauses", percent(shares["elsewhere"]), *[""] * len(PERCENTILES)),
    ]
    return _row(("", "share", *_HEADINGS), "th") + "".join(_row(row, "td") for row in rows)


def _errors(report: Report) -> str:
    if not report.figures.errors:
        return ""
    rows = [(kind, f"{count:,}") for kind, count in report.figures.errors.most_common()]
    head = _row(("kind", "calls"), "th")
    return f"<h2>Errors</h2><table>{head}{''.join(_row(row, 'td') for row in rows)}</table>"


def _facts(report: Report) -> Iterable[tuple[str, str]]:
    where, plan = report.environment, report.plan
    load = "" if where.load_average is None else f", load {where.load_average:.2f}"
    yield "sandbox", f"{where.target}{', started for this run' if where.own_sandbox else ''}; {where.rule}"
    yield "load", f"{plan.model}; {report.connections} requests under way at most; seed {plan.seed}"
    yield "mix", str(plan.mix)
    yield "measured", f"{report.measured:.3g} s after {plan.warm_up:.3g} s of warm-up"
    yield "offered, done", f"{value_in_words(report.offered, 'rate')}, {value_in_words(report.throughput, 'rate')}"
    yield "generator", generator_in_words(report).partition("\n")[0].removeprefix("generator: ")
    yield "with", f"setsmart_async {where.setsmart_async}, Python {where.python}, {where.event_loop}"
    yield "on", f"{where.machine}, {where.processors} processors{load}"


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"
