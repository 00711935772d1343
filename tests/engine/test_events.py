"""What observers and logs are told, and that neither can hurt a call."""

import asyncio
import logging
import threading
import time

import pytest
from engine.scene import LOST, NOT_CONNECTED, OK, Step, exhausted, failure_of, played, stage, status

from setsmart_async import (
    ApiKey,
    AttemptEnded,
    AttemptStarted,
    BackgroundObserver,
    CallEnded,
    CallStarted,
    Event,
    HttpResponse,
    MemoryTransport,
    Observers,
    Origin,
    Outcome,
    PageRead,
    Property,
    QuotaWaited,
    RetryScheduled,
    SetSmart,
)
from setsmart_async.wire import encode_json

SECRET_ID = "prop_kari_nordmann"


class TestObserver:
    def test_every_attempt_and_retry_is_told_with_the_calls_number(self) -> None:
        async def main() -> list[Event]:
            s = stage(status(500, X_Request_Id="req_1"), LOST, OK)
            await s.client.properties.get("prop_123")
            return s.events

        begun, first, refused, again, second, lost, once_more, third, done, ended = played(main)
        operation = "GET /properties/{id}"
        origin = Origin("http", "127.0.0.1", 1, "/v1")
        assert begun == CallStarted(operation=operation, call_id=1, origin=origin)
        assert first == AttemptStarted(operation=operation, call_id=1, number=1)
        assert isinstance(refused, AttemptEnded)
        assert (refused.status, refused.error, refused.request_id) == (500, None, "req_1")
        assert isinstance(again, RetryScheduled)
        assert (again.number, again.error) == (1, "ServerError")
        assert isinstance(second, AttemptStarted)
        assert isinstance(lost, AttemptEnded)
        assert (lost.status, lost.error, lost.outcome) == (None, "ConnectionLostError", Outcome.UNKNOWN)
        assert isinstance(once_more, RetryScheduled)
        assert isinstance(third, AttemptStarted)
        assert isinstance(done, AttemptEnded)
        assert (done.number, done.status, done.error) == (3, 200, None)
        assert isinstance(ended, CallEnded)
        assert (ended.call_id, ended.error, ended.outcome) == (1, None, None)
        assert ended.seconds == pytest.approx(again.delay + once_more.delay, abs=0.001)

    @pytest.mark.parametrize(
        ("step", "error", "outcome"),
        [(status(404), "NotFoundError", Outcome.REJECTED), (NOT_CONNECTED, "ConnectError", Outcome.NOT_SENT)],
    )
    def test_a_calls_end_says_what_it_raised(self, step: Step, error: str, outcome: Outcome) -> None:
        async def main() -> list[Event]:
            s = stage(step, max_attempts=1)
            await failure_of(s.client.properties.get("prop_123"))
            return s.events

        *_, ended = played(main)
        assert isinstance(ended, CallEnded)
        assert (ended.error, ended.outcome) == (error, outcome)

    def test_a_cancelled_call_and_its_attempt_are_told_to_the_end(self) -> None:
        async def main() -> list[Event]:
            s = stage(OK, latency=60.0)
            getting = asyncio.create_task(s.client.properties.get("prop_123"))
            await asyncio.sleep(1)
            getting.cancel()
            await asyncio.wait([getting])
            return s.events

        begun, started, attempt, call = played(main)
        assert isinstance(begun, CallStarted)
        assert isinstance(started, AttemptStarted)
        assert isinstance(attempt, AttemptEnded)
        assert (attempt.error, attempt.outcome, attempt.status) == ("CancelledError", Outcome.UNKNOWN, None)
        assert isinstance(call, CallEnded)
        assert (call.error, call.outcome) == ("CancelledError", None)

    def test_what_a_transport_must_not_raise_ends_the_attempt_too(self) -> None:
        def broken() -> HttpResponse:
            raise LookupError("a transport's own fault")

        async def main() -> list[Event]:
            s = stage(broken)
            with pytest.raises(LookupError):
                await s.client.properties.get("prop_123")
            return s.events

        *_, attempt, call = played(main)
        assert isinstance(attempt, AttemptEnded)
        assert isinstance(call, CallEnded)
        assert (attempt.error, call.error) == ("LookupError", "LookupError")

    def test_an_answers_quota_is_told(self) -> None:
        async def main() -> list[Event]:
            headers = {"X_RateLimit_Limit": "100", "X_RateLimit_Remaining": "7", "X_RateLimit_Reset": "1445412490"}
            s = stage(status(200, **headers, Date="Wed, 21 Oct 2015 07:28:00 GMT"), max_attempts=1)
            await failure_of(s.client.properties.get("prop_123"))
            return s.events

        (ended,) = [event for event in played(main) if isinstance(event, AttemptEnded)]
        assert (ended.quota_limit, ended.quota_remaining, ended.quota_reset_after) == (100, 7, 10.0)

    def test_several_observers_are_told_whatever_one_of_them_raises(self, caplog: pytest.LogCaptureFixture) -> None:
        def bad(event: Event) -> None:
            raise RuntimeError("broken dashboard")

        async def main() -> tuple[list[Event], list[Event]]:
            one, other = list[Event](), list[Event]()
            s = stage(OK, observer=Observers(one.append, bad, other.append))
            await s.client.properties.get("prop_123")
            return one, other

        one, other = played(main)
        assert one == other
        assert [type(event) for event in one] == [CallStarted, AttemptStarted, AttemptEnded, CallEnded]
        assert caplog.text.count("RuntimeError") == 4
        assert "broken dashboard" not in caplog.text

    def test_waits_and_pages_are_told(self) -> None:
        async def main() -> list[Event]:
            page = encode_json({"data": [{"id": "a", "name": "A"}], "total": 7})
            s = stage(exhausted, HttpResponse(status=200, body=page))
            await s.client.properties.get("prop_123")
            await s.client.properties.list().page()
            return s.events

        events = played(main)
        (waited,) = [event for event in events if isinstance(event, QuotaWaited)]
        assert waited.call_id == 2
        assert waited.seconds == pytest.approx(30.0, abs=2.0)
        assert events[-1] == PageRead(operation="GET /properties", call_id=2, items=1, total=7)

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

    def test_a_slow_one_in_the_background_holds_up_no_call_and_hears_everything(self) -> None:
        hold, told, threads = threading.Event(), list[Event](), set[int]()

        def slow(event: Event) -> None:
            hold.wait(10)
            threads.add(threading.get_ident())
            told.append(event)

        async def main() -> int:
            s = stage(OK, observer=watching)
            for _ in range(50):
                await s.client.properties.get("prop_123")
            return len(told)

        with BackgroundObserver(slow) as watching:
            assert played(main) == 0  # all calls are done before it has heard of one
            hold.set()
        assert [type(event) for event in told] == [CallStarted, AttemptStarted, AttemptEnded, CallEnded] * 50
        assert threading.get_ident() not in threads
        assert watching.dropped == 0

    def test_what_is_too_much_for_it_is_dropped_and_counted(self) -> None:
        hold, told = threading.Event(), list[Event]()

        def slow(event: Event) -> None:
            hold.wait(10)
            told.append(event)

        event = AttemptStarted(operation="GET /properties", call_id=1, number=1)
        with BackgroundObserver(slow, capacity=5) as watching:
            for _ in range(20):
                watching(event)
            assert watching.dropped >= 14  # five wait, and one is being told
            hold.set()
        assert len(told) + watching.dropped == 20

    def test_one_that_raises_in_the_background_goes_on(self, caplog: pytest.LogCaptureFixture) -> None:
        told: list[Event] = []

        def failing(event: Event) -> None:
            told.append(event)
            raise RuntimeError("broken dashboard")

        with BackgroundObserver(failing) as watching:
            for number in (1, 2):
                watching(AttemptStarted(operation="GET /properties", call_id=1, number=number))
        assert len(told) == 2
        assert "RuntimeError" in caplog.text
        assert "broken dashboard" not in caplog.text

    def test_closing_does_not_wait_for_ever(self) -> None:
        hold = threading.Event()

        def stuck(event: Event) -> None:
            hold.wait(10)

        watching = BackgroundObserver(stuck, capacity=1)
        for _ in range(3):
            watching(AttemptStarted(operation="GET /properties", call_id=1, number=1))
        began = time.monotonic()
        watching.close(timeout=0.1)
        assert time.monotonic() - began < 5
        hold.set()


