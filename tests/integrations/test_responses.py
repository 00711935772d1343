"""What a visitor is answered when a call has failed: every error of the library, and nothing that is not theirs."""

import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async import errors
from setsmart_async.errors import FieldError, Outcome, SetSmartError
from setsmart_async.integrations.responses import RETRY_AFTER, answer, problem_for

SECRET = "canary-7f3a"
FIELD = FieldError(SECRET, SECRET, SECRET)


def api_error(kind: type[errors.ApiError], status: int, *, retry_after: float | None = None) -> errors.ApiError:
    return kind(status, code=SECRET, message=SECRET, errors=[FIELD], request_id=SECRET, retry_after=retry_after)


ANSWERED: list[tuple[SetSmartError, int]] = [
    (api_error(errors.BadRequestError, 400), 422),
    (api_error(errors.AuthenticationError, 401), 500),
    (api_error(errors.PermissionDeniedError, 403), 500),
    (api_error(errors.NotFoundError, 404), 404),
    (api_error(errors.NotFoundError, 410), 404),
    (api_error(errors.ConflictError, 409), 409),
    (api_error(errors.UnprocessableError, 422), 422),
    (api_error(errors.RateLimitError, 429), 503),
    (api_error(errors.ApiError, 418), 502),
    (api_error(errors.UnexpectedRedirectError, 302), 502),
    (api_error(errors.ServerError, 500), 502),
    (api_error(errors.ServerError, 503), 503),
    (api_error(errors.ServerError, 504), 504),
    (errors.InvalidResponseError("$.data", SECRET), 502),
    (errors.TransportError(SECRET), 502),
    (errors.ConnectError(SECRET), 502),
    (errors.TLSError(SECRET), 502),
    (errors.ConnectionLostError(SECRET), 502),
    (errors.ProtocolError(SECRET), 502),
    (errors.BodyTruncatedError(SECRET), 502),
    (errors.UnsupportedEncodingError(SECRET), 502),
    (errors.ResponseTooLargeError(SECRET), 502),
    (errors.AttemptTimeoutError(SECRET), 504),
    (errors.DeadlineExceededError("queue", 5.0, outcome=Outcome.NOT_SENT), 503),
    (errors.DeadlineExceededError("key", 5.0), 504),
    (errors.DeadlineExceededError("connect", 5.0), 504),
    (errors.DeadlineExceededError("send", 5.0), 504),
    (errors.DeadlineExceededError("read", 5.0), 504),
    (errors.RateLimitWaitError(7.2, 1.0), 503),
    (errors.ApiKeyUnavailableError(SECRET), 503),
    (errors.ClientClosedError(), 503),
    (errors.CallError(SECRET), 500),
    (errors.ConfigurationError(SECRET), 500),
    (errors.CoordinatorError(SECRET), 500),
    (errors.ForkedClientError(), 500),
    (errors.WrongEventLoopError(), 500),
    (errors.StoreError(SECRET), 503),
    (errors.WebhookStoreError(SECRET), 503),
    (errors.SyncIncompleteError(SECRET), 503),
    (errors.WebhookVerificationError(SECRET), 400),
    (SetSmartError(SECRET), 500),
]


def kinds(below: type[SetSmartError] = SetSmartError) -> Iterator[type[SetSmartError]]:
    yield below
    for kind in below.__subclasses__():
        yield from kinds(kind)


def test_every_error_of_the_library_was_thought_of() -> None:
    ours = {kind for kind in kinds() if kind.__module__.startswith("setsmart_async.errors")}
    assert ours == {type(error) for error, _ in ANSWERED}


@pytest.mark.parametrize(("error", "status"), ANSWERED, ids=lambda value: type(value).__name__)
def test_each_error_has_its_answer_and_tells_nothing_more(error: SetSmartError, status: int) -> None:
    problem = problem_for(error)
    members = json.loads(problem.body)
    assert problem.status == members["status"] == status
    assert members.keys() <= {
        "title",
        "status",
        "detail",
        "outcome",
    }  # no `type`: then the status's title
    assert members["title"]
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.headers["cache-control"] == "no-store"
    assert SECRET not in problem.body.decode() + str(problem.headers)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.RateLimitWaitError(7.2, 1.0), "8"),
        (errors.RateLimitWaitError(0.0, 0.0), "1"),
        (errors.RateLimitWaitError(float("inf"), 1.0), str(RETRY_AFTER)),
        (api_error(errors.RateLimitError, 429, retry_after=30.0), "30"),
        (api_error(errors.RateLimitError, 429), str(RETRY_AFTER)),
        (errors.StoreError("locked"), str(RETRY_AFTER)),
        (api_error(errors.NotFoundError, 404, retry_after=30.0), None),
        (api_error(errors.ServerError, 500, retry_after=30.0), None),
    ],
)
def test_retry_after_where_another_try_will_help(error: SetSmartError, expected: str | None) -> None:
    assert problem_for(error).headers.get("retry-after") == expected


@given(wait=st.floats(min_value=0, allow_nan=False))
def test_retry_after_is_a_whole_number_of_seconds_that_is_long_enough(wait: float) -> None:
    told = problem_for(errors.RateLimitWaitError(wait, 1.0)).headers["retry-after"]
    assert told.isdigit()
    assert wait == float("inf") or int(told) >= max(wait, 1)


@pytest.mark.parametrize(
    ("operation", "outcome", "expected"),
    [
        ("POST /reservations", Outcome.UNKNOWN, "unknown"),
        ("PUT /properties/{id}", Outcome.APPLIED, "applied"),
        ("POST /reservations", Outcome.REJECTED, None),
        ("POST /reservations", Outcome.NOT_SENT, None),
        ("GET /properties/{id}", Outcome.UNKNOWN, None),
    ],
)
def test_a_write_that_may_have_been_done_says_so_and_invites_no_second_try(
    operation: str, outcome: Outcome, expected: str | None
) -> None:
    error = errors.ServerError(503, retry_after=3.0, outcome=outcome)
    error.operation = operation
    problem = problem_for(error)
    assert json.loads(problem.body).get("outcome") == expected
    assert ("look before you repeat" in problem.detail) is (expected is not None)
    assert problem.retry_after == (None if expected else 3)


def test_an_error_of_ones_own_is_answered_as_the_nearest_above_it() -> None:
    class NoSuchHomeError(errors.NotFoundError):
        pass

    assert problem_for(NoSuchHomeError(404)).status == 404


def test_of_a_group_the_first_counts_if_all_are_ours() -> None:
    gone, slow = errors.NotFoundError(404), errors.AttemptTimeoutError("")
    for group, status in [
        (ExceptionGroup("", [gone, slow]), 404),
        (ExceptionGroup("", [ExceptionGroup("", [slow]), gone]), 504),
    ]:
        problem = answer(group)
        assert problem is not None
        assert problem.status == status
    assert answer(ExceptionGroup("", [gone, KeyError("other")])) is None
    assert answer(ExceptionGroup("", [ExceptionGroup("", [KeyError("other")]), gone])) is None
    assert answer(KeyError("other")) is None


def test_it_is_logged_by_whose_fault_it_is(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "setsmart_async.integrations")
    for error in (errors.NotFoundError(404), errors.ConnectError("No connection."), errors.AuthenticationError(401)):
        answer(error)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "ERROR"]
    assert caplog.messages[1] == "Answered 502: ConnectError: No connection."
