"""An event, and what it is about now."""

from datetime import UTC, datetime

import pytest
from end_to_end.accounts import using

from setsmart_async import Conversation, Property, Reservation, SetSmart, WebhookEvent, WebhookEventType
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.seed import seed_properties


def event(event_type: str, **data: object) -> WebhookEvent:
    kind = WebhookEventType(event_type)
    return WebhookEvent(id="evt_1", type=kind, timestamp=datetime(2026, 1, 1, tzinfo=UTC), data=data)


def sandbox() -> SandboxApi:
    stay = {"id": "res_1", "property_id": "prop_85902", "check_in": "2026-02-01", "check_out": "2026-02-03"}
    return SandboxApi(
        seed_properties(2),
        reservations=[dict(stay)],
        conversations=[{"id": "conv_1"}],
    )


ABOUT: dict[str, tuple[WebhookEvent, type | None]] = {
    "a thin property": (event("property.updated", id="prop_85902"), Property),
    "a calendar": (event("calendar.updated", property_id="prop_85902"), Property),
    "a reservation with a stale copy": (event("reservation.updated", id="res_1", status="pending"), Reservation),
    "a message": (event("message.received", id="msg_9", conversation_id="conv_1", body="Hi"), Conversation),
    "what is gone": (event("property.deleted", id="prop_gone"), type(None)),
}


@pytest.mark.parametrize("case", ABOUT)
def test_an_event_leads_to_what_is_there_now(case: str) -> None:
    told, kind = ABOUT[case]

    async def use(setsmart: SetSmart) -> object:
        return await setsmart.resolve(told)

    found = using("memory", sandbox(), use)
    assert type(found) is kind
    if isinstance(found, Reservation):
        assert found.status is None  # as the server has it, not as the event says


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (event("invoice.paid", id="inv_1"), "no resource for events of type 'invoice.paid'"),
        (event("property.updated", name="Villa"), "holds no id"),
        (event("message.received", id="msg_1"), "holds no id"),
    ],
)
def test_what_leads_nowhere_is_told(told: WebhookEvent, message: str) -> None:
    async def use(setsmart: SetSmart) -> None:
        with pytest.raises(ValueError, match=message):
            await setsmart.resolve(told)

    api = sandbox()
    using("memory", api, use)
    assert api.statistics.requests == 0
