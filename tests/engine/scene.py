"""A client in virtual time before a server that plays its steps in order."""

import asyncio
import copy
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import attrs
import pytest
import virtual_time
from virtual_time import VirtualClock

from setsmart_async import (
    ApiKey,
    AttemptTimeoutError,
    CallError,
    ConnectError,
    ConnectionLostError,
    Event,
    KeyProvider,
    MemoryTransport,
    Outcome,
    Property,
    RetryPolicy,
    SetSmart,
)
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, encode_json

T = TypeVar("T")
VILLA = {"id": "prop_123", "name": "Beachfront Villa", "address": "123 Ocean Drive", "max_guests": 6}
OK = HttpResponse(status=200, body=encode_json(VILLA))

Step = HttpResponse | CallError | Callable[[], HttpResponse]


def status(code: int, **headers: str) -> HttpResponse:
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return HttpResponse(status=code, headers=Headers(pairs), body=b'{"error": {"code": "planned"}}')


@attrs.define
class Script:
    """A server that plays its steps in order, the last one for ever."""

    steps: list[Step]
    requests: list[HttpRequest] = attrs.field(factory=list[HttpRequest])

    _begun: int = 0

    def play(self, *steps: Step) -> None:
        """From now on these."""
        self.steps, self._begun = list(steps), len(self.requests)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        step = self.steps[min(len(self.requests) - self._begun, len(self.steps) - 1)]
        self.requests.append(request)
        if isinstance(step, CallError):
            raise copy.copy(step)
        return step() if callable(step) else step


@attrs.define
class Stage:
    """A client in virtual time, its server and what it told its observer."""

    client: SetSmart
    script: Script
    clock: VirtualClock
    events: list[Event]

    @property
    def sent(self) -> int:
        return len(self.script.requests)


def stage(
    *steps: Step,
    latency: float = 0.0,
    max_attempts: int = 3,
    api_key: ApiKey | KeyProvider | str = "key-of-the-engine-tests",
    **settings: Any,  # noqa: ANN401 - as `SetSmart` takes them
) -> Stage:
    script, clock, events = Script(list(steps)), VirtualClock(), list[Event]()
    client = SetSmart(
        api_key,
        base_url="http://127.0.0.1:1/v1",
        transport=MemoryTransport(script, latency=latency),
        clock=clock,
        retry=RetryPolicy(max_attempts=max_attempts),
        **{"observer": events.append, **settings},
    )
    return Stage(client, script, clock, events)


def played(main: Callable[[], Coroutine[object, object, T]]) -> T:
    return virtual_time.run(main())


def failure_of(calling: Coroutine[object, object, object]) -> Coroutine[object, object, CallError]:
    async def catch() -> CallError:
        with pytest.raises(CallError) as caught:
            await calling
        return caught.value

    return catch()


def create(client: SetSmart) -> Coroutine[object, object, Property]:
    return client.properties.create(name="A", address="B", bedrooms=1, bathrooms=1, max_guests=2)


LOST = ConnectionLostError("The connection broke.", outcome=Outcome.UNKNOWN)
NOT_CONNECTED = ConnectError("Nothing listens there.", outcome=Outcome.NOT_SENT)
TIMED_OUT = AttemptTimeoutError("Too slow.", outcome=Outcome.UNKNOWN)


def exhausted() -> HttpResponse:
    """A good answer that says: nothing left for 30 s."""
    now = asyncio.get_running_loop().time() - 1_000.0 + 1_700_000_000.0
    headers = Headers(
        [
            ("X-RateLimit-Limit", "100"),
            ("X-RateLimit-Remaining", "0"),
            ("X-RateLimit-Reset", str(int(now + 30))),
        ]
    )
    return HttpResponse(status=200, headers=headers, body=OK.body)
