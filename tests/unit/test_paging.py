"""A body's items and its way on: every envelope and every form of the next page, and never a silent end."""

from collections.abc import Mapping

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.values import CANARY, everything_on, json_values

from setsmart_async import Headers, InvalidResponseError
from setsmart_async.policy.paging import PageNames, PageNumbers, RawPage, overlay, read_page
from setsmart_async.wire import Json, JsonObject

A, B = {"id": "a"}, {"id": "b"}
TWO: list[Json] = [dict(A), dict(B)]


def page(
    body: Json,
    query: Mapping[str, str] | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    names: PageNames | None = None,
) -> RawPage:
    return read_page(body, Headers((headers or {}).items()), query or {}, names or PageNames(plural="properties"))


ENVELOPES: dict[str, tuple[Json, str]] = {
    "top-level array": (TWO, "$"),
    "data": ({"data": TWO}, "$.data"),
    "data.items": ({"data": {"items": TWO, "others": [1]}}, "$.data.items"),
    "items": ({"items": TWO}, "$.items"),
    "results": ({"results": TWO}, "$.results"),
    "result": ({"result": TWO}, "$.result"),
    "the plural name": ({"properties": TWO}, "$.properties"),
    "the only list": ({"homes": TWO, "count": 2}, "$.homes"),
    "the only list beside complaints": ({"homes": TWO, "errors": [], "warnings": ["old"]}, "$.homes"),
    "data before items": ({"items": [], "data": TWO}, "$.data"),
    "items before results": ({"results": [], "items": TWO}, "$.items"),
    "results before result": ({"result": [], "results": TWO}, "$.results"),
    "result before the plural name": ({"properties": [], "result": TWO}, "$.result"),
    "the plural name before others": ({"cleaners": [], "properties": TWO, "owners": []}, "$.properties"),
    "JSON:API": ({"data": TWO, "included": [{}], "links": {}}, "$.data"),
    "data that is null": ({"data": None, "homes": TWO}, "$.homes"),
}


@pytest.mark.parametrize(("body", "path"), ENVELOPES.values(), ids=list(ENVELOPES))
def test_the_items_of_every_envelope(body: Json, path: str) -> None:
    found = page(body)
    assert (found.items, found.path, found.following) == (TWO, path, None)


@pytest.mark.parametrize("body", [[], {"data": []}, {"data": {"items": []}}, {"properties": []}, {"homes": []}])
def test_an_empty_list_is_an_empty_page(body: Json) -> None:
    assert page(body) == RawPage(items=[], path=page(body).path, following=None)


NO_LISTS: dict[str, Json] = {
    "null": None,
    "a text": CANARY,
    "a number": 3,
    "a boolean": True,
    "an empty object": {},
    "a property": {"id": "prop_1", "name": CANARY},
    "data that is an object": {"data": {"id": "prop_1", "name": CANARY}},
    "several lists": {"homes": TWO, "owners": [CANARY]},
    "an error object": {"error": {"message": CANARY}},
    "only errors": {"errors": [CANARY]},
    "no errors": {"errors": []},
    "no messages": {"messages": []},
    "no warnings": {"status": "ok", "warnings": []},
    "a failure with a list": {"success": False, "data": [], "message": CANARY},
    "lists of lists below": {"body": {"data": TWO}},
}


@pytest.mark.parametrize("body", NO_LISTS.values(), ids=list(NO_LISTS))
def test_no_list_or_several_is_an_error_and_never_an_empty_page(body: Json) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        page(body)
    assert caught.value.path == "$"
    assert CANARY not in everything_on(caught.value)


def test_a_named_key_is_the_only_one_that_counts() -> None:
    names = PageNames(plural="properties", items_key="homes")
    assert page({"data": [], "homes": TWO, "owners": []}, names=names).path == "$.homes"
    assert page({"homes": {"items": TWO}}, names=names).path == "$.homes.items"
    bodies: list[Json] = [{"data": TWO}, {"others": TWO}, {"homes": {}}]
    for others in bodies:
        with pytest.raises(InvalidResponseError, match="items_key"):
            page(others, names=names)


def body(**metadata: Json) -> JsonObject:
    return {"data": TWO, **metadata}


URL = "http://internal.example:8080/v2/properties?status=active&page=2&cursor=a%2Fb"
FROM_URL = {"status": "active", "page": "2", "cursor": "a/b"}

