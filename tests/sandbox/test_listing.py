"""The filters of properties and the five styles of paging, in memory, over HTTP and over HTTPS."""

import re
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.asking import HOMES, VILLA, HandSetClock, Opener, Sandbox, in_memory

from setsmart_async.policy.paging import PageNames, overlay, read_page
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.listing import PagingStyle
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.wire import JsonObject, decode_json, target_of

STYLES: list[PagingStyle] = ["cursor", "page", "offset", "link", "array"]
HOOK: JsonObject = {"url": "https://example.com/", "events": ["*"]}
ALL = [str(home["id"]) for home in HOMES]


def ids(records: Any) -> list[str]:  # noqa: ANN401  JSON to look into
    return [record["id"] for record in records]


def test_pages_by_cursor(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(page_size=3)
    pages = [sandbox.read("GET", "/properties")]
    while pages[-1]["next_cursor"]:
        pages.append(sandbox.read("GET", f"/properties?cursor={pages[-1]['next_cursor']}"))
    assert [ids(page["data"]) for page in pages] == [ALL[:3], ALL[3:6], ALL[6:]]
    assert [set(page) for page in pages] == [{"data", "next_cursor", "has_more", "total"}] * 3
    assert [page["has_more"] for page in pages] == [True, True, False]
    assert [page["total"] for page in pages] == [7, 7, 7]
    assert pages[0]["data"][0] == HOMES[0]


def test_pages_by_number(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(page_size=3, paging="page")
    pages = [sandbox.read("GET", target) for target in ("/properties", "/properties?page=2", "/properties?page=3")]
    assert [ids(page.pop("data")) for page in pages] == [ALL[:3], ALL[3:6], ALL[6:]]
    assert pages == [{"page": number, "page_size": 3, "total": 7, "total_pages": 3} for number in (1, 2, 3)]
    beyond = sandbox.read("GET", "/properties?page=4&limit=5")
    assert beyond == {"data": [], "page": 4, "page_size": 5, "total": 7, "total_pages": 2}


def test_pages_by_offset(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(page_size=3, paging="offset")
    pages = [sandbox.read("GET", f"/properties?offset={offset}") for offset in (0, 3, 6)]
    assert [ids(page.pop("data")) for page in pages] == [ALL[:3], ALL[3:6], ALL[6:]]
    assert pages == [{"offset": offset, "limit": 3, "total": 7} for offset in (0, 3, 6)]
    assert sandbox.read("GET", "/properties?offset=5&limit=9") == {
        "data": HOMES[5:], "offset": 5, "limit": 9, "total": 7,
    }  # fmt: skip
    assert sandbox.read("GET", "/properties?offset=7")["data"] == []


def test_pages_by_link(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(paging="link")
    target, found = "/properties?limit=3&status=active", list[list[str]]()
    while target:
        answer = sandbox.ask("GET", target)
        found.append(ids(decode_json(answer.body)))
        assert answer.headers["X-Total-Count"] == "7"
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("Link", ""))
        assert (link is None) == ("Link" not in answer.headers)
        target = ""
        if link:
            assert link[1].startswith(f"{sandbox.origin}/properties?")
            assert dict(parse_qsl(urlsplit(link[1]).query)).items() > {"limit": "3", "status": "active"}.items()
            target = link[1].removeprefix(str(sandbox.origin))
    assert found == [ALL[:3], ALL[3:6], ALL[6:]]


def test_a_bare_array(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(paging="array", page_size=3)
    assert sandbox.read("GET", "/properties") == HOMES
    assert ids(sandbox.read("GET", "/properties?limit=3")) == ALL[:3]
    assert ids(sandbox.read("GET", "/properties?limit=3&page=3")) == ALL[6:]
    assert sandbox.read("GET", "/properties?limit=3&page=4") == []
    assert "x-total-count" not in sandbox.ask("GET", "/properties").headers


@pytest.mark.parametrize(
    ("paging", "empty"),
    [
        ("cursor", {"data": [], "next_cursor": None, "has_more": False, "total": 0}),
        ("page", {"data": [], "page": 1, "page_size": 20, "total": 0, "total_pages": 0}),
        ("offset", {"data": [], "offset": 0, "limit": 20, "total": 0}),
        ("link", []),
        ("array", []),
    ],
)
def test_an_empty_list(open_sandbox: Opener, paging: PagingStyle, empty: object) -> None:
    sandbox = open_sandbox([], paging=paging)
    assert sandbox.read("GET", "/properties") == empty
    assert "link" not in sandbox.ask("GET", "/properties").headers


@pytest.mark.parametrize("paging", STYLES)
def test_a_page_has_twenty_records_and_at_most_two_hundred(open_sandbox: Opener, paging: PagingStyle) -> None:
    sandbox = open_sandbox([{"id": f"prop_{number}"} for number in range(300)], paging=paging)

    def size(target: str) -> int:
        body = sandbox.read("GET", target)
        return len(body if isinstance(body, list) else body["data"])

    assert size("/properties") == (300 if paging == "array" else 20)
    assert [size(f"/properties?limit={limit}") for limit in (1, 200)] == [1, 200]


@pytest.mark.parametrize("paging", STYLES)
def test_filters_hold_on_every_page(open_sandbox: Opener, paging: PagingStyle) -> None:
    sandbox = open_sandbox(
        [
            {"id": f"prop_{n}", "status": "active" if n % 2 else "draft", "updated_at": f"2024-01-{n:02}T00:00:00Z"}
            for n in range(1, 20)
        ],
        paging=paging,
    )
    assert walk(sandbox, {"status": "draft", "limit": "2"}) == [f"prop_{n}" for n in range(2, 20, 2)]
    since = {"updated_since": "2024-01-10T02:00:00+02:00", "limit": "3"}
    assert walk(sandbox, since) == [f"prop_{n}" for n in range(10, 20)]
    assert walk(sandbox, {**since, "status": "active"}) == [f"prop_{n}" for n in range(11, 20, 2)]
    assert walk(sandbox, {"status": "archived"}) == []


def test_what_changes_is_updated_since(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    sandbox.clock.now += 100
    sandbox.read("PUT", "/properties/prop_5", {"max_guests": 3})
    new = sandbox.read("POST", "/properties", VILLA)
    changed = sandbox.read("GET", f"/properties?updated_since={new['updated_at']}")
    assert ids(changed["data"]) == ["prop_5", new["id"]]
    assert changed["total"] == 2


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("limit=0", ["limit"]),
        ("limit=201", ["limit"]),
        ("limit=", ["limit"]),
        ("limit=-5", ["limit"]),
        ("limit=5.0", ["limit"]),
        ("limit=%D9%A3", ["limit"]),  # a digit, but not an ASCII one
        ("limit=9999999999999999999999", ["limit"]),
        ("page=0", ["page"]),
        ("page=two", ["page"]),
        ("offset=-1", ["offset"]),
        ("offset=x", ["offset"]),
        ("status=open", ["status"]),
        ("status=", ["status"]),
        ("updated_since=yesterday", ["updated_since"]),
        ("updated_since=2024-01-01", ["updated_since"]),
        ("updated_since=2024-01-01T00:00:00", ["updated_since"]),
        ("updated_since=2024-01-01T00:00:00+01:00", ["updated_since"]),  # its + is a blank
        ("cursor=", ["cursor"]),
        ("cursor=YWZ0ZXI", ["cursor"]),
        ("cursor=%F0%9F%8F%A0", ["cursor"]),
        ("status=x&limit=x&cursor=x&page=x&updated_since=x", ["status", "updated_since", "limit", "page", "cursor"]),
    ],
)
def test_parameters_that_can_not_be_are_named(open_sandbox: Opener, query: str, fields: list[str]) -> None:
    answer = open_sandbox().fail("GET", f"/properties?{query}")
    assert answer == (400, "invalid_parameters", dict.fromkeys(fields, "invalid_value"))


def test_parameters_that_it_does_not_know_change_nothing(open_sandbox: Opener) -> None:
    assert ids(open_sandbox().read("GET", "/properties?offset=3&x=1&x=2")["data"]) == ALL


def test_a_cursor_in_another_spelling_is_no_cursor(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(page_size=3)
    cursor = sandbox.read("GET", "/properties")["next_cursor"]
    for other in (f"{cursor}=", f"{cursor}!", f" {cursor}", cursor.swapcase()):
        assert sandbox.fail("GET", f"/properties?cursor={other.replace(' ', '%20')}")[0] == 400


def walk(sandbox: Sandbox, query: dict[str, str], path: str = "/properties") -> list[str]:
    """Every id on every page, as the library's own reader of pages follows them."""
    found: list[str] = []
    asked = query
    for _ in range(1_000):
        answer = sandbox.ask("GET", target_of(path, asked))
        assert answer.status == 200
        page = read_page(decode_json(answer.body), answer.headers, asked, PageNames())
        found.extend(ids(page.items))
        if page.following is None:
            return found
        asked = dict(overlay(query, page.following))
    raise AssertionError("the walk does not end")


@given(number=st.integers(0, 60), size=st.integers(1, 25))
@pytest.mark.parametrize("paging", STYLES)
def test_the_librarys_reader_finds_every_record_once(paging: PagingStyle, number: int, size: int) -> None:
    homes: list[JsonObject] = [{"id": f"prop_{index}"} for index in range(number)]
    sandbox = in_memory(
        SandboxApi(homes, paging=paging, page_size=size, quota=QuotaSimulator(QuotaRule(10**6))), HandSetClock()
    )
    assert walk(sandbox, {}) == ids(homes)
    assert walk(sandbox, {"limit": str(size)}) == ids(homes)


changes = st.lists(st.lists(st.tuples(st.booleans(), st.integers(0, 99)), max_size=4), max_size=20)


@given(number=st.integers(0, 25), size=st.integers(1, 6), changing=changes)
@pytest.mark.parametrize("paging", ["cursor", "link"])
def test_a_walk_by_cursor_is_exact_while_records_come_and_go(
    paging: PagingStyle, number: int, size: int, changing: list[list[tuple[bool, int]]]
) -> None:
    homes: list[JsonObject] = [{"id": f"prop_{index}"} for index in range(number)]
    sandbox = in_memory(
        SandboxApi(homes, paging=paging, page_size=size, quota=QuotaSimulator(QuotaRule(10**6))), HandSetClock()
    )
    always = set(ids(homes))
    batches, numbers = iter(changing), count()
    handle = sandbox.send

    def send(request: Any) -> Any:  # noqa: ANN401  as it is
        answer = handle(request)
        for creates, which in next(batches, []):  # changes after each page
            present = ids(sandbox.api.properties)
            if creates:
                sandbox.api.properties.create({"name": str(next(numbers))}, 0.0)
            elif present:
                gone = present[which % len(present)]
                sandbox.api.properties.delete(gone)
                always.discard(gone)
        return answer

    sandbox.send = send
    found = walk(sandbox, {})
    assert len(found) == len(set(found))
    assert always <= set(found)


@given(number=st.integers(0, 25), size=st.integers(1, 6), changing=changes)
@pytest.mark.parametrize("paging", ["cursor", "link"])
def test_a_walk_of_another_list_is_exact_too(
    paging: PagingStyle, number: int, size: int, changing: list[list[tuple[bool, int]]]
) -> None:
    seeds: list[JsonObject] = [{**HOOK, "id": f"wh_{index}"} for index in range(number)]
    api = SandboxApi(webhooks=seeds, paging=paging, page_size=size, quota=QuotaSimulator(QuotaRule(10**6)))
    sandbox = in_memory(api, HandSetClock())
    present, always, batches = ids(seeds), set(ids(seeds)), iter(changing)
    handle = sandbox.send

    def send(request: Any) -> Any:  # noqa: ANN401  as it is
        answer = handle(request)
        for creates, which in next(batches, []) if request.method == "GET" else []:
            if creates:
                present.append(sandbox.read("POST", "/webhooks", HOOK)["id"])
            elif present:
                gone = present.pop(which % len(present))
                sandbox.read("DELETE", f"/webhooks/{gone}")
                always.discard(gone)
        return answer

    sandbox.send = send
    found = walk(sandbox, {}, "/webhooks")
    assert len(found) == len(set(found))
    assert always <= set(found)


def test_a_walk_by_page_number_slips_as_offsets_do(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(paging="page", page_size=3)
    first = ids(sandbox.read("GET", "/properties")["data"])
    sandbox.read("DELETE", "/properties/prop_1")
    second = ids(sandbox.read("GET", "/properties?page=2")["data"])
    assert (first, second) == (ALL[:3], ALL[4:7])  # prop_4 has slipped onto the first page
