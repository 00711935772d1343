"""What every resource can do: list, get, create, update, delete, many at once."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Generic, TypeVar
from uuid import uuid4

import attrs

from setsmart_async.config import CallOptions
from setsmart_async.contract import Dialect, Operation
from setsmart_async.engine.call import Call
from setsmart_async.engine.engine import Engine
from setsmart_async.errors import ConfigurationError, InvalidResponseError, SetSmartError
from setsmart_async.observer import PageRead
from setsmart_async.policy.paging import PageNames, RawPage, read_page
from setsmart_async.policy.retry import RetryClass
from setsmart_async.records.codec import decode_record, decode_records, encode_value
from setsmart_async.records.unset import UNSET
from setsmart_async.resources.many import Result, as_completed
from setsmart_async.resources.pages import Listing
from setsmart_async.wire import (
    HttpResponse,
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


@attrs.frozen(kw_only=True)
class ResourceOperations:
    """The rows of the contract table that a resource is made from."""

    plural: str
    list: Operation
    get: Operation
    create: Operation
    update: Operation
    delete: Operation


class Resource(Generic[R]):
    """One resource of the API, whose records are of type `R`."""

    def __init__(
        self,
        record: type[R],
        operations: ResourceOperations,
        engine: Engine,
        options: CallOptions,
        dialect: Dialect,
    ) -> None:
        self._record = record
        self._operations = operations
        self._engine = engine
        self._options = options
        self._dialect = dialect
        self._page_names = PageNames(
            plural=operations.plural,
            items_key=dialect.items_key,
            cursor=dialect.cursor_parameter,
            page=dialect.page_parameter,
            size=dialect.page_size_parameter,
        )

    async def get(self, id: str) -> R:  # noqa: A002 - the API's own name for it
        """One record.

        Raises `NotFoundError` when there is none, `InvalidResponseError` when the answer is another one's,
        `ValueError` for an id that can be none, and the errors of every call (see `errors`).
        """
        call = self._call(self._operations.get, id=id, decode=partial(self._decode_one, expected_id=id))
        return (await self._engine.run(call)).value

    async def delete(self, id: str) -> None:  # noqa: A002 - as above
        """Delete a record. Raises `NotFoundError` when there was none.

        A delete that is repeated because its answer was lost, and then finds nothing, has succeeded.
        """
        await self._engine.run(self._call(self._operations.delete, id=id, decode=lambda response: None))

    async def get_many(self, ids: Iterable[str], *, concurrency: int = 16) -> AsyncGenerator[Result[R], None]:
        """Records by their ids, as they come: a `Result` for each id, so that no error loses the others.

        Waiting for quota does not count against the deadline. `concurrency` is the most calls at once. What is under
        way when the iteration is left is cancelled; `contextlib.aclosing` does that at once.
        """
        patient = self._with_options(attrs.evolve(self._options, queueing_counts=False))

        async def one(id: str) -> Result[R]:  # noqa: A002 - as above
            try:
                return Result(id=id, value=await patient.get(id))
            except (SetSmartError, ValueError) as error:
                return Result(id=id, error=error)

        async with aclosing(as_completed(ids, one, concurrency=concurrency)) as results:
            async for result in results:
                yield result

    def _with_options(self, options: CallOptions) -> Resource[R]:
        return Resource(self._record, self._operations, self._engine, options, self._dialect)

    def _list(self, filters: Mapping[str, object], page_size: int | None, cursor: str | None) -> Listing[R]:
        query = {name: str(encode_value(value)) for name, value in filters.items() if value is not None}
        if page_size is not None:
            if page_size < 1:
                raise ValueError("page_size must be 1 or more.")
            query[self._dialect.page_size_parameter] = str(page_size)
        operation = self._dialect.operation(self._operations.list)

        async def fetch(page_query: Query) -> RawPage:
            def decode(response: HttpResponse) -> RawPage:
                return read_page(decode_json(response.body), response.headers, page_query, self._page_names)

            target = target_of(operation.path, page_query)
            call = Call(operation=operation, target=target, options=self._options, decode=decode)
            reply = await self._engine.run(call)
            page = reply.value
            self._engine.tell(
                PageRead(operation=str(operation), call_id=reply.call_id, items=len(page.items), total=page.total)
            )
            return page

        return Listing(
            fetch,
            lambda raw: decode_records(self._record, raw.items, raw.path),
            query,
            page_parameter=self._dialect.page_parameter,
            cursor=cursor,
        )

    async def _create(
        self, fields: Mapping[str, object], extra: Mapping[str, object] | None, idempotency_key: str | None
    ) -> R:
        body = {**_passed(extra or {}), **_passed(fields)}
        call = self._call(self._operations.create, body=body, decode=self._decode_one, idempotency_key=idempotency_key)
        return (await self._engine.run(call)).value

    async def _update(
        self,
        id: str,  # noqa: A002 - as above
        fields: Mapping[str, object],
        extra: Mapping[str, object] | None,
    ) -> R:
        changes = {**_passed(extra or {}), **_passed(fields)}
        if not changes:
            raise ValueError("update needs at least one field to change.")
        if self._dialect.update_style == "replace":
            reading = self._call(self._operations.get, id=id, decode=partial(_object_in, expected_id=id))
            current, _ = (await self._engine.run(reading)).value
            changes = {**current, **changes}
        call = self._call(
            self._operations.update, id=id, body=changes, decode=partial(self._decode_one, expected_id=id)
        )
        return (await self._engine.run(call)).value

    def _call(
        self,
        operation: Operation,
        *,
        decode: Callable[[HttpResponse], D],
        id: str | None = None,  # noqa: A002 - as above
        body: JsonObject | None = None,
        idempotency_key: str | None = None,
    ) -> Call[D]:
        operation = self._dialect.operation(operation)
        return Call(
            operation=operation,
            target=operation.path if id is None else operation.path.replace("{id}", path_segment(id)),
            options=self._options,
            decode=decode,
            body=None if body is None else encode_json(body),
            idempotency_key=self._idempotency_key(operation, idempotency_key),
        )

    def _idempotency_key(self, operation: Operation, given: str | None) -> str | None:
        """What marks a create as one: given, or made up for this call; None where the server knows no such keys."""
        if self._dialect.idempotency_header is None:
            if given is not None:
                raise ConfigurationError(
                    "idempotency_key=... needs a server that honours it: name its header with "
                    "Dialect(idempotency_header=...)."
                )
            return None
        if given is not None:
            return checked_idempotency_key(given)
        return str(uuid4()) if operation.retry_class is RetryClass.UNSAFE else None

    def _decode_one(self, response: HttpResponse, *, expected_id: str | None = None) -> R:
        found, path = _object_in(response, expected_id=expected_id)
        return decode_record(self._record, found, path)


def _object_in(response: HttpResponse, *, expected_id: str | None = None) -> tuple[JsonObject, str]:
    """The record's object and its path: bare, as documented, or under ``data``."""
    found, path = decode_json(response.body), "$"
    if isinstance(found, dict) and "id" not in found and isinstance(inner := found.get("data"), dict):
        found, path = inner, "$.data"
    if not isinstance(found, dict):
        raise InvalidResponseError("$", "expected an object")
    if expected_id is not None and found.get("id", expected_id) != expected_id:
        other = isinstance(found["id"], str)
        raise InvalidResponseError(
            f"{path}.id", "this is another record than the one asked for" if other else "expected a text"
        )
    return found, path


def _passed(fields: Mapping[str, object]) -> JsonObject:
    return {name: encode_value(value) for name, value in fields.items() if value is not UNSET}
