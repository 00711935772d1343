"""The error tree: complete, public, picklable, and silent about guests."""

import copy
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from unit.values import CANARY

import setsmart_async
from setsmart_async import (
    ApiError,
    Attempt,
    AttemptTimeoutError,
    CallError,
    ClientClosedError,
    ConfigurationError,
    ConnectionLostError,
    CoordinatorError,
    DeadlineExceededError,
    FieldError,
    ForkedClientError,
    InvalidResponseError,
    Outcome,
    PermissionDeniedError,
    RateLimitWaitError,
    SetSmartError,
    WrongEventLoopError,
)

MAKERS: dict[type[SetSmartError], Callable[[Any], SetSmartError]] = {
    SetSmartError: lambda kind: kind("What to do."),
    CallError: lambda kind: kind("What to do.", outcome=Outcome.APPLIED, request_id="req_1"),
    ApiError: lambda kind: kind(
        418,
        code="teapot",
        message=CANARY,
        errors=[FieldError("name", CANARY, "blank"), FieldError("name", CANARY), FieldError("address", CANARY)],
        retry_after=2.5,
        outcome=Outcome.UNKNOWN,
        request_id="req_1",
    ),
    DeadlineExceededError: lambda kind: kind("queue", 60.0, outcome=Outcome.NOT_SENT, detail=": no quota"),
    PermissionDeniedError: lambda kind: kind(403, code="ip", message=CANARY, hint="ip_allowlist"),
    AttemptTimeoutError: lambda kind: kind("What to do.", outcome=Outcome.NOT_SENT, phase="connect"),
    ConnectionLostError: lambda kind: kind("What to do.", outcome=Outcome.UNKNOWN, reused=True),
    RateLimitWaitError: lambda kind: kind(12.5, 3.0, reset_at=1620000000.0),
    InvalidResponseError: lambda kind: kind(
        "$.id", "missing", problems=[("$.id", "missing"), ("$.name", "missing")], outcome=Outcome.UNKNOWN
    ),
    ClientClosedError: lambda kind: kind(outcome=Outcome.UNKNOWN),
    WrongEventLoopError: lambda kind: kind(),
    ForkedClientError: lambda kind: kind(),
    CoordinatorError: lambda kind: kind("KeyError"),
}
"""How to make an error: by the class that its `__init__` comes from."""


