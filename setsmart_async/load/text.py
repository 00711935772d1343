"""The report for a person, as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from setsmart_async.load.histogram import Histogram
from setsmart_async.load.report import PERCENTILES, Report
from setsmart_async.load.thresholds import Kind, Verdict

_HEADINGS: Final = ("p50", "p90", "p95", "p99", "p99.9", "max")
ENDINGS: Final = {
    "complete": "",
    "interrupted": "Interrupted: these are the figures until then.",
    "overload": "Ended early: 20,000 calls were under way. The load is more than server and quota can take.",
}
"""What is said of each ending."""


def in_short(seconds: float | None) -> str:
    """A time with three digits and its unit: ``0.42 ms``, ``12.3 ms``, ``1.24 s``; ``-`` for None."""
    if seconds is None:
        return "-"
    if seconds < 0.9995:
        return f"{_three_digits(seconds * 1e3)} ms"
    return f"{_three_digits(seconds)} s" if seconds < 999.5 else f"{seconds:,.0f} s"


def percent(share: float | None) -> str:
    """A share of 1: ``97.5 %``; ``-`` for None."""
    return "-" if share is None else f"{share * 100:.1f} %"


def value_in_words(value: float | None, kind: Kind) -> str:
    """A metric's value, by its kind."""
    match kind:
        case "time":
            return in_short(value)
        case "share":
            return percent(value)
        case "count":
            return "-" if value is None else f"{value:,.0f}"
        case "rate":
            return "-" if value is None else f"{value:,.1f}/s"


def as_text(report: Report) -> str:
    """The whole report, as lines."""
    return "\n".join(line.rstrip() for line in _lines(report))


def generator_in_words(report: Report) -> str:
    """How the generator did, and which percentiles that voids."""
    lag = report.lag
    said = (
        f"generator: late by {in_short(lag.percentile(50))} (p50), {in_short(lag.percentile(99))} (p99), "
        f"{in_short(lag.percentile(100))} (max); {percent(report.processor_share)} of a core; "
        f"{report.environment.event_loop}"
    )
    if not report.voided:
        return said
    names = ", ".join(_heading(each) for each in report.voided)
    return (
        f"{said}\nVOID: {names}. The generator itself lagged, by more than a tenth of them. "
        "Ask for less, or use a quieter machine."
    )


def verdict_in_words(verdict: Verdict) -> str:
    """One line for a threshold."""
    if verdict.reason is not None:
        return f"not judged  {verdict.threshold.text}: {verdict.reason}"
    value = value_in_words(verdict.value, verdict.threshold.kind)
    return f"{'holds' if verdict.holds else 'MISSED':<10}  {verdict.threshold.text}: {value}"


def _lines(report: Report) -> Iterator[str]:
    where, plan, figures = report.environment, report.plan, report.figures
    own = "a sandbox of its own, " if where.own_sandbox else ""
    yield f"{where.target} ({own}{where.rule})"
    yield f"{plan.model}; {report.measured:.3g} s after {plan.warm_up:.3g} s of warm-up; {report.connections} at once"
    if ENDINGS[report.ended]:
        yield ENDINGS[report.ended]
    yield ""
    yield from _table(report)
    yield ""
    shares = report.shares
    yield from _aligned(
        ["where the time went", "share", *_HEADINGS],
        [
            ["  waiting for quota", percent(shares["waited"]), *_cells(figures.waited)],
            ["  in the server", percent(shares["server"]), *_cells(figures.server)],
            ["  elsewhere", percent(shares["elsewhere"])],
        ],
    )
    yield ""
    yield (
        f"offered {value_in_words(report.offered, 'rate')}, done {value_in_words(report.throughput, 'rate')}; "
        f"{figures.rate_limited:,} times 429; {_quota_in_words(report)}"
    )
    if figures.errors:
        yield "errors: " + ", ".join(f"{count:,} times {kind}" for kind, count in figures.errors.most_common())
    yield generator_in_words(report)
    if report.verdicts:
        yield ""
    for verdict in report.verdicts:
        yield verdict_in_words(verdict)


def _table(report: Report) -> Iterator[str]:
    by_name = sorted(report.recorder.by_name.items(), key=lambda item: -item[1].calls)
    rows = [
        [name, f"{each.calls:,}", f"{each.failed:,}", *_cells(each.latency)]
        for name, each in [("all", report.figures), *(by_name if len(by_name) > 1 else [])]
    ]
    yield from _aligned(["latency", "calls", "failed", *_HEADINGS], rows)


def _quota_in_words(report: Report) -> str:
    whole = sum(window.whole for window in report.quota.windows)
    if report.quota.goodput is None:
        return "no whole window of the quota was measured"
    said = f"{percent(report.quota.goodput)} of the quota used in {whole} whole window{'s' if whole > 1 else ''}"
    others = report.quota.others
    return f"{said}, with {others:,} requests of others" if others else said


def _cells(histogram: Histogram) -> list[str]:
    return [in_short(histogram.percentile(each)) for each in PERCENTILES]


def _aligned(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    first = max(len(row[0]) for row in [headings, *rows])
    for row in [headings, *rows]:
        yield row[0].ljust(first) + "".join(cell.rjust(10) for cell in row[1:])


def _heading(each: float) -> str:
    return _HEADINGS[PERCENTILES.index(each)]


def _three_digits(number: float) -> str:
    places = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:.{places}f}"
