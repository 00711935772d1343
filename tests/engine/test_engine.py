"""One call through the engine, in virtual time: retries, deadlines, outcomes, closing, cancelling."""

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

import attrs
import pytest
import virtual_time
from virtual_time import VirtualClock

from setsmart_async import (
    ApiKey,
    AttemptEnded,
    AttemptStarted,
    AttemptTimeoutError,
    AuthenticationError,
    CallError,
    ClientClosedError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    DeadlineExceededError,
    Event,
    InvalidResponseError,
    MemoryTransport,
    NotFoundError,
    Outcome,
    Property,
    QuotaWaited,
    RateLimitError,
    RetryPolicy,
    RetryScheduled,
    ServerError,
    SetSmart,
    WrongEventLoopError,
)
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, encode_json

T = TypeVar("T")
VILLA = {"id": "prop_123", "name": "Beachfront Villa", "address": "123 Ocean Drive", "max_guests": 6}
OK = HttpResponse(status=200, body=encode_json(VILLA))

Step = HttpResponse | CallError | Callable[[], HttpResponse]


def status(code: int, **headers: str) -> HttpResponse:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpResponse(status=code, headers=Headers(pairs), body=b'{"error": {"code": "planned"}}')


@attrs.define
class Script:
    """A server that plays its steps in order, the last one for ever."""

    steps: list[Step]
    requests: list[HttpRequest] = attrs.field(factory=list[HttpRequest])

    def __call__(self, request: HttpRequest) -> HttpResponse:
        step = self.steps[min(len(self.requests), len(self.steps) - 1)]
        self.requests.append(request)
        if isinstance(step, CallError):
            raise type(step)(*step.args, outcome=step.outcome)
        return step() if callable(step) else step


@attrs.define
class Stage:
    """A client in virtual time, its server and what it told its observer."""

    client: SetSmart
    script: Script
    clock: VirtualClock
    events: list[Event]

    @property
    def sent(self) -> int:
        return len(self.script.requests)


def stage(*steps: Step, latency: float = 0.0, deadline: float | None = 60.0, max_attempts: int = 3) -> Stage:
    script, clock, events = Script(list(steps)), VirtualClock(), list[Event]()
    client = SetSmart(
        "key-of-the-engine-tests",
        base_url="http://127.0.0.1:1/v1",
        transport=MemoryTransport(script, latency=latency),
        clock=clock,
        deadline=deadline,
        retry=RetryPolicy(max_attempts=max_attempts),
        observer=events.append,
    )
    return Stage(client, script, clock, events)


def played(main: Callable[[], Coroutine[object, object, T]]) -> T:
    return virtual_time.run(main())


def failure_of(calling: Coroutine[object, object, object]) -> Coroutine[object, object, CallError]:
    async def catch() -> CallError:
        with pytest.raises(CallError) as caught:
            await calling
        return caught.value

    return catch()


def create(client: SetSmart) -> Coroutine[object, object, Property]:
    return client.properties.create(name="A", address="B", bedrooms=1, bathrooms=1, max_guests=2)


LOST = ConnectionLostError("The connection broke.", outcome=Outcome.UNKNOWN)
NOT_CONNECTED = ConnectError("Nothing listens there.", outcome=Outcome.NOT_SENT)
TIMED_OUT = AttemptTimeoutError("Too slow.", outcome=Outcome.UNKNOWN)


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
    def test_a_read_is_repeated(self, step: Step) -> None:
        async def main() -> tuple[Property, int]:
            s = stage(step, OK)
            return await s.client.properties.get("prop_123"), s.sent

        villa, sent = played(main)
        assert villa.name == "Beachfront Villa"
        assert sent == 2

    @pytest.mark.parametrize("step", [status(500), status(503), LOST, TIMED_OUT])
    def test_a_create_whose_outcome_is_unknown_is_not_repeated(self, step: Step) -> None:
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

    def test_waits_grow_from_a_tenth_of_a_second_with_full_jitter(self) -> None:
        async def main() -> list[float]:
            s = stage(status(500), max_attempts=5)
            await failure_of(s.client.properties.get("prop_123"))
            return [event.delay for event in s.events if isinstance(event, RetryScheduled)]

        delays = played(main)
        assert len(delays) == 4
        assert all(0 <= delay <= 0.1 * 2**number for number, delay in enumerate(delays))

    def test_a_503s_retry_after_is_waited_out(self) -> None:
        async def main() -> float:
            s = stage(status(503, Retry_After="7"), OK)
            began = s.clock.monotonic()
            await s.client.properties.get("prop_123")
            return s.clock.monotonic() - began

        assert 7.0 <= played(main) <= 7.3

    def test_a_retry_after_beyond_the_deadline_is_raised_without_waiting(self) -> None:
        async def main() -> tuple[CallError, float]:
            s = stage(status(429, Retry_After="3600"), OK)
            began = s.clock.monotonic()
            return await failure_of(s.client.properties.get("prop_123")), s.clock.monotonic() - began

        error, waited = played(main)
        assert isinstance(error, RateLimitError)
        assert error.retry_after == 3600
        assert waited == 0.0

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

    def test_the_answer_of_another_record_is_asked_for_again_and_then_refused(self) -> None:
        async def main() -> tuple[CallError, int]:
            s = stage(OK)
            return await failure_of(s.client.properties.get("prop_999")), s.sent

        error, sent = played(main)
        assert isinstance(error, InvalidResponseError)
        assert error.path == "$.id"
        assert sent == 2


