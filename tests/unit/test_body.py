"""Bodies: gzip undone to its last byte, bounded, and nothing that was not asked for."""

import asyncio
import contextlib
import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.values import CANARY, everything_on

from setsmart_async import (
    BodyTruncatedError,
    Headers,
    Outcome,
    ProtocolError,
    ResponseTooLargeError,
    TransportError,
    UnsupportedEncodingError,
)
from setsmart_async.transports.body import ACCEPT_ENCODING, announced_length, decoded_body, outcome_of_lost_body

TEXT = f'{{"guest": "{CANARY}"}}'.encode()
ZIPPED = gzip.compress(TEXT, mtime=0)
LIMIT = 1000


def decoded(raw: bytes, encoding: str | None = "gzip", *, status: int = 200, limit: int = LIMIT) -> bytes:
    headers = Headers([] if encoding is None else [("Content-Encoding", encoding)])
    return asyncio.run(decoded_body(raw, headers, status=status, limit=limit))


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity", " identity "])
def test_a_plain_body_comes_as_it_is(encoding: str | None) -> None:
    assert decoded(TEXT, encoding) == TEXT


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "x-gzip", " gzip "])
def test_gzip_is_undone(encoding: str) -> None:
    assert decoded(ZIPPED, encoding) == TEXT


@pytest.mark.parametrize("encoding", [None, "gzip", "br"])
def test_no_body_is_no_body(encoding: str | None) -> None:
    assert decoded(b"", encoding) == b""


def test_only_gzip_is_asked_for() -> None:
    assert ACCEPT_ENCODING == "gzip"


ENCODINGS = [
    "br",
    "zstd",
    "deflate",
    "compress",
    "gzip, gzip",
    "gzip,gzip",
    "identity, gzip",
    "gzip, br",
    "gzip;q=1",
    "x",
]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_was_not_asked_for_is_refused_unread(encoding: str) -> None:
    with pytest.raises(UnsupportedEncodingError, match="only gzip is"):
        decoded(ZIPPED, encoding)


def test_two_encoding_headers_are_two_encodings() -> None:
    headers = Headers([("Content-Encoding", "gzip"), ("content-encoding", "gzip")])
    with pytest.raises(UnsupportedEncodingError):
        asyncio.run(decoded_body(gzip.compress(ZIPPED, mtime=0), headers, status=200, limit=LIMIT))


@pytest.mark.parametrize("length", range(1, len(ZIPPED)))
def test_r17_a_body_cut_anywhere_is_an_error(length: int) -> None:
    with pytest.raises(BodyTruncatedError) as caught:
        decoded(ZIPPED[:length])
    assert "Kari" not in everything_on(caught.value)


DAMAGED = {
    "plain text": TEXT,
    "zlib": zlib.compress(TEXT),
    "raw deflate": zlib.compress(TEXT, wbits=-15),
    "wrong checksum": ZIPPED[:-8] + bytes(4) + ZIPPED[-4:],
    "wrong length": ZIPPED[:-4] + bytes(4),
    "damaged inside": ZIPPED[:15] + bytes([ZIPPED[15] ^ 0xFF]) + ZIPPED[16:],
}


@pytest.mark.parametrize("raw", DAMAGED.values(), ids=list(DAMAGED))
def test_a_damaged_body_is_an_error(raw: bytes) -> None:
    with pytest.raises(BodyTruncatedError, match="damaged"):
        decoded(raw)


TRAILING = {
    "junk": ZIPPED + b"x",
    "NUL": ZIPPED + b"\0",
    "another member": ZIPPED + ZIPPED,
    "an empty member": ZIPPED + gzip.compress(b""),
    "100 000 empty members": gzip.compress(b"") * 100_000,
}


@pytest.mark.parametrize("raw", TRAILING.values(), ids=list(TRAILING))
def test_r20_what_follows_the_first_member_is_refused(raw: bytes) -> None:
    with pytest.raises(ProtocolError, match="follows"):
        decoded(raw, limit=len(raw))


def test_a_body_of_just_the_limit_is_read() -> None:
    assert decoded(bytes(LIMIT), None) == bytes(LIMIT)
    assert decoded(gzip.compress(bytes(LIMIT))) == bytes(LIMIT)


def test_a_large_body_is_inflated_piece_by_piece_and_comes_whole() -> None:
    body = bytes(range(256)) * 20_000
    assert decoded(gzip.compress(body, 1), limit=len(body)) == body
    with pytest.raises(ResponseTooLargeError):
        decoded(gzip.compress(body, 1), limit=len(body) - 1)
    with pytest.raises(BodyTruncatedError):
        decoded(gzip.compress(body, 1)[:-1], limit=len(body))


def test_r18_other_tasks_run_while_a_large_body_is_inflated() -> None:
    turns = 0

    async def main() -> None:
        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(other())
        raw = gzip.compress(bytes(20_000_000), 1)
        headers = Headers([("Content-Encoding", "gzip")])
        await decoded_body(raw, headers, status=200, limit=20_000_000)
        task.cancel()

    asyncio.run(main())
    assert turns >= 10


