"""The promises of `Transport` about requests and answers (1 to 4), on every transport where they can hold."""

import gzip
import time

import attrs
import pytest

from setsmart_async import (
    BodyTruncatedError,
    HttpRequest,
    HttpResponse,
    Outcome,
    ProtocolError,
    ResponseTooLargeError,
    UnsupportedEncodingError,
)
from setsmart_async.testing.transport_contract._suite.exchange import (
    BODY,
    METHODS,
    answer,
    closing,
    failure,
    request,
    run,
)
from setsmart_async.testing.transport_contract._suite.handlers import JSON, OK, always, encoded
from setsmart_async.testing.transport_contract._suite.stage import on_every_transport, scene
from setsmart_async.testing.transport_contract.candidates import Candidate
from setsmart_async.transports.base import Transport
from setsmart_async.wire import Headers

STATUSES = (
    200,
    201,
    204,
    301,
    302,
    303,
    304,
    307,
    308,
    400,
    401,
    403,
    404,
    410,
    418,
    429,
    500,
    502,
    503,
    504,
    599,
    999,
)


# 1. Exactly one request on the wire for each send: no retries, no resends, no redirects followed.


@on_every_transport
@pytest.mark.parametrize("fresh", [False, True], ids=["pooled", "fresh"])
@pytest.mark.parametrize("method", METHODS)
def test_one_request_for_each_send(candidate: Candidate, method: str, fresh: bool) -> None:
    with scene(candidate, always(OK)) as stage:
        answer(stage.make, request(stage.origin, method, fresh=fresh))
    (received,) = stage.requests
    assert received.method == method
    assert received.target.endswith("/properties/p1")
    assert received.body == (b"" if method in {"GET", "DELETE"} else BODY)


@on_every_transport
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 408, 425, 429, 500, 503])
def test_no_answer_makes_it_send_again(candidate: Candidate, status: int) -> None:
    fields = Headers([("Location", "/v1/elsewhere"), ("Retry-After", "0")])
    with scene(candidate, always(HttpResponse(status=status, headers=fields))) as stage:
        assert answer(stage.make, request(stage.origin)).status == status
    assert len(stage.requests) == 1


@on_every_transport
def test_the_target_and_the_headers_arrive_as_they_were_written(candidate: Candidate) -> None:
    target = "/properties/a%2Fb%3F%23%25/%2E%2E/x?status=%C3%B8+y&cursor=a%2Bb%3D%3D&empty="
    with scene(candidate, always(OK)) as stage:
        asked = HttpRequest(method="GET", origin=stage.origin, target=target, headers={"X-Any": "a, b ;c"})
        for each in (asked, asked):  # the second time on ways that are known by now
            answer(stage.make, each)
        plain = HttpRequest(method="GET", origin=stage.origin, target="/properties/%2E%2E%2Fa%20b")
        answer(stage.make, plain)
    assert [received.target.removeprefix("/v1") for received in stage.requests] == [target, target, plain.target]
    assert stage.requests[0].header("X-Any") == ["a, b ;c"]


# 2. The body is whole, decompressed and bounded, or an error is raised.


@on_every_transport
@pytest.mark.parametrize("size", [0, 1, 1023, 1024 * 1024, 3 * 1024 * 1024 + 7])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "x-gzip", "GZIP"])
def test_r17_bodies_arrive_whole(candidate: Candidate, size: int, encoding: str) -> None:
    body = (JSON * (size // len(JSON) + 1))[:size]
    sent = body if encoding == "identity" else gzip.compress(body, 1)
    with scene(candidate, always(encoded(sent, encoding))) as stage:
        assert answer(stage.make, request(stage.origin)).body == body


@on_every_transport
@pytest.mark.parametrize("cut", [1, 4, 8, 9, 20, -1, -11])
def test_r17_a_gzip_body_cut_short_is_an_error(candidate: Candidate, cut: int) -> None:
    body = gzip.compress(JSON)
    cut_body = body[: len(body) - cut] if cut > 0 else body[:-cut]
    with scene(candidate, always(encoded(cut_body, "gzip"))) as stage:
        error = failure(stage.make, request(stage.origin))
    assert isinstance(error, BodyTruncatedError)
    assert error.outcome is Outcome.APPLIED


@on_every_transport
def test_r17_a_wrong_checksum_is_an_error(candidate: Candidate) -> None:
    body = bytearray(gzip.compress(JSON))
    body[-5] ^= 1
    with scene(candidate, always(encoded(bytes(body), "gzip"))) as stage:
        assert isinstance(failure(stage.make, request(stage.origin)), BodyTruncatedError)


@on_every_transport
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(gzip.compress(JSON) + b"junk", id="junk behind"),
        pytest.param(gzip.compress(JSON) * 2, id="two members"),
        pytest.param(gzip.compress(b"") * 100_000, id="100,000 members"),
    ],
)
def test_r20_nothing_may_follow_a_gzip_body(candidate: Candidate, body: bytes) -> None:
    with scene(candidate, always(encoded(body, "gzip"))) as stage:
        asked = request(stage.origin)
        began = time.thread_time()
        error = failure(stage.make, asked)
        assert time.thread_time() - began < 0.5
    assert isinstance(error, ProtocolError)
    assert error.outcome is Outcome.APPLIED


