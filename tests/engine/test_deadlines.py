"""One deadline for a whole call, on the monotonic clock."""

import pytest
from engine.scene import (
    OK,
    exhausted,
    failure_of,
    played,
    stage,
    status,
)

from setsmart_async import (
    AttemptTimeoutError,
    CallError,
    DeadlineExceededError,
    Event,
    Outcome,
    QuotaWaited,
)
from setsmart_async.errors import Phase
from setsmart_async.wire import HttpResponse


class TestDeadline:
    def test_r09_a_slow_server_ends_in_the_phase_send(self) -> None:
        async def main() -> tuple[CallError, float]:
            s = stage(OK, latency=100.0, deadline=5.0)
            began = s.clock.monotonic()
            return await failure_of(s.client.properties.get("prop_123")), s.clock.monotonic() - began

        error, took = played(main)
        assert isinstance(error, DeadlineExceededError)
        assert isinstance(error, TimeoutError)
        assert error.phase == "send"
        assert took == pytest.approx(5.0, abs=0.1)

    @pytest.mark.parametrize("phase", ["connect", "send", "read"])
    def test_r09_the_phase_is_where_the_transport_was(self, phase: Phase) -> None:
        async def main() -> CallError:
            outcome = Outcome.NOT_SENT if phase == "connect" else Outcome.UNKNOWN
            s = stage(AttemptTimeoutError("Too slow.", outcome=outcome, phase=phase), deadline=1.0)
            return await failure_of(s.client.properties.get("prop_123"))

        error = played(main)
        assert isinstance(error, DeadlineExceededError)
        assert error.phase == phase
        assert f"'{phase}'" in str(error)

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

    def test_r09_a_long_queue_is_refused_at_once_in_the_phase_queue(self) -> None:
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

    def test_r13_the_wall_clock_may_jump(self) -> None:
        async def main() -> int:
            s = stage(status(500), OK)

            def jump() -> HttpResponse:
                s.clock._wall_start -= 315_360_000  # ten years back
                return status(500)

            s.script.steps[0] = jump
            await s.client.properties.get("prop_123")
            return s.sent

        assert played(main) == 2