class TestLogging:
    def test_each_step_is_a_record_with_its_fields(self, caplog: pytest.LogCaptureFixture) -> None:
        async def main() -> None:
            s = stage(status(500), OK)
            await s.client.properties.get("prop_123")

        with caplog.at_level(logging.DEBUG, logger="setsmart_async"):
            played(main)
        assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG", "INFO", "DEBUG", "DEBUG"]
        ended = caplog.records[1]
        fields = vars(ended)["setsmart"]
        assert (fields["operation"], fields["call_id"], fields["number"], fields["status"]) == (
            "GET /properties/{id}",
            1,
            1,
            500,
        )
        assert ended.getMessage().startswith("GET /properties/{id}: call 1, attempt 1 ended after ")

    def test_neither_the_key_nor_an_id_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        async def main() -> None:
            s = stage(status(500), status(404))
            await failure_of(s.client.properties.get(SECRET_ID))

        with caplog.at_level(logging.DEBUG):
            played(main)
        assert len([record for record in caplog.records if record.name == "setsmart_async"]) == 5
        shown = caplog.text + "".join(str(vars(record)) for record in caplog.records)
        assert "kari" not in shown
        assert "key-of" not in shown

    def test_by_default_nothing_is_said(self, caplog: pytest.LogCaptureFixture) -> None:
        async def main() -> None:
            s = stage(status(500), OK)
            await s.client.properties.get("prop_123")

        with caplog.at_level(logging.WARNING):
            played(main)
        assert caplog.records == []
