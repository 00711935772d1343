"""No key, guest, id, query or body in any span or metric, whatever goes wrong; nor beside aiohttp's instrumentation."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from inspect import signature
from types import FunctionType

import pytest
from confidentiality.canary import GUEST, KEY, forms, gives_away
from confidentiality.test_canary import ANSWERS, CALLS, server_of
from engine.scene import LOST, NOT_CONNECTED, TIMED_OUT, Step, played, stage
from integrations.recording import Recording, attributes_of, id_of
from opentelemetry import trace
from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor, create_trace_config
from opentelemetry.sdk.trace import ReadableSpan

from setsmart_async import (
    AiohttpTransport,
    BodyTruncatedError,
    CallError,
    ClientClosedError,
    ProtocolError,
    ResponseTooLargeError,
    RetryPolicy,
    SetSmart,
    SetSmartError,
    TLSError,
    Transport,
    UnsupportedEncodingError,
)
from setsmart_async.integrations.opentelemetry import TraceContextTransport
from setsmart_async.transports import aiohttp_requests
from setsmart_async.wire import HttpResponse, encode_json

BODY = encode_json({"id": "prop_123", "name": GUEST, "address": KEY, "max_guests": 2})
ECHOED = HttpResponse(status=500, body=b'{"error": {"code": "%s", "message": "%s"}}' % (KEY.encode(), GUEST.encode()))


def assert_silent(recording: Recording) -> None:
    everything = recording.everything()
    assert not gives_away(everything, KEY)
    assert not gives_away(everything, GUEST)
    for word in ("canary", "kari", "912 34", "prop_1"):
        assert word not in everything.lower()
    for span in recording.spans:
        assert span.status.description is None
        assert all(event.name.startswith("setsmart.") for event in span.events)  # no exception


@pytest.mark.parametrize("name", ["get", "create", "list"])
def test_r42_r43_answers_of_every_kind_leave_nothing_in_spans_and_metrics(name: str) -> None:
    async def main(canned: bytes, recording: Recording) -> None:
        async with server_of(canned) as port:
            client = SetSmart(
                KEY,
                base_url=f"http://127.0.0.1:{port}/v1",
                attempt_timeout=0.2,
                deadline=0.5,
                retry=RetryPolicy(max_attempts=2),
                observer=recording.observer,
            )
            async with client:
                with suppress(SetSmartError):
                    await CALLS[name](client)
                with suppress(SetSmartError):
                    await client.properties.list(status=GUEST, updated_since=None).page()

    async def all_of_them() -> None:
        recordings = [Recording() for _ in ANSWERS]
        await asyncio.gather(*map(main, ANSWERS.values(), recordings))
        for answered, recording in zip(ANSWERS, recordings, strict=True):
            assert len(recording.calls) == 2, answered
            assert recording.attempts, answered
            assert_silent(recording)

    asyncio.run(all_of_them())


KINDS: list[Step] = [
    *(LOST, NOT_CONNECTED, TIMED_OUT, ECHOED),
    *(kind(f"{KEY} {GUEST}") for kind in (BodyTruncatedError, ProtocolError, TLSError)),
    *(kind(f"{KEY} {GUEST}") for kind in (ResponseTooLargeError, UnsupportedEncodingError)),
    ClientClosedError(),
]


def kind_of(step: Step) -> str:
    return step.__name__ if isinstance(step, FunctionType) else type(step).__name__


def chained() -> HttpResponse:
    """An error whose cause, as a careless transport's, holds everything."""
    raise ProtocolError(f"{KEY} {GUEST}") from ValueError(f"{KEY} {GUEST}")


def foreign() -> HttpResponse:
    """An error that no transport should raise."""
    raise LookupError(f"{KEY} {GUEST}")


@pytest.mark.parametrize("step", [*KINDS, chained, foreign, HttpResponse(status=200, body=BODY)], ids=kind_of)
def test_r42_r43_no_error_is_recorded_with_its_text(step: Step) -> None:
    recording = Recording()

    async def main() -> None:
        s = stage(step, api_key=KEY, observer=recording.observer)
        with suppress(CallError, LookupError):
            await s.client.properties.update("prop_123", name=GUEST)

    played(main)
    assert recording.spans
    assert_silent(recording)


def test_this_test_can_fail() -> None:
    recording = Recording()
    with recording.tracers.get_tracer("the program").start_as_current_span("leak") as span:
        span.set_attribute("leak", forms(KEY)[0])
    with pytest.raises(AssertionError):
        assert_silent(recording)


