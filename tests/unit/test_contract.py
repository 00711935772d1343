"""The table of endpoints, and what a dialect may change in it."""

from typing import Any

import pytest

from setsmart_async import ConfigurationError, Dialect
from setsmart_async.contract import CONTRACT, PRODUCTION_URL, PROPERTIES_DELETE, PROPERTIES_GET, PROPERTIES_LIST

DOCUMENTED = {
    "properties.list": ("GET", "/properties", "S"),
    "properties.get": ("GET", "/properties/{id}", "S"),
    "properties.create": ("POST", "/properties", "N"),
    "properties.update": ("PUT", "/properties/{id}", "I"),
    "properties.delete": ("DELETE", "/properties/{id}", "I"),
}


def test_the_documented_endpoints_are_these() -> None:
    documented = {
        name: (row.method, row.path, row.retry_class.value) for name, row in CONTRACT.items() if row.documented
    }
    assert documented == DOCUMENTED
    assert PRODUCTION_URL == "https://api.setsmart.com/v1"


def test_every_row_stands_under_its_name_and_reads_as_method_and_path() -> None:
    assert all(row.name == name for name, row in CONTRACT.items())
    assert str(PROPERTIES_GET) == "GET /properties/{id}"


def test_a_dialect_changes_nothing_unless_told_to() -> None:
    dialect = Dialect()
    assert dialect.api_key_header == "X-API-Key"
    assert dialect.update_style == "merge"
    assert all(dialect.operation(row) is row for row in CONTRACT.values())


def test_a_dialect_tells_each_resource_its_own_names() -> None:
    dialect = Dialect(
        fields={"properties.name": "title", "reservations.check_in": "arrival"},
        parameters={"reservations.status": "state"},
    )
    assert dialect.field_names("properties") == {"name": "title"}
    assert dialect.field_names("reservations") == {"check_in": "arrival"}
    assert dialect.field_names("calendar") == {}
    assert dialect.parameter_names("reservations") == {"status": "state"}
    assert dialect.parameter_names("properties") == {}


def test_names_may_be_swapped() -> None:
    swapped = Dialect(fields={"properties.name": "address", "properties.address": "name"})
    assert swapped.field_names("properties") == {"name": "address", "address": "name"}


def test_a_dialect_changes_a_path_and_nothing_else() -> None:
    dialect = Dialect(paths={"properties.get": "/homes/{id}/details"})
    changed = dialect.operation(PROPERTIES_GET)
    assert str(changed) == "GET /homes/{id}/details"
    assert (changed.name, changed.retry_class) == (PROPERTIES_GET.name, PROPERTIES_GET.retry_class)
    assert dialect.operation(PROPERTIES_LIST) is PROPERTIES_LIST
    assert dialect.operation(PROPERTIES_DELETE) is PROPERTIES_DELETE


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown resource": ({"fields": {"homes.name": "title"}}, "'homes.name' must be 'resource.name'"),
    "no resource": ({"parameters": {"status": "state"}}, "'status' must be 'resource.name'"),
    "unknown field": ({"fields": {"properties.rooms": "x"}}, "properties has no 'rooms'; there are address, bath"),
    "extra is no field": ({"fields": {"properties.extra": "x"}}, "properties has no 'extra'"),
    "no name for a field": ({"fields": {"properties.name": ""}}, "with a name for it"),
    "two fields of one name": ({"fields": {"properties.name": "address"}}, "two names of properties would be the same"),
    "unknown filter": ({"parameters": {"properties.name": "x"}}, "properties has no 'name'; there are status"),
    "a filter named as a page": ({"parameters": {"properties.status": "page"}}, "name of a paging parameter"),
    "no calendar key": ({"calendar_key": ""}, "calendar_key=...\\) must be a key"),
    "no record key": ({"record_key": ""}, "record_key=...\\) must be a key"),
    "unknown form of money": ({"money": "cents"}, "'string', 'number' or 'object'"),
    "unknown operation": ({"paths": {"homes.list": "/homes"}}, "no operation 'homes.list'.*properties.list"),
    "no slash": ({"paths": {"properties.list": "homes"}}, "must start with /"),
    "empty path": ({"paths": {"properties.list": ""}}, "must start with /"),
    "another address": ({"paths": {"properties.list": "https://evil.example/"}}, "must start with /"),
    "two slashes": ({"paths": {"properties.list": "//evil.example"}}, "path"),
    "id where none is": ({"paths": {"properties.list": "/homes/{id}"}}, "hold {id} where"),
    "no id where one is": ({"paths": {"properties.get": "/homes"}}, "hold {id} where"),
    "id in the query": ({"paths": {"properties.get": "/homes?id={id}"}}, "path"),
    "query": ({"paths": {"properties.list": "/homes?all=1"}}, "path"),
    "fragment": ({"paths": {"properties.get": "/homes#{id}"}}, "path"),
    "dots": ({"paths": {"properties.list": "/homes/../admin"}}, "path"),
    "escape": ({"paths": {"properties.list": "/%2e%2e/admin"}}, "path"),
    "line break": ({"paths": {"properties.list": "/homes\r\nX-Evil: 1"}}, "path"),
    "newline behind": ({"paths": {"properties.list": "/homes\n"}}, "path"),
    "blank": ({"paths": {"properties.list": "/my homes"}}, "path"),
    "no ASCII": ({"paths": {"properties.list": "/häuser"}}, "path"),
    "update style": ({"update_style": "patch"}, "'merge' or 'replace'"),
    "no header": ({"api_key_header": ""}, "api_key_header"),
    "header with a line break": ({"api_key_header": "X-Key\r\nX-Evil"}, "api_key_header"),
    "header with a newline behind": ({"api_key_header": "X-Key\n"}, "api_key_header"),
    "header with a blank": ({"api_key_header": " X-Key"}, "api_key_header"),
    "header with a colon": ({"api_key_header": "X-Key:"}, "api_key_header"),
    "header with NUL": ({"api_key_header": "X-Key\0"}, "api_key_header"),
    "header outside ASCII": ({"api_key_header": "X-Schlüssel"}, "api_key_header"),
    "header that is the client's own": ({"api_key_header": "user-agent"}, "api_key_header"),
    "header that frames the body": ({"api_key_header": "Content-Length"}, "api_key_header"),
    "header that names the host": ({"api_key_header": "HOST"}, "api_key_header"),
    "no cursor parameter": ({"cursor_parameter": ""}, "cursor_parameter"),
    "no page parameter": ({"page_parameter": ""}, "page_parameter"),
    "no size parameter": ({"page_size_parameter": ""}, "page_size_parameter"),
    "one name for two parameters": ({"page_parameter": "limit"}, "page_parameter"),
    "no items key": ({"items_key": ""}, "items_key"),
}


@pytest.mark.parametrize(("settings", "reason"), REFUSED.values(), ids=list(REFUSED))
def test_a_dialect_that_can_not_work_is_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Dialect(**settings)


TAKEN: list[dict[str, Any]] = [
    {"paths": {"properties.list": "/v2/homes", "properties.get": "/v2/homes/{id}.json"}},
    {"api_key_header": "Authorization"},
    {"items_key": "homes", "cursor_parameter": "after", "page_parameter": "p", "page_size_parameter": "per_page"},
    {"update_style": "replace"},
]


@pytest.mark.parametrize("settings", TAKEN, ids=str)
def test_a_dialect_that_can_work_is_taken(settings: dict[str, Any]) -> None:
    Dialect(**settings)