class TestDeadline:
    def test_a_slow_server_ends_in_the_phase_send(self) -> None:
        async def main() -> tuple[CallError, float]:
            s = stage(OK, latency=100.0, deadline=5.0)
            began = s.clock.monotonic()
            return await failure_of(s.client.properties.get("prop_123")), s.clock.monotonic() - began

        error, took = played(main)
        assert isinstance(error, DeadlineExceededError)
        assert isinstance(error, TimeoutError)
        assert error.phase == "send"
        assert took == pytest.approx(5.0, abs=0.1)

    def test_an_attempt_times_out_first_and_is_repeated_within_the_deadline(self) -> None:
        async def main() -> tuple[CallError, float, int]:
            s = stage(OK, latency=100.0)
            patient = s.client.with_options(attempt_timeout=2.0, deadline=5.0)
            began = s.clock.monotonic()
            error = await failure_of(patient.properties.get("prop_123"))
            return error, s.clock.monotonic() - began, len(error.attempts)

        error, took, attempts = played(main)
        assert isinstance(error, DeadlineExceededError | AttemptTimeoutError)
        assert took <= 5.1
        assert attempts == 3

    def test_a_long_queue_is_refused_at_once_in_the_phase_queue(self) -> None:
        async def main() -> tuple[CallError, float]:
            s = stage(exhausted)
            await s.client.properties.get("prop_123")
            began = s.clock.monotonic()
            impatient = s.client.with_options(deadline=2.0)
            return await failure_of(impatient.properties.get("prop_123")), s.clock.monotonic() - began

        error, took = played(main)
        assert isinstance(error, DeadlineExceededError)
        assert error.phase == "queue"
        assert error.outcome is Outcome.NOT_SENT
        assert took == 0.0

    def test_for_bulk_work_queueing_does_not_count(self) -> None:
        async def main() -> list[Event]:
            s = stage(exhausted, OK)
            await s.client.properties.get("prop_123")
            bulk = s.client.with_options(deadline=2.0, queueing_counts=False)
            await bulk.properties.get("prop_123")
            return s.events

        waits = [event.seconds for event in played(main) if isinstance(event, QuotaWaited)]
        assert waits == [pytest.approx(30.0, abs=2.0)]

    def test_the_wall_clock_may_jump(self) -> None:
        async def main() -> int:
            s = stage(status(500), OK)

            def jump() -> HttpResponse:
                s.clock._wall_start -= 315_360_000  # ten years back
                return status(500)

            s.script.steps[0] = jump
            await s.client.properties.get("prop_123")
            return s.sent

        assert played(main) == 2


