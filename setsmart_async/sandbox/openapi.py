"""An OpenAPI 3.1 document of what the sandbox serves, made from the contract's table and the records' classes.

What SetSmart does not document is marked ``x-provisional``.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, cast, get_args, get_origin

import attrs

from setsmart_async.contract import CONTRACT, PRODUCTION_URL, RECORDS, Operation, record_of
from setsmart_async.contract.conventions import DOCUMENTED_FIELDS
from setsmart_async.records.open_enum import OpenEnum
from setsmart_async.records.reservation import Guest
from setsmart_async.records.webhook import WebhookEventType
from setsmart_async.sandbox.listing import LARGEST_PAGE
from setsmart_async.sandbox.resources.webhooks import ADDRESS
from setsmart_async.version import __version__
from setsmart_async.wire import Json, JsonObject

_SCALARS: Final[Mapping[object, JsonObject]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    Decimal: {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"},
    date: {"type": "string", "format": "date"},
    datetime: {"type": "string", "format": "date-time"},
}
_PAGING: Final = ("limit", "cursor", "page", "offset")
_WRITTEN_BY_THE_SERVER: Final = frozenset({"id", "created_at", "updated_at", "cancelled_at", "secret", "extra"})
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "properties.create": ("name", "address", "bedrooms", "bathrooms", "max_guests"),
    "reservations.create": ("property_id", "check_in", "check_out"),
    "webhooks.create": ("url", "events"),
}
_TEXT: Final[JsonObject] = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"\S"}
_COUNT: Final[JsonObject] = {"type": "integer", "minimum": 0}
_WRITTEN: Final[Mapping[str, JsonObject]] = {
    **dict.fromkeys(("name", "address", "property_id", "channel", "confirmation_code"), _TEXT),
    **dict.fromkeys(("bedrooms", "adults", "children", "infants", "pets"), _COUNT),
    "bathrooms": {"type": "number", "minimum": 0},
    "max_guests": {"type": "integer", "minimum": 1},
    "timezone": {"type": "string", "enum": ["Europe/Oslo", "America/New_York", "UTC"]},
    "currency": {"type": "string", "pattern": "^[A-Z]{3}$"},
    "total_amount": {"type": "string", "pattern": r"^[0-9]{1,12}(\.[0-9]{1,4})?$"},
    "notes": {**_TEXT, "maxLength": 10_000},
    "url": {"type": "string", "maxLength": 2_000, "pattern": ADDRESS},
    "events": {"type": "array", "minItems": 1, "items": {"enum": [*sorted(WebhookEventType.members)]}},
}
"""What a field takes, where that is narrower than its type."""
_OTHER_BODIES: Final[Mapping[str, JsonObject]] = {
    "reservations.cancel": {
        "type": "object",
        "required": ["cancelled_by"],
        "properties": {"cancelled_by": {"enum": ["host", "guest"]}, "reason": {"type": ["string", "null"]}},
    },
    "messages.send": {
        "type": "object",
        "required": ["body"],
        "properties": {"body": {"type": "string", "minLength": 1}, "channel": {"type": "string"}},
    },
    "calendar.push": {
        "type": "object",
        "required": ["days"],
        "properties": {
            "days": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "required": ["start_date", "end_date"],
                    "properties": {
                        "start_date": _SCALARS[date],
                        "end_date": {**_SCALARS[date], "description": "The last day: both ends are included."},
                    },
                },
            }
        },
    },
}
_REFUSALS: Final = {
    "400": "Wrong parameters, or a body that is no JSON object.",
    "401": "The API key is missing or not accepted.",
    "403": "The API key may not do this.",
    "404": "There is no such resource.",
    "409": "The resource's state does not allow this.",
    "413": "The body is too large.",
    "422": "The values are refused.",
    "429": "The quota is used up.",
    "500": "The server failed.",
}


def openapi_document(server_url: str = PRODUCTION_URL) -> JsonObject:
    """The document, for a server at this URL."""
    paths: dict[str, Json] = {}
    for operation in CONTRACT.values():
        path = cast(JsonObject, paths.setdefault(operation.path, {}))
        path[operation.method.lower()] = _operation(operation)
    schemas: dict[str, Json] = {record_of(resource).__name__: _record(resource) for resource in RECORDS}
    schemas["Guest"] = _schema_of(Guest, frozenset())
    schemas["Error"] = _error()
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "SetSmart, as the sandbox of setsmart_async serves it",
            "version": __version__,
            "description": "Operations and fields with `x-provisional` are not documented by SetSmart: they follow "
            "the conventions of the field's APIs.",
        },
        "servers": [{"url": server_url}],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
            "schemas": schemas,
        },
    }


def _operation(operation: Operation) -> JsonObject:
    made: JsonObject = {
        "operationId": operation.name,
        "tags": [operation.resource],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
    }
    if not operation.documented:
        made["x-provisional"] = True
    body = _body(operation)
    if body is not None:
        made["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return made


def _parameters(operation: Operation) -> list[Json]:
    found: list[Json] = []
    if "{id}" in operation.path:
        found.append({"name": "id", "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}})
    names = (*operation.parameters, *(_PAGING if operation.name.endswith(".list") else ()))
    for name in names:
        schema: JsonObject = {"type": "string"}
        if name == "limit":
            schema = {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE}
        elif name in ("page", "offset"):
            schema = {"type": "integer", "minimum": 1 if name == "page" else 0, "maximum": 10**9 - 1}
        elif name.endswith(("_from", "_to", "_date")):
            schema = {**_SCALARS[date]}
        elif name == "unread":
            schema = {"type": "boolean"}
        elif name == "updated_since":
            schema = {**_SCALARS[datetime]}
        parameter: JsonObject = {"name": name, "in": "query", "schema": schema, "x-provisional": True}
        if operation.name == "calendar.get":
            parameter["required"] = True
        found.append(parameter)
    return found


def _responses(operation: Operation) -> JsonObject:
    verb = operation.name.partition(".")[2]
    record: JsonObject = {"$ref": f"#/components/schemas/{record_of(operation.resource).__name__}"}
    many: JsonObject = {
        "anyOf": [
            {"type": "array", "items": record},
            {"type": "object", "required": ["data"], "properties": {"data": {"type": "array", "items": record}}},
        ]
    }
    schema: JsonObject = {"type": "object"} if verb in ("delete", "push") else record
    if verb == "list" or operation.name == "calendar.get":
        schema = many
    done: JsonObject = {"description": "Done.", "content": {"application/json": {"schema": schema}}}
    responses: JsonObject = {"200": done}
    if verb == "push":
        responses["202"] = {**done, "description": "Accepted; the days change later."}
    error: JsonObject = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses |= {status: {"description": text, "content": error} for status, text in _REFUSALS.items()}
    return responses


def _body(operation: Operation) -> JsonObject | None:
    if operation.name in _OTHER_BODIES:
        return _OTHER_BODIES[operation.name]
    verb = operation.name.partition(".")[2]
    if verb not in ("create", "update"):
        return None
    record = record_of(operation.resource)
    schema = _schema_of(record, _WRITTEN_BY_THE_SERVER)
    fields = cast("dict[str, JsonObject]", schema["properties"])
    statuses = next((hint for hint in _hints(record) if isinstance(hint, type) and issubclass(hint, OpenEnum)), None)
    narrowed = {name: _WRITTEN.get(name, field) for name, field in fields.items()}
    if "status" in fields and statuses is not None:
        narrowed["status"] = {"enum": [*sorted(statuses.members)]}
    if "guest" in fields:
        narrowed["guest"] = {"type": "object", "properties": {"first_name": _TEXT, "email": _TEXT}}
    needed = _NEEDED.get(operation.name, ())
    nullable: JsonObject = {
        name: field if name in needed else {"anyOf": [field, {"type": "null"}]} for name, field in narrowed.items()
    }
    return {**schema, "properties": nullable, "required": [*needed]}


def _hints(record: type) -> list[object]:
    """The types of a record's fields, without their null."""
    fields = attrs.fields(attrs.resolve_types(record))
    return [get_args(field.type)[0] if get_args(field.type) else field.type for field in fields]


