"""The run, in virtual time: what is due is charged to the server, what is late to the generator."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import virtual_time
from virtual_time import VirtualClock

from setsmart_async.errors import DeadlineExceededError, NotFoundError
from setsmart_async.load import run as run_module
from setsmart_async.load.meter import begin_call
from setsmart_async.load.mix import Mix, MixEntry
from setsmart_async.load.recorder import UNFINISHED
from setsmart_async.load.run import LoadPlan, LoadRun
from setsmart_async.load.schedule import ClosedModel, OpenModel

MIX = Mix.parse("properties.get=1")
Server = Callable[[VirtualClock], Awaitable[None]]


def plan(model: OpenModel | ClosedModel, duration: float, *, warm_up: float = 0.0, drain: float = 30.0) -> LoadPlan:
    return LoadPlan(mix=MIX, model=model, duration=duration, warm_up=warm_up, drain=drain)


def ran(a_plan: LoadPlan, server: Server, *, meanwhile: Callable[[LoadRun], Awaitable[None]] | None = None) -> LoadRun:
    """The plan, run against a server that is a coroutine."""

    async def main() -> LoadRun:
        clock = VirtualClock()

        async def perform(_: MixEntry) -> None:
            await server(clock)

        load = LoadRun(a_plan, perform, clock)
        beside = None if meanwhile is None else asyncio.ensure_future(meanwhile(load))
        await load.run()
        assert load.under_way == 0
        if beside is not None:
            await beside
        return load

    return virtual_time.run(main())


async def quick(clock: VirtualClock) -> None:
    await clock.sleep(0.002)


def stalling(begin: float, seconds: float) -> Server:
    """Answers in 2 ms, but for a pause, counted from its first request, after which all are answered at once."""
    first: list[float] = []

    async def serve(clock: VirtualClock) -> None:
        now = clock.monotonic()
        first.append(now)
        into = now - first[0] - begin
        await clock.sleep(0.002 + (seconds - into if 0 <= into < seconds else 0.0))

    return serve


def test_a_stall_of_a_second_shows_in_the_percentiles_of_the_open_model() -> None:
    load = ran(plan(OpenModel(100.0, "constant"), 10.0), stalling(5.0, 1.0))
    latency = load.recorder.all.latency
    assert latency.count == 1_000
    # A tenth of all calls were due within the stall, and waited for its end: half a second on the mean.
    assert latency.percentile(95) == pytest.approx(0.5, abs=0.02)
    assert latency.percentile(99) == pytest.approx(0.9, abs=0.02)
    assert latency.percentile(50) == pytest.approx(0.002, abs=0.001)


def test_the_closed_model_hides_the_same_stall() -> None:
    load = ran(plan(ClosedModel(1), 10.0), stalling(5.0, 1.0))
    latency = load.recorder.all.latency
    assert latency.max == pytest.approx(1.0, abs=0.01)
    assert latency.percentile(99.9) == pytest.approx(0.002, abs=0.001)


def test_a_generator_that_is_blocked_charges_the_calls_that_were_due_and_says_that_it_lagged() -> None:
    """The loop itself stands still for a second: calls are made late, and yet count from when they were due."""
    blocked: list[float] = []

    async def serve(clock: VirtualClock) -> None:
        if not blocked and clock.monotonic() > 1_005:
            blocked.append(clock.monotonic())
            clock._loop._jumping.now += 1.0  # type: ignore[attr-defined]  # a second in which nothing ran
        await clock.sleep(0.002)

    load = ran(plan(OpenModel(100.0, "constant"), 10.0), serve)
    latency, lag = load.recorder.all.latency, load.lag
    assert latency.count == 1_000
    assert latency.percentile(99) == pytest.approx(0.9, abs=0.02)
    assert lag.starts.percentile(99) == pytest.approx(0.9, abs=0.02)
    assert lag.loop.percentile(99) == pytest.approx(0.9, abs=0.02)
    assert lag.loop.count == pytest.approx(1_000, abs=2)  # a second of silence is a hundred late looks, not one
    assert lag.voids(99, 0.9)
    assert not lag.voids(50, 0.002)


def test_a_server_that_stalls_is_no_lag_of_the_generator() -> None:
    lag = ran(plan(OpenModel(100.0, "constant"), 10.0), stalling(5.0, 1.0)).lag
    assert lag.percentile(100) == pytest.approx(0.0, abs=1e-6)
    assert not lag.voids(99.9, 0.002)


def test_the_warm_up_is_left_out() -> None:
    load = ran(plan(OpenModel(100.0, "constant"), 2.0, warm_up=3.0), stalling(1.0, 1.0))
    figures = load.recorder.all
    assert figures.calls == 200
    assert figures.latency.max == pytest.approx(0.002, abs=0.001)
    assert load.lag.starts.count == 200


def test_throughput_counts_what_ended_in_time_and_percentiles_what_was_due_in_time() -> None:
    async def slow(clock: VirtualClock) -> None:
        await clock.sleep(1.0)

    recorder = ran(plan(OpenModel(10.0, "constant"), 4.0, warm_up=2.0), slow).recorder
    assert recorder.all.calls == 40
    assert recorder.done == pytest.approx(40, abs=1)  # the last second's ended too late, the warm-up's last in time
    late = ran(plan(OpenModel(10.0, "constant"), 4.0), slow).recorder
    assert late.done == pytest.approx(30, abs=1)


def test_calls_that_never_end_count_with_the_time_that_they_had() -> None:
    async def never(_: VirtualClock) -> None:
        await asyncio.Event().wait()

    load = ran(plan(OpenModel(10.0, "constant"), 1.0, drain=2.0), never)
    figures = load.recorder.all
    assert figures.errors == {UNFINISHED: 10}
    assert figures.latency.max == pytest.approx(3.0, abs=0.01)
    assert figures.latency.percentile(10) == pytest.approx(2.1, abs=0.02)
    assert figures.waited.max == pytest.approx(3.0, abs=0.01)
    assert load.recorder.done == 0


def test_failures_are_counted_by_kind() -> None:
    calls = iter(range(1_000_000))

    async def serve(_: VirtualClock) -> None:
        match next(calls) % 3:
            case 0:
                raise NotFoundError(404)
            case 1:
                begin_call()
                raise DeadlineExceededError("queue", 1.0)

    figures = ran(plan(OpenModel(100.0, "constant"), 3.0), serve).recorder.all
    assert figures.errors == {"404 NotFoundError": 100, "DeadlineExceededError (queue)": 100}
    assert figures.failed == 200


def test_a_wait_that_was_given_up_is_a_wait() -> None:
    async def serve(clock: VirtualClock) -> None:
        await clock.sleep(2.0)
        raise DeadlineExceededError("queue", 2.0)

    figures = ran(plan(OpenModel(10.0, "constant"), 1.0), serve).recorder.all
    assert figures.waited.percentile(50) == pytest.approx(2.0, rel=0.01)


def test_a_fault_in_the_program_ends_the_run_and_comes_out() -> None:
    async def broken(_: VirtualClock) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ran(plan(OpenModel(10.0, "constant"), 1_000.0), broken)


def test_stopped_it_reports_what_was_measured_until_then() -> None:
    async def stop(load: LoadRun) -> None:
        await asyncio.sleep(3.0)
        load.stop()
        load.stop()

    load = ran(plan(OpenModel(10.0, "constant"), 100.0, warm_up=1.0), quick, meanwhile=stop)
    assert load.ended == "interrupted"
    assert load.measured == load.recorder.duration == pytest.approx(2.0)
    assert load.recorder.all.calls == pytest.approx(20, abs=1)


def test_callers_of_the_closed_model_end_with_the_run() -> None:
    load = ran(plan(ClosedModel(5), 1.0), quick)
    assert load.recorder.all.calls == pytest.approx(5 * 500, abs=10)
    assert load.ended == "complete"
    assert load.recorder.all.latency.max < 0.003


def test_what_can_never_be_done_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "MOST_UNDER_WAY", 50)

    async def never(_: VirtualClock) -> None:
        await asyncio.Event().wait()

    load = ran(plan(OpenModel(10.0, "constant"), 100.0, drain=1.0), never)
    assert load.ended == "overload"
    assert load.recorder.all.calls == 50
    assert load.measured == pytest.approx(5.0)


def test_the_same_seed_is_the_same_load() -> None:
    a_plan = plan(OpenModel(20.0), 10.0)
    one, other = (ran(a_plan, quick).recorder.all.calls for _ in range(2))
    assert one == other
