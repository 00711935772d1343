"""What an answer's headers say about the limit.

Documented: ``X-RateLimit-Limit``, ``X-RateLimit-Remaining``, ``X-RateLimit-Reset`` (unix seconds). Tolerated beside
them: the names without ``X-``, the IETF draft's ``RateLimit`` and ``RateLimit-Policy``, a reset in milliseconds or in
seconds from now, and ``Retry-After`` (RFC 9110, 10.2.3) on 429 and 503, where alone it means something. What can not
be read strictly counts as missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, TypeAlias

import msgspec

from setsmart_async.wire import Headers

_MOST_DIGITS: Final = 15
_DELAY: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_HTTP_DATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_DRAFT_PART: Final = re.compile(r"(?:^|[;,\s])(r|t|q|limit|remaining|reset)=([0-9]{1,15})(?=[;,\s]|$)", re.ASCII)
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_OLDEST_UNIX: Final = 1_000_000_000
_OLDEST_UNIX_MILLISECONDS: Final = 100_000_000_000
_LONGEST_DELAY: Final = 10_000_000
_Values: TypeAlias = tuple[str, ...] | None
_ASK_TO_WAIT: Final = (429, 503)


class QuotaReading(msgspec.Struct, frozen=True):
    """One answer's word on the limit. None: not said, or not readable."""

    limit: int | None = None
    """Requests per window."""
    remaining: int | None = None
    """Requests left in this window, never more than `limit`."""
    reset: float | None = None
    """The next window's begin, in unix seconds of the server's clock."""
    reset_after: float | None = None
    """The same in seconds from now, from servers that say it so."""
    date: int | None = None
    """The server's clock, in whole unix seconds, rounded down."""
    retry_after: float | None = None
    """Seconds to wait; only of a 429 or 503."""


def read_quota(status: int, headers: Headers) -> QuotaReading:
    """Read an answer's rate headers. Never raises."""
    values_of = headers.values_of
    remaining = values_of("x-ratelimit-remaining") or values_of("ratelimit-remaining")
    limit = values_of("x-ratelimit-limit") or values_of("ratelimit-limit")
    reset = values_of("x-ratelimit-reset") or values_of("ratelimit-reset")
    if remaining is None and (draft := values_of("ratelimit")) is not None:
        limit, remaining, reset = _draft(draft[-1], (values_of("ratelimit-policy") or ("",))[-1])
    frame = _framed(limit, reset, values_of("date"))
    left = _whole(remaining)
    if left is None and status not in _ASK_TO_WAIT:
        return frame
    if left is not None and frame.limit is not None and left > frame.limit:
        left = frame.limit
    retry_after = None
    if status in _ASK_TO_WAIT:
        retry_after = read_retry_after(headers.get_all("retry-after"), frame.date)
    return QuotaReading(frame.limit, left, frame.reset, frame.reset_after, frame.date, retry_after)


@lru_cache(maxsize=64)
def _framed(limit: _Values, reset: _Values, date: _Values) -> QuotaReading:
    """What changes once a second at most; few of the answers say anything but another ``Remaining``."""
    at, after = _told_apart(_whole(reset))
    return QuotaReading(
        limit=_whole(limit), reset=at, reset_after=after, date=None if date is None else http_date(date[-1])
    )


def read_retry_after(values: Iterable[str], date: int | None) -> float | None:
    """The longest valid ``Retry-After`` in seconds, or None.

    Valid are 1 to 9 digits and an HTTP-date in GMT; the date is taken against `date`, the answer's own ``Date``,
    and counts for nothing without one or when it has passed.
    """
    longest: float | None = None
    for value in values:
        text = value.strip()
        seconds: float | None = None
        if _DELAY.fullmatch(text):
            seconds = float(text)
        elif date is not None and (moment := http_date(text)) is not None and moment > date:
            seconds = float(moment - date)
        if seconds is not None and (longest is None or seconds > longest):
            longest = seconds
    return longest


@lru_cache(maxsize=64)
def http_date(text: str) -> int | None:
    """An IMF-fixdate (RFC 9110, 5.6.7) in unix seconds, or None for anything else."""
    match = _HTTP_DATE.fullmatch(text)
    if match is None or match[2] not in _MONTHS:
        return None
    day, month, year, hour, minute, second = match.groups()
    try:
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
    except ValueError:
        return None
    return int(moment.timestamp())


def _draft(field: str, policy: str) -> tuple[_Values, _Values, _Values]:
    """Limit, remaining and reset of the IETF draft's fields (draft-ietf-httpapi-ratelimit-headers).

    Drafts 8 and later say ``"name";r=50;t=30`` and ``"name";q=100;w=60``, those before ``limit=100, remaining=50,
    reset=30``. Of several policies in one field the first counts.
    """
    said = {name: (number,) for name, number in reversed(_DRAFT_PART.findall(field))}
    promised = {name: (number,) for name, number in reversed(_DRAFT_PART.findall(policy))}
    limit = said.get("limit", promised.get("q"))
    return limit, said.get("r", said.get("remaining")), said.get("t", said.get("reset"))


@lru_cache(maxsize=1024)
def _whole(values: _Values) -> int | None:
    """The last value of a field as a number without a sign; cached, for a window's few numbers come again and again."""
    text = values[-1] if values else ""
    if not text.isdigit() or not text.isascii() or len(text) > _MOST_DIGITS:
        return None
    return int(text)


def _told_apart(reset: int | None) -> tuple[float | None, float | None]:
    """A reset as (unix seconds, seconds from now): told apart by its size."""
    if reset is None:
        return None, None
    if reset >= _OLDEST_UNIX_MILLISECONDS:
        return reset / 1000, None
    if reset >= _OLDEST_UNIX:
        return float(reset), None
    return None, float(reset) if reset <= _LONGEST_DELAY else None