def _record(resource: str) -> JsonObject:
    schema = _schema_of(record_of(resource), frozenset({"extra"}))
    documented = DOCUMENTED_FIELDS.get(resource, frozenset())
    fields = cast("dict[str, JsonObject]", schema["properties"])
    schema["properties"] = {
        name: field if name in documented else {**field, "x-provisional": True} for name, field in fields.items()
    }
    return schema


def _schema_of(record: type, left_out: frozenset[str]) -> JsonObject:
    fields = [field for field in attrs.fields(attrs.resolve_types(record)) if field.name not in (left_out | {"extra"})]
    return {
        "type": "object",
        "required": [field.name for field in fields if field.default is attrs.NOTHING],
        "properties": {field.name: _type(field.type) for field in fields},
        "additionalProperties": True,
    }


def _type(hint: Any) -> JsonObject:  # noqa: ANN401 - an annotation is of any type
    if hint in _SCALARS:
        return {**_SCALARS[hint]}
    if get_origin(hint) is types.UnionType:
        return {"anyOf": [_type(get_args(hint)[0]), {"type": "null"}]}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _type(get_args(hint)[0])}
    if isinstance(hint, type) and issubclass(hint, OpenEnum):
        return {"type": "string", "examples": [*sorted(hint.members)]}
    if isinstance(hint, type) and attrs.has(hint):
        return _schema_of(hint, frozenset())
    return {"type": "object"}


def _error() -> JsonObject:
    text: JsonObject = {"type": "string"}
    field: JsonObject = {"type": "object", "properties": {"field": text, "message": text, "code": text}}
    return {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "request_id", "errors"],
                "properties": {
                    "code": text,
                    "message": text,
                    "request_id": text,
                    "errors": {"type": "array", "items": field},
                },
            }
        },
        "x-provisional": True,
    }
