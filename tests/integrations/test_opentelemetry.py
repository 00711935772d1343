"""A span for each call and each attempt, whatever becomes of them."""

import asyncio
from typing import Any

import pytest
from engine.scene import LOST, NOT_CONNECTED, OK, TIMED_OUT, Step, exhausted, failure_of, played, stage, status
from integrations.recording import Recording, attributes_of
from opentelemetry.trace import SpanKind, StatusCode

from setsmart_async import (
    HttpResponse,
)

GET = "GET /v1/properties/{id}"
SERVER = {"server.address": "127.0.0.1", "server.port": 1}
ATTEMPT = {
    "http.request.method": "GET",
    "url.scheme": "http",
    "url.template": "/v1/properties/{id}",
    "url.full": "http://127.0.0.1:1/v1/properties/REDACTED",
    **SERVER,
}
CALL = {"setsmart.operation": "GET /properties/{id}", "setsmart.call_id": 1, **SERVER}


def recorded(*steps: Step, cancelled_after: float | None = None, **settings: Any) -> Recording:  # noqa: ANN401 - as `stage` takes them
    """One call before a server that plays these steps."""
    recording = Recording()

    async def main() -> None:
        s = stage(*steps, observer=recording.observer, **settings)
        call = asyncio.create_task(s.client.properties.get("prop_123"))
        if cancelled_after is not None:
            await asyncio.sleep(cancelled_after)
            call.cancel()
        await asyncio.wait([call])
        if not call.cancelled():
            call.exception()

    played(main)
    return recording


