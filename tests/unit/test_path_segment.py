"""Ids in paths: any text is one encoded segment or refused, and never changes where a request goes."""

from urllib.parse import unquote, urlsplit

import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st

from setsmart_async import HttpRequest, Origin
from setsmart_async.wire import path_segment, target_of

ORIGIN = Origin("https", "api.example.com", 443, "/v1")

ENCODED = {
    "prop_123": "prop_123",
    "a-b.c~d_e": "a-b.c~d_e",
    "../x": "..%2Fx",
    "//evil": "%2F%2Fevil",
    "a/b": "a%2Fb",
    "a\\b": "a%5Cb",
    "?k=v": "%3Fk%3Dv",
    "#": "%23",
    "%2e%2e": "%252e%252e",
    "%2F": "%252F",
    "{id}": "%7Bid%7D",
    "user@evil:80": "user%40evil%3A80",
    "a b+c": "a%20b%2Bc",
    ";v=1,2": "%3Bv%3D1%2C2",
    "...": "...",
    "\x85": "%C2%85",
    "\u2028": "%E2%80%A8",
    "\u202e": "%E2%80%AE",
    "hjem_\N{HOUSE BUILDING}": "hjem_%F0%9F%8F%A0",
    "a" * 512: "a" * 512,
}

REFUSED = {
    "nothing": "",
    "dot": ".",
    "two dots": "..",
    "line break": "a\r\nX-Evil: 1",
    "newline behind": "prop_123\n",
    "NUL": "a\0b",
    "tab": "a\tb",
    "escape": "\x1b[2J",
    "DEL": "\x7f",
    "lone surrogate": "\ud800",
    "513 characters": "a" * 513,
    "10 kB": "a" * 10_240,
}


@pytest.mark.parametrize(("text", "segment"), ENCODED.items())
def test_an_id_is_one_encoded_segment(text: str, segment: str) -> None:
    assert path_segment(text) == segment


@pytest.mark.parametrize("text", REFUSED.values(), ids=list(REFUSED))
def test_r32_what_no_encoding_makes_safe_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="An id must"):
        path_segment(text)


@given(st.text() | st.text("./\\%?#@:;[]{}&=+ \r\n\0\ud800a"))
@example("..;")
@example(".%2e")
def test_r32_any_text_is_one_segment_below_an_unchanged_origin_or_refused(text: str) -> None:
    try:
        segment = path_segment(text)
    except ValueError:
        return
    assert segment.isascii()
    assert not set(segment) & set("/\\?#@:;")
    assert unquote(segment) == text
    url = HttpRequest(method="GET", origin=ORIGIN, target=f"/properties/{segment}").url
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "api.example.com", f"/v1/properties/{segment}")
    assert (parts.query, parts.fragment) == ("", "")
    for read in (yarl.URL(url, encoded=True), yarl.URL(url)):
        assert read.origin() == yarl.URL("https://api.example.com")
        assert read.parts == ("/", "v1", "properties", text)
        assert (read.raw_query_string, read.raw_fragment) == ("", "")


TARGETS = [
    ({}, "/properties"),
    ({"status": "active"}, "/properties?status=active"),
    ({"a": "1", "b": "2"}, "/properties?a=1&b=2"),
    ({"cursor": "a&b=c#d?e/f"}, "/properties?cursor=a%26b%3Dc%23d%3Fe%2Ff"),
    ({"cursor": "a\r\nX-Evil: 1"}, "/properties?cursor=a%0D%0AX-Evil%3A+1"),
    ({"q": "Årjäng"}, "/properties?q=%C3%85rj%C3%A4ng"),
]


@pytest.mark.parametrize(("query", "target"), TARGETS)
def test_a_query_is_encoded_into_the_target(query: dict[str, str], target: str) -> None:
    assert target_of("/properties", query) == target
