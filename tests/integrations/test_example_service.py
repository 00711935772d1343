"""The example service as it is run: a process, over sockets, against the sandbox, from its start to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path

from cli.commands import rows
from integrations.example_service import BAD_SIGNS, SECRET, RunningService, listening, running_service

from setsmart_async import AiohttpTransport, SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.faults import Fault, FaultPlan
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.sender import DeliveryFaults, WebhookSender
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.wire import JsonObject

HOMES = 230
LIMIT = 100
OTHER_KEY = "key-of-somebody-in-the-office"


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Look again and again at another process, for at most 20 seconds."""
    async with asyncio.timeout(20):
        while not await is_so():  # noqa: ASYNC110 - another process sets no event of ours
            await asyncio.sleep(0.02)


def sandbox(webhooks_at: int) -> SandboxApi:
    url = f"http://127.0.0.1:{webhooks_at}/webhooks/"
    subscription: JsonObject = {"id": "wh_1", "url": url, "events": ["*"], "secret": SECRET}
    quota = QuotaSimulator(QuotaRule(LIMIT, 1.0))
    keys = [SANDBOX_API_KEY, OTHER_KEY]
    return SandboxApi(HOMES, api_keys=keys, quota=quota, webhooks=[subscription], faults=FaultPlan())


def test_a_day_of_the_service(tmp_path: Path) -> None:
    async def main() -> None:
        accepting = listening()
        api = sandbox(accepting.getsockname()[1])
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(SandboxServer(api))
            service = await stack.enter_async_context(running_service(server.url, tmp_path, accepting))
            await it_has_synced(tmp_path, HOMES)
            await two_hundred_at_once(service, api)
            await a_change_arrives(service, api, server.url, tmp_path)
            await a_booking_and_its_conflict(service, api)
            await a_visitor_hangs_up(service, api)
            await it_ends_when_everybody_is_served(service)
            assert api.statistics.by_status[429] == 0

    asyncio.run(main())


async def it_has_synced(folder: Path, count: int) -> None:
    async def all_there() -> bool:
        return rows(folder / "homes.db") == count

    await until(all_there)


async def two_hundred_at_once(service: RunningService, api: SandboxApi) -> None:
    answers = await asyncio.gather(*(service.get("/homes?guests=2") for _ in range(200)))
    assert {status for status, _ in answers} == {200}
    assert all(body == answers[0][1] for _, body in answers)
    asked = [request.target for request in api.statistics.recent if "status=active" in request.target]
    assert len(asked) == len(set(asked)) > 1  # each page once, for all of them
    ids = [str(record["id"]) for record in api.properties][:200]
    answers = await asyncio.gather(*(service.get(f"/homes/{home_id}") for home_id in ids))
    assert [status for status, _ in answers] == [200] * 200
    assert (await service.get("/homes/prop_gone"))[0] == 404
    assert (await service.get("/homes/%00"))[0] == 422


async def a_change_arrives(service: RunningService, api: SandboxApi, url: str, folder: Path) -> None:
    _, before = await service.get("/homes")
    assert isinstance(before, list)
    changed = before[0]["id"]
    async with (
        aclosing(AiohttpTransport()) as transport,
        WebhookSender(api, transport, faults=DeliveryFaults(duplicates=1.0)) as sender,
        SetSmart(OTHER_KEY, base_url=url) as somebody,
    ):
        read_before = api.statistics.by_operation["properties.get"]
        await somebody.properties.update(changed, name="Painted")
        await sender.drain()
    assert [attempt.status for attempt in sender.attempts] == [200, 200]  # one delivery, twice
    assert api.statistics.by_operation["properties.get"] - read_before == 1  # and one effect
    _, after = await service.get("/homes")  # younger than LIST_SECONDS, and new all the same
    assert isinstance(after, list)
    assert after[0]["name"] == "Painted"
    assert b"Painted" in (folder / "homes.db").read_bytes() + (folder / "homes.db-wal").read_bytes()
    assert (await service.post("/webhooks/", {"type": "property.deleted"})) == (400, {"status": "refused"})


async def a_booking_and_its_conflict(service: RunningService, api: SandboxApi) -> None:
    home_id = next(iter(api.properties))["id"]
    stay = {"check_in": "2031-05-01", "check_out": "2031-05-04"}
    status, booked = await service.post(f"/homes/{home_id}/bookings", stay)
    assert isinstance(booked, dict)
    assert (status, set(booked)) == (201, {"id", "status"})
    status, refused = await service.post(f"/homes/{home_id}/bookings", stay)
    assert isinstance(refused, dict)
    assert (status, refused["title"]) == (409, "Conflict")


async def a_visitor_hangs_up(service: RunningService, api: SandboxApi) -> None:
    assert api.faults is not None
    met = len(api.faults.happened)
    api.faults.add(Fault("stall", operation="properties.get"))  # SetSmart says nothing, for as long as one asks
    leaving = await service.a_request_left_open("/homes/prop_1")
    plan = api.faults

    async def asked() -> bool:
        return len(plan.happened) > met and (await service.quota())["in_flight"] == 1

    await until(asked)
    leaving.close()
    await leaving.wait_closed()

    async def given_back() -> bool:
        return (await service.quota())["in_flight"] == 0

    async with asyncio.timeout(5):  # half of the deadline, which would end it too
        await until(given_back)


async def it_ends_when_everybody_is_served(service: RunningService) -> None:
    visitors = [asyncio.create_task(service.get("/homes/prop_gone")) for _ in range(LIMIT + 30)]

    async def all_are_in() -> bool:
        told = await service.quota()
        answered = sum(visitor.done() for visitor in visitors)
        return told["waiting"] > 0 and told["in_flight"] + told["waiting"] + answered >= len(visitors)

    await until(all_are_in)
    code, written = await service.stop()
    assert {status for status, _ in await asyncio.gather(*visitors)} == {404}
    assert code in {0, -15}
    assert [sign for sign in BAD_SIGNS if sign in written] == [], written


def test_what_does_not_end_is_cancelled_and_leaves_nothing(tmp_path: Path) -> None:
    async def main() -> None:
        accepting = listening()
        plan = FaultPlan()
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(SandboxServer(SandboxApi(5, faults=plan)))
            service = await stack.enter_async_context(
                running_service(server.url, tmp_path, accepting, grace=1, sync_every=0.1)
            )
            await it_has_synced(tmp_path, 5)
            plan.add(Fault("stall", operation="properties.list"), Fault("stall", operation="properties.get"))
            visitor = await service.a_request_left_open("/homes/prop_1")

            async def a_sync_and_a_visitor_wait() -> bool:
                return len(plan.happened) == 2

            await until(a_sync_and_a_visitor_wait)
            async with asyncio.timeout(8):  # less than the visitor's deadline
                code, written = await service.stop()
            visitor.close()
        assert code in {0, -15}
        assert "Application shutdown complete" in written
        cancelled = "asyncio.exceptions.CancelledError: Task cancelled, timeout graceful shutdown exceeded"
        assert written.count("Traceback") == written.count(cancelled) == 1  # uvicorn's own words for it
        assert [sign for sign in BAD_SIGNS if sign in written] == ["Traceback"], written

    asyncio.run(main())
