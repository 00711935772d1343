"""R-53: a process that is killed inside a handler: the delivery is taken again, and takes effect once."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from webhooks.made import NOW, SECRET, SetClock, delivery, event_body, receiver

from setsmart_async import WebhookEvent
from setsmart_async.webhooks.sqlalchemy import SqlReplayStore

CHILD = f"""
import asyncio, sys
from setsmart_async.webhooks import WebhookReceiver, WebhookVerifier
from setsmart_async.webhooks.sqlalchemy import SqlReplayStore

class SetClock:
    def monotonic(self): return {NOW}
    def wall(self): return {NOW}
    async def sleep(self, seconds): await asyncio.sleep(seconds)

async def main():
    verifier = WebhookVerifier({SECRET!r}, clock=SetClock())
    receiver = WebhookReceiver(verifier, store=SqlReplayStore(sys.argv[1]), clock=SetClock())

    @receiver.on("*")
    async def handle(event):
        print("inside", flush=True)
        await asyncio.sleep(60)

    body = {event_body()!r}
    await receiver.receive(body, verifier.sign(body, delivery_id="msg_1"))

asyncio.run(main())
"""


def test_r53_killed_inside_the_handler(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/webhooks.db"
    child = subprocess.Popen([sys.executable, "-c", CHILD, url], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout
        assert child.stdout.readline() == "inside\n"
    finally:
        child.kill()
        child.communicate()
    assert child.returncode == -signal.SIGKILL

    async def main() -> None:
        clock, effects = SetClock(NOW + 30), list[str]()
        async with receiver(SqlReplayStore(url), clock) as webhooks:

            @webhooks.on("*")
            async def handle(event: WebhookEvent) -> None:
                effects.append(event.id)

            assert (await webhooks.receive(*delivery(event_body(), at=clock.now))).status == 503
            clock.now = NOW + 61
            assert (await webhooks.receive(*delivery(event_body(), at=clock.now))).status == 200
            assert (await webhooks.receive(*delivery(event_body(), at=clock.now))).status == 200
        assert effects == ["evt_1"]

    asyncio.run(main())
