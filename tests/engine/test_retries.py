"""What is repeated, how often and when."""

import random

import attrs
import pytest
from engine.scene import (
    LOST,
    NOT_CONNECTED,
    OK,
    TIMED_OUT,
    Step,
    create,
    failure_of,
    played,
    stage,
    status,
)

from setsmart_async import (
    ApiError,
    CallError,
    InvalidResponseError,
    NotFoundError,
    Outcome,
    Priority,
    Property,
    RateLimitError,
    RetryScheduled,
    ServerError,
)
from setsmart_async.wire import HttpRequest


class TestSigning:
    def test_the_key_goes_on_the_request_and_the_path_below_the_base_url(self) -> None:
        async def main() -> HttpRequest:
            s = stage(OK)
            await s.client.properties.get("prop_123")
            return s.script.requests[0]

        request = played(main)
        assert request.headers["X-API-Key"] == "key-of-the-engine-tests"
        assert request.url == "http://127.0.0.1:1/v1/properties/prop_123"
        assert request.headers["User-Agent"].startswith("setsmart_async/")
        assert "key-of" not in repr(request)

    def test_only_writes_that_must_not_be_repeated_get_a_fresh_connection(self) -> None:
        async def main() -> list[bool]:
            s = stage(OK)
            await s.client.properties.get("prop_123")
            await s.client.properties.update("prop_123", max_guests=8)
            await create(s.client)
            return [request.fresh_connection for request in s.script.requests]

        assert played(main) == [False, False, True]


