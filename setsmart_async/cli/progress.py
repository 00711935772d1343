"""How a running sync is shown: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from setsmart_async.cli.durations import in_words
from setsmart_async.client import SetSmart
from setsmart_async.sync import SyncProgress

_REFRESH: Final = 0.2
_SECONDS_BETWEEN_LINES: Final = 10.0


class Pace:
    """How far a sync has come, and how fast: over the whole run, as a quota makes any shorter span misleading."""

    def __init__(self) -> None:
        self._began = time.monotonic()  # the resource that is being read
        self.latest: SyncProgress = SyncProgress(done=0, resumed_from=0, total=None)
        """The last that was told."""
        self._done: dict[str, int] = {}

    def tell(self, progress: SyncProgress) -> None:
        """What `Sync` calls with each step."""
        if progress.resource != self.latest.resource:
            self._began = time.monotonic()
        self.latest = progress
        self._done[progress.resource] = progress.done

    def done_of(self, resource: str | None) -> int:
        """How many records of a resource are in the database."""
        return self._done.get(resource or "", 0)

    @property
    def rate(self) -> float:
        """Records per second; of a calendar, properties."""
        return (self.latest.done - self.latest.resumed_from) / max(0.001, time.monotonic() - self._began)

    @property
    def left(self) -> float | None:
        """Seconds until the end, as far as can be told."""
        total, rate = self.latest.total, self.rate
        return None if total is None or not rate else max(0, total - self.latest.done) / rate

    @property
    def _noun(self) -> str:
        return "calendars" if self.latest.resource == "calendar" else self.latest.resource

    def __str__(self) -> str:
        of = "" if self.latest.total is None else f" of {self.latest.total:,}"
        left = "" if self.left is None else f", {in_words(self.left)} left"
        return f"{self.latest.done:,}{of} {self._noun}, {self.rate:,.0f} per second{left}"


class _LoggedPace(Pace):
    """For logs: a line from time to time, so that a short sync leaves none."""

    def __init__(self) -> None:
        super().__init__()
        self._next = time.monotonic() + _SECONDS_BETWEEN_LINES

    def tell(self, progress: SyncProgress) -> None:
        super().tell(progress)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _SECONDS_BETWEEN_LINES
            print(self, file=sys.stderr, flush=True)


@contextmanager
def shown(client: SetSmart) -> Generator[Pace, None, None]:
    """Show on stderr, until the block ends, what the `Pace` is told."""
    if sys.stderr.isatty():
        pace = Pace()
        with _bar(client, pace):
            yield pace
    else:
        yield _LoggedPace()


@contextmanager
def _bar(client: SetSmart, pace: Pace) -> Generator[None, None, None]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("Syncing"),
        BarColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("[dim]{task.fields[quota]}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    task = bar.add_task("", total=None, pace="", quota="")

    def refresh() -> None:
        bar.update(
            task,
            completed=pace.latest.done,
            total=pace.latest.total,
            pace=str(pace),
            quota=_quota(client),
            refresh=True,
        )

    async def keep_refreshing() -> None:
        while True:
            refresh()
            await asyncio.sleep(_REFRESH)

    refreshing = asyncio.create_task(keep_refreshing())
    try:
        with bar:
            yield
    finally:
        refreshing.cancel()


def _quota(client: SetSmart) -> str:
    quota = client.quota
    if quota.limit is None:
        return ""
    if quota.waiting and not quota.remaining and quota.reset_after:
        return f"waiting {in_words(quota.reset_after)} for quota"
    return f"quota {quota.remaining} of {quota.limit}"
