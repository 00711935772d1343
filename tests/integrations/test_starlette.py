"""A client in Starlette and FastAPI applications: in the lifespan's state, as a dependency, its errors answered."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from setsmart_async import ConfigurationError, NotFoundError, SetSmart
from setsmart_async.integrations import fastapi as in_fastapi
from setsmart_async.integrations.fastapi import SharedSetSmart
from setsmart_async.integrations.starlette import answer_errors, client_of, lifespan
from setsmart_async.testing import FakeSetSmart, fake_property

Application = Callable[..., Starlette]


def villa() -> FakeSetSmart:
    return FakeSetSmart(fake_property(id="villa", name="Villa"))


async def home(request: Request) -> Response:
    return PlainTextResponse((await client_of(request).properties.get(request.path_params["id"])).name)


async def both(request: Request) -> Response:
    if "strange" in request.query_params:
        raise ExceptionGroup("", [NotFoundError(404), KeyError("strange")])
    async with asyncio.TaskGroup() as group:
        group.create_task(client_of(request).properties.get("gone"))
        group.create_task(client_of(request).properties.get("villa"))
    return Response()


def starlette(open_client: Callable[[], SetSmart] = villa) -> Starlette:
    routes = [Route("/homes/{id}", home), Route("/both", both), Mount("/below", routes=[Route("/{id}", home)])]
    app = Starlette(routes=routes, lifespan=lifespan(open_client))
    answer_errors(app)
    return app


def fast(open_client: Callable[[], SetSmart] = villa) -> FastAPI:
    app = FastAPI(lifespan=lifespan(open_client))
    answer_errors(app)
    app.add_route("/both", both)

    @app.get("/homes/{home_id}", response_class=PlainTextResponse)
    async def home(home_id: str, setsmart: SharedSetSmart) -> str:
        return (await setsmart.properties.get(home_id)).name

    @app.websocket("/talk")
    async def talk(socket: WebSocket, setsmart: SharedSetSmart) -> None:
        await socket.accept()
        await socket.send_text((await setsmart.properties.get("villa")).name)

    return app


@pytest.fixture(params=[starlette, fast])
def application(request: pytest.FixtureRequest) -> Application:
    made: Application = request.param
    return made


def test_one_client_for_all_requests_and_closed_at_the_end(application: Application) -> None:
    story: list[str] = []

    class Told(FakeSetSmart):
        def __init__(self) -> None:
            super().__init__(fake_property(id="villa", name="Villa"))
            story.append("made")

        async def aclose(self) -> None:
            await super().aclose()
            story.append("closed")

    app = application(Told)
    for _ in range(2):  # an application may run again, with a client of that run
        with TestClient(app) as visitor:
            assert [visitor.get("/homes/villa").text for _ in range(2)] == ["Villa", "Villa"]
    assert story == ["made", "closed"] * 2


def test_an_error_is_answered_as_a_problem(application: Application) -> None:
    with TestClient(application()) as visitor:
        answer = visitor.get("/homes/gone")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["title"] == "Not Found"


def test_an_error_out_of_a_task_group_is_answered_and_a_strangers_is_not(application: Application) -> None:
    with TestClient(application(), raise_server_exceptions=False) as visitor:
        assert visitor.get("/both").status_code == 404
        assert visitor.get("/both?strange").status_code == 500


def test_the_exact_error_passes_where_it_is_not_ours(application: Application) -> None:
    with TestClient(application()) as visitor, pytest.raises(ExceptionGroup) as caught:
        visitor.get("/both?strange")
    assert any(isinstance(each, KeyError) for each in caught.value.exceptions)


def test_an_application_below_finds_the_client() -> None:
    with TestClient(starlette()) as visitor:
        assert visitor.get("/below/villa").text == "Villa"


def test_the_dependency_serves_web_sockets_and_can_be_replaced_in_a_test() -> None:
    app = fast()
    with TestClient(app) as visitor, visitor.websocket_connect("/talk") as socket:
        assert socket.receive_text() == "Villa"
    app.dependency_overrides[in_fastapi.client_of] = lambda: FakeSetSmart(fake_property(id="hut", name="Hut"))
    assert TestClient(app).get("/homes/hut").text == "Hut"


def test_without_a_lifespan_it_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"with TestClient\(app\)"):
        client_of(Request({"type": "http"}))
    assert TestClient(starlette()).get("/homes/villa").status_code == 500


def test_lifespans_of_ones_own_come_behind_the_client_and_go_before_it() -> None:
    story: list[str] = []

    class Told(FakeSetSmart):
        async def aclose(self) -> None:
            story.append("client closed")
            await super().aclose()

    @asynccontextmanager
    async def warehouse(_: Starlette) -> AsyncGenerator[Mapping[str, object], None]:
        story.append("warehouse opened")
        yield {"warehouse": "a warehouse"}
        story.append("warehouse closed")

    @asynccontextmanager
    async def stateless(_: Starlette) -> AsyncGenerator[None, None]:
        yield

    async def told(request: Request) -> Response:
        client_of(request)
        return PlainTextResponse(request.state.warehouse)

    app = Starlette(routes=[Route("/", told)], lifespan=lifespan(Told, warehouse, stateless))
    with TestClient(app) as visitor:
        assert visitor.get("/").text == "a warehouse"
    assert story == ["warehouse opened", "warehouse closed", "client closed"]


def test_two_clients_under_one_name_are_refused() -> None:
    @asynccontextmanager
    async def another(_: Starlette) -> AsyncGenerator[Mapping[str, object], None]:
        yield {"setsmart": villa()}

    app = Starlette(lifespan=lifespan(villa, another))
    with pytest.raises(ConfigurationError, match="Two lifespans"), TestClient(app):
        pass


def test_a_client_that_can_not_be_made_keeps_the_application_from_starting() -> None:
    with pytest.raises(ConfigurationError, match="SETSMART_API_KEY"), TestClient(Starlette(lifespan=lifespan())):
        pass
