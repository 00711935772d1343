"""Records by their ids, whole and as they come: what a list left out, and what it did not list at all."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import cast

import attrs

from setsmart_async.client import SetSmart
from setsmart_async.errors import NotFoundError
from setsmart_async.records.codec import decode_record
from setsmart_async.sync.rows import Listed, Row, row_of
from setsmart_async.sync.steps import Step
from setsmart_async.sync.tables import SyncedResource
from setsmart_async.wire import JsonObject


@attrs.frozen(kw_only=True)
class WholeRecord:
    """Any record, its fields as they came."""

    id: str
    extra: Mapping[str, object] = attrs.field(factory=dict[str, object], hash=False, repr=False)


@attrs.frozen(kw_only=True)
class Found:
    """What the server says of some ids."""

    there: list[Row]
    """In the order in which they were asked for."""
    gone: list[str]
    """404 or 410."""
    asked_at: datetime


class Details:
    """Asks for the records of one resource by their ids."""

    def __init__(
        self, client: SetSmart, resource: SyncedResource, *, in_flight: int, now: Callable[[], datetime]
    ) -> None:
        self._records = client.resource(f"/{resource.name}", WholeRecord)
        self._resource = resource
        self._in_flight = in_flight
        self._now = now

    async def ask(self, ids: Iterable[str]) -> Found:
        """What has become of each of them. Ids that can not be asked for are left out.

        Raises the errors of a call, but for `NotFoundError`.
        """
        asked, asked_at = list(ids), self._now()
        rows, gone = dict[str, Row](), list[str]()
        async with aclosing(self._records.get_many(asked, concurrency=self._in_flight)) as results:
            async for result in results:
                if isinstance(result.error, NotFoundError):
                    gone.append(result.id)
                elif result.value is not None:
                    rows[result.id] = self._row(result.value)
                elif not isinstance(result.error, ValueError):
                    result.unwrap()
        return Found(there=[rows[id_] for id_ in asked if id_ in rows], gone=gone, asked_at=asked_at)

    async def fill(self, steps: AsyncGenerator[Step, None]) -> AsyncGenerator[Step, None]:
        """The same pages, with each record as it is by its id; as it is listed, where its id can not be asked for."""
        async with aclosing(steps) as pages:
            async for step in pages:
                found = await self.ask(dict.fromkeys(row.id for row in step.rows))
                whole, listed = {row.id: row for row in found.there}, {row.id: row for row in step.rows}
                rows = [whole.get(id_, row) for id_, row in listed.items() if id_ not in found.gone]
                yield attrs.evolve(step, rows=rows, vanished=len(found.gone), asked_at=found.asked_at)

    def _row(self, whole: WholeRecord) -> Row:
        item = cast("JsonObject", {"id": whole.id, **whole.extra})
        record = cast(Listed, decode_record(self._resource.record, item))
        return row_of(self._resource, record, item)
