"""Spans have their place below the caller's own, and tasks do not mix."""

import asyncio
import logging
import sys
from importlib import import_module

import pytest
from engine.scene import LOST, OK, Step, failure_of, played, stage, status
from integrations.recording import Recording, attributes_of, id_of
from opentelemetry import trace

from setsmart_async import (
    BackgroundObserver,
    CallEnded,
    CallStarted,
    Origin,
    PageRead,
    QuotaWaited,
    SetSmart,
)
from setsmart_async.integrations.opentelemetry import OpenTelemetryObserver
from setsmart_async.testing import FakeSetSmart, fake_property


class TestContext:
    def test_a_call_is_below_what_its_caller_does(self) -> None:
        recording = Recording()
        tracer = recording.tracers.get_tracer("the program")

        async def main() -> None:
            s = stage(OK, observer=recording.observer)
            with tracer.start_as_current_span("booking"):
                await s.client.properties.get("prop_123")
                with tracer.start_as_current_span("after"):
                    pass

        played(main)
        attempt, call, after, booking = recording.spans
        assert recording.below(booking) == [call, after]
        assert recording.below(call) == [attempt]
        assert len({span.context.trace_id for span in recording.spans if span.context}) == 1

    def test_tasks_do_not_mix(self) -> None:
        recording = Recording()
        tracer = recording.tracers.get_tracer("the program")

        async def visit(client: SetSmart, number: int) -> None:
            with tracer.start_as_current_span(f"visit {number}"):
                await asyncio.sleep(number % 7 / 10)
                await client.properties.get("prop_123")
                await client.properties.get("prop_123")

        async def main() -> None:
            some: tuple[Step, ...] = (status(503), OK, LOST)
            s = stage(*some * 9, OK, latency=0.3, max_attempts=9, observer=recording.observer)
            async with asyncio.TaskGroup() as visits:
                for number in range(30):
                    visits.create_task(visit(s.client, number))

        played(main)
        visits = [span for span in recording.spans if span.name.startswith("visit")]
        assert len(visits) == 30
        for visit_ in visits:
            calls = recording.below(visit_)
            assert len(calls) == 2
            for call in calls:
                attempts = recording.below(call)
                assert len(attempts) == len(call.events) + 1
                assert [attributes_of(one).get("http.request.resend_count", 0) for one in attempts] == list(
                    range(len(attempts))
                )
        assert len(recording.attempts) == 60 + sum(len(call.events) for call in recording.calls)

    def test_pages_that_are_read_ahead_are_each_a_call_of_the_reader(self) -> None:
        recording = Recording()
        tracer = recording.tracers.get_tracer("the program")

        async def main() -> None:
            fake = FakeSetSmart(*(fake_property() for _ in range(30)), observer=recording.observer)
            async with fake:
                with tracer.start_as_current_span("export"):
                    assert len(await fake.properties.list(page_size=10).prefetch(2).all()) == 30

        asyncio.run(main())
        (export,) = [span for span in recording.spans if span.name == "export"]
        assert [span.name for span in recording.below(export)] == ["setsmart GET /properties"] * 3

    def test_a_call_within_a_call_is_below_it(self) -> None:
        recording = Recording()

        async def main() -> None:
            vault = stage(OK, observer=recording.observer).client

            async def key() -> str:
                await vault.properties.get("prop_123")
                return "key-from-the-vault"

            s = stage(OK, api_key=key, observer=recording.observer)
            await s.client.properties.get("prop_123")

        played(main)
        inner, outer = recording.calls
        assert recording.below(outer)[0] == inner
        assert [len(recording.below(call)) for call in (inner, outer)] == [1, 2]

    def test_the_callers_context_is_back_afterwards(self, caplog: pytest.LogCaptureFixture) -> None:
        recording = Recording()

        async def main() -> None:
            s = stage(status(503), OK, status(404), observer=recording.observer)
            before = trace.get_current_span()
            await s.client.properties.get("prop_123")
            assert trace.get_current_span() is before
            await failure_of(s.client.properties.get("prop_123"))
            assert trace.get_current_span() is before

        played(main)
        assert "Failed to detach context" not in caplog.text

    def test_what_is_told_outside_of_a_call_is_ignored(self) -> None:
        recording = Recording()
        recording.observer(PageRead(operation="GET /properties", call_id=1, items=1))
        assert recording.spans == []

    def test_what_is_told_of_another_call_is_ignored(self) -> None:
        recording, operation = Recording(), "GET /properties"

        async def main() -> None:
            origin = Origin("http", "127.0.0.1", 1, "/v1")
            recording.observer(CallStarted(operation=operation, call_id=1, origin=origin))
            recording.observer(QuotaWaited(operation=operation, call_id=2, seconds=5.0))
            recording.observer(CallEnded(operation=operation, call_id=2, seconds=1.0, error="NotFoundError"))
            assert recording.spans == []
            recording.observer(CallEnded(operation=operation, call_id=1, seconds=1.0))

        played(main)
        (call,) = recording.spans
        assert not {"setsmart.limiter.wait", "error.type"} & attributes_of(call).keys()

    def test_in_the_background_it_says_that_it_can_not(self, caplog: pytest.LogCaptureFixture) -> None:
        recording = Recording()

        async def main() -> None:
            await stage(OK, observer=watching).client.properties.get("prop_123")

        with BackgroundObserver(recording.observer) as watching:
            played(main)
        assert "observer raised RuntimeError on CallStarted" in caplog.text
        assert recording.spans == []

    def test_without_an_sdk_nothing_happens(self) -> None:
        async def main() -> None:
            s = stage(status(503), OK, observer=OpenTelemetryObserver())
            assert (await s.client.properties.get("prop_123")).id == "prop_123"
            assert trace.get_current_span() is trace.INVALID_SPAN

        played(main)


def test_ids_of_log_records_can_be_read_in_a_call(caplog: pytest.LogCaptureFixture) -> None:
    """What is logged while a call waits is logged inside of its span."""
    recording, current = Recording(), list[str]()

    class Reading(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            span = trace.get_current_span()
            current.append(f"{span.get_span_context().span_id:x}")
            return True

    reading = Reading()
    logger = logging.getLogger("setsmart_async")
    logger.addFilter(reading)
    try:
        with caplog.at_level(logging.INFO, logger="setsmart_async"):
            played_recording(recording)
    finally:
        logger.removeFilter(reading)
    (call,) = recording.calls
    assert current == [f"{id_of(call):x}"]


def played_recording(recording: Recording) -> None:
    async def main() -> None:
        await stage(status(503), OK, observer=recording.observer).client.properties.get("prop_123")

    played(main)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, OpenTelemetryObserver.__module__)
    with pytest.raises(ImportError, match=r"pip install 'setsmart_async\[otel\]'"):
        import_module(OpenTelemetryObserver.__module__)
