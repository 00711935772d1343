"""What can not be proved complete is not called complete, nothing is deleted, and the next run mends it."""

import re
from itertools import count
from pathlib import Path

import pytest
from sync.scene import Handler, account, answer, chained, held, homes, numbered, query_of, state, stored, sync, tombs

from setsmart_async import HttpRequest, HttpResponse, InvalidResponseError, SyncIncompleteError
from setsmart_async.wire import Json


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


def incomplete(server: Handler, path: Path) -> str:
    with pytest.raises(SyncIncompleteError) as caught:
        sync(server, path)
    return str(caught.value)


def renewed(path: Path, server: Handler) -> None:
    """The next run is a new pass from the first page, and complete."""
    generation = state(path)["generation"]
    assert state(path)["completed_at"] is None
    result = sync(server, path)
    assert result.resumed_from == 0
    assert state(path)["generation"] == generation + 1
    assert state(path)["completed_at"] is not None


GOOD = numbered([homes(range(10)), homes(range(10, 20)), homes(range(20, 25))], 25)


@pytest.mark.parametrize("total", [24, 26, 0])
def test_another_number_than_the_servers_total(path: Path, total: int) -> None:
    text = incomplete(numbered([homes(range(10)), homes(range(10, 20)), homes(range(20, 25))], total), path)
    assert f"the server counts {total} and listed 25" in text
    assert len(stored(path)) == 25
    renewed(path, GOOD)


def test_a_total_that_changes_between_pages(path: Path) -> None:
    changing = numbered([homes(range(10)), homes(range(10, 20)), homes(range(20, 25))], count(24))
    assert re.search("the server counted [0-9]+ first, and [0-9]+ later", incomplete(changing, path))
    renewed(path, GOOD)


def test_a_deletion_while_numbered_pages_are_read_hides_a_property_and_is_healed_at_once(path: Path) -> None:
    api = account(60, "page")
    first, *_ = held(api)

    def delete_the_first(request: HttpRequest) -> None:
        if query_of(request).get("page") == "4":
            api.properties.delete(first)

    api.intercept = delete_the_first
    result = sync(api, path)
    assert (result.resources["properties"].passes, result.records, result.deleted) == (2, 59, 1)
    assert stored(path) == held(api)
    assert tombs(path) == {first}


def test_a_property_on_two_numbered_pages_is_drift_even_where_the_number_is_right(path: Path) -> None:
    shifted = numbered([homes(range(10)), homes([9, *range(10, 19)]), homes(range(20, 25))])
    assert "on two pages" in incomplete(shifted, path)
    renewed(path, GOOD)


def test_drift_in_an_interrupted_run_is_not_forgotten(path: Path) -> None:
    shifted = numbered([homes(range(10)), homes([9, *range(10, 19)]), homes(range(20, 25))])

    def cut_off(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=403) if query_of(request).get("page") == "3" else shifted(request)

    with pytest.raises(Exception, match="403"):
        sync(cut_off, path, in_flight=1)
    assert state(path)["drift"] is not None
    renewed(path, GOOD)


def test_a_property_listed_twice_by_cursor_is_believed_with_the_right_total_only(path: Path) -> None:
    def pages(*last: int) -> dict[str, tuple[list[Json], str | None]]:
        return {"": (homes(range(10)), "b"), "b": (homes([9, *last]), None)}

    assert "listed twice" in incomplete(chained(pages(10, 11)), path)
    assert sync(chained(pages(10, 11), total=12), path).records == 12


def test_a_property_twice_on_one_page(path: Path) -> None:
    assert "listed twice" in incomplete(lambda _: answer([*homes([1, 2]), *homes([1])]), path)
    assert stored(path).keys() == {"prop_1", "prop_2"}


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({"": (homes([1]), "b"), "b": (homes([2]), "b")}, "round in a circle"),
        ({"": (homes([1]), "b"), "b": (homes([2]), "c"), "c": (homes([3]), "b")}, "round in a circle"),
        ({"": (homes([1, 2]), "b"), "b": (homes([1, 2]), "c")}, "a page came twice"),
    ],
)
def test_cursors_that_lead_nowhere_end(
    path: Path, pages: dict[str, tuple[list[Json], str | None]], reason: str
) -> None:
    assert reason in incomplete(chained(pages), path)
    renewed(path, GOOD)


def answers_page_one(_: HttpRequest) -> HttpResponse:
    return answer({"data": homes(range(10)), "page": 1, "total_pages": 3})


def empty_in_the_middle(request: HttpRequest) -> HttpResponse:
    pages: list[list[Json]] = [homes(range(10)), [], homes(range(20, 25))]
    return numbered(pages)(request)


