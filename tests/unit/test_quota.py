"""What headers say about the limit: strictly read, never raising, never negative."""

import math
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from setsmart_async import Headers
from setsmart_async.policy.quota import QuotaReading, http_date, read_quota, read_retry_after

DATE = "Mon, 03 May 2021 00:00:00 GMT"
NOW = 1_620_000_000

RETRY_AFTER: list[tuple[list[str], float | None]] = [
    ([], None),
    (["0"], 0.0),
    (["7"], 7.0),
    ([" 7 "], 7.0),
    (["007"], 7.0),
    (["999999999"], 999_999_999.0),
    (["+7"], None),
    (["-5"], None),
    (["-0"], None),
    (["1_0"], None),
    (["٣"], None),
    (["²"], None),
    (["1.5"], None),
    (["1e3"], None),
    (["0x10"], None),
    (["inf"], None),
    (["nan"], None),
    (["7s"], None),
    (["7, 9"], None),
    (["9" * 10], None),
    (["9" * 20], None),
    (["9" * 5000], None),
    ([""], None),
    (["soon"], None),
    (["3", "120", "60"], 120.0),
    (["soon", "60"], 60.0),
    (["60", "-1"], 60.0),
    (["Mon, 03 May 2021 00:02:00 GMT"], 120.0),
    (["Mon, 03 May 2021 00:00:01 GMT"], 1.0),
    (["Mon, 03 May 2021 00:00:00 GMT"], None),
    (["Sun, 02 May 2021 23:00:00 GMT"], None),
    (["Thu, 01 Jan 1970 00:00:00 GMT"], None),
    (["Mon, 03 May 2021 00:02:00 -0000"], None),
    (["Mon, 03 May 2021 00:02:00 +0000"], None),
    (["Mon, 03 May 2021 00:02:00 UTC"], None),
    (["Mon, 03 May 2021 00:02:00"], None),
    (["Monday, 03-May-21 00:02:00 GMT"], None),
    (["Mon May  3 00:02:00 2021"], None),
    (["2021-05-03T00:02:00Z"], None),
    (["Mon, 31 Feb 2022 00:00:00 GMT"], None),
    (["Mon, 03 Foo 2022 00:00:00 GMT"], None),
    (["Mon, 03 May 2022 24:00:00 GMT"], None),
    (["Mon, 00 May 0000 00:00:00 GMT"], None),
    (["Fri, 31 Dec 9999 23:59:59 GMT"], 251_782_300_799.0),
    (["60", "Mon, 03 May 2021 00:02:00 GMT"], 120.0),
]


@pytest.mark.parametrize(("values", "seconds"), RETRY_AFTER)
def test_r07_retry_after(values: list[str], seconds: float | None) -> None:
    assert read_retry_after(values, NOW) == seconds


def test_a_date_to_retry_at_counts_only_against_the_answers_own_date() -> None:
    later = ["Mon, 03 May 2021 00:02:00 GMT"]
    assert read_retry_after(later, None) is None
    assert read_retry_after(later, NOW + 90) == 30.0
    assert read_retry_after([*later, "5"], None) == 5.0


