"""An engine that only answers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol, TypeVar, cast

import attrs

from setsmart_async import CallOptions, Dialect, Event, Headers, HttpResponse, Reply
from setsmart_async.engine.call import Call
from setsmart_async.engine.engine import Engine
from setsmart_async.resources.properties import Properties
from setsmart_async.wire import Json, decode_json, encode_json

T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)


class ResourceClass(Protocol[R_co]):
    def __call__(self, engine: Engine, options: CallOptions, dialect: Dialect) -> R_co: ...


@attrs.define
class FakeEngine:
    """Answers each call from a function of the call."""

    answer: Callable[[Call[Any]], bytes | Json]
    calls: list[Call[Any]] = attrs.field(factory=list[Call[Any]])
    events: list[Event] = attrs.field(factory=list[Event])
    status: int = 200

    def tell(self, event: Event) -> None:
        self.events.append(event)

    async def run(self, call: Call[T]) -> Reply[T]:
        self.calls.append(call)
        await asyncio.sleep(0)
        answer = self.answer(call)
        response = HttpResponse(status=self.status, body=answer if isinstance(answer, bytes) else encode_json(answer))
        return Reply(value=call.decode(response), status=self.status, headers=Headers())

    @property
    def requests(self) -> list[tuple[str, str]]:
        return [(call.operation.method, call.target) for call in self.calls]

    def body(self, number: int = -1) -> Json:
        body = self.calls[number].body
        assert body is not None
        return decode_json(body)

    def lend(self, kind: ResourceClass[T], *, dialect: Dialect | None = None, options: CallOptions | None = None) -> T:
        """A resource over this engine."""
        return kind(cast(Engine, self), options or CallOptions(), dialect or Dialect())

    def properties(self, dialect: Dialect | None = None, options: CallOptions | None = None) -> Properties:
        return self.lend(Properties, dialect=dialect, options=options)


def always(answer: bytes | Json, *, status: int = 200) -> FakeEngine:
    return FakeEngine(lambda call: answer, status=status)


def run(awaitable: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(awaitable)
