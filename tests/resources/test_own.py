"""Whatever else an account has: a typed resource at any path, and any single request."""

from collections.abc import Callable, Coroutine, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar, cast

import attrs
import pytest
from engine.scene import Stage, played, stage, status
from resources.fake_engine import FakeEngine, always, run

from setsmart_async import CallOptions, ConfigurationError, Dialect, NotFoundError, Property, ServerError, SetSmart
from setsmart_async.engine.engine import Engine
from setsmart_async.resources.own import Method, OwnResource
from setsmart_async.wire import HttpResponse, Json, JsonObject, encode_json


@attrs.frozen(kw_only=True)
class CleaningTask:
    id: str
    property_id: str | None = None
    on: date | None = None
    fee: Decimal | None = None
    extra: Mapping[str, object] = attrs.field(factory=dict[str, object])


TASK: JsonObject = {"id": "task_1", "property_id": "prop_1", "on": "2026-12-01", "fee": "350.00", "team": "A"}
READ = CleaningTask(id="task_1", property_id="prop_1", on=date(2026, 12, 1), fee=Decimal(350), extra={"team": "A"})


def tasks(engine: FakeEngine) -> OwnResource[CleaningTask]:
    return OwnResource("/cleaning-tasks", CleaningTask, cast(Engine, engine), CallOptions(), Dialect())


def test_an_own_resource_does_what_the_others_do() -> None:
    engine = always(TASK)
    resource = tasks(engine)
    assert run(resource.get("task_1")) == READ
    assert run(resource.create(property_id="prop_1", on=date(2026, 12, 1), fee=Decimal("350.00"))) == READ
    assert engine.body() == {"property_id": "prop_1", "on": "2026-12-01", "fee": "350.00"}
    assert run(resource.update("task_1", team="B")) == READ
    run(resource.delete("task_1"))
    assert engine.requests == [
        ("GET", "/cleaning-tasks/task_1"),
        ("POST", "/cleaning-tasks"),
        ("PUT", "/cleaning-tasks/task_1"),
        ("DELETE", "/cleaning-tasks/task_1"),
    ]
    assert [call.retry_class.value for call in engine.calls] == ["S", "N", "I", "I"]
    assert str(engine.calls[0].operation) == "GET /cleaning-tasks/{id}"


def test_its_list_takes_any_filter() -> None:
    engine = always({"cleaning-tasks": [TASK]})
    assert run(tasks(engine).list(on=date(2026, 12, 1), done=False, team=None, page_size=10).all()) == [READ]
    assert engine.requests == [("GET", "/cleaning-tasks?on=2026-12-01&done=false&limit=10")]


def test_many_at_once() -> None:
    engine = always(TASK)

    async def main() -> list[int]:
        resource = tasks(engine)
        created = [result.index async for result in resource.create_many([{"team": "A"}, {"team": "B"}])]
        updated = [result.index async for result in resource.update_many({"task_1": {"team": "C"}})]
        deleted = [result.index async for result in resource.delete_many(["task_1", "task_2"])]
        return [*sorted(created), *updated, *sorted(deleted)]

    assert run(main()) == [0, 1, 0, 0, 1]


@pytest.mark.parametrize("path", ["", "/", "tasks", "//tasks", "/tasks/..", "/tasks?x=1", "/tasks#x", "/a%2fb"])
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="must start with / and be plain"):
        SetSmart("a-key-of-these-tests").resource(path, CleaningTask)


def test_a_record_is_an_attrs_class() -> None:
    with pytest.raises(ConfigurationError, match="attrs class"):
        SetSmart("a-key-of-these-tests").resource("/tasks", dict)


def answer(body: Json, code: int = 200) -> HttpResponse:
    return HttpResponse(status=code, body=b"" if body is None else encode_json(body))


T = TypeVar("T")


