"""`setsmart bench`: load against a sandbox, and what came of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final, Literal

import attrs
from cyclopts import Group, Parameter

from setsmart_async.cli.durations import in_words, seconds_of
from setsmart_async.cli.exit_codes import CommandError, ExitCode
from setsmart_async.errors import ConfigurationError
from setsmart_async.load.mix import DEFAULT, Mix
from setsmart_async.load.report import Report
from setsmart_async.load.run import LoadPlan
from setsmart_async.load.schedule import Arrivals, ClosedModel, OpenModel
from setsmart_async.load.session import LoadSession, LoadSettings, prepared
from setsmart_async.load.text import as_text, in_short
from setsmart_async.load.thresholds import parse_thresholds
from setsmart_async.wire import encode_json

_REFRESH: Final = 0.5
_DEFAULT_RATE: Final = 5.0

Flag = Annotated[bool, Parameter(negative=(), show_default=False)]
EventLoop = Literal["auto", "asyncio", "uvloop"]

_SERVER: Final = Group("The server", sort_key=1)
_LOAD: Final = Group("The load", sort_key=2)
_REPORT: Final = Group("The report", sort_key=3)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class BenchOptions:
    """What `setsmart bench` was called with."""

    sandbox: Annotated[Flag, Parameter(group=_SERVER, help="Against a sandbox of its own, in another process.")] = False
    base_url: Annotated[str | None, Parameter(group=_SERVER, help="The sandbox, instead of SETSMART_BASE_URL.")] = None
    limit: Annotated[
        int | None, Parameter(group=_SERVER, help="With --sandbox: requests per window; 100 when left out.")
    ] = None
    window: Annotated[
        str | None, Parameter(group=_SERVER, help="With --sandbox: the window's length; 10s when left out.")
    ] = None
    algorithm: Annotated[
        Literal["fixed", "sliding", "bucket"] | None,
        Parameter(group=_SERVER, help="With --sandbox: how it counts; fixed."),
    ] = None
    rate: Annotated[
        float | None,
        Parameter(group=_LOAD, help="Open model: calls a second, whether earlier ones are answered or not; 5."),
    ] = None
    arrivals: Annotated[Arrivals, Parameter(group=_LOAD, help="Open model: at random, as users come, or evenly.")] = (
        "poisson"
    )
    concurrency: Annotated[
        int | None,
        Parameter(group=_LOAD, help="Closed model, instead of --rate: callers, each of whom waits for its answer."),
    ] = None
    mix: Annotated[
        str,
        Parameter(group=_LOAD, help="Operations and weights; a priority behind an @: properties.get@interactive=10."),
    ] = DEFAULT
    duration: Annotated[str, Parameter(group=_LOAD, help="How long is measured.")] = "30s"
    warm_up: Annotated[str, Parameter(group=_LOAD, help="The same load before that, left out of the figures.")] = "2s"
    drain: Annotated[str, Parameter(group=_LOAD, help="How long calls may still take when the time is over.")] = "10s"
    connections: Annotated[
        int, Parameter(group=_LOAD, help="Requests under way at once, at most (max_concurrency).")
    ] = 100
    deadline: Annotated[str, Parameter(group=_LOAD, help="Of each call, waiting and retries together.")] = "60s"
    attempts: Annotated[int, Parameter(group=_LOAD, help="Of each call, at most; 1: nothing is repeated.")] = 3
    seed: Annotated[int, Parameter(group=_LOAD, help="The same arrivals and operations for the same number.")] = 1
    fail_if: Annotated[
        str,
        Parameter(
            group=_REPORT,
            show_default=False,
            name=("--fail-if", "--fail-unless"),
            help="What must hold, else the exit code is 10: p99<500ms,429==0,error_rate<1%,goodput>95%. Also p50 to "
            "p99.99, max, mean, wait.p99, server.p99, errors, unfinished, calls, throughput, and of one operation "
            "properties.get:p99<50ms.",
        ),
    ] = ""
    event_loop: Annotated[EventLoop, Parameter(group=_LOAD, help="auto: uvloop where it is installed.")] = "auto"
    html: Annotated[Path | None, Parameter(group=_REPORT, help="Write the report with plots into this file.")] = None
    json: Annotated[Flag, Parameter(group=_REPORT, help="The report as one JSON object on stdout.")] = False


def bench(options: BenchOptions = BenchOptions()) -> int:
    """Load a sandbox, and say how long calls took, where the time went, and how much of the quota was used.

    Latency counts from when a call was due. Any server that is no sandbox is refused. Ctrl-C ends the run early, and
    it reports still.
    """
    thresholds = parse_thresholds(options.fail_if)
    plan, loop_factory = _plan(options), _loop_factory(options.event_loop)
    with ExitStack() as stack, asyncio.Runner(loop_factory=loop_factory) as runner:
        report = runner.run(_measured(_settings(options, plan, stack))).judged(thresholds)
    if options.html is not None:
        _write(options.html, report)
    print(encode_json(report.as_json()).decode() if options.json else as_text(report), flush=True)
    if report.ended == "interrupted":
        return ExitCode.INTERRUPTED
    missed = [verdict for verdict in report.verdicts if not verdict.holds]
    if missed:
        names = ", ".join(verdict.threshold.text for verdict in missed)
        raise CommandError(f"not fulfilled: {names}", ExitCode.THRESHOLD_MISSED)
    return ExitCode.DONE


def _plan(options: BenchOptions) -> LoadPlan:
    if options.rate is not None and options.concurrency is not None:
        raise ConfigurationError("--rate is the open model and --concurrency the closed one: choose one of them.")
    if options.concurrency is not None:
        model: OpenModel | ClosedModel = ClosedModel(options.concurrency)
    else:
        model = OpenModel(_DEFAULT_RATE if options.rate is None else options.rate, options.arrivals)
    return LoadPlan(
        mix=Mix.parse(options.mix),
        model=model,
        duration=seconds_of(options.duration, "--duration"),
        warm_up=seconds_of(options.warm_up, "--warm-up"),
        drain=seconds_of(options.drain, "--drain"),
        seed=options.seed,
    )


def _settings(options: BenchOptions, plan: LoadPlan, stack: ExitStack) -> LoadSettings:
    """What to run; a sandbox of its own is started first, and ends with the stack."""
    settings = LoadSettings(
        plan=plan,
        base_url=options.base_url,
        connections=options.connections,
        deadline=seconds_of(options.deadline, "--deadline"),
        max_attempts=options.attempts,
    )
    of_the_sandbox = (options.limit, options.window, options.algorithm)
    if not options.sandbox:
        if any(each is not None for each in of_the_sandbox):
            raise ConfigurationError("--limit, --window and --algorithm are of the sandbox that --sandbox starts.")
        return settings
    if options.base_url is not None:
        raise ConfigurationError("--sandbox brings a server of its own: leave out --base-url.")
    from setsmart_async.cli.bench_sandbox import sandbox_process
    from setsmart_async.keys import ApiKey
    from setsmart_async.sandbox.quota import QuotaRule

    rule = QuotaRule(
        100 if options.limit is None else options.limit,
        seconds_of(options.window or "10s", "--window"),
        options.algorithm or "fixed",
    )
    started = stack.enter_context(sandbox_process(rule))
    return attrs.evolve(settings, base_url=started.base_url, api_key=ApiKey(started.api_key), own_sandbox=True)


async def _measured(settings: LoadSettings) -> Report:
    async with prepared(settings) as session:
        running = asyncio.create_task(session.run())
        with _shown(session):
            try:
                return await asyncio.shield(running)
            except asyncio.CancelledError:  # Ctrl-C; the second one ends it at once
                current = asyncio.current_task()
                assert current is not None  # noqa: S101 - a coroutine runs in a task
                current.uncancel()
                session.load.stop()
                print("setsmart: ending early; once more to end at once", file=sys.stderr)
        return await running


def _loop_factory(wanted: EventLoop) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """What makes the event loop; None: asyncio's own."""
    if wanted == "asyncio" or (wanted == "auto" and find_spec("uvloop") is None):
        return None
    try:
        factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    except ImportError:
        raise ConfigurationError("--event-loop uvloop needs it installed: pip install uvloop.") from None
    return factory


