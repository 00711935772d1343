"""Receive webhooks with aiohttp: verified, each handled once, also after a restart.

pip install 'setsmart_async[sync]'
export SETSMART_API_KEY=… SETSMART_WEBHOOK_SECRET=whsec_…
python examples/webhook_receiver.py 8000       # SetSmart sends to /webhooks
"""

import os
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from setsmart_async import WebhookEvent
from setsmart_async.integrations.aiohttp_web import SETSMART, client_context, webhook_handler
from setsmart_async.webhooks import WebhookReceiver, WebhookVerifier
from setsmart_async.webhooks.sqlalchemy import SqlReplayStore

app = web.Application()
verifier = WebhookVerifier(os.environ["SETSMART_WEBHOOK_SECRET"])
receiver = WebhookReceiver(verifier, store=SqlReplayStore("sqlite:///webhooks.db"))


@receiver.on("property.updated")
@receiver.on("reservation.created")
async def changed(event: WebhookEvent) -> None:
    """Events come late and out of order: ask how things are now."""
    print(event.type, await app[SETSMART].resolve(event), flush=True)


async def receiving(_: web.Application) -> AsyncIterator[None]:
    """At the end, let handlers that are under way come to theirs."""
    async with receiver:
        yield


app.cleanup_ctx.extend([client_context(), receiving])  # closed in the opposite order
app.router.add_post("/webhooks", webhook_handler(receiver))
web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), access_log=None)
