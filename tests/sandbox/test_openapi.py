"""The OpenAPI document says what is served, and what of it is documented."""

import asyncio
import json
import urllib.error
import urllib.request
from typing import Any

from sandbox import openapi_page

from setsmart_async.contract import CONTRACT, RECORDS, record_of
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.openapi import openapi_document
from setsmart_async.sandbox.server import OPENAPI_PATH, SandboxServer

DOCUMENT: Any = openapi_document()


def test_the_shipped_document_is_up_to_date() -> None:
    assert openapi_page.PAGE.read_text(encoding="utf-8") == openapi_page.page(), (
        "run: python tests/sandbox/openapi_page.py"
    )


def test_every_operation_is_in_it_and_says_whether_it_is_documented() -> None:
    found = {
        one["operationId"]: (method.upper(), path, "x-provisional" not in one)
        for path, methods in DOCUMENT["paths"].items()
        for method, one in methods.items()
    }
    assert found == {name: (row.method, row.path, row.documented) for name, row in CONTRACT.items()}


def test_every_field_is_in_it_and_provisional_ones_are_marked() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    for resource in RECORDS:
        kind: Any = record_of(resource)
        fields = schemas[kind.__name__]["properties"]
        assert set(fields) == {field.name for field in kind.__attrs_attrs__} - {"extra"}
    plain = {name for name, field in schemas["Property"]["properties"].items() if "x-provisional" not in field}
    assert plain == {"id", "name", "address", "bedrooms", "bathrooms", "max_guests", "status"}
    assert all("x-provisional" in field for field in schemas["Reservation"]["properties"].values())


def test_it_is_served_beside_the_api() -> None:
    async def main() -> tuple[str, Any]:
        async with SandboxServer(SandboxApi()) as server:
            address = server.url.removesuffix("/v1") + OPENAPI_PATH
            answer = await asyncio.to_thread(lambda: urllib.request.urlopen(address).read())
            return server.url, json.loads(answer)

    url, served = asyncio.run(main())
    assert served["servers"] == [{"url": url}]
    assert {**served, "servers": []} == {**DOCUMENT, "servers": []}


def test_a_path_with_a_line_break_is_answered_in_json_too() -> None:
    async def main() -> tuple[int, Any]:
        async with SandboxServer(SandboxApi()) as server:
            request = urllib.request.Request(f"{server.url}/properties/a%0Ab", headers={"X-API-Key": "x"})

            def ask() -> tuple[int, Any]:
                try:
                    urllib.request.urlopen(request)
                except urllib.error.HTTPError as error:
                    return error.code, json.loads(error.read())
                raise AssertionError

            return await asyncio.to_thread(ask)

    status, body = asyncio.run(main())
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")
