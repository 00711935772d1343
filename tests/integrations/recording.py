"""OpenTelemetry's SDK in memory: every span and metric of an observer, to look at."""

import json

import attrs
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import (
    DataPointT,
    HistogramDataPoint,
    InMemoryMetricReader,
    Metric,
    NumberDataPoint,
)
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from setsmart_async.integrations.opentelemetry import OpenTelemetryObserver

TEMPLATE = "/v1/properties/{id}"


@attrs.frozen
class Measured:
    """One data point: a histogram's number and sum, or a number's value."""

    attributes: dict[str, object]
    value: float
    count: int = 1


class Recording:
    """An SDK whose exporters keep what they are given, and an observer on top."""

    def __init__(self, **attributes: str) -> None:
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.observer = self.another(**attributes)

    def another(self, **attributes: str) -> OpenTelemetryObserver:
        """One more observer for the same SDK."""
        return OpenTelemetryObserver(tracer_provider=self.tracers, meter_provider=self.meters, attributes=attributes)

    @property
    def spans(self) -> list[ReadableSpan]:
        """Those that have ended, oldest end first."""
        return list(self._exporter.get_finished_spans())

    @property
    def calls(self) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name.startswith("setsmart ")]

    @property
    def attempts(self) -> list[ReadableSpan]:
        return [span for span in self.spans if "http.request.method" in (span.attributes or {})]

    def below(self, parent: ReadableSpan) -> list[ReadableSpan]:
        return [span for span in self.spans if span.parent is not None and span.parent.span_id == id_of(parent)]

    def metrics(self) -> dict[str, list[Measured]]:
        """Every metric that has data now, by name."""
        found: dict[str, list[Measured]] = {}
        for metric in self.raw():
            for point in metric.data.data_points:
                about: dict[str, object] = {**(point.attributes or {})}
                one = Measured(about, point.value) if isinstance(point, NumberDataPoint) else _histogram(about, point)
                found.setdefault(metric.name, []).append(one)
        return found

    def raw(self) -> list[Metric]:
        """Every metric that has data now."""
        data = self._reader.get_metrics_data()
        scopes = [scope for resource in (data.resource_metrics if data else ()) for scope in resource.scope_metrics]
        return [metric for scope in scopes for metric in scope.metrics]

    def everything(self) -> str:
        """All that an exporter would write."""
        data = self._reader.get_metrics_data()
        spans = "\n".join(span.to_json() for span in self.spans)
        return spans + ("" if data is None else json.dumps(json.loads(data.to_json())))


def _histogram(about: dict[str, object], point: DataPointT) -> Measured:
    assert isinstance(point, HistogramDataPoint)
    return Measured(about, point.sum, point.count)


def id_of(span: ReadableSpan) -> int:
    assert span.context is not None
    return int(span.context.span_id)


def attributes_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})