def gone_in_the_middle(request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=404) if query_of(request).get("page") == "2" else GOOD(request)


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (answers_page_one, "page 1 came where page 2 was asked for"),
        (empty_in_the_middle, "page 2 of 3 is empty"),
        (gone_in_the_middle, "page 2 is no longer there"),
    ],
)
def test_numbered_pages_that_contradict_each_other(path: Path, server: Handler, reason: str) -> None:
    assert reason in incomplete(server, path)
    renewed(path, GOOD)


def test_a_list_that_shrinks_while_it_is_read_is_read_again(path: Path) -> None:
    asked = count()

    def shrinking(request: HttpRequest) -> HttpResponse:
        number = int(query_of(request).get("page", "1"))
        last = 5 if next(asked) < 2 else 3
        return answer({"data": homes(range(10 * number, 10 * number + 10)), "page": number, "total_pages": last})

    result = sync(shrinking, path, in_flight=1)
    assert (result.records, result.resources["properties"].passes) == (30, 2)


def everything_at_once(size: int) -> Handler:
    return lambda _: answer(homes(range(size)))


def test_the_documented_list_of_all_that_knows_no_pages(path: Path) -> None:
    result = sync(everything_at_once(25), path)
    assert (result.records, result.pages, result.requests) == (25, 1, 2)
    assert sync(everything_at_once(25), path).unchanged == 25


def test_a_list_that_keeps_to_the_size_and_not_to_the_page_is_not_believed(path: Path) -> None:
    assert "another page size" in incomplete(everything_at_once(10), path)
    assert sync(everything_at_once(10), path, page_size=7).records == 10


def test_larger_pages_than_were_asked_for_are_still_pages(path: Path) -> None:
    def generous(request: HttpRequest) -> HttpResponse:
        start = 20 * (int(query_of(request).get("page", "1")) - 1)
        return answer(homes(range(start, min(start + 20, 45))))

    assert sync(generous, path).records == 45


@pytest.mark.parametrize("total", [None, 0])
def test_nothing_listed_where_there_was_something(path: Path, total: int | None) -> None:
    """An empty answer is a fault as likely as an empty account: even with a total of 0 nothing is deleted."""
    sync(GOOD, path)
    empty = chained({"": ([], None)}, total)
    reason = "listed nothing, and 25 were there before" if total is None else "25 of 25 properties that were there"
    assert reason in incomplete(empty, path)
    assert len(stored(path)) == 25


WRONG: list[tuple[str, Json, str]] = [
    ("a text for a number", {"id": "a", "name": "A", "bedrooms": "many"}, r"\$\.data\[3\]\.bedrooms"),
    ("no id", {"name": "A"}, r"\$\.data\[3\]\.id"),
    ("no object", 7, r"\$\.data\[3\]"),
    ("more bedrooms than a database counts", {"id": "a", "name": "A", "bedrooms": 10**30}, "item 3, bedrooms"),
]


@pytest.mark.parametrize(
    ("wrong", "place"), [(wrong, place) for _, wrong, place in WRONG], ids=[n for n, _, _ in WRONG]
)
@pytest.mark.parametrize("paged", ["numbered", "chained"])
def test_an_unusable_record_stops_before_its_page(path: Path, wrong: Json, place: str, paged: str) -> None:
    good, bad = [*homes(range(10, 13)), *homes([13])], [*homes(range(10, 13)), wrong]

    def server(middle: list[Json]) -> Handler:
        if paged == "numbered":
            return numbered([homes(range(10)), middle, homes(range(20, 25))], 19)
        return chained({"": (homes(range(10)), "b"), "b": (middle, "c"), "c": (homes(range(20, 25)), None)}, 19)

    with pytest.raises(SyncIncompleteError, match=place) as caught:
        sync(server(bad), path)
    assert isinstance(caught.value.__cause__, InvalidResponseError)
    assert len(stored(path)) == 10
    result = sync(server(good), path)
    assert (result.resumed_from, result.records, result.requests) == (10, 19, 2)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"data": 3}', b"[", b'{"data": [], "items": [1], "name": ""}x'])
def test_a_page_of_garbage_writes_nothing(path: Path, body: bytes) -> None:
    text = incomplete(lambda _: HttpResponse(status=200, body=body), path)
    assert "Unusable answer at $" in text
    assert stored(path) == {}


def test_the_message_quotes_nothing_of_a_record(path: Path) -> None:
    secret: list[Json] = [{"id": "a", "name": "A", "bedrooms": "4711 for Jane Doe"}]
    assert "Jane" not in incomplete(lambda _: answer(secret), path)


def test_neither_an_incomplete_pass_nor_the_next_one_deletes_anything(path: Path) -> None:
    sync(GOOD, path)
    incomplete(numbered([homes(range(3))], 25), path)
    assert len(stored(path)) == 25
    assert "22 of 25 properties that were there are listed no more" in incomplete(numbered([homes(range(3))], 3), path)
    assert len(stored(path)) == 25
