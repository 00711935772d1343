"""The example service's parts, in this process: its cache, and what it opens and closes."""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from integrations.example_service import EXAMPLES, SECRET
from starlette.testclient import TestClient

from setsmart_async.testing import FakeSetSmart, fake_property

if TYPE_CHECKING:
    from service.cache import Cached


class Server:
    """Asked for a number, it gives the next one when told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked = 0
        self.cancelled = 0
        self.begun = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.fault: Exception | None = None
        self.first_may_answer = asyncio.Event()
        self.first_may_answer.set()

    async def load(self) -> int:
        self.asked += 1
        number = self.asked
        self.begun.set()
        try:
            await self.may_answer.wait()
            if number == 1:
                await self.first_may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fault is not None:
            raise self.fault
        return number

    def cached(self, seconds: float = 10.0) -> "Cached[int]":
        from service.cache import Cached

        return Cached(self.load, seconds=seconds, now=lambda: self.now)


@pytest.fixture(autouse=True)
def _examples_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "service"]:
        del sys.modules[name]


def test_of_many_one_asks_and_the_answer_is_kept_for_a_while() -> None:
    async def main() -> None:
        server = Server()
        cached = server.cached()
        together = asyncio.gather(*(cached.get() for _ in range(100)))
        await server.begun.wait()
        server.may_answer.set()
        assert set(await together) == {1}
        server.now = 9.9
        assert await cached.get() == 1
        server.now = 10.0
        assert await cached.get() == 2

    asyncio.run(main())


def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    async def main() -> None:
        server = Server()
        cached = server.cached()
        server.fault = ConnectionError()
        server.may_answer.set()
        outcomes = await asyncio.gather(*(cached.get() for _ in range(3)), return_exceptions=True)
        assert outcomes == [server.fault] * 3
        server.fault = None
        assert await cached.get() == 2

    asyncio.run(main())


def test_who_leaves_takes_the_answer_from_nobody_and_the_last_one_ends_the_question() -> None:
    async def main() -> None:
        server = Server()
        cached = server.cached()
        first, second = (asyncio.create_task(cached.get()) for _ in range(2))
        await server.begun.wait()
        first.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first
        assert server.cancelled == 0
        second.cancel()
        third = asyncio.create_task(cached.get())  # comes while the question ends, and must not end with it
        with contextlib.suppress(asyncio.CancelledError):
            await second
        server.may_answer.set()
        assert await third == 2
        assert server.cancelled == 1
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_what_was_asked_before_a_change_is_not_kept() -> None:
    async def main() -> None:
        server = Server()
        cached = server.cached()
        before = asyncio.create_task(cached.get())
        await server.begun.wait()
        cached.forget()
        server.first_may_answer.clear()
        server.may_answer.set()
        assert await cached.get() == 2
        server.first_may_answer.set()
        assert await before == 1
        assert await cached.get() == 2
        cached.forget()
        assert await cached.get() == 3

    asyncio.run(main())


def test_what_it_opens_it_closes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from service import app as service

    story: list[str] = []

    class Told(FakeSetSmart):
        async def aclose(self) -> None:
            working = [task for task in asyncio.all_tasks() if "keep_synced" in str(task.get_coro())]
            story.append(f"client closed, {len(working)} tasks left")
            await super().aclose()

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SETSMART_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr(service, "SetSmart", lambda: Told(fake_property(id="villa", name="Villa", max_guests=2)))
    for _ in range(2):
        with TestClient(service.app) as visitor:
            assert [home["id"] for home in visitor.get("/homes?guests=2").json()] == ["villa"]
            assert visitor.get("/homes?guests=3").json() == []
            assert visitor.get("/live").json() == "yes"
            assert visitor.get("/ready").json()["syncing"] is True
            assert story == []
        assert story.pop() == "client closed, 0 tasks left"


def test_without_its_settings_it_does_not_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from service import app as service

    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyError, match="SETSMART_WEBHOOK_SECRET"), TestClient(service.app):
        pass


def test_it_is_not_ready_when_its_background_task_has_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from service import app as service

    async def fail(*_: object, **__: object) -> None:
        raise LookupError

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SETSMART_WEBHOOK_SECRET", SECRET)
    monkeypatch.setattr(service, "SetSmart", FakeSetSmart)
    monkeypatch.setattr(service, "keep_synced", fail)
    with TestClient(service.app) as visitor:
        answer = visitor.get("/ready")
    assert (answer.status_code, answer.json()["syncing"]) == (503, False)
