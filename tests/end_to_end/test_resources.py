"""Every resource from end to end: one suite, in memory, over HTTP and over HTTPS."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import attrs
import pytest
from end_to_end.accounts import WAYS, Way, using

from setsmart_async import (
    BadRequestError,
    CalendarChange,
    ConflictError,
    Dialect,
    Guest,
    NewProperty,
    NotFoundError,
    PermissionDeniedError,
    Property,
    SetSmart,
    UnprocessableError,
)
from setsmart_async.sandbox.api import SandboxApi, SandboxKey
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.seed import seed_properties

HOME: NewProperty = {"name": "Villa", "address": "1 Shore Road", "bedrooms": 3, "bathrooms": 1.5, "max_guests": 6}
EVE, DAY_AFTER = date(2026, 12, 24), date(2026, 12, 27)

every_way = pytest.mark.parametrize("way", WAYS)


def sandbox(properties: int = 3, **settings: object) -> SandboxApi:
    quota = QuotaSimulator(QuotaRule(10_000, 60.0))
    return SandboxApi(seed_properties(properties), **{"quota": quota, **settings})  # type: ignore[arg-type]  # as it takes them


@every_way
def test_the_life_of_a_property(way: Way) -> None:
    new: NewProperty = {**HOME, "timezone": "Europe/Oslo", "extra": {"sauna": [1, None]}}

    async def use(setsmart: SetSmart) -> None:
        villa = await setsmart.properties.create(**new)
        assert (villa.bathrooms, villa.extra) == (1.5, {"sauna": [1, None]})
        assert villa.created_at is not None
        assert villa.created_at.tzinfo is UTC
        changed = await setsmart.properties.update(villa.id, max_guests=8, bedrooms=None)
        assert (changed.max_guests, changed.bedrooms, changed.name) == (8, None, "Villa")
        assert await setsmart.properties.get(villa.id) == changed
        assert villa.id in [home.id async for home in setsmart.properties.list(page_size=2)]
        await setsmart.properties.delete(villa.id)
        with pytest.raises(NotFoundError):
            await setsmart.properties.get(villa.id)

    using(way, sandbox(), use)


@every_way
@pytest.mark.parametrize("paging", ["cursor", "page", "offset", "link", "array"])
def test_every_record_comes_once_however_a_server_pages(way: Way, paging: str) -> None:
    async def use(setsmart: SetSmart) -> list[Property]:
        plain = await setsmart.properties.list(page_size=7).all()
        assert await setsmart.properties.list(page_size=7).prefetch(4).all() == plain
        return plain

    api = sandbox(50, paging=paging)
    found = using(way, api, use)
    assert [home.id for home in found] == [record["id"] for record in api.properties]


@every_way
def test_the_life_of_a_reservation(way: Way) -> None:
    async def use(setsmart: SetSmart) -> None:
        home = await setsmart.properties.list().first()
        assert home is not None
        guest = Guest(first_name="Kari", email="kari@example.com", country="NO")
        stay = await setsmart.reservations.create(
            property_id=home.id,
            check_in=EVE,
            check_out=DAY_AFTER,
            guest=guest,
            adults=2,
            total_amount=Decimal("4500.50"),
            currency="NOK",
        )
        assert (stay.nights, stay.guest, stay.total_amount, stay.status) == (3, guest, Decimal("4500.50"), "confirmed")
        assert stay.blocks_calendar
        with pytest.raises(ConflictError) as taken:
            await setsmart.reservations.create(property_id=home.id, check_in=EVE, check_out=EVE + timedelta(days=1))
        assert taken.value.code == "nights_taken"
        longer = await setsmart.reservations.update(stay.id, check_out=DAY_AFTER + timedelta(days=1), notes="late")
        assert (longer.nights, longer.notes) == (4, "late")
        assert await setsmart.reservations.get(stay.id) == longer
        listed = setsmart.reservations.list(
            property_id=home.id,
            status="confirmed",
            check_in_from=EVE,
            check_in_to=EVE,
            check_out_from=DAY_AFTER,
            updated_since=datetime(2020, 1, 1, tzinfo=UTC),
        )
        assert await listed.all() == [longer]
        assert await setsmart.reservations.list(check_out_to=EVE).all() == []
        gone = await setsmart.reservations.cancel(stay.id, cancelled_by="guest", reason="ill")
        assert (gone.status, gone.blocks_calendar) == ("cancelled", False)
        assert gone.cancelled_at is not None
        with pytest.raises(ConflictError):
            await setsmart.reservations.cancel(stay.id, cancelled_by="guest")
        again = await setsmart.reservations.create(property_id=home.id, check_in=EVE, check_out=DAY_AFTER)
        assert again.id != stay.id

    using(way, sandbox(), use)


@every_way
def test_a_calendar_shows_what_was_pushed_and_what_is_booked(way: Way) -> None:
    async def use(setsmart: SetSmart) -> None:
        home = await setsmart.properties.list().first()
        assert home is not None
        stay = await setsmart.reservations.create(property_id=home.id, check_in=EVE, check_out=EVE + timedelta(days=1))
        changes = [
            CalendarChange(
                start_date=EVE, end_date=EVE + timedelta(days=99), nightly_rate=Decimal("1200.50"), currency="NOK"
            ),
            CalendarChange(start_date=EVE + timedelta(days=2), available=False, min_stay=3, note="paint"),
        ]
        chunks = await setsmart.calendar.push(home.id, changes, chunk_days=30)
        assert [(chunk.days, chunk.error, chunk.pending) for chunk in chunks] == [(30, None, False)] * 3 + [
            (10, None, False)
        ]
        days = await setsmart.calendar.get(home.id, start_date=EVE, end_date=EVE + timedelta(days=3))
        assert [day.date for day in days] == [EVE + timedelta(days=number) for number in range(4)]
        assert [day.available for day in days] == [False, True, False, True]
        assert [day.reservation_id for day in days] == [stay.id, None, None, None]
        assert {day.nightly_rate for day in days} == {Decimal("1200.50")}
        assert days[2].min_stay == 3
        many = {"nope": changes, home.id: changes}
        by_property = {chunk.property_id: chunk async for chunk in setsmart.calendar.push_many(many, chunk_days=700)}
        assert isinstance(by_property["nope"].error, NotFoundError)
        assert by_property[home.id].error is None

    using(way, sandbox(), use)


@every_way
def test_a_conversation_is_read_and_answered_once(way: Way) -> None:
    api = sandbox(
        conversations=[{"id": "conv_1", "reservation_id": "res_1", "unread": False, "channel": "email"}],
        messages=[{"id": "msg_1", "conversation_id": "conv_1", "body": "Hello?", "direction": "inbound"}],
    )
    heard: list[str] = []
    api.tell = lambda event_type, data: heard.append(event_type)

    async def use(setsmart: SetSmart) -> None:
        api.conversations.receive("conv_1", "Anyone?", api.now())
        [talk] = await setsmart.conversations.list(unread=True).all()
        sent = await setsmart.conversations.send(talk.id, "Good evening")
        assert (sent.direction, sent.status, sent.channel) == ("outbound", "sent", "email")
        messages = await setsmart.conversations.messages(talk.id, page_size=2).all()
        assert [message.body for message in messages] == ["Hello?", "Anyone?", "Good evening"]
        assert (await setsmart.conversations.get(talk.id)).last_message_at is not None
        with pytest.raises(NotFoundError):
            await setsmart.conversations.messages("nope").all()

    using(way, api, use)
    assert heard == ["message.received"]


@every_way
def test_the_life_of_a_subscription(way: Way) -> None:
    async def use(setsmart: SetSmart) -> None:
        subscriptions = setsmart.webhook_subscriptions
        made = await subscriptions.create(url="https://example.com/hooks", events=["reservation.created"])
        assert made.secret is not None
        assert made.secret.startswith("whsec_")
        assert (await subscriptions.get(made.id)).secret is None
        [listed] = await subscriptions.list().all()
        assert (listed.id, listed.secret, listed.active) == (made.id, None, True)
        assert not (await subscriptions.update(made.id, active=False)).active
        await subscriptions.delete(made.id)
        assert await subscriptions.list().all() == []

    using(way, sandbox(), use)


@attrs.frozen(kw_only=True)
class Home:
    """A class of the user's own for what the library has another one for."""

    id: str
    name: str
    room_type: str | None = None


