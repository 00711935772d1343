"""R-59: what comes, goes and changes between pages. Afterwards one more run, and the store is the server."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync.scene import ORIGIN, account, held, query_of, stored, sync, table, tombs

from setsmart_async import HttpRequest, MemoryTransport, SetSmart, SyncIncompleteError
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sync import Mode
from setsmart_async.sync.listings import listing_of
from setsmart_async.sync.tables import PROPERTIES
from setsmart_async.sync.walk import walk

PAGINGS: tuple[PagingStyle, ...] = ("cursor", "page", "offset", "link", "array")
NOW = 1.8e9
MODELS = int(os.environ.get("SYNC_MODELS", "15"))
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # hundreds of commits that need not reach a disk

# What happens before a request: an action, and which of the records it meets.
Actions = list[tuple[str, int]]
actions = st.lists(
    st.tuples(st.sampled_from(["insert", "delete", "update", "same instant", "nothing"]), st.integers(0, 200)),
    max_size=24,
)


def act(api: SandboxApi, action: str, which: int, moment: float) -> None:
    ids = list(held(api))
    if action == "insert":
        api.properties.create({"name": f"Home {which}", "address": "1 Shore Road"}, moment)
    elif ids and action == "delete":
        api.properties.delete(ids[which % len(ids)])
    elif ids and action == "update":
        api.properties.merge(ids[which % len(ids)], {"name": f"At {moment}"}, moment)
    elif ids and action == "same instant":
        api.properties.merge(ids[which % len(ids)], {"name": f"Ties {which}"}, moment)


@given(
    paging=st.sampled_from(PAGINGS),
    mode=st.sampled_from(["full", "full", "hydrate", "incremental"]),
    before=actions,
    meanwhile=st.lists(actions, min_size=1, max_size=3),
)
@settings(max_examples=MODELS)
def test_r59_r60_after_a_quiet_run_the_store_is_the_server(
    paging: PagingStyle, mode: Mode, before: Actions, meanwhile: list[Actions]
) -> None:
    api, moment = account(25, paging), NOW

    def act_now(action: str, which: int) -> None:
        nonlocal moment
        moment += action != "same instant"
        act(api, action, which, moment)

    def meanwhile_of(rest: Iterator[tuple[str, int]], _: HttpRequest) -> None:
        action = next(rest, None)
        if action is not None:
            act_now(*action)

    with TemporaryDirectory(dir=IN_MEMORY) as folder:
        path = Path(folder, "setsmart.db")
        always = dict.fromkeys(held(api))
        sync(api, path, page_size=7)
        for action in before:
            act_now(*action)
        for script in meanwhile:
            api.intercept = partial(meanwhile_of, iter(script))
            with suppress(SyncIncompleteError):  # it would not stand still: nothing was deleted that is there
                sync(api, path, page_size=7, mode=mode, min_seen=0)
            api.intercept = None
            always = {id_: None for id_ in always if id_ in held(api)}
            assert not tombs(path) & always.keys(), "a live row was swept"
        sync(api, path, page_size=7, min_seen=0)
        assert stored(path) == held(api)
        assert len(table(path)) == len({row["id"] for row in table(path)})


@pytest.mark.parametrize("deleted_at_page", [2, 3, 4])
@pytest.mark.parametrize("how_many", [1, 6, 15])
def test_r59_by_offset_what_moves_up_is_met_by_the_row_that_pages_share(
    tmp_path: Path, deleted_at_page: int, how_many: int
) -> None:
    """The naive walk misses as many live rows as were deleted before it, and every count is right."""
    api, path = account(60, "offset"), tmp_path / "setsmart.db"
    asked = 0

    def intercept(_: HttpRequest) -> None:
        nonlocal asked
        asked += 1
        if asked == deleted_at_page:
            for identifier in list(held(api))[:how_many]:
                api.properties.delete(identifier)
                api.properties.create({"name": "New", "address": "1 Shore Road"}, NOW)

    api.intercept = intercept
    sync(api, path)
    assert held(api).items() <= stored(path).items(), "no live row was missed"
    api.intercept = None
    sync(api, path)
    assert stored(path) == held(api)


@pytest.mark.parametrize("how_many", [1, 8, 25])
@pytest.mark.parametrize("at_page", [2, 3, 5])
def test_r59_one_walk_by_offset_meets_every_row_that_was_there_all_the_time(at_page: int, how_many: int) -> None:
    api, asked = account(60, "offset"), 0

    def intercept(_: HttpRequest) -> None:
        nonlocal asked
        asked += 1
        if asked == at_page:
            for identifier in list(held(api))[:how_many]:
                api.properties.delete(identifier)

    api.intercept = intercept

    async def walked() -> list[str]:
        async with SetSmart(SANDBOX_API_KEY, base_url=ORIGIN, transport=MemoryTransport(api.handle)) as client:
            listing = listing_of(client, PROPERTIES, page_size=10, since=None)
            steps = walk(PROPERTIES, listing, None, page_size=10, in_flight=4, now=lambda: datetime.now(UTC))
            return [row.id async for step in steps for row in step.rows]

    met = asyncio.run(walked())
    assert held(api).keys() <= set(met)
    assert len(held(api)) == 60 - how_many


def test_by_offset_a_walk_that_was_interrupted_begins_with_the_row_that_it_ended_with(tmp_path: Path) -> None:
    from setsmart_async import HttpResponse, PermissionDeniedError

    api, path = account(60, "offset"), tmp_path / "setsmart.db"
    api.intercept = lambda r: HttpResponse(status=403) if int(query_of(r).get("offset", "0")) > 30 else None
    with pytest.raises(PermissionDeniedError):
        sync(api, path)
    kept = len(stored(path))
    api.intercept = None
    for identifier in list(held(api))[:5]:
        api.properties.delete(identifier)
        api.properties.create({"name": "New", "address": "1 Shore Road"}, NOW)
    sync(api, path)
    assert kept == 37
    assert held(api).items() <= stored(path).items(), "rows that moved up between two runs were met"


def test_a_server_that_ignores_the_offset_is_no_endless_walk(tmp_path: Path) -> None:
    from sync.scene import answer, homes

    with pytest.raises(SyncIncompleteError, match="a page came twice"):
        sync(
            lambda _: answer({"data": homes(range(10)), "offset": 0, "limit": 10, "total": 30}),
            tmp_path / "setsmart.db",
        )


def test_a_busy_account_behind_a_cursor_is_complete_though_its_number_changes(tmp_path: Path) -> None:
    api, path = account(60), tmp_path / "setsmart.db"

    def intercept(request: HttpRequest) -> None:
        if "cursor" in request.target:
            api.properties.create({"name": "New", "address": "1 Shore Road"}, NOW)

    api.intercept = intercept
    result = sync(api, path)
    assert result.resources["properties"].passes == 1
    assert held(api).items() <= stored(path).items()


def test_a_busy_account_behind_a_cursor_is_complete_though_some_go(tmp_path: Path) -> None:
    api, path = account(60), tmp_path / "setsmart.db"
    first = next(iter(held(api)))

    def intercept(request: HttpRequest) -> None:
        if "cursor" in request.target:
            api.properties.delete(first)

    api.intercept = intercept
    assert sync(api, path).resources["properties"].passes == 1
    api.intercept = None
    assert sync(api, path).deleted == 1
    assert stored(path) == held(api)
