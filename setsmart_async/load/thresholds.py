"""What must hold, written and judged: ``p99<500ms,429==0,error_rate<1%,goodput>95%``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Literal, Protocol

import attrs

from setsmart_async.errors import ConfigurationError

Kind = Literal["time", "share", "count", "rate"]
"""What a metric is: seconds, a share of 1, a number, or a number a second."""

METRICS: Final[Mapping[str, Kind]] = {
    "mean": "time",
    "max": "time",
    "error_rate": "share",
    "goodput": "share",
    "errors": "count",
    "unfinished": "count",
    "calls": "count",
    "429": "count",
    "throughput": "rate",
}
"""Every metric but the percentiles: ``p50``, ``p99.9``, and with ``wait.`` or ``server.`` before them."""

WHOLE_RUN_ONLY: Final = frozenset({"goodput", "throughput"})
"""Those that one operation alone does not have."""

_COMPARISONS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM: Final = re.compile(
    r"(?:(?P<scope>[a-z_]+\.[a-z_]+(?:@[a-z]+)?):)?(?P<metric>[a-z0-9_.]+)\s*"
    r"(?P<comparison><=|>=|==|!=|<|>)\s*(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>[a-zµ%/]*)"
)
_PERCENTILE: Final = re.compile(r"(?P<of>wait\.|server\.)?p(?P<percent>[0-9]{1,2}(?:\.[0-9]{1,4})?)")
_UNITS: Final[Mapping[Kind, Mapping[str, Decimal]]] = {
    "time": {
        "us": Decimal("1e-6"),
        "µs": Decimal("1e-6"),
        "ms": Decimal("1e-3"),
        "s": Decimal(1),
        "m": Decimal(60),
    },
    "share": {"%": Decimal("0.01")},
    "count": {"": Decimal(1)},
    "rate": {"": Decimal(1), "/s": Decimal(1)},
}
_UNIT_WANTED: Final[Mapping[Kind, str]] = {
    "time": "a unit: us, ms, s or m, as in p99<500ms",
    "share": "a percent sign, as in error_rate<1%",
    "count": "a bare number, as in 429==0",
    "rate": "a number a second, as in throughput>50 or throughput>50/s",
}


@attrs.frozen(kw_only=True)
class Threshold:
    """One condition."""

    text: str
    """As it was written."""
    scope: str | None
    """An entry of the mix; None: all calls."""
    metric: str
    kind: Kind
    percent: float | None
    """Of a percentile; 100 for ``max``; None for what is none."""
    comparison: str
    bound: float
    """In seconds, as a share of 1, or as it is."""

    def holds(self, value: float) -> bool:
        """Whether a value fulfils it."""
        return _COMPARISONS[self.comparison](value, self.bound)


@attrs.frozen(kw_only=True)
class Verdict:
    """What became of a threshold."""

    threshold: Threshold
    value: float | None
    """What was measured; None: nothing."""
    holds: bool
    """False for one that can not be judged, too."""
    reason: str | None = None
    """Why it can not be judged; None: it was."""


class Measured(Protocol):
    """Whatever knows the figures."""

    def value_of(self, threshold: Threshold) -> float | None:
        """The metric's value, in the units of `Threshold.bound`; None: there is none."""
        ...

    def lag_at(self, percent: float) -> float:
        """The generator's own lag at a percentile, in seconds."""
        ...

    def voids(self, percent: float, seconds: float) -> bool:
        """Whether that lag is too much to judge a latency of so many seconds."""
        ...


def parse_thresholds(text: str) -> tuple[Threshold, ...]:
    """Read conditions, parted by commas. Raises `ConfigurationError`, which says what is wrong with which."""
    return tuple(_threshold(part.strip()) for part in text.split(",") if part.strip())


def judge(threshold: Threshold, measured: Measured) -> Verdict:
    """Whether it holds.

    What can not be judged does not hold: a metric without a value, and a latency where the generator's own lag is more
    than a tenth of the bound.
    """
    value = measured.value_of(threshold)
    if value is None:
        what = "no whole window of the quota was measured" if threshold.metric == "goodput" else "there were no calls"
        return Verdict(threshold=threshold, value=None, holds=False, reason=what)
    if threshold.percent is not None and measured.voids(threshold.percent, threshold.bound):
        lag = measured.lag_at(threshold.percent) * 1e3
        reason = f"the generator itself lagged by {lag:.3g} ms"
        return Verdict(threshold=threshold, value=value, holds=False, reason=reason)
    return Verdict(threshold=threshold, value=value, holds=threshold.holds(value))


def _threshold(part: str) -> Threshold:
    form = _FORM.fullmatch(part)
    if form is None:
        raise ConfigurationError(
            f"--fail-if: {part!r} is not of the form p99<500ms: a metric, one of < <= > >= == !=, and a number with "
            "its unit."
        )
    metric, scope = form["metric"], form["scope"]
    kind, percent = _metric(metric)
    if scope is not None and metric in WHOLE_RUN_ONLY:
        raise ConfigurationError(f"--fail-if: {metric} is of the whole run: leave {scope!r} out.")
    scale = _UNITS[kind].get(form["unit"])
    if scale is None:
        raise ConfigurationError(f"--fail-if: {part!r}: {metric} wants {_UNIT_WANTED[kind]}.")
    return Threshold(
        text=part,
        scope=scope,
        metric=metric,
        kind=kind,
        percent=percent,
        comparison=form["comparison"],
        bound=float(Decimal(form["number"]) * scale),
    )


def _metric(name: str) -> tuple[Kind, float | None]:
    percentile = _PERCENTILE.fullmatch(name)
    if percentile is not None and float(percentile["percent"]) > 0:
        return "time", float(percentile["percent"])
    kind = METRICS.get(name)
    if kind is None:
        known = ", ".join(METRICS)
        raise ConfigurationError(f"--fail-if: there is no metric {name!r}; there are p50, p99.9, wait.p99, {known}.")
    return kind, 100.0 if name == "max" else None
