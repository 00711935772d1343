"""The calendar: which nights can be booked, and for how much. All of it is provisional."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from datetime import date

import attrs

from setsmart_async.config import CallOptions
from setsmart_async.contract import CALENDAR_GET, CALENDAR_PUSH, Dialect
from setsmart_async.engine.engine import Engine
from setsmart_async.errors import SetSmartError
from setsmart_async.records.calendar_day import CalendarDay
from setsmart_async.records.stay import check_calendar_range
from setsmart_async.resources.calendar_ranges import CalendarChange, CalendarRange, chunked, merged
from setsmart_async.resources.calls import Calls
from setsmart_async.resources.many import as_completed
from setsmart_async.wire import HttpResponse, Json

_ACCEPTED = 202


@attrs.frozen(kw_only=True)
class PushedChunk:
    """What became of one request of a push: of some days of one property."""

    property_id: str
    start_date: date
    """The chunk's first day."""
    end_date: date
    """The chunk's last day, inclusive. Days between that were not to change are not part of it."""
    days: int
    """How many days were to change."""
    pending: bool = False
    """True: the server has accepted the days (202), and changes them later."""
    error: SetSmartError | ValueError | None = None
    """None: done. Its `outcome` says whether the days may have changed; pushing them again does no harm."""

    def unwrap(self) -> None:
        """Raise the error when there is one."""
        if self.error is not None:
            raise self.error


class Calendar:
    """The calendars of the account's properties (provisional)."""

    def __init__(self, engine: Engine, options: CallOptions, dialect: Dialect) -> None:
        self._calls = Calls("calendar", engine, options, dialect)
        self._get, self._push = dialect.operation(CALENDAR_GET), dialect.operation(CALENDAR_PUSH)

    async def get(self, property_id: str, *, start_date: date, end_date: date) -> list[CalendarDay]:
        """The days of a property from `start_date` to `end_date`, **both included**, in the server's order.

        Raises `ValueError` for a range without a day, `NotFoundError` when there is no such property, and the errors
        of every call.
        """
        check_calendar_range(start_date, end_date)
        filters = {"start_date": start_date, "end_date": end_date}
        return await self._calls.listing(CalendarDay, self._get, filters, None, None, id=property_id).all()

    async def push(
        self, property_id: str, changes: Iterable[CalendarChange], *, chunk_days: int = 60
    ) -> list[PushedChunk]:
        """Change days of one property: a result for each request, in the order of days; no failure loses the others.

        Equal neighbouring days become one range; a later change counts where two name the same day and field. At most
        `chunk_days` days go with one request, one request after the other. Waiting for quota does not count against
        the deadline. An id or a field that can not be sent is a `ValueError` in the result.
        """
        return await self._push_one(property_id, changes, chunk_days)

    async def push_many(
        self,
        changes: Mapping[str, Iterable[CalendarChange]],
        *,
        chunk_days: int = 60,
        concurrency: int = 16,
    ) -> AsyncGenerator[PushedChunk, None]:
        """Change days of many properties, by id: side by side, and within a property as `push` does.

        `concurrency` is the most properties at once. Gives the results of a property when it is done.
        """

        async def one(item: tuple[str, Iterable[CalendarChange]]) -> Sequence[PushedChunk]:
            return await self._push_one(*item, chunk_days)

        async with aclosing(as_completed(changes.items(), one, concurrency=concurrency)) as pushed:
            async for chunks in pushed:
                for chunk in chunks:
                    yield chunk

    async def _push_one(
        self, property_id: str, changes: Iterable[CalendarChange], chunk_days: int
    ) -> list[PushedChunk]:
        if chunk_days < 1:
            raise ValueError("chunk_days must be 1 or more.")
        calls = self._calls.patient()
        return [await self._send(calls, property_id, chunk) for chunk in chunked(merged(changes), chunk_days)]

    async def _send(self, calls: Calls, property_id: str, chunk: Sequence[CalendarRange]) -> PushedChunk:
        done = PushedChunk(
            property_id=property_id,
            start_date=chunk[0].start_date,
            end_date=chunk[-1].end_date,
            days=sum(each.days for each in chunk),
        )
        try:
            days: list[Json] = [
                calls.passed({**each.fields, "start_date": each.start_date, "end_date": each.end_date})
                for each in chunk
            ]
            body: Json = {calls.dialect.calendar_key: days}
            call = calls.call(self._push, id=property_id, body=body, decode=_is_pending)
            return attrs.evolve(done, pending=(await calls.engine.run(call)).value)
        except (SetSmartError, ValueError) as error:
            return attrs.evolve(done, error=error)


def _is_pending(response: HttpResponse) -> bool:
    return response.status == _ACCEPTED