def every_kind(kind: type[SetSmartError] = SetSmartError) -> Iterator[type[SetSmartError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__.startswith("setsmart_async"):
            yield from every_kind(below)


KINDS = list(dict.fromkeys(every_kind()))


def example(kind: type[SetSmartError]) -> SetSmartError:
    maker = next((MAKERS[base] for base in kind.__mro__ if base in MAKERS and "__init__" in vars(base)), None)
    if maker is None:
        maker = MAKERS[SetSmartError]
        assert kind.__init__ is Exception.__init__ or issubclass(kind, ConfigurationError), f"add {kind} to MAKERS"
    error = maker(kind)
    if isinstance(error, CallError):
        error.operation = "PUT /properties/{id}"
        error.attempts = (
            Attempt(number=1, error="ServerError", outcome=Outcome.UNKNOWN, status=500, retried_after=0.1),
            Attempt(number=2, error="ConnectError", outcome=Outcome.NOT_SENT),
        )
    error.add_note("a note")
    return error


def test_a_new_kind_with_its_own_init_has_a_maker() -> None:
    with_own_init = {kind for kind in KINDS if "__init__" in vars(kind)}
    assert with_own_init <= set(MAKERS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_is_public(kind: type[SetSmartError]) -> None:
    assert kind.__name__ in setsmart_async.__all__
    assert getattr(setsmart_async, kind.__name__) is kind


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_pickling_whole(kind: type[SetSmartError], protocol: int) -> None:
    error = example(kind)
    assert_same(pickle.loads(pickle.dumps(error, protocol)), error)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_survives_copying_whole(
    kind: type[SetSmartError], copied: Callable[[SetSmartError], SetSmartError]
) -> None:
    error = example(kind)
    assert_same(copied(error), error)


def assert_same(other: SetSmartError, error: SetSmartError) -> None:
    assert type(other) is type(error)
    assert other.args == error.args
    assert vars(other) == vars(error)
    assert str(other) == str(error)
    assert other.__notes__ == ["a note"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_says_something_on_one_line(kind: type[SetSmartError]) -> None:
    text = str(example(kind))
    assert text
    assert "\n" not in text


@pytest.mark.parametrize("kind", KINDS)
def test_no_text_holds_the_servers_words(kind: type[SetSmartError]) -> None:
    error = example(kind)
    assert CANARY not in str(error)
    assert CANARY not in repr(error)
    assert CANARY not in repr(getattr(error, "errors", ()))


DEFAULT_OUTCOMES = {
    "CallError": Outcome.UNKNOWN,
    "TransportError": Outcome.UNKNOWN,
    "ConnectError": Outcome.NOT_SENT,
    "TLSError": Outcome.NOT_SENT,
    "AttemptTimeoutError": Outcome.UNKNOWN,
    "ConnectionLostError": Outcome.UNKNOWN,
    "ProtocolError": Outcome.UNKNOWN,
    "UnsupportedEncodingError": Outcome.UNKNOWN,
    "BodyTruncatedError": Outcome.UNKNOWN,
    "ResponseTooLargeError": Outcome.UNKNOWN,
    "ApiError": Outcome.REJECTED,
    "BadRequestError": Outcome.REJECTED,
    "AuthenticationError": Outcome.REJECTED,
    "PermissionDeniedError": Outcome.REJECTED,
    "NotFoundError": Outcome.REJECTED,
    "ConflictError": Outcome.REJECTED,
    "UnprocessableError": Outcome.REJECTED,
    "RateLimitError": Outcome.REJECTED,
    "ServerError": Outcome.UNKNOWN,
    "UnexpectedRedirectError": Outcome.REJECTED,
    "DeadlineExceededError": Outcome.UNKNOWN,
    "RateLimitWaitError": Outcome.NOT_SENT,
    "InvalidResponseError": Outcome.APPLIED,
    "ClientClosedError": Outcome.NOT_SENT,
    "WrongEventLoopError": Outcome.NOT_SENT,
    "ForkedClientError": Outcome.NOT_SENT,
    "ApiKeyUnavailableError": Outcome.NOT_SENT,
}


def test_what_an_error_means_for_the_server_unless_said_otherwise() -> None:
    outcomes = {kind.__name__: kind.default_outcome for kind in KINDS if issubclass(kind, CallError)}
    # Deadlines and waits take their outcome from whoever raises them; the class's word is what holds otherwise.
    assert outcomes == DEFAULT_OUTCOMES


BUILTIN_BASES = [(ConfigurationError, ValueError), (DeadlineExceededError, TimeoutError)]


@pytest.mark.parametrize(("kind", "builtin"), BUILTIN_BASES)
def test_errors_that_are_also_builtin_ones(kind: type[SetSmartError], builtin: type[Exception]) -> None:
    with pytest.raises(builtin):
        raise example(kind)


def call_error(
    *, operation: str | None = None, request_id: str | None = None, attempts: int = 0, outcome: Outcome
) -> CallError:
    error = CallError("It failed.", outcome=outcome, request_id=request_id)
    error.operation = operation
    one = Attempt(number=1, error="ServerError", outcome=Outcome.UNKNOWN)
    error.attempts = (one,) * attempts
    return error


TEXTS = [
    (call_error(outcome=Outcome.REJECTED), "It failed."),
    (call_error(outcome=Outcome.NOT_SENT, attempts=1), "It failed."),
    (call_error(outcome=Outcome.UNKNOWN), "It failed. [outcome unknown]"),
    (call_error(outcome=Outcome.APPLIED), "It failed. [outcome applied]"),
    (call_error(outcome=Outcome.REJECTED, operation="GET /properties"), "It failed. [GET /properties]"),
    (
        call_error(outcome=Outcome.UNKNOWN, operation="PUT /properties/{id}", request_id="req_1", attempts=3),
        "It failed. [PUT /properties/{id}, request id req_1, 3 attempts, outcome unknown]",
    ),
    (call_error(outcome=Outcome.REJECTED, attempts=2), "It failed. [2 attempts]"),
    (
        call_error(outcome=Outcome.UNKNOWN, operation="GET /properties", attempts=3),
        "It failed. [GET /properties, 3 attempts]",
    ),
]


@pytest.mark.parametrize(("error", "text"), TEXTS)
def test_the_text_names_call_request_tries_and_a_doubtful_outcome(error: CallError, text: str) -> None:
    assert str(error) == text


def test_an_api_error_names_status_code_and_each_field_once() -> None:
    error = example(ApiError)
    assert str(error).startswith("SetSmart answered 418 (teapot) about name, address. ")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, ApiError) and kind is not ApiError])
def test_every_api_error_has_advice_of_its_own(kind: type[ApiError]) -> None:
    assert kind.advice != ApiError.advice
    assert kind.advice in str(kind(418))


def test_an_invalid_response_says_how_many_problems_there_are() -> None:
    assert str(example(InvalidResponseError)).startswith(
        "Unusable answer at $.id: missing (and 1 more: see `problems`)."
    )
    alone = InvalidResponseError("$", "gone", outcome=Outcome.REJECTED)
    assert str(alone) == "Unusable answer at $: gone."
    assert alone.problems == (("$", "gone"),)
