"""Sending, as these tests do it: one request with a key in it, and an eye on all that an error drags along."""

import asyncio
import gc
import pickle
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

from setsmart_async import (
    ClientClosedError,
    HttpRequest,
    HttpResponse,
    Origin,
    Outcome,
    TransportError,
    WrongEventLoopError,
)
from setsmart_async.testing.transport_contract._suite.raw_server import hang_up
from setsmart_async.transports.base import Transport

T = TypeVar("T")

KEY = "sk_canary_5b1f0c7e9d3a"
"""In the header of each request, and nowhere else."""
BODY = b'{"first_name": "Kari", "last_name": "Canary"}'
METHODS = ("GET", "PUT", "DELETE", "POST", "PATCH")
SLACK = 0.5
"""Seconds that a busy machine may add to a time limit."""
_LONGEST = 30.0
"""Seconds that no exchange takes, unless it hangs."""

_NO_STRANGERS = {*sys.stdlib_module_names, "setsmart_async"}
_HTTP_LIBRARIES = (  # in whose frames the headers hide in objects
    *("aiohappyeyeballs", "aiohttp", "aiosonic", "anyio", "h11", "h2", "httpcore", "httpcore2", "httpx", "httpx2"),
    *("multidict", "niquests", "pycurl", "requests", "sniffio", "tornado", "trio", "urllib3", "urllib3_future", "yarl"),
)
_SUITE = Path(__file__).parent


def request(origin: Origin, method: str = "GET", *, body: bytes | None = None, fresh: bool = False) -> HttpRequest:
    """A request that gives the server no cause for complaint."""
    if body is None and method in {"PUT", "POST", "PATCH"}:
        body = BODY
    headers = {"Accept": "application/json", "X-API-Key": KEY}
    return HttpRequest(
        method=method, origin=origin, target="/properties/p1", headers=headers, body=body, fresh_connection=fresh
    )


def run(main: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`; fails when it hangs, a task is left over, or only the loop has heard of an error."""
    unheard: list[str] = []

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(repr(context)))
        limit = asyncio.timeout(_LONGEST)
        try:
            async with limit:
                result = await main
        except BaseException as error:  # whatever it is, the loop closes only when its threads are done
            hang_up()
            if limit.expired():
                raise AssertionError(f"it hangs: no end after {_LONGEST:g} s, whatever its time limit") from error
            raise
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"left behind: {left}"
        return result

    result = asyncio.run(watched())
    gc.collect()  # what was not closed says so now, as a warning, which is an error
    assert not unheard
    return result


async def closing(transport: Transport, work: Callable[[Transport], Coroutine[Any, Any, T]]) -> T:
    """Use a transport and close it."""
    try:
        return await work(transport)
    finally:
        await transport.aclose()


def answer(make: Callable[[], Transport], asked: HttpRequest, *, timeout: float | None = 5.0) -> HttpResponse:
    """The answer to one request, in a loop of its own."""
    return run(closing(make(), lambda transport: transport.send(asked, timeout=timeout)))


def failure(make: Callable[[], Transport], asked: HttpRequest, *, timeout: float | None = 5.0) -> TransportError:
    """The error that one request ends with, in a loop of its own."""
    return run(closing(make(), lambda transport: failure_of(transport, asked, timeout=timeout)))


async def failure_of(transport: Transport, asked: HttpRequest, *, timeout: float | None = 5.0) -> TransportError:  # noqa: ASYNC109 - as send
    """The error that one request ends with; it must be one of ours, and bare."""
    try:
        got = await transport.send(asked, timeout=timeout)
    except TransportError as error:
        assert_bare(error)
        return error
    except Exception as stranger:  # anything may come out of a transport that is being tried
        raise AssertionError(f"{type(stranger).__name__} came out, which is no TransportError") from stranger
    raise AssertionError(f"no error, but {got!r} {got.body[:80]!r}")


def assert_bare(error: BaseException) -> None:
    """One of our errors, with an outcome; no foreign object and no key on it, behind it or in its frames."""
    assert isinstance(error, TransportError | ClientClosedError | WrongEventLoopError)
    assert isinstance(error.outcome, Outcome)
    assert type(pickle.loads(pickle.dumps(error))) is type(error)
    for thing in _reachable(error, set()):
        library = type(thing).__module__.partition(".")[0]
        assert library in _NO_STRANGERS, f"{type(error).__name__} drags along {thing!r}, of {library}"
        assert KEY not in f"{thing!s} {thing!r}"
    assert_bare_frames(error)
    assert KEY not in "".join(traceback.format_exception(error))


def assert_bare_frames(error: BaseException) -> None:
    """No frame of its traceback would give the key away, were its local variables shown."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        library = str(frame.f_globals.get("__name__")).partition(".")[0]
        assert library not in _HTTP_LIBRARIES, f"a frame of {file} holds the request's headers"
        if _SUITE not in Path(file).parents:
            assert KEY not in str(frame.f_locals), f"the key stands in a local variable in {file}"


def _reachable(thing: object, seen: set[int]) -> Iterator[object]:
    """An error, the errors behind it, and what they hold."""
    if id(thing) in seen:
        return
    seen.add(id(thing))
    yield thing
    if isinstance(thing, BaseException):
        behind = (thing.__cause__, thing.__context__)
        held = [*thing.args, *vars(thing).values(), *getattr(thing, "__notes__", ()), *filter(None, behind)]
        for each in held:
            yield from _reachable(each, seen)
