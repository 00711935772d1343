"""Where the time goes: waiting for quota and time in the server, told apart through a whole client."""

from random import Random

import pytest
import virtual_time
from virtual_time import VirtualClock

from setsmart_async import SetSmart
from setsmart_async.load.meter import Meter
from setsmart_async.load.mix import Mix
from setsmart_async.load.operations import Operations
from setsmart_async.load.run import LoadPlan, LoadRun
from setsmart_async.load.schedule import OpenModel
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.transports.memory import MemoryTransport

LATENCY = 0.05


def loaded(rate: float, rule: QuotaRule, *, limit_later: int | None = None) -> tuple[LoadRun, Meter, SandboxApi]:
    """Ten seconds of load on a sandbox in memory whose answers take 50 ms."""

    async def main() -> tuple[LoadRun, Meter, SandboxApi]:
        clock = VirtualClock()
        api = SandboxApi(20, quota=QuotaSimulator(rule), clock=clock)
        meter = Meter(MemoryTransport(api.handle, latency=LATENCY), clock)
        mix = Mix.parse("properties.get=1")
        client = SetSmart(
            SANDBOX_API_KEY,
            base_url="http://127.0.0.1:1/v1",
            transport=meter,
            observer=meter.observe,
            clock=clock,
        )
        async with client:
            operations = Operations(client, Random(1))
            await operations.gather(mix, 0)
            load = LoadRun(LoadPlan(mix=mix, model=OpenModel(rate), duration=10.0), operations.perform, clock)
            if limit_later is not None:
                api.quota.rule = QuotaRule(limit_later, rule.window)
            await load.run()
        return load, meter, api

    return virtual_time.run(main())


def test_with_quota_to_spare_all_the_time_is_the_servers() -> None:
    load, meter, api = loaded(5.0, QuotaRule(1_000, 1.0))
    figures = load.recorder.all
    assert figures.waited.max == 0.0
    assert figures.server.percentile(50) == figures.server.max == pytest.approx(LATENCY)
    assert figures.latency.max == pytest.approx(LATENCY)
    assert meter.requests == api.statistics.requests
    assert figures.statuses == {200: figures.calls}


def test_without_it_the_rest_is_waiting_and_no_second_is_lost() -> None:
    load, _, api = loaded(20.0, QuotaRule(50, 5.0))  # twice what the quota lets through
    figures = load.recorder.all
    assert figures.waited.percentile(99) is not None
    assert figures.waited.max > 3.0
    assert figures.server.max == pytest.approx(LATENCY)
    assert figures.waited.total + figures.server.total == pytest.approx(figures.latency.total, rel=1e-6)
    assert figures.rate_limited == api.statistics.by_status[429] == 0


def test_limits_are_noted_when_they_change() -> None:
    _, meter, _ = loaded(5.0, QuotaRule(1_000, 1.0), limit_later=500)
    assert [limit for _, limit in meter.limits] == [1_000, 500]
