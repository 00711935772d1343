"""What resources can do: get, create, update, delete, many at once; each file beside this one adds its own list."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping
from functools import partial
from typing import ClassVar, Generic, TypeVar, cast

import attrs

from setsmart_async.config import CallOptions
from setsmart_async.contract import Dialect, Operation
from setsmart_async.engine.engine import Engine
from setsmart_async.resources.calls import Calls
from setsmart_async.resources.fields import names_problem
from setsmart_async.resources.many import Result, results_of
from setsmart_async.resources.pages import Listing
from setsmart_async.wire import HttpResponse, Json

R = TypeVar("R")
N = TypeVar("N", bound=Mapping[str, object])
C = TypeVar("C", bound=Mapping[str, object])


@attrs.frozen(kw_only=True)
class ResourceOperations:
    """The rows of the contract table that a resource is made from; None: it has no such operation."""

    name: str
    """As in the table: ``properties``."""
    list: Operation
    get: Operation
    create: Operation | None = None
    update: Operation | None = None
    delete: Operation | None = None

    def spelt_by(self, dialect: Dialect) -> ResourceOperations:
        """The same rows as the dialect's server has them. ``setsmart.properties`` asks for them each time."""
        if not dialect.paths:
            return self

        def spelt(operation: Operation | None) -> Operation | None:
            return None if operation is None else dialect.operation(operation)

        return ResourceOperations(
            name=self.name,
            list=dialect.operation(self.list),
            get=dialect.operation(self.get),
            create=spelt(self.create),
            update=spelt(self.update),
            delete=spelt(self.delete),
        )


class ReadableResource(Generic[R]):
    """A resource that can be read, whose records are of type `R`."""

    def __init__(
        self,
        record: type[R],
        operations: ResourceOperations,
        engine: Engine,
        options: CallOptions,
        dialect: Dialect,
    ) -> None:
        self._record = record
        self._operations = operations.spelt_by(dialect)
        self._calls = Calls(operations.name, engine, options, dialect)

    async def get(self, id: str) -> R:  # noqa: A002 - the API's own name for it
        """One record.

        Raises `NotFoundError` when there is none, `InvalidResponseError` when the answer is another one's,
        `ValueError` for an id that can be none, and the errors of every call (see `errors`).
        """
        calls = self._calls
        return (await calls.engine.run(calls.read(self._record, self._operations.get, id))).value

    def get_many(self, ids: Iterable[str], *, concurrency: int = 16) -> AsyncGenerator[Result[R], None]:
        """Records by their ids, as they come: a `Result` for each id, so that no error loses the others.

        Waiting for quota does not count against the deadline. `concurrency` is the most calls at once. What is under
        way when the iteration is left is cancelled; `contextlib.aclosing` does that at once.
        """
        return results_of(ids, partial(self._get, self._calls.patient()), concurrency=concurrency, id_of=str)

    async def _get(self, calls: Calls, id: str) -> R:  # noqa: A002 - as above
        return (await calls.engine.run(calls.read(self._record, self._operations.get, id))).value

    def _list(self, filters: Mapping[str, object], page_size: int | None, cursor: str | None) -> Listing[R]:
        return self._calls.listing(self._record, self._operations.list, filters, page_size, cursor)


