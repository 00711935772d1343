"""The live page's figures and switches, over HTTP."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from sandbox.asking import HOMES

from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.faults import FaultPlan
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.server import SandboxServer

KEY = {"X-API-Key": SANDBOX_API_KEY}


def sandbox() -> SandboxApi:
    return SandboxApi([dict(home) for home in HOMES], quota=QuotaSimulator(QuotaRule(3, 3600.0)))


def using(api: SandboxApi, use: Callable[[SandboxServer, aiohttp.ClientSession], Awaitable[None]]) -> None:
    async def main() -> None:
        async with SandboxServer(api) as server, aiohttp.ClientSession() as session:
            await use(server, session)

    asyncio.run(main())


def test_the_page_is_at_the_root_and_needs_nothing_from_outside() -> None:
    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        page = ""
        for path in ("", "_sandbox", "_sandbox/"):
            async with session.get(server.page_url + path) as answer:
                page = await answer.text()
                assert (answer.status, answer.content_type) == (200, "text/html")
        assert "https://" not in page
        assert page.count("http://") == page.count("http://www.w3.org/")

    using(sandbox(), use)


def test_the_figures_are_those_of_the_server() -> None:
    api = sandbox()

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        api.faults = FaultPlan(["reset"])
        with pytest.raises(aiohttp.ClientError):
            await session.post(f"{server.url}/properties", headers=KEY)  # which aiohttp itself does not repeat
        for _ in range(4):
            await session.get(f"{server.url}/properties?limit=1", headers=KEY)
        await session.get(f"{server.url}/properties", headers={"X-API-Key": "another-key-of-nobody"})
        async with session.get(server.page_url + "_sandbox/live.json") as answer:
            live: Any = await answer.json()
        assert (live["used"], live["refused"], live["clients"], live["planned"]) == (3, 1, 2, 0)
        assert live["rule"] == {"limit": 3, "window": 3600.0, "algorithm": "fixed"}
        assert live["windows"][-1]["accepted"] == 3
        assert 0 < live["window_ends_in"] <= 3600
        newest = [(one["status"], one["fault"], one["client"]) for one in live["recent"]]
        assert newest[0] == (401, None, "")
        assert [status for status, _, _ in newest[1:5]] == [429, 200, 200, 200]
        assert newest[-1][:2] == (0, "reset")
        assert len(newest[1][2]) == 8
        assert SANDBOX_API_KEY not in json.dumps(live)

    using(api, use)


def test_the_switches_change_the_rule_and_plan_faults() -> None:
    api = sandbox()

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        settings = {"limit": 7, "algorithm": "bucket", "faults": [503, "html"]}
        async with session.post(server.page_url + "_sandbox/settings", json=settings) as answer:
            assert (await answer.json())["rule"] == {"limit": 7, "window": 3600.0, "algorithm": "bucket"}
        assert api.quota.rule == QuotaRule(7, 3600.0, "bucket")
        for status in (503, 502, 200):
            async with session.get(f"{server.url}/properties", headers=KEY) as answer:
                assert answer.status == status

    using(api, use)


REFUSED: dict[str, tuple[Any, int, str]] = {
    "no limit": ({"limit": 0}, 400, "limit"),
    "a limit as text": ({"limit": "7"}, 400, "limit"),
    "no window": ({"window": 0}, 400, "settings"),
    "another algorithm": ({"algorithm": "guess"}, 400, "algorithm"),
    "another fault": ({"faults": ["flood"]}, 400, "settings"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_can_not_be_set_is_told_and_changes_nothing(case: str) -> None:
    body, status, field = REFUSED[case]
    api = sandbox()

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        async with session.post(server.page_url + "_sandbox/settings", json=body) as answer:
            told: Any = await answer.json()
            assert (answer.status, told["error"]["errors"][0]["field"]) == (status, field)

    using(api, use)
    assert api.quota.rule == QuotaRule(3, 3600.0)
    assert api.faults is None


def test_a_foreign_web_page_can_not_switch_anything() -> None:
    api = sandbox()

    async def use(server: SandboxServer, session: aiohttp.ClientSession) -> None:
        # What a form or a script of another origin may send without being asked for leave first.
        async with session.post(server.page_url + "_sandbox/settings", data='{"limit": 1}') as answer:
            assert answer.status == 415

    using(api, use)
    assert api.quota.rule == QuotaRule(3, 3600.0)
