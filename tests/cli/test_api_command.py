"""`setsmart api METHOD /path`."""

import json
from collections.abc import Iterator

import pytest
from cli.shell import Shell

from setsmart_async import HttpRequest, HttpResponse
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.wire import decode_json

ASKED: list[HttpRequest] = []


@pytest.fixture
def api(shell: Shell) -> Iterator[SandboxApi]:
    ASKED.clear()

    def listen(request: HttpRequest) -> HttpResponse | None:
        ASKED.append(request)
        return HttpResponse(status=204) if request.target == "/nothing" else None

    api = SandboxApi(3, intercept=listen)
    with shell.on(api):
        yield api


def test_fields_of_a_get_are_its_query(shell: Shell, api: SandboxApi) -> None:
    ended = shell("api", "get", "properties?status=active", "-F", "limit=2", "-f", "check=007")
    assert len(ended.record["data"]) == 2
    assert (ASKED[0].method, ASKED[0].target) == ("GET", "/properties?status=active&check=007&limit=2")


def test_fields_of_a_put_are_its_body(shell: Shell, api: SandboxApi) -> None:
    fields = ("-F", "max_guests=3", "-F", "pool=true", "-F", "note=null", "-f", "door=007", "-F", 'tags=["a"]')
    ended = shell("api", "PUT", "/properties/prop_85902", "--input", "-", *fields, stdin='{"name": "V", "door": 1}')
    assert ended.record["max_guests"] == 3
    body = decode_json(ASKED[0].body or b"")
    assert body == {"name": "V", "door": "007", "max_guests": 3, "pool": True, "note": None, "tags": ["a"]}


def test_an_empty_answer_prints_nothing(shell: Shell, api: SandboxApi) -> None:
    assert shell("api", "DELETE", "/nothing").out == ""
    head, _, body = shell("api", "GET", "/properties/prop_85902", "--include").out.partition("\n\n")
    assert head.startswith("HTTP 200\n")
    assert "x-ratelimit-remaining: " in head
    assert json.loads(body)["id"] == "prop_85902"


def test_every_page_of_a_list(shell: Shell, api: SandboxApi) -> None:
    items = shell("api", "GET", "/properties?status=active", "-F", "limit=2", "--paginate").records
    assert [item["id"] for item in items] == ["prop_85902", "prop_149776", "prop_405953"]
    assert items[0]["room_type"]
    assert [request.target.partition("&cursor")[0] for request in ASKED] == ["/properties?status=active&limit=2"] * 2


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("GET", "https://evil.example/properties"), "Pass a path such as /properties, not a whole address"),
        (("GET", "//evil.example/properties"), "not a whole address"),
        (("GET", "/properties/../keys"), "The path must be plain"),
        (("GET", "/properties/%2e%2e/keys"), "The path must be plain"),
        (("GET", "/properties#x"), "The path must be plain"),
        (("/properties", "GET"), "The method is one of GET, POST, PUT, PATCH, DELETE, and comes before the path."),
        (("GET", "/properties", "--input", "-"), "A GET has no body: leave out --input."),
        (("POST", "/properties", "--input", "-", "-F", "a=1"), "-F and -f add to an object"),
        (("DELETE", "/properties", "--paginate"), "--paginate is for GET"),
        (("GET", "/properties?cursor=x", "--paginate"), "leave out cursor and page_size."),
        (("POST", "/properties", "-f", "a"), "-f is written NAME=VALUE."),
        (("POST", "/properties", "-f", "a=1", "--idempotency-key", "k"), "needs a server that honours it"),
    ],
)
def test_what_can_not_be_meant_sends_nothing(
    shell: Shell, api: SandboxApi, arguments: tuple[str, ...], reason: str
) -> None:
    assert reason in shell.refused("api", *arguments, stdin="[]")
    assert ASKED == []


def test_a_create_of_unknown_outcome_has_a_code_of_its_own(shell: Shell, api: SandboxApi) -> None:
    api.intercept = lambda _: HttpResponse(status=500)
    line = shell.refused("api", "POST", "/properties", "-F", "name=Jane", code=9)
    assert "outcome unknown" in line
    assert "Jane" not in line
