"""The rules of bodies, without a socket: also for what today's HTTP library refuses before we see it."""

import asyncio
import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async import (
    BodyTruncatedError,
    Outcome,
    ProtocolError,
    ResponseTooLargeError,
    TransportError,
    UnsupportedEncodingError,
)
from setsmart_async.transports.body import announced_length, announces_more, decoded_body
from setsmart_async.wire import Headers

CL, TE = "Content-Length", "Transfer-Encoding"
LIMIT = 1000


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([(CL, "0")], 0),
        ([(CL, "1000")], 1000),
        ([(CL, "0010")], 10),
        ([(TE, "chunked")], None),
        ([(TE, " Chunked ")], None),
        ([], ProtocolError),
        ([(CL, "1001")], ResponseTooLargeError),
        ([(CL, "9" * 5000)], ResponseTooLargeError),
        ([(CL, "5"), (CL, "5")], ProtocolError),
        ([(CL, "5, 5")], ProtocolError),
        *[([(CL, text)], ProtocolError) for text in ("", "-1", "+1", "1_0", "0x1", "1.0", "1e1", "٣", "²", "five")],
        ([(CL, "5"), (TE, "chunked")], ProtocolError),
        ([(TE, "chunked"), (TE, "chunked")], ProtocolError),
        *[([(TE, text)], ProtocolError) for text in ("", "gzip", "identity", "gzip, chunked", "chunked, gzip")],
    ],
    ids=str,
)
def test_r16_r22_how_long_a_body_is(fields: list[tuple[str, str]], expected: int | type[TransportError] | None) -> None:
    headers = Headers(fields)
    if isinstance(expected, type):
        with pytest.raises(expected) as caught:
            announced_length(headers, method="GET", status=200, limit=LIMIT)
        assert caught.value.outcome is Outcome.APPLIED
        with pytest.raises(expected) as caught:
            announced_length(headers, method="GET", status=500, limit=LIMIT)
        assert caught.value.outcome is Outcome.UNKNOWN
    else:
        assert announced_length(headers, method="GET", status=200, limit=LIMIT) == expected
    for method, status in (("HEAD", 200), ("GET", 204), ("DELETE", 204), ("GET", 304)):
        assert announced_length(headers, method=method, status=status, limit=LIMIT) == 0


def test_r25_a_body_where_none_belongs() -> None:
    for status in (204, 304):
        assert not announces_more(Headers(), status)
        assert not announces_more(Headers([(CL, "0")]), status)
        assert announces_more(Headers([(CL, "14")]), status)
        assert announces_more(Headers([(TE, "chunked")]), status)
    assert not announces_more(Headers([(CL, "14")]), 200)


def decode(body: bytes, *encodings: str, limit: int = 10_000_000) -> bytes:
    headers = Headers([("Content-Encoding", encoding) for encoding in encodings])
    return asyncio.run(decoded_body(body, headers, status=200, limit=limit))


@given(
    st.binary(max_size=3000) | st.builds(lambda unit, times: unit * times, st.binary(max_size=9), st.integers(0, 10**6))
)
def test_r17_gzip_comes_back_as_it_was(body: bytes) -> None:
    assert decode(gzip.compress(body, 1), "gzip") == body
    limit = max(len(body), len(gzip.compress(body, 1)))
    assert decode(gzip.compress(body, 1), "gzip", limit=limit) == body
    if len(body) > 100:
        with pytest.raises(ResponseTooLargeError):
            decode(gzip.compress(body, 1), "gzip", limit=len(body) - 1)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_r17_no_damaged_gzip_comes_through(body: bytes, data: st.DataObject) -> None:
    whole = gzip.compress(body, mtime=0)
    cut = data.draw(st.integers(1, len(whole) - 1))
    with pytest.raises(BodyTruncatedError):
        decode(whole[:cut], "gzip")
    with pytest.raises(ProtocolError):
        decode(whole + data.draw(st.binary(min_size=1, max_size=9)), "gzip")
    place, change = data.draw(st.integers(10, len(whole) - 1)), data.draw(st.integers(1, 255))
    changed = bytearray(whole)
    changed[place] ^= change
    with contextlib.suppress(BodyTruncatedError, ProtocolError):
        assert decode(bytes(changed), "gzip") == body  # a bit that means nothing, such as padding


@pytest.mark.parametrize("wbits", [-15, 15])
def test_r19_neither_raw_nor_zlib_streams_pass_for_gzip(wbits: int) -> None:
    squeezing = zlib.compressobj(wbits=wbits)
    with pytest.raises(BodyTruncatedError):
        decode(squeezing.compress(b"[]") + squeezing.flush(), "gzip")


@pytest.mark.parametrize("encodings", [("br",), ("gzip", "gzip"), ("gzip", "identity"), ("gzip,",), ("deflate",)])
def test_r19_other_encodings_are_refused(encodings: tuple[str, ...]) -> None:
    with pytest.raises(UnsupportedEncodingError):
        decode(gzip.compress(b"[]"), *encodings)
    assert decode(b"", *encodings) == b""  # nothing to decode
