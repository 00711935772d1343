"""The application: what visitors may ask, and what lives as long as it does."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query, Request, Response
from pydantic import BaseModel

from service.background import keep_synced, running
from service.cache import Cached
from service.settings import Settings
from setsmart_async import Priority, Property, SetSmart, WebhookEvent
from setsmart_async.integrations.asgi import CancelOnDisconnect, Message, Receive, Send, WebhookApp
from setsmart_async.integrations.fastapi import SharedSetSmart, answer_errors
from setsmart_async.sync import WebhookSync
from setsmart_async.webhooks import WebhookReceiver, WebhookVerifier
from setsmart_async.webhooks.sqlalchemy import SqlReplayStore

LIST_SECONDS = 10.0
"""How old a list may be that a visitor sees."""
HomeId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Home(BaseModel):
    """What visitors see of a property."""

    id: str
    name: str | None
    bedrooms: int | None
    max_guests: int | None


class Booking(BaseModel):
    """What visitors see of their reservation."""

    id: str
    status: str | None


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, object], None]:
    """Opened from top to bottom; closed from bottom to top, when the last request has ended or its time is over."""
    settings = Settings.from_environment()
    verifier = WebhookVerifier(settings.webhook_secret)
    async with (
        SetSmart() as setsmart,
        running(keep_synced(setsmart, settings.database, every=settings.sync_every)) as syncing,
        WebhookSync(setsmart, settings.database) as tables,
        WebhookReceiver(verifier, store=SqlReplayStore(settings.replay_database)) as receiver,
    ):
        for_visitors = setsmart.with_options(priority=Priority.INTERACTIVE, deadline=10.0, max_wait=5.0)

        async def active_homes() -> list[Property]:
            return await for_visitors.properties.list(status="active").all(max_items=100)

        homes = Cached(active_homes, seconds=LIST_SECONDS)

        @receiver.on("*")
        async def changed(event: WebhookEvent) -> None:
            await tables.apply(event)
            homes.forget()

        yield {"setsmart": for_visitors, "homes": homes, "receiver": receiver, "syncing": syncing}


app = FastAPI(title="Homes", lifespan=lifespan)
answer_errors(app)
app.add_middleware(CancelOnDisconnect)  # added last: nothing stands between it and the server


@app.get("/homes", response_model=list[Home])
async def list_homes(request: Request, guests: Annotated[int, Query(ge=1)] = 1) -> list[Property]:
    """The homes that so many guests fit in; at most `LIST_SECONDS` old, sooner after a webhook."""
    homes: Cached[list[Property]] = request.state.homes
    return [home for home in await homes.get() if (home.max_guests or 0) >= guests]


@app.get("/homes/{home_id}", response_model=Home)
async def one_home(home_id: HomeId, setsmart: SharedSetSmart) -> Property:
    """One home, as it is now."""
    return await setsmart.properties.get(home_id)


@app.post("/homes/{home_id}/bookings", status_code=201, response_model=Booking)
async def book(
    home_id: HomeId, setsmart: SharedSetSmart, check_in: Annotated[date, Body()], check_out: Annotated[date, Body()]
) -> object:
    """Book it. Ends also when the visitor has hung up, see `CancelOnDisconnect`."""
    return await setsmart.reservations.create(property_id=home_id, check_in=check_in, check_out=check_out)


@app.get("/live")
async def live() -> str:
    """The process answers; whether it can work is another question, which no restart would help."""
    return "yes"


@app.get("/ready")
async def ready(request: Request, response: Response, setsmart: SharedSetSmart) -> dict[str, object]:
    """Whether to send visitors here: not when who comes now would wait for two windows. Asks SetSmart nothing."""
    quota = setsmart.quota
    is_crowded = quota.waiting > 2 * (quota.limit or 100)
    has_failed = request.state.syncing.done()
    response.status_code = 503 if is_crowded or has_failed else 200
    return {
        "quota": {"state": quota.state, "limit": quota.limit, "remaining": quota.remaining},
        "in_flight": quota.in_flight,
        "waiting": quota.waiting,
        "syncing": not has_failed,
    }


async def _webhooks(scope: Message, receive: Receive, send: Send) -> None:
    state: dict[str, Any] = scope["state"]
    await WebhookApp(state["receiver"])(scope, receive, send)


app.mount("/webhooks", _webhooks)
