"""The retry budget: a server that always fails is not asked three times as often for it."""

import asyncio

import pytest
from engine.scene import LOST, NOT_CONNECTED, OK, Step, create, failure_of, played, stage, status
from hypothesis import given
from hypothesis import strategies as st

from setsmart_async import CallError, ConfigurationError, RetryBudget


def test_r11_when_everything_fails_retries_end_and_come_back_with_success() -> None:
    """10,000 calls in 50 tasks fail: 35 of them are repeated, for 500 tokens at 14 each."""

    async def main() -> tuple[int, list[CallError], bool, int]:
        s = stage(NOT_CONNECTED)
        errors: list[CallError] = []

        async def worker() -> None:
            errors.extend([await failure_of(s.client.properties.get("prop_123")) for _ in range(200)])

        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(worker())
        sent = s.sent
        s.script.play(OK)
        for _ in range(14):
            await s.client.properties.get("prop_123")
        s.script.play(status(500), OK)
        before = s.sent
        await s.client.properties.get("prop_123")
        return sent, errors, errors[-1].retry_budget_exhausted, s.sent - before

    sent, errors, exhausted, tries_after_recovery = played(main)
    assert len(errors) == 10_000
    assert sent - 10_000 == 35
    assert exhausted
    assert "retry budget used up" in str(errors[-1])
    assert tries_after_recovery == 2


def test_a_few_failures_among_successes_never_exhaust_it() -> None:
    async def main() -> list[bool]:
        s = stage(OK)
        results: list[bool] = []
        for _ in range(300):
            s.script.play(status(500), OK)
            await s.client.properties.get("prop_123")
            results.append(True)
        return results

    assert len(played(main)) == 300


@pytest.mark.parametrize(("step", "retries"), [(status(429), 100), (LOST, 35)])
def test_a_429_costs_less_than_a_failure(step: Step, retries: int) -> None:
    async def main() -> int:
        s = stage(step, max_attempts=1000, deadline=None)
        await failure_of(s.client.properties.get("prop_123"))
        return s.sent - 1

    assert played(main) == retries


def test_one_budget_can_serve_several_clients_and_none_means_no_retries() -> None:
    async def main() -> tuple[int, int]:
        budget = RetryBudget(size=14)
        one, other = stage(status(500), retry_budget=budget), stage(status(500), retry_budget=budget)
        await failure_of(one.client.properties.get("prop_123"))
        await failure_of(other.client.properties.get("prop_123"))
        return one.sent, other.sent

    assert played(main) == (2, 1)


def test_what_is_never_repeated_costs_nothing() -> None:
    async def main() -> int:
        budget = RetryBudget()
        s = stage(LOST, retry_budget=budget)
        await failure_of(create(s.client))
        return budget.left

    assert played(main) == 500


@pytest.mark.parametrize("settings", [{"size": -1}, {"transient_cost": -1}, {"throttled_cost": -1}], ids=str)
def test_negative_numbers_are_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="0 or more"):
        RetryBudget(**settings)


@given(st.lists(st.sampled_from(["fail", "throttled", "success", "success after retry"])), st.integers(0, 600))
def test_it_never_leaves_its_bounds(events: list[str], size: int) -> None:
    budget = RetryBudget(size=size)
    for event in events:
        before = budget.left
        if event in {"fail", "throttled"}:
            cost = budget.spend(throttled=event == "throttled")
            assert (cost is None) == (before < (5 if event == "throttled" else 14))
            assert budget.left == before - (cost or 0)
        else:
            budget.put_back(0 if event == "success" else 14)
            assert before <= budget.left
        assert 0 <= budget.left <= size
