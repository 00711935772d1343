"""Templates in place of ids, the conventions' names, and what the server is told of the trace."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any

import attrs
import pytest
from engine.scene import OK, played, stage
from integrations.recording import Recording, attributes_of, id_of
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes, url_attributes

from setsmart_async import (
    ApiKey,
    CallError,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    SetSmart,
)
from setsmart_async.integrations import opentelemetry_targets as names
from setsmart_async.integrations.opentelemetry import TraceContextTransport


@attrs.frozen(kw_only=True)
class Kept:
    id: str


Doing = Callable[[SetSmart], Any]
DAY = date(2026, 12, 24)


class TestNames:
    @pytest.mark.parametrize(
        ("doing", "name", "url"),
        [
            (lambda c: c.properties.list().page(), "GET /v1/properties", "/properties"),
            (
                lambda c: c.calendar.get("prop_1", start_date=DAY, end_date=DAY),
                "GET /v1/properties/{id}/calendar",
                "/properties/REDACTED/calendar",
            ),
            (lambda c: c.request("GET", "/properties/prop_1"), "GET /v1/properties/{id}", "/properties/REDACTED"),
            (lambda c: c.request("GET", "/tasks/kari/1"), "GET /v1/tasks/...", "/tasks/REDACTED"),
            (lambda c: c.request("GET", "/v2/{id}/rooms", id="kari"), "GET /v1/v2/{id}/rooms", "/v2/REDACTED/rooms"),
            (
                lambda c: c.resource("/homes/prop_1/cleaning-tasks", Kept).get("kari"),
                "GET /v1/homes/{id}/cleaning-tasks/{id}",
                "/homes/REDACTED/cleaning-tasks/REDACTED",
            ),
        ],
        ids=["list", "calendar", "request", "own request", "template", "own resource"],
    )
    def test_templates_never_ids(self, doing: Doing, name: str, url: str) -> None:
        recording = Recording()

        async def main() -> None:
            s = stage(HttpResponse(status=200, body=b"[]"), observer=recording.observer, max_attempts=1)
            with suppress(CallError):
                await doing(s.client)

        played(main)
        (attempt,) = recording.attempts
        assert (attempt.name, attributes_of(attempt)["url.full"]) == (name, f"http://127.0.0.1:1/v1{url}")
        assert "prop_1" not in recording.everything()
        assert "kari" not in recording.everything()

    def test_there_are_not_more_of_them_than_a_bound(self) -> None:
        recording = Recording()

        async def main() -> None:
            s = stage(OK, observer=recording.observer)
            for number in range(names.MOST_TARGETS + 50):
                letters = "".join(chr(ord("a") + int(digit)) for digit in str(number))
                await s.client.request("GET", f"/{letters}")

        played(main)
        templates = {attributes_of(span).get("url.template") for span in recording.attempts}
        assert len(templates) == names.MOST_TARGETS + 1  # None for the rest
        assert recording.attempts[-1].name == "GET"
        points = recording.metrics()["http.client.request.duration"]
        assert len(points) == names.MOST_TARGETS + 1
        assert sum(point.count for point in points) == names.MOST_TARGETS + 50

    def test_they_are_those_of_the_conventions(self) -> None:
        from opentelemetry.semconv._incubating.attributes import url_attributes as not_yet_stable

        assert (names.METHOD, names.RESEND_COUNT, names.STATUS_CODE) == (
            http_attributes.HTTP_REQUEST_METHOD,
            http_attributes.HTTP_REQUEST_RESEND_COUNT,
            http_attributes.HTTP_RESPONSE_STATUS_CODE,
        )
        assert (names.SERVER_ADDRESS, names.SERVER_PORT) == (
            server_attributes.SERVER_ADDRESS,
            server_attributes.SERVER_PORT,
        )
        assert (names.URL_FULL, names.URL_SCHEME) == (url_attributes.URL_FULL, url_attributes.URL_SCHEME)
        assert names.URL_TEMPLATE == not_yet_stable.URL_TEMPLATE
        assert names.ERROR_TYPE == error_attributes.ERROR_TYPE

    def test_ones_own_attributes_are_on_every_span(self) -> None:
        recording = Recording(account="north")

        async def main() -> None:
            await stage(OK, observer=recording.observer).client.properties.get("prop_123")

        played(main)
        assert [attributes_of(span)["account"] for span in recording.spans] == ["north"] * 2


def parent_in(request: HttpRequest) -> str | None:
    return request.headers.get("traceparent")


class TestPropagation:
    def asked(self, wrap: Callable[[MemoryTransport], Any]) -> tuple[HttpRequest, ReadableSpan]:
        recording, requests = Recording(), list[HttpRequest]()

        def answer(request: HttpRequest) -> HttpResponse:
            requests.append(request)
            return OK

        async def main() -> None:
            async with SetSmart(
                ApiKey("key-of-the-trace-tests"),
                base_url="http://127.0.0.1:1/v1",
                transport=wrap(MemoryTransport(answer)),
                observer=recording.observer,
            ) as client:
                await client.properties.get("prop_123")

        played(main)
        return requests[0], recording.attempts[0]

    def test_the_server_is_told_nothing_of_the_trace(self) -> None:
        request, _ = self.asked(lambda transport: transport)
        assert parent_in(request) is None

    def test_asked_to_it_names_the_attempt_as_parent(self) -> None:
        request, attempt = self.asked(TraceContextTransport)
        assert attempt.context is not None
        told = str(parent_in(request))
        assert told.startswith(f"00-{attempt.context.trace_id:032x}-{id_of(attempt):016x}-")
        assert request.headers["X-API-Key"] == "key-of-the-trace-tests"

    def test_without_a_span_it_sends_what_it_is_given(self) -> None:
        seen: list[HttpRequest] = []

        def answer(request: HttpRequest) -> HttpResponse:
            seen.append(request)
            return OK

        async def main() -> None:
            transport = TraceContextTransport(MemoryTransport(answer))
            s = stage(OK)
            await s.client.properties.get("prop_123")
            await transport.send(s.script.requests[0], timeout=1.0)
            await transport.aclose()
            assert seen == s.script.requests

        played(main)