@every_way
def test_a_class_of_ones_own_and_a_single_request(way: Way) -> None:
    async def use(setsmart: SetSmart) -> None:
        homes = setsmart.resource("/properties", Home)
        found = await homes.list(status="active").all()
        assert found[0].room_type is not None
        made = await homes.create(**HOME)
        assert (await homes.update(made.id, name="Other")).name == "Other"
        reply = await setsmart.request("GET", "/properties/{id}", id=made.id, record=Home)
        assert (reply.value.name, reply.status) == ("Other", 200)
        assert reply.quota.limit == 10_000
        assert reply.request_id is not None
        await homes.delete(made.id)
        with pytest.raises(NotFoundError):
            await setsmart.request("GET", f"/properties/{made.id}")

    using(way, sandbox(), use)


@every_way
def test_many_at_once_lose_nothing(way: Way) -> None:
    async def use(setsmart: SetSmart) -> None:
        new: list[NewProperty] = [{**HOME, "name": f"Villa {number}"} for number in range(20)]
        made = sorted(
            [result async for result in setsmart.properties.create_many(new)], key=lambda result: result.index
        )
        assert [result.unwrap().name for result in made] == [fields["name"] for fields in new]
        ids = [result.id for result in made]
        changed = [result async for result in setsmart.properties.update_many({one: {"max_guests": 9} for one in ids})]
        assert {result.unwrap().max_guests for result in changed} == {9}
        found = {result.id: result async for result in setsmart.properties.get_many([*ids, "nope"])}
        assert isinstance(found.pop("nope").error, NotFoundError)
        assert len(found) == 20
        gone = [result async for result in setsmart.properties.delete_many(ids)]
        assert [result.error for result in gone] == [None] * 20

    using(way, sandbox(0), use)


