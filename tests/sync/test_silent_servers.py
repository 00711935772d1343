"""Servers that answer less than they have, or say little of it: nothing is called complete that is not."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from sync.scene import Handler, answer, chained, homes, numbered, query_of, stored, sync, table, tombs

from setsmart_async import Headers, HttpRequest, HttpResponse, SyncIncompleteError
from setsmart_async.wire import Json, encode_json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


def without_details(numbers: Iterable[int]) -> Handler:
    """A list, and no record behind its ids."""
    listed = homes(numbers)

    def handle(request: HttpRequest) -> HttpResponse:
        if request.target.startswith("/properties/"):
            return HttpResponse(status=404)
        return answer({"data": listed, "next_cursor": None})

    return handle


@pytest.mark.parametrize(("count", "min_seen"), [(3, 0.9), (40, 0.0)])
def test_hydrating_where_no_detail_is_found_deletes_nothing(path: Path, count: int, min_seen: float) -> None:
    sync(without_details(range(count)), path)
    with suppress(SyncIncompleteError):
        sync(without_details(range(count)), path, mode="hydrate", min_seen=min_seen)
    assert tombs(path) == set()


def test_a_first_hydrate_that_finds_no_detail_is_not_complete(path: Path) -> None:
    with pytest.raises(SyncIncompleteError):
        sync(without_details(range(40)), path, mode="hydrate")


def test_a_full_refresh_in_hydrate_mode_hydrates(path: Path) -> None:
    def handle(request: HttpRequest) -> HttpResponse:
        if request.target.startswith("/properties/"):
            return answer({"id": request.target.rpartition("/")[2], "name": "Home", "bedrooms": 3})
        return answer({"data": homes(range(5)), "next_cursor": None})

    for full_refresh in (False, True):
        sync(handle, path, mode="hydrate", full_refresh=full_refresh)
        assert {row["bedrooms"] for row in table(path)} == {3}


def test_what_can_not_be_asked_for_by_its_id_stays_as_it_was_listed(path: Path) -> None:
    odd: list[Json] = [{"id": "..", "name": "Odd"}]

    def handle(request: HttpRequest) -> HttpResponse:
        if request.target.startswith("/properties/"):
            return answer({"id": request.target.rpartition("/")[2], "name": "Home"})
        return answer({"data": homes(range(3)) + odd, "next_cursor": None})

    sync(handle, path, mode="hydrate")
    assert len(stored(path)) == 4


@pytest.mark.parametrize("style", ["envelope", "array", "link"])
def test_a_deletion_is_noticed_where_pages_are_asked_for_by_number_and_name_none(path: Path, style: str) -> None:
    records, deleted = homes(range(45)), list[Json]()

    def handle(request: HttpRequest) -> HttpResponse:
        if request.target.startswith("/properties/"):
            there = [home for home in records if isinstance(home, dict) and request.target.endswith(f"/{home['id']}")]
            return answer(there[0]) if there else HttpResponse(status=404)
        query = query_of(request)
        number, size = int(query.get("page", "1")), int(query["limit"])
        if number == 3 and not deleted:
            deleted.append(records.pop(0))
        part = records[(number - 1) * size : number * size]
        if style == "envelope":
            return answer({"data": part, "total": len(records)})
        headers = [("X-Total-Count", str(len(records)))]
        if style == "link":
            more = number * size < len(records)
            place, relation = (number + 1, "next") if more else (1, "first")
            headers.append(("Link", f'<https://x/properties?limit={size}&page={place}>; rel="{relation}"'))
        return HttpResponse(status=200, headers=Headers(headers), body=encode_json(part))

    sync(handle, path)
    assert set(stored(path)) >= {f"prop_{number}" for number in range(1, 45)}


def test_an_empty_page_amid_numbered_ones_is_not_the_end(path: Path) -> None:
    pages = [homes(range(10)), homes(range(10, 20)), homes(range(20, 25))]

    def handle(request: HttpRequest) -> HttpResponse:
        if query_of(request).get("page") == "2":
            return answer({"data": []})
        return numbered(pages)(request)

    with pytest.raises(SyncIncompleteError):
        sync(handle, path)


def test_an_empty_page_behind_a_cursor_is_asked_for_once_more(path: Path) -> None:
    pages: dict[str, tuple[list[Json], str | None]] = {
        "": (homes(range(10)), "b"),
        "b": (homes(range(10, 20)), "c"),
        "c": (homes(range(20, 25)), None),
    }
    asked: list[str] = []

    def handle(request: HttpRequest) -> HttpResponse:
        if query_of(request).get("cursor") == "b":
            asked.append("b")
            if len(asked) == 1:
                return answer({"data": []})
        return chained(pages)(request)

    sync(handle, path)
    assert len(stored(path)) == 25


def test_pages_that_become_fewer_are_read_again(path: Path) -> None:
    records, deleted = homes(range(30)), list[Json]()

    def handle(request: HttpRequest) -> HttpResponse:
        number = int(query_of(request).get("page", "1"))
        if number == 2 and not deleted:
            deleted.extend(records[:10])
            del records[:10]
        last = -(-len(records) // 10)
        return answer({"data": records[10 * number - 10 : 10 * number], "page": number, "total_pages": last})

    with suppress(SyncIncompleteError):  # ten of thirty are gone, which is more than may go
        sync(handle, path, in_flight=1)
    assert set(stored(path)) >= {f"prop_{number}" for number in range(10, 30)}


@pytest.mark.parametrize("form", ["array", "envelope"])
def test_a_cap_that_nobody_speaks_of_is_noticed(path: Path, form: str) -> None:
    records = homes(range(120))

    def handle(request: HttpRequest) -> HttpResponse:
        query = query_of(request)
        number, size = int(query.get("page", "1")), min(50, int(query["limit"]))
        part = records[(number - 1) * size : number * size]
        return answer(part if form == "array" else {"data": part})

    with pytest.raises(SyncIncompleteError, match="--page-size 50"):
        sync(handle, path, page_size=100)
    assert sync(handle, path, page_size=50).records == 120
