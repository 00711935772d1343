"""Requests, answers and header fields as values."""

import pytest

from setsmart_async import Headers, HttpRequest, HttpResponse, Origin

ORIGIN = Origin("https", "api.example.com", 443, "/v1")
SECRET = "canary0123456789"


def test_header_names_come_in_any_case() -> None:
    headers = Headers([("X-RateLimit-Limit", "100")])
    assert headers["x-ratelimit-limit"] == headers["X-RATELIMIT-LIMIT"] == "100"
    assert "X-RateLimit-LIMIT" in headers
    assert list(headers) == ["x-ratelimit-limit"]


def test_of_a_field_sent_twice_all_are_kept_and_the_last_one_is_it() -> None:
    headers = Headers([("Link", "<a>"), ("date", "now"), ("LINK", "<b>"), ("link", "<c>")])
    assert headers["Link"] == headers.get("LINK") == "<c>"
    assert headers.get_all("lInK") == ("<a>", "<b>", "<c>")
    assert list(headers.pairs()) == [("link", "<a>"), ("link", "<b>"), ("link", "<c>"), ("date", "now")]
    assert len(headers) == 2


def test_a_missing_field_is_missing() -> None:
    headers = Headers()
    assert headers.get("Date") is None
    assert headers.get("Date", "never") == "never"
    assert "Date" not in headers
    assert headers.get_all("Date") == ()
    with pytest.raises(KeyError):
        headers["Date"]


def test_no_repr_shows_a_header_value_or_a_body() -> None:
    headers = {"X-API-Key": SECRET}
    request = HttpRequest(method="POST", origin=ORIGIN, target="/x", headers=headers, body=SECRET.encode())
    response = HttpResponse(status=200, headers=Headers(headers.items()), body=SECRET.encode())
    assert SECRET not in repr(request)
    assert SECRET not in repr(response)
    assert repr(response.headers) == "Headers(x-api-key)"


def test_a_request_knows_its_url() -> None:
    assert HttpRequest(method="GET", origin=ORIGIN, target="/properties?limit=1").url == (
        "https://api.example.com/v1/properties?limit=1"
    )


def test_a_request_carries_nothing_and_may_share_a_connection_unless_told_otherwise() -> None:
    request = HttpRequest(method="GET", origin=ORIGIN, target="/properties")
    assert (dict(request.headers), request.body, request.fresh_connection) == ({}, None, False)
