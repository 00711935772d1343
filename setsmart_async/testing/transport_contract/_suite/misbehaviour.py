"""The catalogue: what a broken or hostile server, or a proxy before it, may answer with, byte for byte."""

import gzip
from collections.abc import Callable
from enum import Enum
from typing import Final

import attrs
import pytest

from setsmart_async import (
    BodyTruncatedError,
    ConnectionLostError,
    ProtocolError,
    ResponseTooLargeError,
    TransportError,
    UnsupportedEncodingError,
)
from setsmart_async.testing.transport_contract._suite.raw_server import Peer

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
JSON: Final = b'[{"id": "p1"}]'
WHOLE: Final = OK + b"Content-Length: 14\r\n\r\n" + JSON


class Ending(Enum):
    """What follows the bytes."""

    CLOSE = "closes"
    RESET = "resets"
    STAY = "stays"


@attrs.frozen
class Misbehaviour:
    """One way to answer wrongly."""

    number: str
    """Of the promise that it tries."""
    name: str
    sent: bytes
    ending: Ending
    errors: tuple[type[TransportError], ...]
    """What may come of it; with `TransportError` itself an answer is as good, as long as it is whole."""

    def play(self, peer: Peer, *, pause_at: int | None) -> None:
        """Send it: at once, or in two parts with a moment between them."""
        if pause_at is None:
            peer.send(self.sent)
        else:
            peer.send(self.sent[:pause_at])
            peer.wait_for_hang_up(0.03)
            peer.send(self.sent[pause_at:])
        if self.ending is Ending.RESET:
            peer.wait_for_hang_up(0.03)  # a reset may overtake what was sent
            peer.reset()


def _length(announced: object, body: bytes, *headers: bytes) -> bytes:
    fields = b"".join(header + b"\r\n" for header in headers)
    return OK + fields + b"Content-Length: " + str(announced).encode() + b"\r\n\r\n" + body


