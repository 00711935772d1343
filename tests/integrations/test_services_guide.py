"""docs/services.md: its applications answer, against a sandbox over HTTP."""

import asyncio
import os
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from cli.commands import served
from starlette.testclient import TestClient

from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.wire import JsonObject

GUIDE = Path(__file__).parents[2] / "docs" / "services.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
HOME: JsonObject = {"id": "prop_1", "name": "Villa", "status": "active"}


def applications() -> list[Any]:
    """Each `app` of the page, as it is when the block that makes it has run, or the last one that adds to it."""
    page: dict[str, Any] = {}
    made: list[Any] = []
    for block in BLOCKS:
        exec(compile(block, GUIDE.name, "exec"), page)
        if "app" in page and page["app"] not in made:
            made.append(page["app"])
    return made


async def asked_of_aiohttp(app: web.Application, path: str) -> tuple[int, str]:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
        async with ClientSession() as session, session.get(url) as response:
            return response.status, await response.text()
    finally:
        await runner.cleanup()


def test_the_guides_applications_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    in_fastapi, in_starlette, in_aiohttp, with_a_sync, in_a_test = applications()
    assert "404 {'content-type': 'application/problem+json'" in capsys.readouterr().out
    with served(SandboxApi([HOME])) as url:
        monkeypatch.setitem(os.environ, "SETSMART_BASE_URL", url)
        monkeypatch.setitem(os.environ, "SETSMART_API_KEY", SANDBOX_API_KEY)
        for app in (in_fastapi, in_starlette):
            with TestClient(app) as visitor:
                assert "Villa" in visitor.get("/homes/prop_1").text
                assert visitor.get("/homes/prop_2").status_code == 404
        assert asyncio.run(asked_of_aiohttp(in_aiohttp, "/homes/prop_1")) == (200, "Villa")
        with TestClient(with_a_sync) as visitor:
            assert visitor.get("/ready").json().keys() == {"state", "remaining", "waiting"}
    with TestClient(in_a_test) as visitor:
        assert visitor.get("/homes/villa").json() == "Villa"
