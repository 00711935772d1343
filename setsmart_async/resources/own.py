"""Whatever else an account has: a typed resource at any path, and any single request."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, Literal, TypeVar, cast, get_args

import attrs
from msgspec.structs import replace

from setsmart_async.config import CallOptions
from setsmart_async.contract import CONTRACT, Dialect, Operation
from setsmart_async.engine.call import Call, Reply
from setsmart_async.engine.engine import Engine
from setsmart_async.errors import ConfigurationError
from setsmart_async.policy.retry import RetryClass
from setsmart_async.records.codec import encode_value
from setsmart_async.resources.calls import Calls
from setsmart_async.resources.pages import Listing
from setsmart_async.resources.resource import Resource, ResourceOperations
from setsmart_async.wire import HttpResponse, Json, decode_json, is_plain_path

R = TypeVar("R")
Fields = Mapping[str, object]

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
"""What `SetSmart.request` can ask with."""

_RETRY_CLASSES: Final[Mapping[str, RetryClass]] = {
    "GET": RetryClass.SAFE,
    "POST": RetryClass.UNSAFE,
    "PUT": RetryClass.IDEMPOTENT,
    "PATCH": RetryClass.UNSAFE,  # RFC 5789, 2: neither safe nor idempotent
    "DELETE": RetryClass.IDEMPOTENT,
}


class OwnResource(Resource[R, Fields, Fields]):
    """A resource that the library does not know, with the conventions of those that it does."""

    def __init__(self, path: str, record: type[R], engine: Engine, options: CallOptions, dialect: Dialect) -> None:
        """Raises `ConfigurationError` for a path that is not plain, and a record that is no attrs class."""
        if not path.startswith("/") or len(path) < 2 or not is_plain_path(path):
            raise ConfigurationError(
                f"resource({path!r}, ...): the path must start with / and be plain: no query, dot segments or escapes."
            )
        is_record: bool = attrs.has(record)
        if not is_record:
            raise ConfigurationError("resource(...): the record must be an attrs class, such as one by attrs.frozen.")
        name = path.rpartition("/")[2]

        def row(verb: str, method: Method, template: str) -> Operation:
            retry_class = _RETRY_CLASSES[method]
            return Operation(name=f"{name}.{verb}", method=method, path=template, retry_class=retry_class)

        operations = ResourceOperations(
            name=name,
            list=row("list", "GET", path),
            get=row("get", "GET", f"{path}/{{id}}"),
            create=row("create", "POST", path),
            update=row("update", "PUT", f"{path}/{{id}}"),
            delete=row("delete", "DELETE", f"{path}/{{id}}"),
        )
        super().__init__(record, operations, engine, options, dialect)

    def list(self, *, page_size: int | None = None, cursor: str | None = None, **filters: object) -> Listing[R]:
        """The records, to be walked like `Properties.list`; filters that are None are left out."""
        return self._list(filters, page_size, cursor)

    async def create(self, **fields: object) -> R:
        """Create a record from its fields, and return it as the server has it; see `Properties.create`.

        `extra` and `idempotency_key` mean the same as there.
        """
        return await self._create(fields)

    async def update(self, id: str, **changes: object) -> R:  # noqa: A002 - the API's own name for it
        """Change what is passed, and return the record as the server has it; see `Properties.update`."""
        return await self._update(id, changes)


async def request(
    calls: Calls,
    method: Method,
    path: str,
    *,
    record: type[R] | None,
    id: str | None,  # noqa: A002 - as above
    query: Mapping[str, object] | None,
    body: object,
    idempotency_key: str | None,
) -> Reply[R] | Reply[Json]:
    """See `SetSmart.request`."""
    operation = _operation(method, path, has_id=id is not None)
    decode = _json if record is None else partial(calls.one, record)
    call: Call[R | Json] = calls.call(
        attrs.evolve(operation, path=path),
        decode=decode,
        id=id,
        query=calls.query(query or {}),
        body=None if body is None else encode_value(body, calls.dialect.money),
        idempotency_key=idempotency_key,
    )
    # Events and errors name the operation: not the path, which may hold an id.
    named = replace(call, operation=operation)
    return cast("Reply[R] | Reply[Json]", await calls.engine.run(named))


def _operation(method: Method, path: str, *, has_id: bool) -> Operation:
    """The operation as events and errors show it. Raises `ConfigurationError`."""
    if method not in get_args(Method):
        raise ConfigurationError(f"request(...): the method is one of {', '.join(get_args(Method))}.")
    plain = path.replace("{id}", "id")
    if not path.startswith("/") or not is_plain_path(plain):
        raise ConfigurationError(
            "request(...): the path must start with / and be plain: an id that needs escapes goes into id=..., where "
            "the path has {id}, and a query into query=..."
        )
    if has_id != ("{id}" in path):
        raise ConfigurationError("request(...): id=... belongs to a path with {id}, and the other way round.")
    shown = path if has_id else _without_ids(path)
    return Operation(name="request", method=method, path=shown, retry_class=_RETRY_CLASSES[method])


def _without_ids(path: str) -> str:
    """A path of the contract with ``{id}`` in it, and of any other the first segment."""
    first, *rest = path.split("/")[1:]
    if not rest:
        return path
    template = "/".join(["", first, "{id}", *rest[1:]])
    return template if any(row.path == template for row in CONTRACT.values()) else f"/{first}/..."


def _json(response: HttpResponse) -> Json:
    return decode_json(response.body) if response.body else None
