"""A service that receives webhooks, as a process of its own: ``python receiving_app.py fastapi|aiohttp PORT FOLDER``.

Keeps in ``effects.db`` what its handler did: the newest name of each property, and one row for each event.
"""

import asyncio
import sqlite3
import sys
from pathlib import Path

from setsmart_async import WebhookEvent
from setsmart_async.webhooks import WebhookReceiver, WebhookVerifier
from setsmart_async.webhooks.sqlalchemy import SqlReplayStore


def effects(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "effects.db", timeout=30, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, times INTEGER NOT NULL)")
    connection.execute("CREATE TABLE IF NOT EXISTS names (id TEXT PRIMARY KEY, name TEXT NOT NULL)")
    return connection


def receiver(folder: Path) -> WebhookReceiver:
    secret = (folder / "secret").read_text(encoding="utf-8")
    store = SqlReplayStore(f"sqlite:///{folder}/replay.db")
    made = WebhookReceiver(WebhookVerifier(secret), store=store, handler_timeout=0.9, lease=2.0, keep=3600.0)
    database = effects(folder)

    @made.on("*")
    async def handle(event: WebhookEvent) -> None:
        await asyncio.sleep(0.002)  # where a kill mostly falls
        database.execute("BEGIN IMMEDIATE")
        database.execute(
            "INSERT INTO events VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET times = times + 1", (event.id,)
        )
        database.execute(
            "INSERT INTO names VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            (str(event.data["id"]), str(event.data["name"])),
        )
        database.execute("COMMIT")

    return made


def serve_fastapi(port: int, folder: Path) -> None:
    import uvicorn
    from fastapi import FastAPI

    from setsmart_async.integrations.asgi import WebhookApp

    app = FastAPI()
    app.mount("/hooks", WebhookApp(receiver(folder)))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical")


def serve_aiohttp(port: int, folder: Path) -> None:
    from aiohttp import web

    from setsmart_async.integrations.aiohttp_web import webhook_handler

    app = web.Application()
    app.router.add_post("/hooks/", webhook_handler(receiver(folder)))
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    kind, number, place = sys.argv[1:]
    (serve_fastapi if kind == "fastapi" else serve_aiohttp)(int(number), Path(place))