CURSORS: dict[str, JsonObject] = {
    "next_cursor": body(next_cursor="c1"),
    "nextCursor": body(nextCursor="c1"),
    "next_page_token": body(next_page_token="c1"),
    "_nextCursor": body(_nextCursor="c1"),
    "cursor.next": body(cursor={"next": "c1"}),
    "cursors.next": body(cursors={"next": "c1"}),
    "under pagination": body(pagination={"next_cursor": "c1"}),
    "under meta": body(meta={"nextCursor": "c1"}),
    "under _paging": body(_paging={"_nextCursor": "c1"}),
    "nested under meta": body(meta={"cursor": {"next": "c1"}}),
    "inside data": {"data": {"items": TWO, "next_cursor": "c1"}},
    "before an explicit end": body(next_cursor="c1", has_more=False),
    "before a link": body(next_cursor="c1", next=URL, links={"next": URL}),
    "before numbers": body(next_cursor="c1", page=1, total_pages=3),
}


@pytest.mark.parametrize("body", CURSORS.values(), ids=list(CURSORS))
def test_a_cursor_leads_on_first(body: Json) -> None:
    assert page(body, {"limit": "2"}).following == {"cursor": "c1"}


def test_a_numeric_cursor_is_a_cursor_under_the_dialects_name() -> None:
    names = PageNames(cursor="after")
    assert page(body(next_cursor=17), names=names).following == {"after": "17"}


def test_an_empty_page_with_a_cursor_goes_on() -> None:
    assert page({"data": [], "next_cursor": "c1"}).following == {"cursor": "c1"}


ENDS: dict[str, JsonObject] = {
    "has_more false": body(has_more=False),
    "hasMore false": body(hasMore=False),
    "nextPageExists false": body(nextPageExists=False),
    "under meta": body(meta={"has_more": False}),
    "null cursor": body(next_cursor=None),
    "empty cursor": body(nextCursor=""),
    "null in cursor.next": body(cursor={"next": None}),
    "null next": body(next=None),
    "null nextPageUrl": body(nextPageUrl=None),
    "null links.next": body(links={"next": None, "prev": URL}),
    "empty links.next": body(links={"next": ""}),
    "null pages.nextPageLink": body(pages={"nextPageLink": None}),
    "null cursor under pagination": body(pagination={"next_cursor": None}),
    "before numbers": body(has_more=False, page=1, total_pages=3),
    "before a link": body(has_more=False, next=URL),
    "before a total": body(next_cursor=None, total=10, limit=2, offset=0),
    "before a full page": body(has_more=False),
}


@pytest.mark.parametrize("body", ENDS.values(), ids=list(ENDS))
def test_an_explicit_end_is_the_end(body: Json) -> None:
    assert page(body, {"limit": "2"}).following is None


URLS: dict[str, JsonObject] = {
    "links.next": body(links={"next": URL}),
    "links.next.href": body(links={"next": {"href": URL}}),
    "next": body(next=URL),
    "nextPageUrl": body(nextPageUrl=URL),
    "next_page_url": body(next_page_url=URL),
    "pages.nextPageLink": body(pages={"nextPageLink": URL}),
    "under meta": body(meta={"next": URL}),
    "relative": body(next="?status=active&page=2&cursor=a%2Fb"),
    "path": body(next="/properties?status=active&page=2&cursor=a%2Fb#top"),
    "another host": body(next="https://evil.example/?status=active&page=2&cursor=a%2Fb"),
    "a host that can not be parsed": body(next="http://[::1/?status=active&page=2&cursor=a%2Fb"),
    "before numbers": body(next=URL, page=1, total_pages=9),
}


@pytest.mark.parametrize("body", URLS.values(), ids=list(URLS))
def test_of_a_url_only_its_query_leads_on(body: Json) -> None:
    assert page(body).following == FROM_URL


LINKS: dict[str, tuple[str, dict[str, str] | None]] = {
    "alone": (f'<{URL}>; rel="next"', FROM_URL),
    "without quotes": (f"<{URL}>; rel=next", FROM_URL),
    "in capitals": (f'<{URL}>; REL="NEXT"', FROM_URL),
    "with blanks": (f'<{URL}> ;  rel="next" ; title="on"', FROM_URL),
    "behind another parameter": (f'<{URL}>; title="on"; rel="next"', FROM_URL),
    "behind another link": (f'<https://x.example/?page=0>; rel="prev", <{URL}>; rel="next"', FROM_URL),
    "before another link": (f'<{URL}>; rel="next", <https://x.example/?page=9>; rel="last"', FROM_URL),
    "with a comma": ('<https://x.example/?ids=1,2>; rel="next"', {"ids": "1,2"}),
    "of several relations": (f'<{URL}>; rel="next last"', FROM_URL),
    "of another relation": (f'<{URL}>; rel="prev"', None),
    "of a relation that begins so": (f'<{URL}>; rel="next-archive"', None),
    "of no relation": (f"<{URL}>", None),
    "empty": ("", None),
    "garbage": ("<<<>>>;;;,,,rel=next", None),
}


