"""A user's tests that mock httpx: with respx, and with httpx2's own MockTransport."""

import asyncio

import httpx
import httpx2
import pytest
import respx

from setsmart_async import (
    CallError,
    ConnectError,
    ConnectionLostError,
    HttpxTransport,
    NotFoundError,
    Outcome,
    ProtocolError,
    RetryPolicy,
    SetSmart,
)

BASE_URL = "https://api.example/v1"
VILLA = {"id": "prop_123", "name": "Beachfront Villa"}


def over_respx(router: respx.Router, **settings: object) -> SetSmart:
    client = httpx.AsyncClient(transport=httpx.MockTransport(router.async_handler))
    return SetSmart(
        "key-of-the-respx-tests",
        base_url=BASE_URL,
        transport=HttpxTransport(client),  # type: ignore[arg-type]  # a legacy client has the same methods
        **settings,  # type: ignore[arg-type]  # settings of several types
    )


def test_a_route_answers_and_sees_what_was_sent() -> None:
    router = respx.Router()
    route = router.put(f"{BASE_URL}/properties/prop_123").respond(json=VILLA)

    async def main() -> str:
        async with over_respx(router) as setsmart:
            return (await setsmart.properties.update("prop_123", max_guests=8)).name

    assert asyncio.run(main()) == "Beachfront Villa"
    sent = route.calls.last.request
    assert sent.headers["X-API-Key"] == "key-of-the-respx-tests"
    assert sent.headers["Accept-Encoding"] == "gzip"
    assert sent.content == b'{"max_guests":8}'


def test_retries_pages_and_errors_go_the_usual_way() -> None:
    router = respx.Router()
    router.get(f"{BASE_URL}/properties", params={"cursor": "next"}).respond(json={"data": [{"id": "b", "name": "B"}]})
    router.get(f"{BASE_URL}/properties").side_effect = [
        httpx.Response(503),
        httpx.ReadError("gone"),
        httpx.Response(200, json={"data": [{"id": "a", "name": "A"}], "next_cursor": "next"}),
    ]
    router.get(f"{BASE_URL}/properties/prop_999").respond(404, json={"message": "No such home"})

    async def main() -> list[str]:
        hasty = RetryPolicy(max_attempts=3, transient_base=0.001, longest_wait=0.001)
        async with over_respx(router, retry=hasty) as setsmart:
            with pytest.raises(NotFoundError):
                await setsmart.properties.get("prop_999")
            return [home.id async for home in setsmart.properties.list()]

    assert asyncio.run(main()) == ["a", "b"]


FAULTS = [
    (httpx.ConnectError("no"), ConnectError, Outcome.NOT_SENT),
    (httpx.ConnectTimeout("slow"), ConnectError, Outcome.NOT_SENT),
    (httpx.PoolTimeout("full"), ConnectError, Outcome.NOT_SENT),
    (httpx.ReadError("cut"), ConnectionLostError, Outcome.UNKNOWN),
    (httpx.WriteError("cut"), ConnectionLostError, Outcome.UNKNOWN),
    (
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        ConnectionLostError,
        Outcome.UNKNOWN,
    ),
    (httpx.RemoteProtocolError("illegal status line"), ProtocolError, Outcome.UNKNOWN),
]


@pytest.mark.parametrize(
    ("fault", "kind", "outcome"), FAULTS, ids=lambda value: getattr(value, "__name__", repr(value))
)
def test_httpxs_errors_are_ours_and_nothing_of_them_is_kept(
    fault: Exception, kind: type[CallError], outcome: Outcome
) -> None:
    router = respx.Router()
    router.get(f"{BASE_URL}/properties/prop_123").mock(side_effect=fault)

    async def main() -> CallError:
        async with over_respx(router, retry=RetryPolicy(max_attempts=1)) as setsmart:
            with pytest.raises(CallError) as caught:
                await setsmart.properties.get("prop_123")
            return caught.value

    error = asyncio.run(main())
    assert type(error) is kind
    assert error.outcome is outcome
    assert error.__cause__ is None
    assert error.__context__ is None


def test_httpx2s_own_mock_serves_as_well() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, json={**VILLA, "name": request.url.path})

    async def main() -> str:
        transport = HttpxTransport(httpx2.AsyncClient(transport=httpx2.MockTransport(handler)))
        async with SetSmart("key-of-the-respx-tests", base_url=BASE_URL, transport=transport) as setsmart:
            return (await setsmart.properties.get("prop_123")).name

    assert asyncio.run(main()) == "/v1/properties/prop_123"
