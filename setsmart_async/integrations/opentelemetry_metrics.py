"""The metrics that `OpenTelemetryObserver` keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import attrs
from opentelemetry.metrics import (
    CallbackOptions,
    Counter,
    Histogram,
    Meter,
    MeterProvider,
    NoOpMeterProvider,
    Observation,
    UpDownCounter,
    get_meter,
)

from setsmart_async.integrations.opentelemetry_targets import SCHEMA, Attributes, Target
from setsmart_async.observer import AttemptEnded
from setsmart_async.version import __version__

if TYPE_CHECKING:
    from setsmart_async.sync import ResourceName, ResourceResult

_REQUEST_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Those that the conventions advise, in seconds."""
_WAIT_BUCKETS: Final = (0.0, 0.01, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""In seconds; the first is for those that did not wait. Windows of quota are minutes or hours."""

SYNC_RESOURCE: Final = "setsmart.sync.resource"
SYNC_CHANGE: Final = "setsmart.sync.change"
_CHANGES: Final = ("new", "changed", "unchanged", "deleted", "healed")


@attrs.frozen
class _Quota:
    """The last answer's word on one server's quota."""

    attributes: Attributes
    limit: int | None
    remaining: int | None
    valid_until: float
    """When the window ends, on the monotonic clock."""


class Metrics:
    """The instruments of one meter, and what the gauges among them show."""

    def __init__(self, meter: Meter) -> None:
        """Without a provider's SDK the meter counts nothing, and costs next to nothing."""
        self.duration: Histogram = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_REQUEST_BUCKETS,
        )
        self.active: UpDownCounter = meter.create_up_down_counter(
            "http.client.active_requests", unit="{request}", description="Number of active HTTP requests."
        )
        self.wait: Histogram = meter.create_histogram(
            "setsmart.limiter.wait.duration",
            unit="s",
            description="Wait of each request for quota or a free slot, before it was sent.",
            explicit_bucket_boundaries_advisory=_WAIT_BUCKETS,
        )
        self.retries: Counter = meter.create_counter(
            "setsmart.retries", unit="{retry}", description="Requests that failed and are repeated."
        )
        self._rows = meter.create_counter(
            "setsmart.sync.rows", unit="{row}", description="Rows of a sync, by resource and what became of them."
        )
        self._quotas: dict[tuple[object, ...], _Quota] = {}
        meter.create_observable_gauge(
            "setsmart.quota.limit",
            [self._limits],
            unit="{request}",
            description="Requests per window, by the server's last answer.",
        )
        meter.create_observable_gauge(
            "setsmart.quota.remaining",
            [self._remaining],
            unit="{request}",
            description="Requests left in the window, by the server's last answer.",
        )

    def note_quota(self, target: Target, event: AttemptEnded) -> None:
        """Keep what an answer said, if it said something."""
        if event.quota_limit is None and event.quota_remaining is None:
            return
        ends = inf if event.quota_reset_after is None else monotonic() + event.quota_reset_after
        self._quotas[target.place] = _Quota(target.server, event.quota_limit, event.quota_remaining, ends)

    def count_rows(self, results: Mapping[ResourceName, ResourceResult], attributes: Attributes) -> None:
        """Count what a sync did."""
        for resource, result in results.items():
            for change in _CHANGES:
                rows: int = getattr(result, change)
                if rows:
                    self._rows.add(rows, {SYNC_RESOURCE: resource, SYNC_CHANGE: change, **attributes})

    def _limits(self, options: CallbackOptions) -> Iterable[Observation]:
        """Called by whoever collects metrics, in a thread of their own."""
        return [Observation(quota.limit, quota.attributes) for quota in self._known() if quota.limit is not None]

    def _remaining(self, options: CallbackOptions) -> Iterable[Observation]:
        """As above. When its window is over, nobody knows until the next answer."""
        now = monotonic()
        return [
            Observation(quota.remaining, quota.attributes)
            for quota in self._known()
            if quota.remaining is not None and now < quota.valid_until
        ]

    def _known(self) -> list[_Quota]:
        return list(self._quotas.values())


_THE_PROGRAMS: Final = NoOpMeterProvider()
"""Stands for the program's own provider, which may be another one tomorrow."""
_by_provider: Final = WeakKeyDictionary[MeterProvider, Metrics]()


def metrics_of(provider: MeterProvider | None) -> Metrics:
    """The instruments of a provider; of the program's own, when None. All observers share them.

    An SDK keeps the first of two gauges with the same name, and with it one observer's quota alone.
    """
    key = _THE_PROGRAMS if provider is None else provider
    metrics = _by_provider.get(key)
    if metrics is None:
        metrics = _by_provider[key] = Metrics(get_meter("setsmart_async", __version__, provider, SCHEMA))
    return metrics
