"""The retry table, cell by cell, by what a server sees: failure x class of request."""

import pytest
from engine.scene import LOST, NOT_CONNECTED, OK, TIMED_OUT, Step, create, failure_of, played, stage, status

from setsmart_async import (
    BodyTruncatedError,
    CallError,
    ConnectionLostError,
    Dialect,
    HttpResponse,
    Outcome,
    ProtocolError,
    ResponseTooLargeError,
    SetSmart,
    TLSError,
    UnsupportedEncodingError,
)
from setsmart_async.policy.retry import RETRIES, Failure, RetryClass

_MANY = 9
FAILURES: dict[Failure, list[Step]] = {
    Failure.NOT_CONNECTED: [NOT_CONNECTED],
    Failure.CONNECTION_LOST: [LOST],
    Failure.TIMED_OUT: [TIMED_OUT],
    Failure.BODY_LOST: [BodyTruncatedError("Cut.", outcome=Outcome.APPLIED)],
    Failure.MALFORMED: [ProtocolError("Not HTTP."), HttpResponse(status=200, body=b"[NaN]")],
    Failure.REQUEST_TIMEOUT: [status(408)],
    Failure.CONFLICT: [status(409)],
    Failure.KEY_IN_USE: [HttpResponse(status=409, body=b'{"code": "idempotency_key_in_use"}')],
    Failure.TOO_EARLY: [status(425)],
    Failure.THROTTLED: [status(429)],
    Failure.KEY_REFUSED: [status(401)],
    Failure.TURNED_AWAY: [status(503, Retry_After="1")],
    Failure.SERVER_FAILED: [status(code) for code in (500, 502, 503, 504, 520, 527)],
    Failure.FINAL: [
        *(status(code) for code in (301, 302, 304, 307, 308, 400, 403, 404, 405, 410, 418, 422, 501, 505, 511, 999)),
        TLSError("Another authority."),
        ResponseTooLargeError("Too large."),
        UnsupportedEncodingError("Brotli."),
    ],
}
CELLS = [
    pytest.param(failure, step, retry_class, id=f"{failure}-{retry_class.value}-{number}")
    for failure, steps in FAILURES.items()
    for number, step in enumerate(steps)
    for retry_class in RetryClass
]


def test_r06_every_failure_has_an_example() -> None:
    assert set(FAILURES) == set(Failure) == set(RETRIES)


def calling(client: SetSmart, retry_class: RetryClass) -> object:
    match retry_class:
        case RetryClass.SAFE:
            return client.properties.get("prop_123")
        case RetryClass.IDEMPOTENT:
            return client.properties.update("prop_123", max_guests=8)
        case RetryClass.KEYED | RetryClass.UNSAFE:
            return create(client)


class FreshKeys:
    """Another key each time."""

    def __init__(self) -> None:
        self._number = 0

    def __call__(self) -> str:
        self._number += 1
        return f"key-number-{self._number:04}"


@pytest.mark.parametrize(("failure", "step", "retry_class"), CELLS)
def test_r06_how_often_a_server_is_asked(failure: Failure, step: Step, retry_class: RetryClass) -> None:
    dialect = Dialect(
        idempotency_header="Idempotency-Key" if retry_class is RetryClass.KEYED else None,
        rejects_with_503=failure is Failure.TURNED_AWAY,
    )

    async def main() -> tuple[int, CallError]:
        # The provider gives another key each time, so that a 401 is not the end for want of one.
        s = stage(step, max_attempts=_MANY + 1, deadline=None, api_key=FreshKeys(), dialect=dialect)
        error = await failure_of(calling(s.client, retry_class))  # type: ignore[arg-type]  # one of three records
        return s.sent, error

    sent, error = played(main)
    assert sent == 1 + min(_MANY, RETRIES[failure][retry_class])
    assert len(error.attempts) == sent
    assert not error.retry_budget_exhausted
    for attempt in error.attempts[:-1]:
        assert attempt.retried_after is not None


def test_r14_a_write_that_was_answered_with_success_is_never_sent_again() -> None:
    async def main() -> tuple[CallError, int]:
        s = stage(BodyTruncatedError("Cut.", outcome=Outcome.APPLIED), OK)
        return await failure_of(s.client.properties.update("prop_123", max_guests=8)), s.sent

    error, sent = played(main)
    assert sent == 1
    assert error.outcome is Outcome.APPLIED
    assert "outcome applied" in str(error)


class TestStaleConnections:
    """A pooled connection that the server closed as the request went out."""

    STALE = ConnectionLostError("Gone.", outcome=Outcome.UNKNOWN, reused=True)

    def test_r05_a_read_is_repeated_at_once_and_for_free(self) -> None:
        async def main() -> tuple[float, int]:
            s = stage(self.STALE, OK)
            began = s.clock.monotonic()
            await s.client.properties.get("prop_123")
            return s.clock.monotonic() - began, s.sent

        assert played(main) == (0.0, 2)

    def test_only_the_first_one_is_free(self) -> None:
        async def main() -> list[float | None]:
            s = stage(self.STALE)
            error = await failure_of(s.client.properties.get("prop_123"))
            return [attempt.retried_after for attempt in error.attempts]

        first, second, last = played(main)
        assert first == 0.0
        assert second
        assert last is None

    def test_a_write_waits_as_after_any_loss(self) -> None:
        async def main() -> list[float | None]:
            s = stage(self.STALE)
            error = await failure_of(s.client.properties.update("prop_123", max_guests=8))
            return [attempt.retried_after for attempt in error.attempts]

        first, *_ = played(main)
        assert first
