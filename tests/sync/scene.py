"""An account in memory, a database in a file, and what a sync makes of the two."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypedDict, Unpack
from urllib.parse import parse_qsl, urlsplit

from setsmart_async import Clock, HttpRequest, HttpResponse, MemoryTransport, SetSmart, SystemClock
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.sync import Mode, ResourceName, Sync, SyncProgress, SyncResult, Tally
from setsmart_async.wire import Json, JsonObject

STYLES: tuple[PagingStyle, ...] = ("cursor", "page", "link", "array")
"""Those whose pages are read once; offsets are read with a row of the page before."""
ORIGIN = "http://127.0.0.1:1/v1"

Handler = Callable[[HttpRequest], HttpResponse]
PROPERTIES_ALONE: tuple[ResourceName, ...] = ("properties",)


class Options(TypedDict, total=False):
    """What `Sync` takes besides."""

    mode: Mode
    full_refresh: bool
    reset: bool
    dry_run: bool
    overlap: float
    min_seen: float
    days_ahead: int
    days_per_request: int
    in_flight: int
    source: str | None
    account: str | None
    new_key: bool
    progress: Callable[[SyncProgress], None] | None
    clock: Clock | None


class Impatient(SystemClock):
    """A clock whose sleeps take no time."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def account(count: int, paging: PagingStyle = "cursor") -> SandboxApi:
    """A sandbox with so many properties, and quota enough."""
    return SandboxApi(
        seed_properties(count), paging=paging, quota=QuotaSimulator(QuotaRule(limit=1_000_000, window=3600))
    )


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def sync(
    server: SandboxApi | Handler,
    path: Path,
    *,
    to: str | None = None,
    page_size: int = 10,
    key: str = SANDBOX_API_KEY,
    base_url: str = ORIGIN,
    latency: float = 0.0,
    resources: Collection[ResourceName] | None = PROPERTIES_ALONE,
    **options: Unpack[Options],
) -> SyncResult:
    """One run in an event loop of its own, over the memory transport."""
    handler = server.handle if isinstance(server, SandboxApi) else server
    database = url(path) if to is None else to

    async def run() -> SyncResult:
        tally = Tally()
        transport = MemoryTransport(handler, latency=latency)
        async with SetSmart(key, base_url=base_url, transport=transport, observer=tally, clock=Impatient()) as client:
            return await Sync(client, database, resources=resources, page_size=page_size, tally=tally, **options).run()

    return asyncio.run(run())


def table(path: Path, name: str = "properties") -> list[dict[str, Any]]:
    """Every row of a table, read by other means than the library's."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM {name} ORDER BY rowid")]


def state(path: Path, resource: str = "properties") -> dict[str, Any]:
    """The resource's row of the sync's own table."""
    [row] = [row for row in table(path, "setsmart_sync") if row["resource"] == resource]
    return row


def stored(path: Path, name: str = "properties") -> dict[str, JsonObject]:
    """What the database holds and is not deleted, by id: the objects as they came."""
    return {row["id"]: json.loads(row["raw"]) for row in table(path, name) if row["deleted_at"] is None}


def tombs(path: Path, name: str = "properties") -> set[str]:
    """The ids of what is marked as deleted."""
    return {row["id"] for row in table(path, name) if row["deleted_at"] is not None}


def held(api: SandboxApi) -> dict[str, JsonObject]:
    """What the server holds, by id."""
    return {str(record["id"]): record for record in api.properties}


def steps() -> tuple[list[SyncProgress], Callable[[SyncProgress], None]]:
    """A list, and what fills it with a sync's progress."""
    seen: list[SyncProgress] = []
    return seen, seen.append


def query_of(request: HttpRequest) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.target).query))


def answer(body: Json) -> HttpResponse:
    return HttpResponse(status=200, body=json.dumps(body).encode())


def homes(numbers: Iterable[int]) -> list[Json]:
    """The least that makes a property, by number."""
    return [{"id": f"prop_{number}", "name": f"Home {number}"} for number in numbers]


def numbered(pages: list[list[Json]], totals: Iterator[int] | int | None = None) -> Handler:
    """A server whose pages have numbers, and a total where one is given."""

    def handle(request: HttpRequest) -> HttpResponse:
        number = int(query_of(request).get("page", "1"))
        body: JsonObject = {"data": pages[number - 1], "page": number, "total_pages": len(pages)}
        if totals is not None:
            body["total"] = totals if isinstance(totals, int) else next(totals)
        return answer(body)

    return handle


def chained(pages: dict[str, tuple[list[Json], str | None]], total: int | None = None) -> Handler:
    """A server whose pages lead on by cursor; the first one's is empty."""

    def handle(request: HttpRequest) -> HttpResponse:
        items, following = pages[query_of(request).get("cursor", "")]
        body: JsonObject = {"data": items, "next_cursor": following}
        if total is not None:
            body["total"] = total
        return answer(body)

    return handle