def asked(
    use: Callable[[SetSmart], Coroutine[object, object, T]], *steps: HttpResponse, dialect: Dialect | None = None
) -> tuple[T, Stage]:
    """What comes of using a client before a server that plays these steps."""

    async def main() -> tuple[T, Stage]:
        theatre = stage(*steps, dialect=dialect)
        async with theatre.client as client:
            return await use(client), theatre

    return played(main)


def test_a_request_gives_the_whole_reply() -> None:
    reply, _ = asked(
        lambda client: client.request("GET", "/properties/prop_1", record=Property),
        answer({"id": "prop_1", "name": "Villa"}),
    )
    assert reply.value == Property(id="prop_1", name="Villa")
    assert (reply.status, reply.failed_attempts) == (200, ())


def test_a_request_without_a_record_gives_json_and_nothing_for_nothing() -> None:
    async def use(client: SetSmart) -> list[Json]:
        one = await client.request("GET", "/things/{id}", id="a/b", query={"deep": True, "not": None})
        other = await client.request("DELETE", "/things/a")
        return [one.value, other.value]

    values, theatre = asked(use, answer({"free": True}), answer(None, 204))
    assert values == [{"free": True}, None]
    assert [request.target for request in theatre.script.requests] == ["/things/a%2Fb?deep=true", "/things/a"]


RETRIED: dict[Method, int] = {"GET": 3, "PUT": 3, "DELETE": 3, "POST": 1, "PATCH": 1}


@pytest.mark.parametrize("method", RETRIED)
def test_a_request_is_repeated_as_its_method_allows(method: Method) -> None:
    async def use(client: SetSmart) -> None:
        with pytest.raises(ServerError):
            await client.request(method, "/things", body=None if method == "GET" else {"when": date(2026, 1, 1)})

    _, theatre = asked(use, status(500))
    assert theatre.sent == RETRIED[method]
    if method != "GET":
        assert theatre.script.requests[0].body == b'{"when":"2026-01-01"}'


SHOWN = {
    "/properties/prop_of_anna": "/properties/{id}",
    "/properties/prop_of_anna/calendar": "/properties/{id}/calendar",
    "/guests/anna/notes": "/guests/...",
    "/guests": "/guests",
}


@pytest.mark.parametrize("path", SHOWN)
def test_events_and_errors_name_the_operation_and_never_an_id(path: str) -> None:
    async def use(client: SetSmart) -> NotFoundError:
        with pytest.raises(NotFoundError) as caught:
            await client.request("GET", path)
        return caught.value

    error, theatre = asked(use, status(404))
    assert error.operation == f"GET {SHOWN[path]}"
    assert theatre.events
    assert "anna" not in str([*theatre.events, error, error.attempts])
    assert theatre.script.requests[0].target == path


REFUSED: dict[str, tuple[tuple[Any, ...], dict[str, Any], str]] = {
    "method": (("HEAD", "/x"), {}, "the method is one of"),
    "query in the path": (("GET", "/x?y=1"), {}, "query into query"),
    "escape": (("GET", "/x/%2e"), {}, "goes into id"),
    "elsewhere": (("GET", "https://example.com/"), {}, "must start with /"),
    "id without a place": (("GET", "/x"), {"id": "1"}, "belongs to a path"),
    "place without an id": (("GET", "/x/{id}"), {}, "belongs to a path"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_request_that_can_not_be_meant_is_refused(case: str) -> None:
    arguments, more, message = REFUSED[case]

    async def use(client: SetSmart) -> None:
        with pytest.raises(ConfigurationError, match=message):
            await client.request(*arguments, **more)

    _, theatre = asked(use, answer(None))
    assert theatre.sent == 0


def test_a_post_of_ones_own_is_marked_where_the_server_knows_keys() -> None:
    _, theatre = asked(
        lambda client: client.request("POST", "/things", body=[1], idempotency_key="mine"),
        answer(None),
        dialect=Dialect(idempotency_header="Idempotency-Key"),
    )
    assert theatre.script.requests[0].headers["Idempotency-Key"] == "mine"