def _chunked(*chunks: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(chunks)


def _fields(*fields: bytes, body: bytes = JSON) -> bytes:
    return OK + b"".join(field + b"\r\n" for field in fields) + b"\r\n" + body


def _gzip(change: Callable[[bytes], bytes]) -> bytes:
    body = change(gzip.compress(JSON * 100, mtime=0))
    return _length(len(body), body, b"Content-Encoding: gzip")


CHUNKED: Final = _chunked(b"7\r\n", JSON[:7], b"\r\n7;x=y\r\n", JSON[7:], b"\r\n0\r\nX-Trailer: a\r\n\r\n")
GZIPPED: Final = _gzip(lambda body: body)

CLOSE, RESET, STAY = Ending.CLOSE, Ending.RESET, Ending.STAY
LOST = (BodyTruncatedError,)
BROKEN = (ProtocolError,)
REFUSED = (UnsupportedEncodingError,)
EITHER = (BodyTruncatedError, ProtocolError)  # depends on whether the header came alone
VANISHED = (ConnectionLostError,)
BIG = (ResponseTooLargeError,)
BAD_LENGTH = (ProtocolError, ResponseTooLargeError)
ANY = (TransportError,)

CATALOGUE: Final = [
    Misbehaviour("r15", "short body, closed", _length(15, JSON), CLOSE, LOST),
    Misbehaviour("r15", "short body, reset", _length(15, JSON), RESET, LOST),
    Misbehaviour("r15", "no body, closed", _length(14, b""), CLOSE, LOST),
    Misbehaviour("r15", "chunk cut", _chunked(b"e\r\n", JSON[:7]), CLOSE, LOST),
    Misbehaviour("r15", "chunk cut, reset", _chunked(b"e\r\n", JSON[:7]), RESET, LOST),
    Misbehaviour("r15", "no last chunk", _chunked(b"e\r\n", JSON, b"\r\n"), CLOSE, LOST),
    Misbehaviour("r15", "last chunk cut", _chunked(b"e\r\n", JSON, b"\r\n0\r\n"), CLOSE, LOST),
    Misbehaviour("r15", "no chunk at all", _chunked(), CLOSE, LOST),
    Misbehaviour("r15", "chunk size no number", _chunked(b"xyz\r\n", JSON, b"\r\n0\r\n\r\n"), STAY, EITHER),
    Misbehaviour("r15", "chunk size negative", _chunked(b"-e\r\n", JSON, b"\r\n0\r\n\r\n"), STAY, EITHER),
    Misbehaviour("r15", "chunk size huge", _chunked(b"F" * 40 + b"\r\n", JSON, b"\r\n0\r\n\r\n"), STAY, EITHER),
    Misbehaviour("r15", "chunk longer than said", _chunked(b"4\r\n", JSON, b"\r\n0\r\n\r\n"), STAY, EITHER),
    Misbehaviour("r15", "chunk extension endless", _chunked(b"e;" + b"x" * 100_000), CLOSE, LOST),
    Misbehaviour("r16", "empty list until close", OK + b"\r\n[]", CLOSE, BROKEN),
    Misbehaviour("r16", "list until close", OK + b"\r\n" + JSON, CLOSE, BROKEN),
    Misbehaviour("r16", "list until close, HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\n" + JSON, CLOSE, BROKEN),
    Misbehaviour("r16", "nothing until close", OK + b"\r\n", CLOSE, BROKEN),
    Misbehaviour("r16", "other coding until close", _fields(b"Transfer-Encoding: gzip"), CLOSE, BROKEN),
    Misbehaviour("r16", "coding behind chunked", _fields(b"Transfer-Encoding: chunked, identity"), CLOSE, BROKEN),
    Misbehaviour("r17", "gzip cut in half", _gzip(lambda body: body[: len(body) // 2]), STAY, LOST),
    Misbehaviour("r17", "gzip without its trailer", _gzip(lambda body: body[:-8]), STAY, LOST),
    Misbehaviour("r17", "gzip with a bad checksum", _gzip(lambda body: body[:-8] + bytes(4) + body[-4:]), STAY, LOST),
    Misbehaviour("r17", "gzip with a bad size", _gzip(lambda body: body[:-4] + bytes(4)), STAY, LOST),
    Misbehaviour("r17", "gzip that is none", _length(14, JSON, b"Content-Encoding: gzip"), STAY, LOST),
    Misbehaviour("r19", "brotli", _length(14, JSON, b"Content-Encoding: br"), STAY, REFUSED),
    Misbehaviour("r19", "deflate", _length(14, JSON, b"Content-Encoding: deflate"), STAY, REFUSED),
    Misbehaviour("r19", "zstd", _length(14, JSON, b"Content-Encoding: zstd"), STAY, REFUSED),
    Misbehaviour(
        "r19", "gzip twice", _length(14, JSON, b"Content-Encoding: gzip, gzip"), STAY, (UnsupportedEncodingError,)
    ),
    Misbehaviour("r19", "unknown", _length(14, JSON, b"Content-Encoding: rot13"), STAY, REFUSED),
    Misbehaviour("r20", "junk behind gzip", _gzip(lambda body: body + b"x"), STAY, BROKEN),
    Misbehaviour("r20", "two gzip members", _gzip(lambda body: body * 2), STAY, BROKEN),
    Misbehaviour("r21", "a length of a terabyte", _length(10**12, JSON), STAY, BIG),
    Misbehaviour("r21", "a length beyond 64 bits", _length(10**30, JSON), STAY, BAD_LENGTH),
    Misbehaviour("r21", "a length of 5,000 digits", _length("9" * 5000, JSON), STAY, BAD_LENGTH),
    Misbehaviour("r22", "not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n", STAY, BROKEN),
    Misbehaviour("r22", "not HTTP, closed", b"<html>hello</html>", CLOSE, (*BROKEN, *VANISHED)),
    Misbehaviour("r22", "zeros", bytes(64), STAY, BROKEN),
    Misbehaviour("r22", "TLS alert", b"\x15\x03\x01\x00\x02\x02\x28", CLOSE, (*BROKEN, *VANISHED)),
    Misbehaviour("r22", "nothing, closed", b"", CLOSE, VANISHED),
    Misbehaviour("r22", "nothing, reset", b"", RESET, VANISHED),
    Misbehaviour("r22", "header cut", OK[:-10], CLOSE, (*VANISHED, *BROKEN)),
    Misbehaviour("r22", "header cut, reset", OK[:-10], RESET, (*VANISHED, *BROKEN)),
    Misbehaviour("r22", "other version", WHOLE.replace(b"1.1", b"4.2"), STAY, BROKEN),
    Misbehaviour("r22", "status of two digits", WHOLE.replace(b"200", b"20"), STAY, BROKEN),
    Misbehaviour("r22", "status of four digits", WHOLE.replace(b"200", b"2000"), STAY, BROKEN),
    Misbehaviour("r22", "two lengths", _fields(b"Content-Length: 14", b"Content-Length: 2"), STAY, BROKEN),
    Misbehaviour("r22", "same length twice", _fields(b"Content-Length: 14", b"Content-Length: 14"), STAY, BROKEN),
    Misbehaviour("r22", "lengths in a list", _length("14, 14", JSON), STAY, BROKEN),
    Misbehaviour("r22", "negative length", _length(-14, JSON), STAY, BROKEN),
    Misbehaviour("r22", "signed length", _length("+14", JSON), STAY, BROKEN),
    Misbehaviour("r22", "length with underscore", _length("1_4", JSON), STAY, BROKEN),
    Misbehaviour("r22", "length in hexadecimal", _length("0xe", JSON), STAY, BROKEN),
    Misbehaviour("r22", "empty length", _length("", JSON), STAY, BROKEN),
    Misbehaviour(
        "r22",
        "length and chunks",
        _fields(b"Content-Length: 14", b"Transfer-Encoding: chunked", body=b"e\r\n" + JSON + b"\r\n0\r\n\r\n"),
        STAY,
        BROKEN,
    ),
    Misbehaviour(
        "r22",
        "chunked twice",
        _fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"),
        STAY,
        BROKEN,
    ),
    Misbehaviour("r22", "NUL in a header", _length(14, JSON, b"X-Any: a\0b"), STAY, BROKEN),
    Misbehaviour("r22", "NUL in a name", _length(14, JSON, b"X\0Any: a"), STAY, BROKEN),
    Misbehaviour("r22", "folded header", _length(14, JSON, b"X-Any: a\r\n b"), STAY, ANY),
    Misbehaviour("r22", "space before the colon", _length(14, JSON, b"Content-Encoding : br"), STAY, BROKEN),
    Misbehaviour("r22", "header without a colon", _length(14, JSON, b"X-Any"), STAY, BROKEN),
    Misbehaviour("r22", "bytes beyond the length", WHOLE + b"HTTP/1.1 20", STAY, ANY),
    Misbehaviour("r27", "another answer behind it", WHOLE + _length(2, b"{}"), STAY, ANY),
    Misbehaviour("r25", "204 with a body", b"HTTP/1.1 204 No\r\nContent-Length: 14\r\n\r\n" + JSON, STAY, ANY),
    Misbehaviour("r25", "205 without a length", b"HTTP/1.1 205 Reset\r\n\r\n", STAY, BROKEN),
    Misbehaviour("r25", "101", b"HTTP/1.1 101 Switch\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", STAY, BROKEN),
    Misbehaviour("r25", "1,000 times 103", b"HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n" * 1000 + WHOLE, STAY, ANY),
    Misbehaviour("r25", "100 and silence", b"HTTP/1.1 100 Continue\r\n\r\n", CLOSE, VANISHED),
    Misbehaviour("r26", "1 MB header", _length(14, JSON, b"X-Any: " + b"a" * 1_000_000), STAY, BROKEN),
    Misbehaviour("r26", "1 MB status line", b"HTTP/1.1 200 " + b"a" * 1_000_000, STAY, BROKEN),
    Misbehaviour("r26", "10,000 headers", _length(14, JSON, *[b"X-%d: a" % n for n in range(10_000)]), STAY, BROKEN),
    Misbehaviour("r26", "10,000 cookies", _length(14, JSON, *[b"Set-Cookie: a=b"] * 10_000), STAY, BROKEN),
]
"""Each with the number of its promise."""

in_the_catalogue = pytest.mark.parametrize(
    "misbehaviour", [pytest.param(each, id=f"{each.number}-{each.name}") for each in CATALOGUE]
)
