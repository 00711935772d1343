"""A report with figures that are known beforehand."""

from setsmart_async.load.lag import Lag
from setsmart_async.load.meter import CallTimes
from setsmart_async.load.mix import Mix
from setsmart_async.load.recorder import EndedCall, Recorder
from setsmart_async.load.report import Environment, Report
from setsmart_async.load.run import Ending, LoadPlan
from setsmart_async.load.schedule import ClosedModel, OpenModel
from setsmart_async.load.windows import QuotaUse, QuotaWindow

ENVIRONMENT = Environment(
    target="http://127.0.0.1:8080/v1",
    own_sandbox=True,
    rule="50 requests per 10 s, fixed",
    algorithm="fixed",
    started="2026-01-02T03:04:05+00:00",
    setsmart_async="1.2.3",
    python="3.11.9",
    event_loop="uvloop 0.23.0",
    machine="Linux x86_64",
    processors=2,
    load_average=0.5,
)


def report(
    *,
    lag: float = 0.0005,
    ended: Ending = "complete",
    model: OpenModel | ClosedModel | None = None,
    calls: int = 100,
    others: int = 0,
) -> Report:
    """A hundred calls in 30 s, of 10 ms, 20 ms ... 1 s: half waiting, half in the server; every tenth met a 429."""
    recorder, lags = Recorder(30.0), Lag()
    for number in range(calls):
        latency = 0.01 * (number + 1)
        recorder.count(
            EndedCall(
                name="properties.list" if number % 4 == 0 else "properties.get",
                due=0.29 * number,
                latency=latency,
                times=CallTimes(latency / 2, latency / 2, [429, 200] if number % 10 == 0 else [200]),
                error="404 NotFoundError" if number < 3 else None,
            )
        )
        lags.loop.record(lag)
        lags.starts.record(lag / 2)
    windows = tuple(
        QuotaWindow(
            begin=-5.0 + 10 * number,
            length=10.0,
            accepted=(30, 50, 45, 20)[number],
            refused=(0, 10, 0, 0)[number],
            limit=50,
            whole=number in (1, 2),
        )
        for number in range(4)
    )
    plan = LoadPlan(
        mix=Mix.parse("properties.get=3,properties.list=1"),
        model=OpenModel(3.4) if model is None else model,
        duration=30.0,
        warm_up=2.0,
    )
    return Report(
        environment=ENVIRONMENT,
        plan=plan,
        connections=100,
        ended=ended,
        recorder=recorder,
        lag=lags,
        quota=QuotaUse(windows if calls else (), others),
        processor_share=0.125,
    )