TOO_LARGE = {
    "plain": (bytes(LIMIT + 1), None),
    "unpacked": (gzip.compress(bytes(LIMIT + 1)), "gzip"),
    "packed": (gzip.compress(bytes(range(256)) * 8), "gzip"),
    "a bomb": (gzip.compress(bytes(50_000_000), 1), "gzip"),
}


@pytest.mark.parametrize(("raw", "encoding"), TOO_LARGE.values(), ids=list(TOO_LARGE))
def test_r21_a_body_beyond_the_limit_is_refused(raw: bytes, encoding: str | None) -> None:
    limit = max(LIMIT, len(raw)) if len(raw) > 100_000 else LIMIT
    with pytest.raises(ResponseTooLargeError, match=f"larger than {limit} bytes"):
        decoded(raw, encoding, limit=limit)


OUTCOMES = [
    (200, Outcome.APPLIED),
    (204, Outcome.APPLIED),
    (299, Outcome.APPLIED),
    (302, Outcome.UNKNOWN),
    (404, Outcome.UNKNOWN),
    (500, Outcome.UNKNOWN),
]
LOST: list[tuple[bytes, str | None]] = [(ZIPPED[:-1], "gzip"), (TEXT, "gzip"), (ZIPPED + b"x", "gzip"), (TEXT, "br")]


@pytest.mark.parametrize(("status", "outcome"), OUTCOMES)
@pytest.mark.parametrize(("raw", "encoding"), [*LOST, (bytes(LIMIT + 1), None)])
def test_a_success_whose_body_is_lost_was_applied(
    raw: bytes, encoding: str | None, status: int, outcome: Outcome
) -> None:
    assert outcome_of_lost_body(status) is outcome
    with pytest.raises(TransportError) as caught:
        decoded(raw, encoding, status=status)
    assert caught.value.outcome is outcome


@given(st.binary(max_size=LIMIT), st.integers(0, 9))
def test_what_was_packed_is_unpacked(body: bytes, level: int) -> None:
    raw = gzip.compress(body, level)
    assert decoded(raw, limit=max(LIMIT, len(raw))) == body


@given(st.binary())
def test_any_bytes_are_a_body_or_a_transport_error(raw: bytes) -> None:
    with contextlib.suppress(TransportError):
        decoded(raw)


Fields = list[tuple[str, str]]

LENGTHS: dict[str, tuple[Fields, int | None]] = {
    "a length": ([("Content-Length", "12")], 12),
    "nothing": ([("Content-Length", "0")], 0),
    "just the limit": ([("Content-Length", str(LIMIT))], LIMIT),
    "chunks": ([("Transfer-Encoding", "chunked")], None),
    "chunks in capitals": ([("Transfer-Encoding", " Chunked ")], None),
}


@pytest.mark.parametrize(("fields", "length"), LENGTHS.values(), ids=list(LENGTHS))
def test_how_long_a_body_will_be(fields: Fields, length: int | None) -> None:
    assert announced_length(Headers(fields), method="GET", status=200, limit=LIMIT) == length


FRAMINGS: dict[str, Fields] = {
    "neither": [],
    "both": [("Content-Length", "12"), ("Transfer-Encoding", "chunked")],
    "two lengths": [("Content-Length", "12"), ("Content-Length", "13")],
    "the same length twice": [("Content-Length", "12"), ("Content-Length", "12")],
    "two codings": [("Transfer-Encoding", "gzip"), ("Transfer-Encoding", "chunked")],
    "another coding": [("Transfer-Encoding", "gzip, chunked")],
    "identity": [("Transfer-Encoding", "identity")],
    "a list of lengths": [("Content-Length", "12, 12")],
    "a negative length": [("Content-Length", "-1")],
    "a length with a sign": [("Content-Length", "+12")],
    "a length with an underscore": [("Content-Length", "1_2")],
    "a length in other digits": [("Content-Length", "١٢")],
    "a small raised two": [("Content-Length", "²")],
    "an empty length": [("Content-Length", "")],
}


@pytest.mark.parametrize("fields", FRAMINGS.values(), ids=list(FRAMINGS))
def test_a_body_whose_end_is_in_doubt_is_refused(fields: Fields) -> None:
    with pytest.raises(ProtocolError) as caught:
        announced_length(Headers(fields), method="GET", status=200, limit=LIMIT)
    assert caught.value.outcome is Outcome.APPLIED


@pytest.mark.parametrize("length", [str(LIMIT + 1), "9" * 18, "9" * 5000])
def test_an_announced_body_beyond_the_limit_is_refused_before_it_comes(length: str) -> None:
    with pytest.raises(ResponseTooLargeError):
        announced_length(Headers([("Content-Length", length)]), method="GET", status=200, limit=LIMIT)


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
@pytest.mark.parametrize("fields", FRAMINGS.values(), ids=list(FRAMINGS))
def test_where_no_body_can_be_none_is_awaited(method: str, status: int, fields: Fields) -> None:
    assert announced_length(Headers(fields), method=method, status=status, limit=LIMIT) == 0