@pytest.mark.parametrize(("link", "following"), LINKS.values(), ids=list(LINKS))
@pytest.mark.parametrize("body", [TWO, {"data": TWO}], ids=["array", "object"])
def test_the_link_header_leads_on(body: Json, link: str, following: dict[str, str] | None) -> None:
    assert page(body, headers={"Link": link}).following == following


def test_two_link_headers_are_one() -> None:
    headers = Headers([("Link", f'<{URL}>; rel="next"'), ("link", '<https://x.example/?page=9>; rel="last"')])
    assert read_page(TWO, headers, {}, PageNames()).following == FROM_URL


LOST_WAYS: dict[str, tuple[Json, dict[str, str]]] = {
    "a link without a query": (body(links={"next": "https://x.example/properties/page/2"}), {}),
    "a token that is no link": (body(next=CANARY), {}),
    "an empty query": (body(next="https://x.example/properties?"), {}),
    "a Link header without a query": (TWO, {"Link": '<https://x.example/properties/page/2>; rel="next"'}),
    "more to come behind a cursor": (body(has_more=True), {}),
    "more to come on an empty page": ({"data": [], "has_more": True}, {}),
}


@pytest.mark.parametrize(("body", "headers"), LOST_WAYS.values(), ids=list(LOST_WAYS))
def test_a_way_on_that_can_not_be_gone_is_an_error_and_never_the_end(body: Json, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        page(body, {"cursor": "c1"}, headers=headers)
    assert CANARY not in everything_on(caught.value)


@attrs.frozen
class Numbered:
    body: Json
    following: dict[str, str] | None
    numbers: tuple[int, int] | None
    total: int | None = None
    query: Mapping[str, str] = attrs.field(factory=dict[str, str])


NUMBERED: dict[str, Numbered] = {
    "current_page, last_page": Numbered(body(current_page=1, last_page=3), {"page": "2"}, (1, 3)),
    "currentPage, lastPage": Numbered(body(currentPage=2, lastPage=3), {"page": "3"}, (2, 3)),
    "page, total_pages": Numbered(body(page=1, total_pages=2), {"page": "2"}, (1, 2)),
    "page, totalPages": Numbered(body(page=1, totalPages=2), {"page": "2"}, (1, 2)),
    "page_number, page_count": Numbered(body(page_number=1, page_count=2), {"page": "2"}, (1, 2)),
    "under meta": Numbered(body(meta={"current_page": 1, "last_page": 3, "total": 6}), {"page": "2"}, (1, 3), 6),
    "as texts": Numbered(body(page="1", total_pages="3"), {"page": "2"}, (1, 3)),
    "the last one": Numbered(body(current_page=3, last_page=3), None, (3, 3)),
    "behind the last one": Numbered(body(current_page=4, last_page=3), None, (4, 3)),
    "no page at all": Numbered({"data": [], "current_page": 1, "last_page": 0}, None, (1, 0)),
    "the last one, and more to come": Numbered(body(page=3, total_pages=3, has_more=True), None, (3, 3)),
    "the page that was asked for": Numbered(body(total_pages=3), {"page": "3"}, (2, 3), query={"page": "2"}),
    "the first when none was asked for": Numbered(body(total_pages=3), {"page": "2"}, (1, 3)),
    "page, page_size, total": Numbered(body(page=1, page_size=2, total=5), {"page": "2"}, (1, 3), 5),
    "page, limit, total, the last one": Numbered(body(page=3, limit=2, total=5), None, (3, 3), 5),
    "page, per_page, total under meta": Numbered(
        body(meta={"page": 1, "per_page": 2, "total": 4}), {"page": "2"}, (1, 2), 4
    ),
    "page and total, a limit asked for": Numbered(
        body(page=1, total=5), {"page": "2", "limit": "2"}, (1, 3), 5, {"limit": "2"}
    ),
    "total alone, a limit asked for": Numbered(body(total=5), {"page": "2", "limit": "2"}, None, 5, {"limit": "2"}),
    "limit and total alone": Numbered(body(limit=2, total=5), {"page": "2"}, None, 5),
    "a full page behind a cursor": Numbered(body(), None, None, None, {"limit": "2", "cursor": "c1"}),
    "total alone, the last page": Numbered(body(total=4), None, None, 4, {"limit": "2", "page": "2"}),
    "total alone, in the middle": Numbered(
        body(total=6), {"page": "3", "limit": "2"}, None, 6, {"limit": "2", "page": "2"}
    ),
    "total alone, the third and last page": Numbered(body(total=6), None, None, 6, {"limit": "2", "page": "3"}),
    "total alone, everything on it": Numbered(body(total=2), None, None, 2, {"limit": "2"}),
    "total alone, behind a cursor": Numbered(body(total=9), None, None, 9, {"limit": "2", "cursor": "c1"}),
    "the server caps the limit": Numbered(
        body(page=1, total=5), {"page": "2", "limit": "2"}, (1, 3), 5, {"limit": "100"}
    ),
    "the server caps the limit and repeats the one asked for": Numbered(
        body(page=1, limit=100, total=5), {"page": "2", "limit": "2"}, (1, 3), 5, {"limit": "100"}
    ),
    "the server caps the limit and says nothing but the total": Numbered(
        body(total=5), {"page": "2", "limit": "2"}, None, 5, {"limit": "100"}
    ),
    "fewer than asked for, for there are no more": Numbered(body(page=1, total=2), None, (1, 1), 2, {"limit": "100"}),
    "a short last page": Numbered(body(page=2, total=12), None, (2, 2), 12, {"limit": "10", "page": "2"}),
    "offset, limit, total": Numbered(body(offset=0, limit=2, total=5), {"offset": "2"}, None, 5),
    "offset, in the middle": Numbered(body(offset=2, limit=2, total=5), {"offset": "4"}, None, 5),
    "offset, the end": Numbered(body(offset=4, limit=2, total=6), None, None, 6),
    "offset, with a limit asked for": Numbered(
        body(offset=0, limit=2, total=5), {"offset": "2"}, None, 5, {"limit": "2"}
    ),
    "skip, limit, total": Numbered(body(skip=2, limit=2, total=6), {"skip": "4"}, None, 6),
    "skip under pagination": Numbered(body(pagination={"skip": 0, "limit": 2, "total": 4}), {"skip": "2"}, None, 4),
    "the offset that was asked for": Numbered(body(total=5), {"offset": "4"}, None, 5, {"offset": "2"}),
    "offset as the server caps it": Numbered(body(offset=0, limit=100, total=5), {"offset": "2"}, None, 5),
    "offset asked for, the end": Numbered(body(total=4), None, None, 4, {"offset": "2", "limit": "2"}),
    "offset on an empty page": Numbered({"data": [], "offset": 4, "limit": 2, "total": 6}, None, None, 6),
    "has_more alone": Numbered(body(has_more=True), {"page": "2"}, None),
    "hasMore alone": Numbered(body(hasMore=True), {"page": "2"}, None),
    "nextPageExists alone": Numbered(body(meta={"nextPageExists": True}), {"page": "2"}, None),
    "has_more on page 4": Numbered(body(has_more=True), {"page": "5"}, None, None, {"page": "4"}),
    "has_more and the current page": Numbered(body(has_more=True, page=4), {"page": "5"}, None),
    "has_more and an offset": Numbered(body(has_more=True, offset=4, limit=2), {"offset": "6"}, None),
    "a bare array": Numbered(TWO, None, None),
    "a bare array, a limit asked for": Numbered(TWO, {"page": "2"}, None, None, {"limit": "2"}),
    "a bare array, more than asked for": Numbered(TWO, {"page": "2"}, None, None, {"limit": "1"}),
    "a bare array, page 2 full": Numbered(TWO, {"page": "3"}, None, None, {"limit": "2", "page": "2"}),
    "a bare array, not full": Numbered(TWO, None, None, None, {"limit": "3"}),
    "an empty bare array": Numbered([], None, None, None, {"limit": "2"}),
    "no metadata": Numbered(body(), None, None),
    "no metadata, a limit asked for": Numbered(body(), {"page": "2"}, None, None, {"limit": "2"}),
    "count is not the total": Numbered(body(count=2), {"page": "2"}, None, None, {"limit": "2"}),
    "a total that is everything": Numbered(body(total=2), None, None, 2),
    "negative numbers": Numbered(body(page=-1, total_pages=-3, total=-5), None, None),
    "broken numbers": Numbered(body(page=1.5, total_pages="many", total=True), None, None),
}


@pytest.mark.parametrize("case", NUMBERED.values(), ids=list(NUMBERED))
def test_numbers_lead_on(case: Numbered) -> None:
    found = page(case.body, case.query)
    assert found.following == case.following
    assert found.numbers == (
        None if case.numbers is None else PageNumbers(current=case.numbers[0], last=case.numbers[1])
    )
    assert found.total == case.total


def test_names_of_the_dialect_are_asked_with() -> None:
    names = PageNames(page="p", size="per_page")
    assert page(body(page=1, total_pages=3), names=names).following == {"p": "2"}
    assert page(body(has_more=True), {"p": "4"}, names=names).following == {"p": "5"}
    assert page(TWO, {"per_page": "2"}, names=names).following == {"p": "2"}
    assert page(TWO, {"limit": "2"}, names=names).following is None


TOTALS: dict[str, tuple[Json, dict[str, str], int | None]] = {
    "total": (body(total=7), {}, 7),
    "total_count": (body(total_count=7), {}, 7),
    "totalCount": (body(meta={"totalCount": 7}), {}, 7),
    "total_items": (body(pagination={"total_items": "7"}), {}, 7),
    "header": (TWO, {"X-Total-Count": "7"}, 7),
    "body before header": (body(total=7), {"X-Total-Count": "8"}, 7),
    "count": (body(count=7), {}, None),
    "header of another form": (TWO, {"X-Total-Count": "²"}, None),
    "header of 5 000 digits": (TWO, {"X-Total-Count": "9" * 5000}, None),
    "a total of 400 digits": (body(total=10**400, page=1, limit=1), {}, None),
}


@pytest.mark.parametrize(("body", "headers", "total"), TOTALS.values(), ids=list(TOTALS))
def test_how_many_there_are(body: Json, headers: dict[str, str], total: int | None) -> None:
    assert page(body, headers=headers).total == total


def test_a_walk_behind_a_server_that_caps_the_limit_meets_every_row() -> None:
    rows = [{"id": str(number)} for number in range(25)]
    first: Mapping[str, str] = {"limit": "10"}

    def server(query: Mapping[str, str]) -> Json:
        size, number = min(int(query["limit"]), 4), int(query.get("page", "1"))
        items: list[Json] = [dict(row) for row in rows[(number - 1) * size : number * size]]
        return {"data": items, "page": number, "total": len(rows)}

    met: list[Json] = []
    query: Mapping[str, str] | None = first
    while query is not None:
        found = page(server(query), query)
        met += found.items
        query = None if found.following is None else overlay(first, found.following)
    assert met == rows


def test_the_next_page_keeps_the_filters_of_the_first() -> None:
    assert overlay({"status": "active", "limit": "2", "page": "1"}, {"page": "2"}) == {
        "status": "active",
        "limit": "2",
        "page": "2",
    }


META_NAMES = ["data", "items", "next_cursor", "cursor", "cursors", "has_more", "next", "links", "pages", "pagination"]
MORE_NAMES = ["meta", "page", "current_page", "last_page", "total_pages", "limit", "total", "offset", "skip", "success"]
names = st.sampled_from(META_NAMES + MORE_NAMES)
words = st.text(max_size=5) | st.sampled_from([URL, "http://[bad?x=1", "?", "7", "²", "9" * 30, "x?a=%ff&b", ""])
scalars: st.SearchStrategy[Json] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=False, allow_infinity=False)
    | words
)
bodies: st.SearchStrategy[Json] = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=8), max_leaves=20
)
headers = st.lists(st.tuples(st.sampled_from(["Link", "X-Total-Count"]), st.text('<>;,="?rel next0²') | words))
queries = st.dictionaries(st.sampled_from(["page", "limit", "cursor", "offset", "skip", "status"]), words)


@given(json_values() | bodies, headers, queries)
def test_any_answer_is_a_page_or_an_invalid_response(
    body: Json, fields: list[tuple[str, str]], query: dict[str, str]
) -> None:
    try:
        found = read_page(body, Headers(fields), query, PageNames())
    except InvalidResponseError:
        return
    assert found.following is None or found.following
    assert found.total is None or found.total >= 0
