"""Bodies of answers: bounded, verified, and only in encodings that were asked for."""

from __future__ import annotations

import zlib
from typing import Final

from setsmart_async.errors import BodyTruncatedError, Outcome, ProtocolError, ResponseTooLargeError
from setsmart_async.wire import Headers

ACCEPT_ENCODING: Final = "gzip"
_GZIP_ONLY: Final = 31  # zlib's window bits for exactly a gzip stream


def outcome_of_lost_body(status: int) -> Outcome:
    """What a request did whose answer began with this status and then was lost."""
    return Outcome.APPLIED if 200 <= status < 300 else Outcome.UNKNOWN


def decoded_body(raw: bytes, headers: Headers, *, status: int, limit: int) -> bytes:
    """The body as the server meant it: gzip undone and checked to its last byte, other encodings refused.

    `limit` is in bytes, before and after. Raises `ResponseTooLargeError`, `BodyTruncatedError`, `ProtocolError`.
    """
    outcome = outcome_of_lost_body(status)
    if len(raw) > limit:
        raise too_large(limit, status)
    encoding = ",".join(headers.get_all("content-encoding")).strip().lower()
    if encoding in ("", "identity") or not raw:
        return raw
    if encoding not in ("gzip", "x-gzip"):
        raise ProtocolError("The answer's Content-Encoding was not asked for: only gzip is.", outcome=outcome)
    inflater = zlib.decompressobj(_GZIP_ONLY)
    try:
        body = inflater.decompress(raw, limit + 1)
    except zlib.error:
        raise BodyTruncatedError("The answer's gzip body is damaged.", outcome=outcome) from None
    if len(body) > limit:
        raise too_large(limit, status)
    if not inflater.eof:
        raise BodyTruncatedError("The answer's gzip body ends early.", outcome=outcome)
    if inflater.unused_data:
        raise ProtocolError("Something follows the answer's gzip body.", outcome=outcome)
    return body


def too_large(limit: int, status: int) -> ResponseTooLargeError:
    """The error for a body beyond the limit."""
    return ResponseTooLargeError(
        f"The answer is larger than {limit} bytes. Ask for smaller pages, or raise the transport's max_response_bytes.",
        outcome=outcome_of_lost_body(status),
    )
