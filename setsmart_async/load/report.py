"""What came of a run: every figure, for a person, a program or a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from setsmart_async.load.histogram import RELATIVE_ERROR, Histogram
from setsmart_async.load.lag import Lag
from setsmart_async.load.recorder import UNFINISHED, Figures, Recorder
from setsmart_async.load.run import Ending, LoadPlan
from setsmart_async.load.schedule import OpenModel
from setsmart_async.load.thresholds import Threshold, Verdict, judge
from setsmart_async.load.windows import QuotaUse
from setsmart_async.wire import Json, JsonObject

PERCENTILES: Final = (50.0, 90.0, 95.0, 99.0, 99.9, 100.0)
"""Those that are shown; the last is the longest."""

_CURVE_POINTS: Final = 400


@attrs.frozen(kw_only=True)
class Environment:
    """Where a run took place."""

    target: str
    """The base URL."""
    own_sandbox: bool
    """Whether the sandbox was started for this run."""
    rule: str
    """The sandbox's limit at the end, in words."""
    algorithm: str
    """How it counts."""
    started: str
    """RFC 3339, UTC."""
    setsmart_async: str
    """The library's version."""
    python: str
    event_loop: str
    """``asyncio`` or ``uvloop``, with its version."""
    machine: str
    """Operating system and architecture."""
    processors: int
    load_average: float | None
    """The machine's, over the minute before the end; None where the system has none."""


@attrs.frozen(kw_only=True)
class Report:
    """Figures and verdicts of one run. Times in seconds."""

    environment: Environment
    plan: LoadPlan
    connections: int
    """The most requests under way at once."""
    ended: Ending
    recorder: Recorder
    lag: Lag
    quota: QuotaUse
    processor_share: float
    """Of one core, that the generator used while it measured."""
    verdicts: tuple[Verdict, ...] = ()

    @property
    def figures(self) -> Figures:
        """Those of all calls."""
        return self.recorder.all

    @property
    def measured(self) -> float:
        """For how long was measured."""
        return self.recorder.duration

    @property
    def throughput(self) -> float | None:
        """Calls a second that ended well; None: nothing was measured."""
        return self.recorder.done / self.measured if self.measured else None

    @property
    def offered(self) -> float | None:
        """Calls a second that were due; None: nothing was measured."""
        return self.figures.calls / self.measured if self.measured else None

    @property
    def shares(self) -> Mapping[str, float]:
        """Of all the time that calls took: waiting for quota, in the server, and the rest. Sums to 1, or all are 0."""
        total = self.figures.latency.total
        waited, server = min(self.figures.waited.total, total), min(self.figures.server.total, total)
        parts = {"waited": waited, "server": server, "elsewhere": max(0.0, total - waited - server)}
        whole = sum(parts.values())
        return {name: seconds / whole if whole else 0.0 for name, seconds in parts.items()}

    @property
    def voided(self) -> tuple[float, ...]:
        """The percentiles of the latency that can not be told from the generator's own lag."""
        return tuple(
            percent
            for percent in PERCENTILES
            if (seconds := self.figures.latency.percentile(percent)) is not None and self.lag.voids(percent, seconds)
        )

    def judged(self, thresholds: Sequence[Threshold]) -> Report:
        """The same with a verdict on each threshold."""
        return attrs.evolve(self, verdicts=tuple(judge(threshold, self) for threshold in thresholds))

    def value_of(self, threshold: Threshold) -> float | None:
        """See `Measured`."""
        figures = self.figures if threshold.scope is None else self.recorder.by_name.get(threshold.scope, Figures())
        of, _, name = threshold.metric.rpartition(".")
        if threshold.percent is not None:
            histogram = {"wait": figures.waited, "server": figures.server}.get(of.partition(".")[0], figures.latency)
            return histogram.percentile(threshold.percent)
        values: Mapping[str, float | None] = {
            "mean": figures.latency.mean,
            "goodput": self.quota.goodput,
            "throughput": self.throughput,
            "error_rate": figures.failed / figures.calls if figures.calls else None,
            "calls": figures.calls,
            "errors": figures.failed,
            "unfinished": figures.errors[UNFINISHED],
            "429": figures.rate_limited,
        }
        return values[name]

    def lag_at(self, percent: float) -> float:
        """See `Measured`."""
        return self.lag.percentile(percent)

    def voids(self, percent: float, seconds: float) -> bool:
        """See `Measured`."""
        return self.lag.voids(percent, seconds)

    def as_json(self) -> JsonObject:
        """All of it."""
        plan, figures = self.plan, self.figures
        is_open = isinstance(plan.model, OpenModel)
        operations: JsonObject = {name: _figures(each) for name, each in sorted(self.recorder.by_name.items())}
        return {
            "environment": attrs.asdict(self.environment),
            "plan": {
                "model": "open" if is_open else "closed",
                **attrs.asdict(plan.model),
                "mix": str(plan.mix),
                "duration": plan.duration,
                "warm_up": plan.warm_up,
                "seed": plan.seed,
                "connections": self.connections,
            },
            "ended": self.ended,
            "measured_seconds": self.measured,
            "offered_per_second": self.offered,
            "throughput_per_second": self.throughput,
            "all": _figures(figures),
            "operations": operations,
            "time_shares": dict(self.shares),
            "quota": {
                "goodput": self.quota.goodput,
                "other_requests": self.quota.others,
                "windows": [attrs.asdict(window) for window in self.quota.windows],
            },
            "generator": {
                "lag": {_name(percent): self.lag.percentile(percent) for percent in PERCENTILES},
                "voided": [_name(percent) for percent in self.voided],
                "processor_share": self.processor_share,
            },
            "thresholds": [
                {"threshold": each.threshold.text, "value": each.value, "holds": each.holds, "reason": each.reason}
                for each in self.verdicts
            ],
            "over_time": self._over_time(),
            "latency_curve": [list(point) for point in thinned(figures.latency)],
            "relative_error": RELATIVE_ERROR,
        }

    def _over_time(self) -> list[Json]:
        return [
            {
                "begin": number * self.recorder.width,
                "calls": part.latency.count,
                "failed": part.failed,
                "rate_limited": part.rate_limited,
                "p50": part.latency.percentile(50),
                "p99": part.latency.percentile(99),
                "max": part.latency.max,
            }
            for number, part in sorted(self.recorder.slices.items())
        ]


def thinned(histogram: Histogram) -> list[tuple[float, float]]:
    """The curve of a histogram, percent and seconds, with at most so many points, more of them towards the end."""
    points = list(histogram.curve())
    while len(points) > _CURVE_POINTS:
        half = len(points) // 2
        points = [*points[:half:2], *points[half:]] if half > 1 else points[-_CURVE_POINTS:]
    return points


def _figures(figures: Figures) -> JsonObject:
    return {
        "calls": figures.calls,
        "failed": figures.failed,
        "errors": dict(figures.errors),
        "statuses": {str(status): count for status, count in sorted(figures.statuses.items())},
        "rate_limited": figures.rate_limited,
        "latency": _percentiles(figures.latency),
        "waiting_for_quota": _percentiles(figures.waited),
        "in_the_server": _percentiles(figures.server),
    }


def _percentiles(histogram: Histogram) -> JsonObject:
    found: JsonObject = {_name(percent): histogram.percentile(percent) for percent in PERCENTILES}
    return {**found, "mean": histogram.mean}


def _name(percent: float) -> str:
    return "max" if percent == 100 else f"p{percent:g}"
