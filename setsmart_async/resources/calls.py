"""The calls of one resource: from its operations and arguments to what the engine runs, and back to records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import TypeVar
from uuid import uuid4

import attrs
import msgspec

from setsmart_async.config import CallOptions
from setsmart_async.contract import Dialect, Operation
from setsmart_async.engine.call import Call
from setsmart_async.engine.engine import Engine
from setsmart_async.errors import ConfigurationError, InvalidResponseError
from setsmart_async.observer import PageRead
from setsmart_async.policy.paging import PageNames, RawPage, read_page
from setsmart_async.policy.retry import RetryClass
from setsmart_async.records.codec import decode_record, decode_records, encode_value
from setsmart_async.records.unset import UNSET
from setsmart_async.resources.page_text import read_directly
from setsmart_async.resources.pages import Listing
from setsmart_async.wire import (
    HttpResponse,
    Json,
    JsonObject,
    Query,
    checked_idempotency_key,
    decode_json,
    encode_json,
    path_segment,
    target_of,
)

R = TypeVar("R")
D = TypeVar("D")


class Calls:
    """Makes the calls of one resource, in one dialect, with one set of options."""

    def __init__(self, resource: str, engine: Engine, options: CallOptions, dialect: Dialect) -> None:
        self.engine = engine
        self.options = options
        self.dialect = dialect
        self._resource = resource
        self._to_wire = dialect.field_names(resource)
        self._from_wire = {other: name for name, other in self._to_wire.items()}
        self._parameters = dialect.parameter_names(resource)
        self._id_name = self._to_wire.get("id", "id")

    def patient(self) -> Calls:
        """The same calls, for work in bulk: waiting for quota does not count against their deadline."""
        other = copy(self)
        other.options = attrs.evolve(self.options, queueing_counts=False)
        return other

    def call(
        self,
        operation: Operation,
        *,
        decode: Callable[[HttpResponse], D],
        id: str | None = None,  # noqa: A002 - the API's own name for it
        query: Query | None = None,
        body: Json = None,
        idempotency_key: str | None = None,
    ) -> Call[D]:
        """One call; `operation` is already in the dialect. Raises `ValueError` for an id that can be none."""
        if id is None and "{id}" in operation.path:
            raise ValueError("An id must not be None.")
        target = operation.path if id is None else operation.path.replace("{id}", path_segment(id))
        return Call(
            operation=operation,
            target=target_of(target, query) if query else target,
            options=self.options,
            decode=decode,
            body=None if body is None else encode_json(body),
            idempotency_key=self._idempotency_key(operation, idempotency_key),
        )

    def read(self, record: type[R], operation: Operation, id: str) -> Call[R]:  # noqa: A002 - as above
        """A call for one record, which must be the one that was asked for."""
        return self.call(operation, id=id, decode=partial(self.one, record, expected_id=id))

    def one(self, record: type[R], response: HttpResponse, *, expected_id: str | None = None) -> R:
        """The record in an answer. Raises `InvalidResponseError`."""
        found, path = self.object_in(response, expected_id=expected_id)
        return decode_record(record, self._renamed(found) if self._from_wire else found, path)

    def object_in(self, response: HttpResponse, *, expected_id: str | None = None) -> tuple[JsonObject, str]:
        """The record's object as it came, and its path: bare, as documented, or under ``data`` or the dialect's key."""
        found, path = decode_json(response.body), "$"
        key = self.dialect.record_key
        if key is not None:
            found, path = (found.get(key) if isinstance(found, dict) else None), f"$.{key}"
        elif isinstance(found, dict) and self._id_name not in found and isinstance(inner := found.get("data"), dict):
            found, path = inner, "$.data"
        if not isinstance(found, dict):
            raise InvalidResponseError(path, "expected an object")
        if expected_id is not None and (sent := found.get(self._id_name, expected_id)) != expected_id:
            if type(sent) is int and str(sent) == expected_id:
                return found, path  # a number, for a class whose id is one
            raise InvalidResponseError(
                f"{path}.{self._id_name}",
                "this is another record than the one asked for" if isinstance(sent, str) else "expected a text",
            )
        return found, path

    def passed(self, fields: Mapping[str, object], extra: Mapping[str, object] | None = None) -> JsonObject:
        """What was passed of these fields, as the server spells it."""
        given = {name: value for name, value in fields.items() if value is not UNSET}
        written = encode_value(given, self.dialect.money)
        assert isinstance(written, dict)  # noqa: S101 - a mapping is written as an object
        if self._to_wire:
            written = {self._to_wire.get(name, name): value for name, value in written.items()}
        if not extra:
            return written
        more = {name: encode_value(value, self.dialect.money) for name, value in extra.items() if value is not UNSET}
        return {**more, **written}

    def listing(
        self,
        record: type[R],
        operation: Operation,
        filters: Mapping[str, object],
        page_size: int | None,
        cursor: str | None,
        *,
        id: str | None = None,  # noqa: A002 - as above
    ) -> Listing[R]:
        """A list to be walked; filters that are None are left out."""
        query = self.query(filters)
        if page_size is not None:
            if page_size < 1:
                raise ValueError("page_size must be 1 or more.")
            query[self.dialect.page_size_parameter] = str(page_size)

        names = PageNames(
            plural=self._resource,
            items_key=self.dialect.items_key,
            cursor=self.dialect.cursor_parameter,
            page=self.dialect.page_parameter,
            size=self.dialect.page_size_parameter,
        )

        def decode(response: HttpResponse, page_query: Query) -> tuple[RawPage, list[R]]:
            if not self._from_wire and (read := read_directly(record, response, page_query, names)) is not None:
                return read
            page = read_page(decode_json(response.body), response.headers, page_query, names)
            if self._from_wire:
                page = msgspec.structs.replace(page, items=[self._renamed(item) for item in page.items])
            return page, decode_records(record, page.items, page.path)

        async def fetch(page_query: Query) -> tuple[RawPage, list[R]]:
            call = self.call(operation, id=id, query=page_query, decode=partial(decode, page_query=page_query))
            reply = await self.engine.run(call)
            page, _ = reply.value
            self.engine.tell(
                PageRead(operation=str(operation), call_id=reply.call_id, items=len(page.items), total=page.total)
            )
            return reply.value

        return Listing(fetch, query, page_parameter=self.dialect.page_parameter, cursor=cursor)

    def query(self, filters: Mapping[str, object]) -> dict[str, str]:
        """Filters as query parameters, as the server spells them."""
        return {
            self._parameters.get(name, name): _parameter(value) for name, value in filters.items() if value is not None
        }

    def _renamed(self, value: Json) -> Json:
        names = self._from_wire
        if not names or not isinstance(value, dict):
            return value
        return {names.get(name, name): member for name, member in value.items()}

    def _idempotency_key(self, operation: Operation, given: str | None) -> str | None:
        """What marks a create as one: given, or made up for this call; None where the server knows no such keys."""
        if self.dialect.idempotency_header is None:
            if given is not None:
                raise ConfigurationError(
                    "idempotency_key=... needs a server that honours it: name its header with "
                    "Dialect(idempotency_header=...)."
                )
            return None
        if given is not None:
            return checked_idempotency_key(given)
        return str(uuid4()) if operation.retry_class is RetryClass.UNSAFE else None


def _parameter(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(encode_value(value))