def _write(path: Path, report: Report) -> None:
    from setsmart_async.load.page import as_page

    try:
        path.write_text(as_page(report), encoding="utf-8")
    except OSError as fault:
        text = f"The report can not be written to {path} ({fault.strerror})."
        raise CommandError(text, ExitCode.USAGE) from None
    print(f"setsmart: the report with plots is in {path}", file=sys.stderr)


@contextmanager
def _shown(session: LoadSession) -> Generator[None, None, None]:
    """A line on a terminal's stderr that says how it goes."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.status import Status

    status = Status("", console=Console(stderr=True), refresh_per_second=2)

    async def keep_refreshing() -> None:
        while True:
            status.update(_progress(session))
            await asyncio.sleep(_REFRESH)

    refreshing = asyncio.create_task(keep_refreshing())
    try:
        with status:
            yield
    finally:
        refreshing.cancel()


def _progress(session: LoadSession) -> str:
    load, figures = session.load, session.load.recorder.all
    if load.elapsed < 0:
        return f"warming up, {in_words(-load.elapsed)} more"
    left = load.recorder.duration - load.elapsed
    parts = [
        f"{in_words(left)} left" if left > 0 else "waiting for what is under way",
        f"{figures.calls:,} calls, {figures.failed:,} failed",
        f"{load.under_way:,} under way",
        f"p99 {in_short(figures.latency.percentile(99))}",
    ]
    quota = session.client.quota
    if quota.limit is not None:
        parts.append(f"quota {quota.remaining} of {quota.limit}")
    return " · ".join(parts)
