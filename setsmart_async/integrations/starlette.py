"""For Starlette applications, FastAPI's too: one client for all requests, and answers to its errors.

.. code-block:: python

    app = Starlette(routes=[...], lifespan=lifespan())
    answer_errors(app)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, TypeVar, overload

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Lifespan, StatefulLifespan

from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError, SetSmartError
from setsmart_async.integrations.responses import answer

STATE_NAME: Final = "setsmart"
"""Where the client is in the lifespan's state, and so in ``request.state``."""

AppT = TypeVar("AppT", bound=Starlette)


@overload
def lifespan(open_client: Callable[[], SetSmart] = SetSmart) -> StatefulLifespan[Starlette]: ...
@overload
def lifespan(open_client: Callable[[], SetSmart], *others: Lifespan[AppT]) -> StatefulLifespan[AppT]: ...
def lifespan(
    open_client: Callable[[], SetSmart] = SetSmart, *others: Lifespan[AppT]
) -> StatefulLifespan[AppT] | StatefulLifespan[Starlette]:
    """One client for the application: ``Starlette(lifespan=lifespan())``, ``FastAPI(lifespan=lifespan())``.

    It is there before the first request, and closed when the server has let those under way end. `open_client` makes
    it, as `SetSmart` does; a function, for an application may run more than once, as in tests.

    The `others` are lifespans of your own: begun behind the client and ended before it, their states merged. One that
    needs the client opens it itself, and this function is not needed then:

    .. code-block:: python

        @asynccontextmanager
        async def own(app):
            async with SetSmart() as setsmart, Warehouse(setsmart) as warehouse:
                yield {"setsmart": setsmart, "warehouse": warehouse}

    Starting raises `ConfigurationError` when another's state has something under ``setsmart`` too.
    """

    @asynccontextmanager
    async def combined(app: AppT) -> AsyncGenerator[Mapping[str, object], None]:
        async with AsyncExitStack() as stack:
            state: dict[str, object] = {}
            client = await stack.enter_async_context(open_client())
            for other in others:
                entered = other(app)
                yielded = await stack.enter_async_context(entered)
                state.update(yielded or {})
            if STATE_NAME in state:
                raise ConfigurationError(f"Two lifespans have a {STATE_NAME!r} in their state: leave one out.")
            yield {STATE_NAME: client, **state}

    return combined


def client_of(connection: HTTPConnection) -> SetSmart:
    """The client of the application that this request, or web socket, came to. Raises `ConfigurationError`."""
    client = getattr(connection.state, STATE_NAME, None)
    if not isinstance(client, SetSmart):
        raise ConfigurationError(
            "This application has no client: pass lifespan=lifespan(), or yield one of your own as 'setsmart'. In a "
            "test, lifespans begin with `with TestClient(app)`."
        )
    return client


def answer_errors(app: Starlette) -> None:
    """Answer the errors of this library that endpoints raise, see `integrations.responses`; all others pass."""
    app.add_exception_handler(SetSmartError, _answered)
    app.add_exception_handler(ExceptionGroup, _answered)


async def _answered(_: Request, error: Exception) -> Response:
    problem = answer(error)
    if problem is None:
        raise error
    return Response(problem.body, problem.status, problem.headers)
