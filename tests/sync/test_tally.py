"""What a client did, counted for the result."""

from setsmart_async import AttemptEnded, Outcome, QuotaWaited, RetryScheduled
from setsmart_async.sync import CallCounts, Tally


def waits(*ended: tuple[float, float]) -> float:
    """The sum over waits, each given as the time it ended and its length."""
    now = 0.0
    tally = Tally(monotonic=lambda: now)
    for end, seconds in ended:
        now = end
        tally(QuotaWaited(operation="GET /properties", call_id=1, seconds=seconds))
    return tally.counts.waited_for_quota


def test_calls_that_wait_together_wait_once() -> None:
    assert waits() == 0
    assert waits((10, 2)) == 2
    assert waits((10, 2), (10, 2), (10, 1.5)) == 2
    assert waits((10, 2), (11, 2)) == 3
    assert waits((10, 2), (20, 5)) == 7
    assert waits((10, 2), (14, 1), (15, 4)) == 6
    assert waits((10, 2), (14, 1), (20, 19)) == 19


def test_requests_refusals_and_repeats() -> None:
    tally = Tally()
    assert tally.counts == CallCounts()
    operation = "GET /properties"
    tally(AttemptEnded(operation=operation, call_id=1, number=1, seconds=1.0, status=200))
    tally(AttemptEnded(operation=operation, call_id=1, number=1, seconds=1.0, status=429))
    tally(RetryScheduled(operation=operation, call_id=1, number=1, delay=0.0))
    tally(AttemptEnded(operation=operation, call_id=1, number=2, seconds=1.0, status=None, outcome=Outcome.UNKNOWN))
    tally(AttemptEnded(operation=operation, call_id=1, number=3, seconds=1.0, status=None, outcome=Outcome.NOT_SENT))
    assert tally.counts == CallCounts(requests=3, rate_limited=1, retries=1)
