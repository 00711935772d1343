"""R-58: no deletion on a partial pull. Only what a complete pass did not list, and 404 confirms, is marked; once."""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from sync.scene import ORIGIN, account, answer, held, homes, numbered, query_of, state, stored, sync, table, tombs, url

from setsmart_async import (
    CallError,
    Headers,
    HttpRequest,
    HttpResponse,
    MemoryTransport,
    PermissionDeniedError,
    RateLimitError,
    SetSmart,
    SyncIncompleteError,
)
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sync import Sync
from setsmart_async.testing.waiting import SkippingClock, SkippingLimiter
from setsmart_async.wire import decode_json, encode_json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


Spoil = Callable[[HttpResponse], HttpResponse]


def status(code: int) -> Spoil:
    return lambda _: HttpResponse(status=code)


def body(change: Callable[[dict[str, object]], object]) -> Spoil:
    """The answer, with its JSON changed."""

    def spoil(response: HttpResponse) -> HttpResponse:
        found = decode_json(response.body)
        assert isinstance(found, dict)
        return HttpResponse(status=200, body=encode_json(change(dict(found))))

    return spoil


def cut_gzip(response: HttpResponse) -> HttpResponse:
    packed = gzip.compress(response.body)
    return HttpResponse(status=200, headers=Headers([("Content-Encoding", "gzip")]), body=packed[: len(packed) // 2])


def unparsable(page: dict[str, object]) -> object:
    items = page["data"]
    assert isinstance(items, list)
    return {**page, "data": [*items[:-1], {**items[-1], "bedrooms": "many"}]}


def shorter(page: dict[str, object]) -> object:
    items = page["data"]
    assert isinstance(items, list)
    return {**page, "data": items[:-3]}


SPOILT: dict[str, Spoil] = {
    "500": status(500),
    "503": status(503),
    "401, the key was revoked": status(401),
    "an empty body": lambda _: HttpResponse(status=200, body=b""),
    "an empty page that says it is the last": body(lambda page: {**page, "data": [], "next_cursor": None}),
    "a page without items": body(lambda page: {**page, "data": []}),
    "a short page": body(shorter),
    "half a gzip stream": cut_gzip,
    "half a JSON text": lambda response: HttpResponse(status=200, body=response.body[: len(response.body) // 2]),
    "an unparsable item": body(unparsable),
    "another total": body(lambda page: {**page, "total": 44}),
    "a hundred too many": body(lambda page: {**page, "total": 160}),
}


@pytest.mark.parametrize(("paging", "spoilt"), [("cursor", 1), ("cursor", 4), ("page", 1), ("page", 3)])
@pytest.mark.parametrize("fault", SPOILT)
def test_r58_whatever_goes_wrong_at_whichever_page_nothing_is_deleted(
    path: Path, fault: str, spoilt: int, paging: PagingStyle
) -> None:
    api = account(45, paging)
    sync(api, path)
    for identifier in list(held(api))[::15]:
        api.properties.delete(identifier)
    before = stored(path)
    total = "total" in fault or "too many" in fault

    def server(request: HttpRequest) -> HttpResponse:
        whole, name = api.handle(request), request.target.partition("?")[0]
        if name != "/properties":
            return whole
        query = query_of(request)
        number = int(query.get("page", "1")) if paging == "page" else 1 + _place(api, request) // 10
        return SPOILT[fault](whole) if number == spoilt or (total and number > 0) else whole

    if (fault, spoilt, paging) == ("a short page", 1, "page"):
        # A server that caps its pages: the others are asked for in the size of the first, and all of it is read.
        assert sync(server, path).deleted == 3
        return
    with pytest.raises((SyncIncompleteError, CallError)):
        sync(server, path)
    assert (stored(path), tombs(path)) == (before, set())
    assert state(path)["completed_at"] is None
    sync(api, path)  # and the checkpoint was good, or a new pass was begun
    assert stored(path) == held(api)
    assert len(tombs(path)) == 3


def _place(api: SandboxApi, request: HttpRequest) -> int:
    """How many records the list holds before the page that a cursor leads to."""
    page = decode_json(api.handle(request).body)
    assert isinstance(page, dict)
    items = page["data"]
    assert isinstance(items, list)
    assert isinstance(items[0], dict)
    return [record["id"] for record in api.properties].index(items[0]["id"])


def without(api: SandboxApi, share: float) -> list[str]:
    """Delete so many of them, and say which."""
    ids = list(held(api))
    gone = ids[: round(share * len(ids))]
    for identifier in gone:
        api.properties.delete(identifier)
    return gone


@pytest.mark.parametrize(("share", "deleted"), [(0.05, True), (0.2, True), (0.25, False), (0.9, False), (1.0, False)])
def test_r58_a_great_drop_deletes_nothing_unless_it_is_said_to_be_true(
    path: Path, share: float, *, deleted: bool
) -> None:
    api = account(40)
    sync(api, path)
    gone = without(api, share)
    if not deleted:
        asked = api.statistics.requests
        with pytest.raises(SyncIncompleteError, match="listed no more, which is more than may go at once"):
            sync(api, path)
        assert api.statistics.requests - asked <= 4, "nothing was asked for by its id"
        assert tombs(path) == set()
        assert state(path)["completed_at"] is None
    assert sync(api, path, min_seen=0.0 if not deleted else 0.8).deleted == len(gone)
    assert tombs(path) == set(gone)
    assert len(table(path)) == 40


def test_a_handful_may_go_whatever_its_share(path: Path) -> None:
    api = account(4)
    sync(api, path)
    gone = without(api, 0.5)
    assert sync(api, path).deleted == 2
    assert tombs(path) == set(gone)


def leaving_out(api: SandboxApi, hidden: set[str]) -> Callable[[HttpRequest], HttpResponse]:
    """A server whose list does not show some records, and counts without them: they are there by their ids."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.target.partition("?")[0] != "/properties":
            return api.handle(request)
        return answer([record for record in api.properties if record["id"] not in hidden])

    return handle


def test_r58_what_is_not_listed_and_still_there_is_healed(path: Path) -> None:
    api = account(30)
    sync(api, path)
    ids = list(held(api))
    api.properties.merge(ids[3], {"name": "Renamed"}, 2e9)
    api.properties.delete(ids[4])
    result = sync(leaving_out(api, set(ids[2:5])), path, page_size=100)
    assert (result.deleted, result.healed) == (1, 2)
    assert tombs(path) == {ids[4]}
    assert stored(path) == held(api)
    assert {row["generation"] for row in table(path) if row["deleted_at"] is None} == {2}


@pytest.mark.parametrize("status", [404, 410])
def test_gone_is_404_or_410(path: Path, status: int) -> None:
    everything = numbered([homes(range(10))], 10)

    def later(request: HttpRequest) -> HttpResponse:
        if request.target.startswith("/properties/"):
            number = int(request.target.rpartition("_")[2])
            return HttpResponse(status=status) if number == 9 else answer({"id": f"prop_{number}", "name": "A"})
        return answer(homes(range(9)))

    sync(everything, path)
    assert sync(later, path, page_size=30).deleted == 1
    assert tombs(path) == {"prop_9"}


@pytest.mark.parametrize("code", [403, 500])
def test_r58_when_the_server_does_not_say_what_has_become_of_it_nothing_is_deleted(path: Path, code: int) -> None:
    api = account(30)
    sync(api, path)
    without(api, 0.1)
    api.intercept = lambda r: HttpResponse(status=code) if r.target.startswith("/properties/") else None
    with pytest.raises(CallError):
        sync(api, path)
    assert tombs(path) == set()
    assert state(path)["completed_at"] is None
    api.intercept = None
    asked = api.statistics.requests
    result = sync(api, path)
    assert (result.deleted, result.resumed_from) == (3, 27)
    assert api.statistics.requests - asked == 1 + 3, "the list was not read again: one probe, and the three"


def test_r58_an_api_where_nothing_is_found_by_its_id_deletes_nothing(path: Path) -> None:
    api = account(30)
    sync(api, path)
    without(api, 0.1)
    api.intercept = lambda r: HttpResponse(status=404) if r.target.startswith("/properties/") else None
    with pytest.raises(SyncIncompleteError, match="can not be found by its id, so that 404 proves nothing"):
        sync(api, path)
    assert tombs(path) == set()


def test_a_record_that_comes_back_is_there_again(path: Path) -> None:
    api = account(10)
    whole = api.handle
    sync(whole, path)
    gone = next(iter(held(api)))
    record = held(api)[gone]
    api.properties.delete(gone)
    sync(api, path)
    assert tombs(path) == {gone}
    restored = SandboxApi([*api.properties, record])
    result = sync(restored, path)
    assert (result.new, result.changed, tombs(path)) == (0, 1, set())
    assert stored(path) == held(restored)


def test_a_sweep_that_was_cut_off_goes_on(path: Path) -> None:
    api = account(600)
    sync(api, path, page_size=100)
    without(api, 0.4)
    seen = 0

    def intercept(request: HttpRequest) -> HttpResponse | None:
        nonlocal seen
        seen += request.target.startswith("/properties/")
        return HttpResponse(status=403) if seen > 230 else None

    api.intercept = intercept
    with pytest.raises(PermissionDeniedError):
        sync(api, path, page_size=100, min_seen=0.5)
    assert len(tombs(path)) == 200
    api.intercept = None
    assert sync(api, path, page_size=100, min_seen=0.5).deleted == 40
    assert len(tombs(path)) == 240
    assert stored(path) == held(api)


def test_r58_a_quota_that_stays_used_up_deletes_nothing(path: Path) -> None:
    api = account(60)
    sync(api, path)
    before = stored(path)
    for identifier in list(held(api))[::20]:
        api.properties.delete(identifier)

    async def run() -> None:
        clock = SkippingClock()

        def handle(request: HttpRequest) -> HttpResponse:
            return HttpResponse(status=429) if "cursor" in request.target else api.handle(request)

        async with SetSmart(
            SANDBOX_API_KEY,
            base_url=ORIGIN,
            transport=MemoryTransport(handle),
            limiter=SkippingLimiter(clock),
            clock=clock,
        ) as client:
            await Sync(client, url(path), resources=["properties"], page_size=10).run()

    with pytest.raises(RateLimitError):
        asyncio.run(run())
    assert (stored(path), tombs(path)) == (before, set())
