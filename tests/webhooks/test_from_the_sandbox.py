"""R-53, R-56: deliveries out of the sandbox, under load, with duplicates, overtaken and killed receivers: each once."""

import asyncio
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from webhooks.receiving_app import effects

from setsmart_async import AiohttpTransport
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.sandbox.sender import DeliveryFaults, WebhookSender
from setsmart_async.wire import JsonObject

APP = Path(__file__).with_name("receiving_app.py")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
HOMES, NEW, CHANGES, AT_ONCE, KILLS = 20, 90, 90, 8, 2


class ReceivingProcess:
    """The service; it can be killed and started again at the same port."""

    def __init__(self, kind: str, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            self.port = unused.getsockname()[1]
        self._command = [sys.executable, str(APP), kind, str(self.port), str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command)
        patience = time.monotonic() + 30
        while time.monotonic() < patience:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError("the service does not listen")

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def subscribed(port: int) -> SandboxApi:
    hook: JsonObject = {"id": "wh_1", "url": f"http://127.0.0.1:{port}/hooks/", "events": ["*"], "secret": SECRET}
    return SandboxApi(seed_properties(HOMES), webhooks=[hook])


async def much_happens(api: SandboxApi, sender: WebhookSender, service: ReceivingProcess) -> None:
    chance, homes = random.Random(7), [str(home["id"]) for home in api.properties]
    for number in range(NEW + CHANGES):
        if number % 2:
            fields: JsonObject = {"name": f"New {number}", "address": "1 Shore Road"}
            sender.send("property.created", api.properties.create(fields, api.now()))
        else:
            changed = api.properties.merge(chance.choice(homes), {"name": f"Name {number}"}, api.now())
            assert changed is not None
            sender.send("property.updated", changed)
        if number in {60, 120}:
            while len(sender.attempts) < number:  # noqa: ASYNC110 - it is in the middle of them
                await asyncio.sleep(0.01)
            service.kill()
            await asyncio.to_thread(service.start)
        await asyncio.sleep(0.001)
    async with asyncio.timeout(60):
        await sender.drain()


@pytest.mark.parametrize("kind", ["fastapi", "aiohttp"])
def test_r53_r56_out_of_the_sandbox_each_event_takes_effect_once(kind: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    service = ReceivingProcess(kind, tmp_path)
    api = subscribed(service.port)

    async def main() -> list[int]:
        transport = AiohttpTransport()
        faults = DeliveryFaults(duplicates=0.3, overtaking=0.3, seed=3)
        async with WebhookSender(api, transport, faults=faults, retry_delays=[0.3] * 60, concurrency=AT_ONCE) as sender:
            await much_happens(api, sender, service)
            statuses = [attempt.status or 0 for attempt in sender.attempts]
        await transport.aclose()
        return statuses

    service.start()
    try:
        statuses = asyncio.run(main())
    finally:
        service.kill()
    with closing(effects(tmp_path)) as database:
        names = dict(database.execute("SELECT id, name FROM names").fetchall())
        times = [count for (count,) in database.execute("SELECT times FROM events").fetchall()]
    held = {str(home["id"]): home["name"] for home in api.properties}
    happened = {home: name for home, name in held.items() if str(name).startswith(("Name ", "New "))}
    assert len(happened) > NEW
    assert names == happened
    # What a kill caught between its effect and the store's note of it is done again: no more than were under way.
    assert sum(times) - len(times) <= KILLS * AT_ONCE
    assert set(statuses) <= {0, 200, 503}
    assert statuses.count(0) >= 1
