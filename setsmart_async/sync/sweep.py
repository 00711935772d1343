"""Rows that a complete pass did not meet: asked for one by one, and marked as deleted only when they are gone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from functools import partial
from typing import Final

from setsmart_async.errors import SyncIncompleteError
from setsmart_async.sync.details import Details
from setsmart_async.sync.progress import Pass
from setsmart_async.sync.store import Standing, Store, Written
from setsmart_async.sync.tables import SyncedResource
from setsmart_async.sync.writer import Writer

_AT_ONCE: Final = 200
_A_HANDFUL: Final = 3
"""So few may go at once whatever their share: an owner of four homes may sell one."""
_PROBES: Final = 3


def refusal(standing: Standing, resource: SyncedResource, *, min_seen: float) -> str | None:
    """Why nothing may be marked as deleted after this pass, though it seems complete; None: it may."""
    if standing.unseen <= _A_HANDFUL or standing.live - standing.unseen >= min_seen * standing.live:
        return None
    return (
        f"{standing.unseen} of {standing.live} {resource.many} that were there are listed no more, which is more than "
        f"may go at once. Nothing was marked as deleted. If it is true, say so with --min-seen 0 (min_seen=0)"
    )


async def swept(
    ended: Pass, details: Details, store: Store, writer: Writer, now: Callable[[], datetime]
) -> AsyncGenerator[Written, None]:
    """Ask for every row that the pass did not meet: gone, and it is marked; still there, and it is healed.

    Each batch is one transaction, so that a sweep too goes on where it was. Raises `SyncIncompleteError` where a
    record that was listed just now can not be found by its id either, so that 404 says nothing; and the errors of a
    call.
    """
    after, reached = "", ended
    while ids := await writer.do(partial(store.unseen, reached, after=after, limit=_AT_ONCE)):
        if not after:
            await _check_that_ids_can_be_asked_for(reached, details, store, writer)
        found = await details.ask(ids)
        settle = partial(store.settle, reached, gone=found.gone, there=found.there, asked_at=found.asked_at, now=now())
        written = await writer.do(settle)
        reached, after = written.reached, ids[-1]
        yield written


async def _check_that_ids_can_be_asked_for(ended: Pass, details: Details, store: Store, writer: Writer) -> None:
    probes = await writer.do(partial(store.seen, ended, limit=_PROBES))
    for probe in probes:
        if (await details.ask([probe])).there:
            return
    if probes:
        raise SyncIncompleteError(
            "What is listed can not be found by its id, so that 404 proves nothing: nothing was marked as deleted."
        )
