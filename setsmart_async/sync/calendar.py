"""Every property's calendar, property by property."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import date, datetime, timedelta
from typing import Final

import attrs

from setsmart_async.client import SetSmart
from setsmart_async.errors import NotFoundError
from setsmart_async.records.calendar_day import CalendarDay
from setsmart_async.sync.rows import day_rows
from setsmart_async.sync.steps import Step

_PATIENCE: Final = 16
_ONE_DAY: Final = timedelta(days=1)

Following = Callable[[str | None], Awaitable[list[str]]]
"""Gives the ids of some properties behind this one, in order; none at the end."""


@attrs.frozen(kw_only=True)
class Horizon:
    """Which days of a calendar are kept up to date."""

    first: date
    days: int
    """How many."""
    days_per_request: int
    """How many of them are asked for at once."""

    @classmethod
    def of(cls, moment: datetime, days: int, days_per_request: int) -> Horizon:
        """From yesterday (UTC) on: somewhere it is still that day."""
        return cls(first=moment.date() - _ONE_DAY, days=days, days_per_request=days_per_request)

    async def read(self, client: SetSmart, property_id: str) -> list[CalendarDay]:
        """A property's days. Raises the errors of a call."""
        found: list[CalendarDay] = []
        for offset in range(0, self.days, self.days_per_request):
            start = self.first + timedelta(days=offset)
            end = start + timedelta(days=min(self.days_per_request, self.days - offset) - 1)
            found += await client.calendar.get(property_id, start_date=start, end_date=end)
        return found


async def calendar_steps(
    client: SetSmart,
    following: Following,
    checkpoint: str | None,
    horizon: Horizon,
    *,
    in_flight: int,
    now: Callable[[], datetime],
) -> AsyncGenerator[Step, None]:
    """The calendars of all properties behind `checkpoint`, a property's id, `in_flight` of them at once.

    A property that is gone gives no days, and one that has no calendar neither. Raises `NotFoundError` where there are
    properties, and none of the first has a calendar: then the server offers none.
    """
    are_offered = checkpoint is not None
    held_back, absent = list[Step](), None
    tasks: deque[asyncio.Task[tuple[Step, NotFoundError | None]]] = deque()
    waiting: deque[str] = deque(await following(checkpoint))
    try:
        while tasks or waiting:
            while waiting and len(tasks) < in_flight:
                property_id = waiting.popleft()
                tasks.append(asyncio.create_task(_asked(client, property_id, horizon, now)))
                if not waiting:
                    waiting.extend(await following(property_id))
            step, fault = await tasks[0]
            tasks.popleft()
            are_offered = are_offered or not step.vanished
            held_back.append(step)
            absent = absent or fault
            if absent is not None and not are_offered and (len(held_back) >= _PATIENCE or not (tasks or waiting)):
                raise absent
            if are_offered:
                for each in held_back:
                    yield each
                held_back.clear()
        for each in held_back:
            yield each
        yield Step(rows=[], checkpoint=None, asked_at=now())
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _asked(
    client: SetSmart, property_id: str, horizon: Horizon, now: Callable[[], datetime]
) -> tuple[Step, NotFoundError | None]:
    """A property's days, and the answer of the server where it has the property and no calendar of it."""
    asked_at = now()
    try:
        days = await horizon.read(client, property_id)
    except NotFoundError as fault:
        has_none = await _exists(client, property_id)
        return Step(rows=[], checkpoint=property_id, asked_at=asked_at, vanished=1), fault if has_none else None
    return Step(rows=day_rows(property_id, days), checkpoint=property_id, asked_at=asked_at), None


async def _exists(client: SetSmart, property_id: str) -> bool:
    try:
        await client.properties.get(property_id)
    except NotFoundError:
        return False
    return True