@every_way
def test_what_is_wrong_is_told_field_by_field(way: Way) -> None:
    async def use(setsmart: SetSmart) -> None:
        with pytest.raises(BadRequestError) as refused:
            await setsmart.properties.update("prop_85902", max_guests=0, bedrooms=-1)
        wrong = {(error.field, error.code) for error in refused.value.errors}
        assert wrong == {("max_guests", "invalid_value"), ("bedrooms", "invalid_value")}
        assert refused.value.request_id is not None

    using(way, sandbox(), use)

    async def strictly(setsmart: SetSmart) -> None:
        with pytest.raises(UnprocessableError):
            await setsmart.properties.update("prop_85902", max_guests=0)

    using(way, sandbox(invalid_status=422), strictly)


DENIED: dict[str, tuple[SandboxKey, str]] = {
    "reads only": (SandboxKey(key="key-for-reading", read_only=True), "insufficient_permissions"),
    "another scope": (SandboxKey(key="key-of-a-scope", resources={"properties"}), "insufficient_scope"),
    "another network": (SandboxKey(key="key-of-an-office", networks={"203.0.113.0/24"}), "ip_not_allowed"),
}


@every_way
@pytest.mark.parametrize("case", DENIED)
def test_a_key_may_do_what_it_may(way: Way, case: str) -> None:
    key, code = DENIED[case]

    async def use(setsmart: SetSmart) -> None:
        with pytest.raises(PermissionDeniedError) as denied:
            await setsmart.reservations.create(property_id="a", check_in=EVE, check_out=DAY_AFTER)
        assert denied.value.code == code

    using(way, sandbox(api_keys=[key]), use, api_key=key.key)


@every_way
def test_a_repeated_create_takes_effect_once(way: Way) -> None:
    dialect = Dialect(idempotency_header="Idempotency-Key")
    api = sandbox(0, dialect=dialect)
    marked: NewProperty = {**HOME, "idempotency_key": "villa-1"}
    other_body: NewProperty = {**marked, "name": "Other"}

    async def use(setsmart: SetSmart) -> None:
        one, other = await asyncio.gather(
            setsmart.properties.create(**marked),
            setsmart.properties.create(**marked),
        )
        assert one == other
        with pytest.raises(UnprocessableError) as reused:
            await setsmart.properties.create(**other_body)
        assert reused.value.code == "idempotency_key_reused"
        assert (await setsmart.properties.create(**HOME)).id != one.id

    using(way, api, use, dialect=dialect)
    assert len(api.properties) == 2
    assert api.statistics.executed == {"properties.create": 2}