READINGS: dict[str, tuple[dict[str, str], QuotaReading]] = {
    "nothing": ({}, QuotaReading()),
    "documented": (
        {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "95", "X-RateLimit-Reset": "1620000000", "Date": DATE},
        QuotaReading(limit=100, remaining=95, reset=1_620_000_000.0, date=NOW),
    ),
    "in any case": (
        {"x-ratelimit-LIMIT": "100", "X-RATELIMIT-REMAINING": "0"},
        QuotaReading(limit=100, remaining=0),
    ),
    "without X-": (
        {"RateLimit-Limit": "100", "RateLimit-Remaining": "95", "RateLimit-Reset": "30"},
        QuotaReading(limit=100, remaining=95, reset_after=30.0),
    ),
    "both": ({"RateLimit-Limit": "7", "X-RateLimit-Limit": "100"}, QuotaReading(limit=100)),
    "reset in milliseconds": ({"X-RateLimit-Reset": "1620000000500"}, QuotaReading(reset=1_620_000_000.5)),
    "reset now": ({"X-RateLimit-Reset": "0"}, QuotaReading(reset_after=0.0)),
    "reset in an hour": ({"X-RateLimit-Reset": "3600"}, QuotaReading(reset_after=3600.0)),
    "reset in no known unit": ({"X-RateLimit-Reset": "500000000"}, QuotaReading()),
    "reset in words": ({"X-RateLimit-Reset": "soon"}, QuotaReading()),
    "reset with a fraction": ({"X-RateLimit-Reset": "1620000000.5"}, QuotaReading()),
    "negative": ({"X-RateLimit-Remaining": "-1", "X-RateLimit-Reset": "-30"}, QuotaReading()),
    "signs and underscores": ({"X-RateLimit-Limit": "+100", "X-RateLimit-Remaining": "1_0"}, QuotaReading()),
    "other digits": ({"X-RateLimit-Limit": "٣٣", "X-RateLimit-Remaining": "²"}, QuotaReading()),
    "5 000 digits": ({"X-RateLimit-Limit": "9" * 5000}, QuotaReading()),
    "empty": ({"X-RateLimit-Limit": "", "X-RateLimit-Remaining": "", "Date": ""}, QuotaReading()),
    "more left than there is": (
        {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "1000"},
        QuotaReading(limit=100, remaining=100),
    ),
    "a date of another form": ({"Date": "2021-05-03T00:00:00Z"}, QuotaReading()),
    "IETF draft": (
        {"RateLimit-Policy": '"default";q=100;w=60', "RateLimit": '"default";r=50;t=30'},
        QuotaReading(limit=100, remaining=50, reset_after=30.0),
    ),
    "IETF draft, several policies: the first": (
        {
            "RateLimit-Policy": '"burst";q=10;w=1, "day";q=5000;w=86400',
            "RateLimit": '"burst";r=9;t=1, "day";r=3;t=4000',
        },
        QuotaReading(limit=10, remaining=9, reset_after=1.0),
    ),
    "IETF draft without a reset": (
        {"RateLimit-Policy": '"default";q=100', "RateLimit": '"default";r=50'},
        QuotaReading(limit=100, remaining=50),
    ),
    "IETF draft with other parameters": (
        {"RateLimit-Policy": '"a";pk=:c2V0:;q=100;w=60', "RateLimit": '"a";pk=:c2V0:;t=30;r=50'},
        QuotaReading(limit=100, remaining=50, reset_after=30.0),
    ),
    "IETF draft 7": (
        {"RateLimit": "limit=100, remaining=50, reset=30", "RateLimit-Policy": "100;w=60"},
        QuotaReading(limit=100, remaining=50, reset_after=30.0),
    ),
    "IETF draft beside the documented ones": (
        {"RateLimit": '"default";r=50;t=30', "X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "95"},
        QuotaReading(limit=100, remaining=95),
    ),
    "IETF draft, unreadable": (
        {"RateLimit": '"default";r=-1;t=x, ,;;=', "RateLimit-Policy": "q=;w"},
        QuotaReading(),
    ),
}


@pytest.mark.parametrize(("fields", "reading"), READINGS.values(), ids=list(READINGS))
def test_what_the_headers_say(fields: dict[str, str], reading: QuotaReading) -> None:
    assert read_quota(200, Headers(fields.items())) == reading


@pytest.mark.parametrize(
    ("status", "seconds"), [(200, None), (404, None), (429, 30.0), (500, None), (503, 30.0), (202, None)]
)
def test_retry_after_counts_only_where_it_alone_means_something(status: int, seconds: float | None) -> None:
    assert read_quota(status, Headers([("Retry-After", "30")])).retry_after == seconds


def test_of_several_retry_afters_the_longest_counts() -> None:
    headers = Headers([("Retry-After", "30"), ("retry-after", "60"), ("RETRY-AFTER", "soon")])
    assert read_quota(429, headers).retry_after == 60.0


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment.year >= 1000))
def test_an_http_date_is_read_to_the_second(moment: datetime) -> None:
    assert http_date(format_datetime(moment, usegmt=True)) == moment.replace(microsecond=0).timestamp()


NAMES = ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit-limit", "ratelimit-remaining"]
MORE_NAMES = ["ratelimit-reset", "ratelimit", "ratelimit-policy", "date", "retry-after"]
VALUES = (
    st.text()
    | st.from_regex(r"\A\s*[-+]?\d{0,20}\s*\Z")
    | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\Z")
    | st.text('"abrtqw;=,0123456789 -')
    | st.from_regex(r'\A"[a-z]";[rtqw]=[0-9]{1,17};[rtqw]=[0-9]{1,17}\Z')
)


@given(st.sampled_from([200, 429, 503]), st.lists(st.tuples(st.sampled_from(NAMES + MORE_NAMES), VALUES)))
@example(429, [("retry-after", "Fri, 31 Dec 9999 23:59:59 GMT"), ("date", "Sat, 01 Jan 0001 00:00:00 GMT")])
def test_any_headers_are_read_without_an_error_and_nothing_is_negative(
    status: int, fields: list[tuple[str, str]]
) -> None:
    reading = read_quota(status, Headers(fields))
    waits = [reading.limit, reading.remaining, reading.reset, reading.reset_after, reading.retry_after]
    assert all(number is None or (number >= 0 and math.isfinite(number)) for number in waits)
    if reading.limit is not None and reading.remaining is not None:
        assert reading.remaining <= reading.limit
    assert reading.reset is None or reading.reset_after is None


@given(st.lists(VALUES), st.none() | st.integers(0, 10**11))
def test_r07_any_retry_after_is_none_or_a_finite_wait(values: list[str], date: int | None) -> None:
    seconds = read_retry_after(values, date)
    assert seconds is None or (seconds >= 0 and math.isfinite(seconds))