class TestSpans:
    def test_a_call_and_its_attempt(self) -> None:
        recording = recorded(OK)
        attempt, call = recording.spans
        assert (call.name, call.kind, call.parent) == ("setsmart GET /properties/{id}", SpanKind.INTERNAL, None)
        assert attributes_of(call) == CALL
        assert (attempt.name, attempt.kind) == (GET, SpanKind.CLIENT)
        assert attributes_of(attempt) == {**ATTEMPT, "http.response.status_code": 200}
        assert recording.below(call) == [attempt]
        assert {span.status.status_code for span in (call, attempt)} == {StatusCode.UNSET}
        assert call.instrumentation_scope is not None
        assert call.instrumentation_scope.name == "setsmart_async"

    def test_each_attempt_is_a_span_and_each_retry_an_event(self) -> None:
        recording = recorded(status(503, X_Request_Id="req_1"), LOST, OK)
        first, second, third = recording.attempts
        assert attributes_of(first) == {
            **ATTEMPT,
            "http.response.status_code": 503,
            "error.type": "503",
            "setsmart.request_id": "req_1",
        }
        assert attributes_of(second) == {
            **ATTEMPT,
            "http.request.resend_count": 1,
            "error.type": "ConnectionLostError",
            "setsmart.outcome": "unknown",
        }
        assert attributes_of(third) == {**ATTEMPT, "http.request.resend_count": 2, "http.response.status_code": 200}
        (call,) = recording.calls
        assert recording.below(call) == [first, second, third]
        assert [span.status.status_code.name for span in (first, second, third, call)] == [
            "ERROR",
            "ERROR",
            "UNSET",
            "UNSET",
        ]
        events = [(event.name, dict(event.attributes or {})) for event in call.events]
        assert [name for name, _ in events] == ["setsmart.retry"] * 2
        assert [(about["setsmart.retry.attempt"], about["error.type"]) for _, about in events] == [
            (1, "ServerError"),
            (2, "ConnectionLostError"),
        ]
        delays = [about["setsmart.retry.delay"] for _, about in events]
        assert all(isinstance(delay, float) and delay > 0 for delay in delays)
        assert "error.type" not in attributes_of(call)  # it came to its reply

    @pytest.mark.parametrize(
        ("step", "attempt_error", "call_error", "outcome"),
        [
            (status(404), "404", "NotFoundError", "rejected"),
            (status(500), "500", "ServerError", "unknown"),
            (status(302), "302", "UnexpectedRedirectError", "rejected"),
            (LOST, "ConnectionLostError", "ConnectionLostError", "unknown"),
            (TIMED_OUT, "AttemptTimeoutError", "AttemptTimeoutError", "unknown"),
            (NOT_CONNECTED, "ConnectError", "ConnectError", "not_sent"),
            (HttpResponse(status=200, body=b"<html>"), None, "InvalidResponseError", "applied"),
        ],
        ids=str,
    )
    def test_a_failure_is_the_attempts_and_the_calls(
        self, step: Step, attempt_error: str | None, call_error: str, outcome: str
    ) -> None:
        recording = recorded(step, max_attempts=1)
        (attempt,), (call,) = recording.attempts, recording.calls
        assert attributes_of(attempt).get("error.type") == attempt_error
        assert attempt.status.status_code is (StatusCode.ERROR if attempt_error else StatusCode.UNSET)
        assert (attributes_of(call)["error.type"], attributes_of(call)["setsmart.outcome"]) == (call_error, outcome)
        assert call.status.status_code is StatusCode.ERROR
        assert {span.status.description for span in recording.spans} == {None}
        assert [event for span in recording.spans for event in span.events] == []  # no exception is recorded

    def test_a_cancelled_call_ends_both_with_an_error(self) -> None:
        recording = recorded(OK, latency=60.0, cancelled_after=1.0)
        attempt, call = recording.spans
        for span in (attempt, call):
            assert attributes_of(span)["error.type"] == "CancelledError"
            assert span.status.status_code is StatusCode.ERROR
        assert recording.metrics()["http.client.active_requests"][0].value == 0

    def test_a_call_that_is_cancelled_between_two_attempts(self) -> None:
        recording = recorded(status(503, Retry_After="30"), cancelled_after=1.0)
        attempt, call = recording.spans
        assert attributes_of(attempt)["error.type"] == "503"
        assert attributes_of(call)["error.type"] == "CancelledError"

    def test_a_call_that_never_got_quota_has_no_attempt(self) -> None:
        recording = Recording()

        async def main() -> None:
            s = stage(exhausted, observer=recording.observer)
            await s.client.properties.get("prop_123")
            await failure_of(s.client.with_options(max_wait=1.0).properties.get("prop_123"))

        played(main)
        assert len(recording.attempts) == 1
        assert attributes_of(recording.calls[1])["error.type"] == "RateLimitWaitError"

    def test_the_wait_for_quota_is_on_the_attempt_that_waited_and_on_its_call(self) -> None:
        recording = Recording()

        async def main() -> None:
            s = stage(exhausted, OK, observer=recording.observer)
            await s.client.properties.get("prop_123")
            await s.client.properties.get("prop_123")

        played(main)
        for first, second in (recording.attempts, recording.calls):
            assert "setsmart.limiter.wait" not in attributes_of(first)
            assert attributes_of(second)["setsmart.limiter.wait"] == pytest.approx(30.0, abs=2.0)

    def test_an_attempt_that_did_not_wait_has_no_wait_though_the_one_before_it_has(self) -> None:
        recording = Recording()

        async def main() -> None:
            s = stage(exhausted, status(503), OK, observer=recording.observer)
            await s.client.properties.get("prop_123")
            await s.client.properties.get("prop_123")

        played(main)
        waits = [attributes_of(span).get("setsmart.limiter.wait") for span in recording.attempts]
        assert [wait is not None for wait in waits] == [False, True, False]

    def test_a_new_key_is_an_event_without_the_key(self) -> None:
        recording = recorded(status(401), OK, fallback_key="another-key-of-these-tests")
        (call,) = recording.calls
        refreshed = call.events[0]
        assert (refreshed.name, refreshed.attributes) == ("setsmart.key_refreshed", {"setsmart.key.is_fallback": True})
        assert "another-key" not in recording.everything()
