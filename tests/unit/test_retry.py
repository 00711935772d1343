"""The retry rules, cell by cell; and the waits."""

import itertools

import pytest

from setsmart_async import (
    ApiError,
    AttemptTimeoutError,
    BodyTruncatedError,
    CallError,
    ClientClosedError,
    ConflictError,
    ConnectError,
    ConnectionLostError,
    DeadlineExceededError,
    InvalidResponseError,
    Outcome,
    ProtocolError,
    RateLimitWaitError,
    ResponseTooLargeError,
    RetryPolicy,
    ServerError,
    TLSError,
    TransportError,
    WrongEventLoopError,
)
from setsmart_async.policy.retry import RETRIES, Failure, RetryClass, failure_of

TABLE = """
failure          S     I     K     N
not_connected    many  many  many  many
connection_lost  many  many  many  never
timed_out        many  many  many  never
body_lost        many  never many  never
malformed        once  never once  never
408              many  many  many  never
401              once  once  once  once
409              never never never never
409_key_in_use   never never once  never
503_rejected     many  many  many  many
425              many  many  many  many
429              many  many  many  many
5xx              many  many  many  never
final            never never never never
"""
HEADER, *ROWS = [line.split() for line in TABLE.strip().splitlines()]
ROWS = [[row[0].replace("_", " ") if row[0][0].isdigit() else row[0], *row[1:]] for row in ROWS]
CELLS = [(row[0], letter, word) for row in ROWS for letter, word in zip(HEADER[1:], row[1:], strict=True)]
RETRIES_IN_WORDS = {"never": 0, "once": 1, "many": 9}


@pytest.mark.parametrize(("failure", "letter", "word"), CELLS)
def test_how_often_a_failure_may_be_repeated_within_ten_attempts(failure: str, letter: str, word: str) -> None:
    policy = RetryPolicy(max_attempts=10)
    allowed = [policy.allows(Failure(failure), RetryClass(letter), failed) for failed in range(1, 12)]
    retries = RETRIES_IN_WORDS[word]
    assert allowed == [True] * retries + [False] * (11 - retries)


def test_the_table_has_every_failure_and_every_class() -> None:
    assert {row[0] for row in ROWS} == {failure.value for failure in Failure} == {key.value for key in RETRIES}
    assert set(HEADER[1:]) == {letter.value for letter in RetryClass}


@pytest.mark.parametrize("failure", Failure)
@pytest.mark.parametrize("retry_class", RetryClass)
def test_with_one_attempt_nothing_is_repeated(failure: Failure, retry_class: RetryClass) -> None:
    assert not RetryPolicy(max_attempts=1).allows(failure, retry_class, 1)


def test_the_default_is_three_attempts() -> None:
    allowed = [RetryPolicy().allows(Failure.THROTTLED, RetryClass.SAFE, failed) for failed in (1, 2, 3)]
    assert allowed == [True, True, False]


STATUSES = {401: "401", 408: "408", 409: "409", 425: "425", 429: "429", 500: "5xx", 502: "5xx", 503: "5xx", 504: "5xx"}
CLOUDFLARE = dict.fromkeys(range(520, 528), "5xx")


@pytest.mark.parametrize("status", [*range(100, 200), *range(300, 600), 999])
def test_which_row_a_status_stands_in(status: int) -> None:
    assert failure_of(ApiError(status)).value == (STATUSES | CLOUDFLARE).get(status, "final")


ERRORS: list[tuple[CallError, str]] = [
    (ServerError(503), "5xx"),
    (ServerError(503, outcome=Outcome.REJECTED), "503 rejected"),
    (ConflictError(409), "409"),
    (ConflictError(409, code="idempotency_key_in_use"), "409 key in use"),
    (ConnectError("x"), "not_connected"),
    (TLSError("x"), "final"),
    (ConnectionLostError("x"), "connection_lost"),
    (AttemptTimeoutError("x"), "timed_out"),
    (AttemptTimeoutError("x", outcome=Outcome.NOT_SENT), "not_connected"),
    (BodyTruncatedError("x"), "body_lost"),
    (BodyTruncatedError("x", outcome=Outcome.APPLIED), "body_lost"),
    (ProtocolError("x"), "malformed"),
    (InvalidResponseError("$", "x"), "malformed"),
    (ResponseTooLargeError("x"), "final"),
    (TransportError("x"), "final"),
    (CallError("x"), "final"),
    (DeadlineExceededError("send", 1.0), "final"),
    (RateLimitWaitError(2.0, 1.0), "final"),
    (ClientClosedError(), "final"),
    (WrongEventLoopError(), "final"),
]


@pytest.mark.parametrize(("error", "failure"), ERRORS, ids=lambda value: type(value).__name__)
def test_which_row_an_error_stands_in(error: CallError, failure: str) -> None:
    assert failure_of(error).value == failure


def test_waits_double_up_to_the_longest() -> None:
    waits = RetryPolicy(transient_base=0.1, longest_wait=1.0).waits()
    assert list(itertools.islice(waits, 7)) == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.0, 1.0, 1.0])


def test_every_call_waits_anew() -> None:
    policy = RetryPolicy()
    waits = policy.waits()
    for _ in range(20):
        next(waits)
    assert next(policy.waits()) == pytest.approx(0.1)


@pytest.mark.parametrize(
    "policy",
    [
        RetryPolicy(),
        RetryPolicy(transient_base=1e-300, longest_wait=1.0),
        RetryPolicy(transient_base=1e308, longest_wait=1.7e308),
        RetryPolicy(transient_base=1.0, longest_wait=1.0),
    ],
)
def test_the_ten_thousandth_wait_is_the_longest_and_none_falls(policy: RetryPolicy) -> None:
    waits = list(itertools.islice(policy.waits(), 10_000))
    assert waits[-1] == policy.longest_wait
    assert waits == sorted(waits)
    assert all(0 < wait <= policy.longest_wait for wait in waits)