@on_every_transport
@pytest.mark.parametrize(
    "encodings",
    [("br",), ("zstd",), ("deflate",), ("compress",), ("gzip, gzip",), ("gzip", "gzip"), ("identity, br",), ("æ",)],
    ids=str,
)
def test_r19_encodings_that_nobody_asked_for_are_refused(candidate: Candidate, encodings: tuple[str, ...]) -> None:
    with scene(candidate, always(encoded(gzip.compress(JSON), *encodings))) as stage:
        assert isinstance(failure(stage.make, request(stage.origin)), UnsupportedEncodingError)
    assert all(received.header("Accept-Encoding") in ([], ["gzip"]) for received in stage.requests)


@on_every_transport
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("beyond", [0, 1, 100_000])
def test_r21_bodies_are_bounded(candidate: Candidate, encoding: str, beyond: int) -> None:
    body = bytes(100_000 + beyond)
    sent = gzip.compress(body) if encoding == "gzip" else body
    with scene(candidate, always(encoded(sent, encoding)), max_response_bytes=100_000) as stage:
        if not beyond:
            assert answer(stage.make, request(stage.origin)).body == body
            return
        error = failure(stage.make, request(stage.origin))
    assert isinstance(error, ResponseTooLargeError)
    assert error.outcome is Outcome.APPLIED


@on_every_transport
def test_an_error_answer_that_is_lost_leaves_the_outcome_open(candidate: Candidate) -> None:
    broken = HttpResponse(status=500, headers=Headers([("Content-Encoding", "gzip")]), body=b"no gzip")
    with scene(candidate, always(broken)) as stage:
        assert failure(stage.make, request(stage.origin)).outcome is Outcome.UNKNOWN


# 3. Any status is an answer, not an exception.


@on_every_transport
@pytest.mark.parametrize("status", STATUSES)
def test_r25_any_status_is_an_answer(candidate: Candidate, status: int) -> None:
    body = b"" if status in {204, 304} else b'{"error": {"code": "any"}}'
    fields = Headers([("X-RateLimit-Limit", "100"), ("Link", "<a>"), ("Link", "<b>")])
    with scene(candidate, always(HttpResponse(status=status, headers=fields, body=body))) as stage:
        got = answer(stage.make, request(stage.origin))
    assert (got.status, got.body) == (status, body)
    assert got.headers["x-ratelimit-limit"] == "100"
    assert list(got.headers.get_all("Link")) == ["<a>", "<b>"]


# 4. No cookies, no .netrc, no proxy from the environment.


@on_every_transport
def test_r26_cookies_do_not_come_back(candidate: Candidate) -> None:
    fields = Headers([("Set-Cookie", "session=1; Path=/"), ("Set-Cookie", "other=2")])

    async def twice(transport: Transport) -> None:
        for _ in range(2):
            await transport.send(request(origin), timeout=5)

    with scene(candidate, always(HttpResponse(status=200, headers=fields, body=b"{}"))) as stage:
        origin = attrs.evolve(stage.origin, host="localhost")  # jars take no cookies from bare addresses
        run(closing(stage.make(), twice))
    assert [received.header("Cookie") for received in stage.requests] == [[], []]
    assert [received.header("Authorization") for received in stage.requests] == [[], []]