CAPTURES = "captured_request_headers" in signature(create_trace_config).parameters
can_be_told = pytest.mark.skipif(not CAPTURES, reason="the oldest instrumentations of aiohttp take neither setting")
CAPTURING = {
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_CLIENT_REQUEST": ".*",
    "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SANITIZE_FIELDS": "x-api-key",
}


class Hearing:
    """A server that keeps every request's head and answers an empty list; or nothing, to those that ask for silence."""

    def __init__(self) -> None:
        self.heads: list[str] = []

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
                if "silence" in self.heads[-1]:
                    await reader.read()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
        writer.close()

    @property
    def parents(self) -> list[list[str]]:
        """The span ids in each head's ``traceparent`` fields."""
        return [re.findall(r"(?im)^traceparent: 00-[0-9a-f]{32}-([0-9a-f]{16})-", head) for head in self.heads]


class TestBesideAiohttpsInstrumentation:
    """It patches aiohttp's session, which requests pass by unless there is a proxy, or an aiohttp not yet known."""

    @pytest.fixture
    def recording(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
        for name, value in getattr(request, "param", {}).items():
            monkeypatch.setenv(name, value)
        recording, instrumentor = Recording(), AioHttpClientInstrumentor()
        instrumentor.instrument(tracer_provider=recording.tracers, meter_provider=recording.meters)
        yield recording
        instrumentor.uninstrument()

    @pytest.fixture
    def _by_session(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(aiohttp_requests, "DIRECT_WITH", ())

    def asked(self, recording: Recording, *, propagating: bool = False) -> Hearing:
        """Two calls: one that is answered, and one that is cancelled."""
        hearing = Hearing()

        async def main() -> None:
            transport: Transport = AiohttpTransport()
            if propagating:
                transport = TraceContextTransport(transport)
            async with (
                hearing.listening() as url,
                SetSmart(KEY, base_url=url, transport=transport, observer=recording.observer) as client,
            ):
                before = trace.get_current_span()
                await client.properties.list().page()
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await client.request("GET", "/silence")
                assert trace.get_current_span() is before
                await transport.aclose()

        asyncio.run(main())
        ours = [span for span in recording.spans if scope_of(span) == "setsmart_async"]
        assert len(ours) == 4
        assert [attributes_of(span).get("error.type") for span in ours] == [None, None, *["CancelledError"] * 2]
        assert not gives_away(recording.everything(), KEY)
        assert "canary" not in recording.everything().lower()
        return hearing

    def test_what_goes_past_the_session_it_does_not_see(self, recording: Recording) -> None:
        hearing = self.asked(recording)
        assert {scope_of(span) for span in recording.spans} == {"setsmart_async"}
        assert hearing.parents == [[], []]

    @pytest.mark.usefixtures("_by_session")
    @pytest.mark.parametrize("propagating", [False, True])
    def test_what_it_sees_is_below_our_attempts_and_it_is_the_servers_parent(
        self, recording: Recording, propagating: bool
    ) -> None:
        hearing = self.asked(recording, propagating=propagating)
        ours = [span for span in recording.attempts if scope_of(span) == "setsmart_async"]
        its = [span for attempt in ours for span in recording.below(attempt)]
        assert [scope_of(span) for span in its] == ["opentelemetry.instrumentation.aiohttp_client"] * 2
        assert hearing.parents == [[f"{id_of(span):016x}"] for span in its]

    @can_be_told
    @pytest.mark.usefixtures("_by_session")
    @pytest.mark.parametrize("recording", [CAPTURING], indirect=True)
    def test_told_to_capture_every_header_it_leaves_the_key_out_as_our_page_says(self, recording: Recording) -> None:
        self.asked(recording)
        captured = [attributes_of(span).get("http.request.header.x_api_key") for span in recording.spans]
        assert captured.count(("[REDACTED]",)) == 2

    @can_be_told
    @pytest.mark.usefixtures("_by_session")
    @pytest.mark.parametrize("recording", [{"OTEL_PYTHON_AIOHTTP_CLIENT_EXCLUDED_URLS": "127.0.0.1"}], indirect=True)
    def test_told_to_leave_our_server_out_it_does(self, recording: Recording) -> None:
        hearing = self.asked(recording)
        assert {scope_of(span) for span in recording.spans} == {"setsmart_async"}
        assert hearing.parents == [[], []]

    def test_asked_to_we_send_our_own_attempt_past_the_session(self, recording: Recording) -> None:
        hearing = self.asked(recording, propagating=True)
        assert hearing.parents == [[f"{id_of(span):016x}"] for span in recording.attempts]


def scope_of(span: ReadableSpan) -> str:
    assert span.instrumentation_scope is not None
    return span.instrumentation_scope.name
