"""Bodies of answers: bounded, verified, and only in encodings that were asked for."""

from __future__ import annotations

import asyncio
import zlib
from typing import Final

from setsmart_async.errors import (
    BodyTruncatedError,
    Outcome,
    ProtocolError,
    ResponseTooLargeError,
    UnsupportedEncodingError,
)
from setsmart_async.wire import Headers

ACCEPT_ENCODING: Final = "gzip"
_GZIP_ONLY: Final = 31  # zlib's window bits for exactly a gzip stream
_SLICE: Final = 1024 * 1024  # inflated at a stretch: a millisecond or two
_BODILESS: Final = frozenset({204, 304})


def outcome_of_lost_body(status: int) -> Outcome:
    """What a request did whose answer began with this status and then was lost."""
    return Outcome.APPLIED if 200 <= status < 300 else Outcome.UNKNOWN


def announced_length(headers: Headers, *, method: str, status: int, limit: int) -> int | None:
    """How many bytes the answer's header says will follow; None for chunks, whose end shows itself.

    Raises `ProtocolError` where the end of the body could not be told from a broken connection, or is told in two
    ways that may disagree (RFC 9112, 6.3), and `ResponseTooLargeError` for more than `limit` bytes.
    """
    lengths, codings = headers.values_of("content-length"), headers.values_of("transfer-encoding")
    if method == "HEAD" or status in _BODILESS:
        return 0
    if codings:
        if len(codings) != 1 or codings[0].strip().lower() != "chunked" or lengths:
            raise ProtocolError(
                "The answer's body is framed in a way that this client does not accept.",
                outcome=outcome_of_lost_body(status),
            )
        return None
    if not lengths:
        raise ProtocolError(
            "The answer has neither a length nor chunks, so that its end can not be told from a broken connection.",
            outcome=outcome_of_lost_body(status),
        )
    length = lengths[0]
    if len(lengths) > 1 or not (length.isascii() and length.isdigit()):
        raise ProtocolError("The answer's Content-Length is not one number.", outcome=outcome_of_lost_body(status))
    if len(length) > 18 or int(length) > limit:
        raise too_large(limit, status)
    return int(length)


def announces_more(headers: Headers, status: int) -> bool:
    """Whether a body may follow an answer that has none by its status, and would stand before the next answer."""
    return status in _BODILESS and (headers.get("content-length", "0") != "0" or "transfer-encoding" in headers)


def is_encoded(headers: Headers) -> bool:
    """Whether the body is other bytes than the ones that came: only then is `decoded_body` worth a coroutine."""
    return headers.values_of("content-encoding") is not None


async def decoded_body(raw: bytes, headers: Headers, *, status: int, limit: int) -> bytes:
    """The body as the server meant it: gzip undone and checked to its last byte, other encodings refused.

    `limit` is in bytes, before and after. Lets other tasks run while it inflates a large body. Raises
    `ResponseTooLargeError`, `BodyTruncatedError`, `ProtocolError`, `UnsupportedEncodingError`.
    """
    if len(raw) > limit:
        raise too_large(limit, status)
    encodings = headers.values_of("content-encoding")
    if not raw or not encodings:
        return raw
    encoding = ",".join(encodings).strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise UnsupportedEncodingError(
            "The answer's Content-Encoding was not asked for: only gzip is.", outcome=outcome_of_lost_body(status)
        )
    return await _inflated(raw, status=status, limit=limit)


async def _inflated(raw: bytes, *, status: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP_ONLY)
    rest, size, parts = raw, 0, list[bytes]()
    while True:
        room = min(_SLICE, limit + 1 - size)
        try:
            part = inflater.decompress(rest, room)
        except zlib.error:
            part = None
        if part is None:
            raise BodyTruncatedError("The answer's gzip body is damaged.", outcome=outcome_of_lost_body(status))
        size += len(part)
        if size > limit:
            raise too_large(limit, status)
        parts.append(part)
        if inflater.eof:
            break
        rest = inflater.unconsumed_tail
        if not rest and len(part) < room:
            raise BodyTruncatedError("The answer's gzip body ends early.", outcome=outcome_of_lost_body(status))
        await asyncio.sleep(0)
    if inflater.unused_data:
        raise ProtocolError("Something follows the answer's gzip body.", outcome=outcome_of_lost_body(status))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def too_large(limit: int, status: int) -> ResponseTooLargeError:
    """The error for a body beyond the limit."""
    return ResponseTooLargeError(
        f"The answer is larger than {limit} bytes. Ask for smaller pages, or raise the transport's max_response_bytes.",
        outcome=outcome_of_lost_body(status),
    )