def exhausted() -> HttpResponse:
    """A good answer that says: nothing left for 30 s."""
    now = asyncio.get_running_loop().time() - 1_000.0 + 1_700_000_000.0
    headers = Headers(
        [
            ("X-RateLimit-Limit", "100"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", str(int(now + 30))),
        ]
    )
    return HttpResponse(status=200, headers=headers, body=OK.body)


class TestClosing:
    def test_a_closed_client_refuses(self) -> None:
        async def main() -> CallError:
            s = stage(OK)
            await s.client.aclose()
            await s.client.aclose()
            return await failure_of(s.client.properties.get("prop_123"))

        error = played(main)
        assert isinstance(error, ClientClosedError)
        assert error.outcome is Outcome.NOT_SENT

    def test_calls_that_wait_for_quota_are_turned_away_and_a_task_group_hears_of_it(self) -> None:
        async def main() -> tuple[int, int]:
            s = stage(exhausted)
            await s.client.properties.get("prop_123")
            with pytest.raises(ExceptionGroup) as caught:
                async with asyncio.TaskGroup() as group:
                    for _ in range(3):
                        group.create_task(s.client.properties.get("prop_123"))
                    await asyncio.sleep(0.1)
                    await s.client.aclose()
            errors = caught.value.exceptions
            return sum(isinstance(error, ClientClosedError) for error in errors), s.client.quota.waiting

        turned_away, waiting = played(main)
        assert turned_away >= 1
        assert waiting == 0

    def test_closing_a_borrowed_client_closes_nothing(self) -> None:
        async def main() -> Property:
            s = stage(OK)
            async with s.client.with_options(deadline=5.0) as borrowed:
                await borrowed.properties.get("prop_123")
            return await s.client.properties.get("prop_123")

        assert played(main).id == "prop_123"

    def test_a_second_event_loop_is_refused(self) -> None:
        clients: list[SetSmart] = []

        async def first() -> None:
            clients.append(stage(OK).client)
            await clients[0].properties.get("prop_123")

        async def second() -> CallError:
            return await failure_of(clients[0].properties.get("prop_123"))

        played(first)
        assert isinstance(played(second), WrongEventLoopError)


class TestCancelling:
    @pytest.mark.parametrize("moment", [0.0, 0.5, 1.05, 1.5])
    def test_a_cancelled_call_gives_back_its_slot_wherever_it_is(self, moment: float) -> None:
        async def main() -> tuple[int, int]:
            s = stage(status(500), OK, latency=1.0)
            task = asyncio.create_task(s.client.properties.get("prop_123"))
            await asyncio.sleep(moment)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()
            await s.client.properties.get("prop_123")
            return s.client.quota.in_flight, s.client.quota.waiting

        assert played(main) == (0, 0)


class TestObserver:
    def test_every_attempt_retry_and_wait_is_told(self) -> None:
        async def main() -> list[Event]:
            s = stage(status(500), OK)
            await s.client.properties.get("prop_123")
            return s.events

        kinds = [type(event) for event in played(main)]
        assert kinds == [AttemptStarted, AttemptEnded, RetryScheduled, AttemptStarted, AttemptEnded]

    def test_an_observer_that_raises_hurts_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        def bad(event: Event) -> None:
            raise RuntimeError("broken dashboard")

        async def main() -> Property:
            client = SetSmart(
                ApiKey("key-of-the-engine-tests"),
                base_url="http://127.0.0.1:1/v1",
                transport=MemoryTransport(lambda request: OK),
                observer=bad,
            )
            return await client.properties.get("prop_123")

        assert played(main).id == "prop_123"
        assert "RuntimeError" in caplog.text
        assert "broken dashboard" not in caplog.text


class TestSharing:
    def test_clients_of_one_key_share_what_they_know_of_the_quota(self) -> None:
        async def main() -> tuple[int, int, int | None]:
            a, b, other = clients("key-one-of-the-tests", "key-one-of-the-tests", "key-two-of-the-tests")
            await a.properties.get("prop_123")
            await b.properties.get("prop_123")
            await other.properties.get("prop_123")
            return a.quota.remaining, b.quota.remaining, other.quota.limit

        def clients(*keys: str) -> Iterable[SetSmart]:
            answer = attrs.evolve(
                OK,
                headers=Headers(
                    [
                        ("X-RateLimit-Limit", "50"),
                        ("X-RateLimit-Remaining", "40"),
                        ("X-RateLimit-Reset", "9999999999"),
                    ]
                ),
            )
            transport = MemoryTransport(lambda request: answer if "one" in request.headers["X-API-Key"] else OK)
            return [SetSmart(key, base_url="http://127.0.0.1:1/v1", transport=transport) for key in keys]

        first, second, unknown = asyncio.run(main())
        assert first == second == 40
        assert unknown is None

    def test_before_the_first_call_nothing_is_known(self) -> None:
        quota = SetSmart("key-of-the-engine-tests", base_url="http://127.0.0.1:1/v1").quota
        assert quota.limit is None
        assert quota.state == "cold"


def test_a_wrong_key_is_told_apart_and_quoted_nowhere() -> None:
    async def main() -> CallError:
        return await failure_of(stage(status(401)).client.properties.get("prop_123"))

    error = played(main)
    assert isinstance(error, AuthenticationError)
    assert "key-of" not in repr(error) + str(error)


@pytest.mark.parametrize("settings", [{"deadline": -1.0}, {"base_url": "http://example.com"}])
def test_a_traceback_with_locals_of_a_refused_setting_shows_no_key(settings: dict[str, str | float]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SetSmart("canary-key-0123456789", **settings)  # type: ignore[arg-type]  # settings of several types
    frames = [
        frame.locals for frame in traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    ]
    ours = [frame for frame in frames if frame and "settings" not in frame]
    assert ours
    assert "canary-key" not in str(ours)
