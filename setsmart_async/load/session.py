"""From settings to a report: look at the server, make a client, take ids, run, and gather the figures."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from random import Random
from typing import cast

import attrs

from setsmart_async.client import SetSmart
from setsmart_async.clock import Clock, SystemClock
from setsmart_async.config import origin_from
from setsmart_async.keys import ApiKey
from setsmart_async.load.meter import Meter
from setsmart_async.load.operations import Operations
from setsmart_async.load.report import Environment, Report
from setsmart_async.load.run import LoadPlan, LoadRun
from setsmart_async.load.target import Sandbox, check_it_answers
from setsmart_async.load.windows import QuotaUse, QuotaWindow, windows_of
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.transports.aiohttp import AiohttpTransport
from setsmart_async.version import __version__
from setsmart_async.wire import JsonObject


@attrs.frozen(kw_only=True)
class LoadSettings:
    """What to load, with what."""

    plan: LoadPlan
    base_url: str | None = None
    """None: that of the environment."""
    api_key: ApiKey | None = None
    """None: that of the environment."""
    own_sandbox: bool = False
    """Whether the sandbox there was started for this run."""
    connections: int = 100
    """The most requests under way at once."""
    deadline: float | None = 60.0
    """Seconds for a call, waiting and retries together; None: no limit."""
    max_attempts: int = 3
    """Attempts of a call; 1: nothing is repeated."""


class LoadSession:
    """One run, prepared."""

    def __init__(self, settings: LoadSettings, sandbox: Sandbox, client: SetSmart, meter: Meter, run: LoadRun) -> None:
        self.client: SetSmart = client
        """What the calls are made with."""
        self.load: LoadRun = run
        """To be watched, and stopped."""
        self._settings, self._sandbox, self._meter = settings, sandbox, meter

    async def run(self) -> Report:
        """Run to the end; what came of it."""
        requests_before = cast(int, (await self._sandbox.live())["requests"]) - self._meter.requests
        started, began, used_before = datetime.now(UTC), time.perf_counter(), time.process_time()
        await self.load.run()
        processor_share = (time.process_time() - used_before) / (time.perf_counter() - began)
        looked_at = self.load.elapsed
        live, stats = await self._sandbox.live(), await self._sandbox.stats()
        others = cast(int, stats["requests"]) - requests_before - self._meter.requests
        return Report(
            environment=self._environment(live, started),
            plan=self._settings.plan,
            connections=self._settings.connections,
            ended=self.load.ended,
            recorder=self.load.recorder,
            lag=self.load.lag,
            quota=QuotaUse(self._windows(live, stats, looked_at), max(0, others)),
            processor_share=processor_share,
        )

    def _windows(self, live: JsonObject, stats: JsonObject, looked_at: float) -> tuple[QuotaWindow, ...]:
        begin = self.load.measured_from
        return windows_of(
            stats,
            live,
            looked_at=looked_at,
            last_answer=self._meter.answered_at - begin,
            measured=self.load.measured,
            limits=[(moment - begin, limit) for moment, limit in self._meter.limits],
        )

    def _environment(self, live: JsonObject, started: datetime) -> Environment:
        rule = cast(JsonObject, live["rule"])
        algorithm = str(rule["algorithm"])
        return Environment(
            target=str(self.client.origin),
            own_sandbox=self._settings.own_sandbox,
            rule=f"{rule['limit']} requests per {rule['window']:g} s, {algorithm}",
            algorithm=algorithm,
            started=started.isoformat(timespec="seconds"),
            setsmart_async=__version__,
            python=platform.python_version(),
            event_loop=_loop_in_use(),
            machine=f"{platform.system()} {platform.machine()}",
            processors=os.cpu_count() or 1,
            load_average=os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        )


@asynccontextmanager
async def prepared(settings: LoadSettings) -> AsyncGenerator[LoadSession, None]:
    """A run against a server that is a sandbox for sure, with ids taken from it; closed with the block.

    Raises `ConfigurationError` for any other server, before a key is sent, and for a mix that it has nothing for; and
    the errors of a call.
    """
    clock, plan = SystemClock(), settings.plan
    origin = origin_from(settings.base_url, os.environ)
    async with aclosing(AiohttpTransport()) as transport:
        sandbox = await Sandbox.at(origin, transport)
        before = await sandbox.live()
        meter = Meter(transport, clock)
        async with _client(settings, meter, clock) as client:
            operations = Operations(client, Random(plan.seed))  # noqa: S311 - ids to call with, no secrets
            await operations.gather(plan.mix, plan.calls)
            check_it_answers(before, await sandbox.live())
            yield LoadSession(settings, sandbox, client, meter, LoadRun(plan, operations.perform, clock))


def _client(settings: LoadSettings, meter: Meter, clock: Clock) -> SetSmart:
    return SetSmart(
        settings.api_key,
        base_url=settings.base_url,
        transport=meter,
        observer=meter.observe,
        max_concurrency=settings.connections,
        deadline=settings.deadline,
        retry=RetryPolicy(max_attempts=settings.max_attempts),
        clock=clock,  # a limiter of its own: no other client of this process takes from the quota that is measured
    )


def _loop_in_use() -> str:
    module = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return module if module == "asyncio" else f"{module} {version(module)}"