class TestRetries:
    @pytest.mark.parametrize("step", [status(500), status(503), status(429), LOST, NOT_CONNECTED, TIMED_OUT])
    def test_r02_a_read_is_repeated(self, step: Step) -> None:
        async def main() -> tuple[Property, int]:
            s = stage(step, OK)
            return await s.client.properties.get("prop_123"), s.sent

        villa, sent = played(main)
        assert villa.name == "Beachfront Villa"
        assert sent == 2

    @pytest.mark.parametrize("step", [status(500), status(503), LOST, TIMED_OUT])
    def test_r03_a_create_whose_outcome_is_unknown_is_not_repeated(self, step: Step) -> None:
        async def main() -> tuple[CallError, int]:
            s = stage(step, OK)
            return await failure_of(create(s.client)), s.sent

        error, sent = played(main)
        assert sent == 1
        assert error.outcome is Outcome.UNKNOWN
        assert error.operation == "POST /properties"
        assert "POST /properties" in str(error)

    @pytest.mark.parametrize("step", [status(429), NOT_CONNECTED])
    def test_a_create_that_was_surely_not_done_is_repeated(self, step: Step) -> None:
        async def main() -> int:
            s = stage(step, OK)
            await create(s.client)
            return s.sent

        assert played(main) == 2

    @pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 422, 302])
    def test_what_a_repetition_can_not_cure_is_raised_at_once(self, code: int) -> None:
        async def main() -> tuple[CallError, int]:
            s = stage(status(code), OK)
            return await failure_of(s.client.properties.get("prop_123")), s.sent

        error, sent = played(main)
        assert sent == 1
        assert error.outcome is Outcome.REJECTED

    def test_attempts_end_and_the_error_keeps_them_all(self) -> None:
        async def main() -> tuple[CallError, int]:
            s = stage(status(500), LOST, status(502))
            return await failure_of(s.client.properties.get("prop_123")), s.sent

        error, sent = played(main)
        assert sent == 3
        assert isinstance(error, ServerError)
        assert [(attempt.number, attempt.error, attempt.status) for attempt in error.attempts] == [
            (1, "ServerError", 500),
            (2, "ConnectionLostError", None),
            (3, "ServerError", 502),
        ]
        assert error.attempts[0].retried_after is not None
        assert error.attempts[2].retried_after is None
        assert "3 attempts" in str(error)

    def test_r12_waits_grow_from_a_tenth_of_a_second_with_full_jitter(self) -> None:
        async def main() -> list[float]:
            s = stage(status(500), max_attempts=5)
            await failure_of(s.client.properties.get("prop_123"))
            return [event.delay for event in s.events if isinstance(event, RetryScheduled)]

        delays = played(main)
        assert len(delays) == 4
        assert all(0 <= delay <= 0.1 * 2**number for number, delay in enumerate(delays))

    def test_r07_a_503s_retry_after_is_waited_out(self) -> None:
        async def main() -> float:
            s = stage(status(503, Retry_After="7"), OK)
            began = s.clock.monotonic()
            await s.client.properties.get("prop_123")
            return s.clock.monotonic() - began

        assert 7.0 <= played(main) <= 7.7

    def test_r08_a_retry_after_beyond_the_deadline_is_raised_without_waiting(self) -> None:
        async def main() -> tuple[CallError, float]:
            s = stage(status(429, Retry_After="3600"), OK)
            began = s.clock.monotonic()
            return await failure_of(s.client.properties.get("prop_123")), s.clock.monotonic() - began

        error, waited = played(main)
        assert isinstance(error, RateLimitError)
        assert error.retry_after == 3600
        assert waited == 0.0

    @pytest.mark.parametrize("code", [429, 503])
    def test_r08_an_interactive_call_does_not_wait_longer_than_two_minutes(self, code: int) -> None:
        async def main() -> tuple[CallError, float, int]:
            s = stage(status(code, Retry_After="121"), OK, deadline=None, priority=Priority.INTERACTIVE)
            began = s.clock.monotonic()
            error = await failure_of(s.client.properties.get("prop_123"))
            return error, s.clock.monotonic() - began, s.sent

        error, waited, sent = played(main)
        assert isinstance(error, ApiError)
        assert error.retry_after == 121
        assert (waited, sent) == (0.0, 1)

    def test_other_calls_without_a_deadline_wait_as_long_as_they_are_asked_to(self) -> None:
        async def main() -> float:
            s = stage(status(503, Retry_After="3600"), OK, deadline=None)
            began = s.clock.monotonic()
            await s.client.properties.get("prop_123")
            return s.clock.monotonic() - began

        assert 3600 <= played(main) <= 3961

    def test_r12_a_thousand_clients_that_fail_at_once_come_back_spread_evenly(self) -> None:
        """The waits before the third attempt are spread over 0 to 0.2 s: the Kolmogorov-Smirnov distance is small."""

        async def main() -> list[float]:
            random_source = random.Random(7)
            waits: list[float] = []
            for _ in range(1000):
                s = stage(status(500))
                s.client._engine._retrying = attrs.evolve(s.client._engine._retrying, random=random_source.random)
                await failure_of(s.client.properties.get("prop_123"))
                waits.append([event.delay for event in s.events if isinstance(event, RetryScheduled)][1])
            return waits

        waits = sorted(played(main))
        assert 0 <= waits[0] <= waits[-1] <= 0.2
        distance = max(abs((number + 1) / 1000 - wait / 0.2) for number, wait in enumerate(waits))
        assert distance < 1.63 / 1000**0.5  # of 100 such tests of even waits 99 stay below

    def test_a_delete_that_meets_404_after_an_unknown_outcome_has_succeeded(self) -> None:
        async def main() -> int:
            s = stage(LOST, status(404))
            await s.client.properties.delete("prop_123")
            return s.sent

        assert played(main) == 2

    def test_a_delete_that_meets_404_at_once_raises(self) -> None:
        async def main() -> CallError:
            return await failure_of(stage(status(404)).client.properties.delete("prop_123"))

        assert isinstance(played(main), NotFoundError)

    def test_a_delete_that_was_only_throttled_and_then_meets_404_raises(self) -> None:
        async def main() -> CallError:
            return await failure_of(stage(status(429), status(404)).client.properties.delete("prop_123"))

        assert isinstance(played(main), NotFoundError)

    def test_r27_the_answer_of_another_record_is_asked_for_again_and_then_refused(self) -> None:
        async def main() -> tuple[CallError, int]:
            s = stage(OK)
            return await failure_of(s.client.properties.get("prop_999")), s.sent

        error, sent = played(main)
        assert isinstance(error, InvalidResponseError)
        assert error.path == "$.id"
        assert sent == 2