class WritableResource(ReadableResource[R], Generic[R, N, C]):
    """A resource whose records can be created, from `N`, and updated, with `C`, too."""

    _new: ClassVar[type[Mapping[str, object]] | None] = None
    """The fields of a new record; None: any."""
    _changes: ClassVar[type[Mapping[str, object]] | None] = None
    """The fields that can be changed; None: any."""

    def create_many(self, new: Iterable[N], *, concurrency: int = 16) -> AsyncGenerator[Result[R], None]:
        """Create many records, as they complete: a `Result` for each, with its place in `new` as `Result.index`.

        Each is sent once, as with `create`. Waiting for quota does not count against the deadline. Wrong names of
        fields are a `ValueError` in the result.
        """
        return results_of(new, partial(self._create_checked, self._calls.patient()), concurrency=concurrency)

    def update_many(self, changes: Mapping[str, C], *, concurrency: int = 16) -> AsyncGenerator[Result[R], None]:
        """Change many records, by id, as they complete: a `Result` for each; None clears a field.

        Waiting for quota does not count against the deadline. Wrong names of fields are a `ValueError` in the result.
        """
        update = partial(self._update_checked, self._calls.patient())
        return results_of(changes.items(), update, concurrency=concurrency, id_of=_first)

    def _check(self, fields: Mapping[str, object]) -> None:
        """Refuse with `ValueError` what can not be meant, before it is sent."""

    async def _create(self, fields: N) -> R:
        if self._new is not None and (problem := names_problem(self._new, fields)):
            raise TypeError(problem)
        return await self._send_new(self._calls, fields)

    async def _create_checked(self, calls: Calls, fields: N) -> R:
        if self._new is not None and (problem := names_problem(self._new, fields)):
            raise ValueError(problem)
        return await self._send_new(calls, fields)

    async def _send_new(self, calls: Calls, fields: N) -> R:
        operation = self._operations.create
        assert operation is not None  # noqa: S101 - a writable resource has it
        given, extra = _apart(fields)
        idempotency_key = cast("str | None", given.pop("idempotency_key", None))
        self._check(given)
        decode = partial(calls.one, self._record)
        body = calls.passed(given, extra)
        call = calls.call(operation, body=body, decode=decode, idempotency_key=idempotency_key)
        return (await calls.engine.run(call)).value

    async def _update(self, id: str, changes: C) -> R:  # noqa: A002 - as above
        if self._changes is not None and (problem := names_problem(self._changes, changes)):
            raise TypeError(problem)
        return await self._send_changes(self._calls, id, changes)

    async def _update_checked(self, calls: Calls, change: tuple[str, C]) -> R:
        if self._changes is not None and (problem := names_problem(self._changes, change[1])):
            raise ValueError(problem)
        return await self._send_changes(calls, *change)

    async def _send_changes(self, calls: Calls, id: str, fields: C) -> R:  # noqa: A002 - as above
        operation = self._operations.update
        assert operation is not None  # noqa: S101 - as above
        given, extra = _apart(fields)
        self._check(given)
        changes = calls.passed(given, extra)
        if not changes:
            raise ValueError("update needs at least one field to change.")
        if calls.dialect.update_style == "replace":
            reading = calls.call(self._operations.get, id=id, decode=partial(calls.object_in, expected_id=id))
            current, _ = (await calls.engine.run(reading)).value
            kept = {name: _with_its_currency(value, current.get(name)) for name, value in changes.items()}
            changes = {**current, **kept}
        decode = partial(calls.one, self._record, expected_id=id)
        return (await calls.engine.run(calls.call(operation, id=id, body=changes, decode=decode))).value


class Resource(WritableResource[R, N, C], Generic[R, N, C]):
    """A resource whose records can be deleted, too."""

    async def delete(self, id: str) -> None:  # noqa: A002 - as above
        """Delete a record. Raises `NotFoundError` when there was none.

        A delete that is repeated because its answer was lost, and then finds nothing, has succeeded.
        """
        await self._delete(self._calls, id)

    def delete_many(self, ids: Iterable[str], *, concurrency: int = 16) -> AsyncGenerator[Result[None], None]:
        """Delete many records, as they complete: a `Result` for each id, whose value is None.

        Waiting for quota does not count against the deadline.
        """
        return results_of(ids, partial(self._delete, self._calls.patient()), concurrency=concurrency, id_of=str)

    async def _delete(self, calls: Calls, id: str) -> None:  # noqa: A002 - as above
        operation = self._operations.delete
        assert operation is not None  # noqa: S101 - as above
        await calls.engine.run(calls.call(operation, id=id, decode=_nothing))


def _apart(fields: Mapping[str, object]) -> tuple[dict[str, object], Mapping[str, object] | None]:
    """The fields that the library knows, and the others."""
    given = dict(fields)
    return given, cast("Mapping[str, object] | None", given.pop("extra", None))


def _with_its_currency(amount: Json, before: Json) -> Json:
    """An amount that is an object keeps the currency it had, when the change names none."""
    if isinstance(amount, dict) and amount.keys() == {"amount"} and isinstance(before, dict) and "currency" in before:
        return {**amount, "currency": before["currency"]}
    return amount


def _first(change: tuple[str, object]) -> str:
    return change[0]


def _nothing(_: HttpResponse) -> None:
    """A delete's answer: whatever it says."""
