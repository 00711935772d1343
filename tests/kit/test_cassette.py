"""Cassettes: recorded over a socket, replayed without one, and fit to be committed."""

import asyncio
from pathlib import Path

import pytest

from setsmart_async import AiohttpTransport, ConfigurationError, MemoryTransport, NotFoundError, Reservation, SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.server import SandboxServer
from setsmart_async.testing import Cassette

URL = "http://127.0.0.1:1/v1"


async def session(setsmart: SetSmart) -> list[object]:
    homes = await setsmart.properties.list(page_size=2).all(max_items=3)
    stays: list[Reservation] = await setsmart.reservations.list(page_size=3).all(max_items=3)
    await setsmart.properties.update(homes[0].id, max_guests=9)
    with pytest.raises(NotFoundError) as missing:
        await setsmart.properties.get("nope")
    return [homes, [stay.id for stay in stays], missing.value.code, setsmart.quota.limit]


def recorded(path: Path) -> list[object]:
    async def main() -> list[object]:
        async with SandboxServer(SandboxApi(5, reservations=4)) as server:
            transport = AiohttpTransport()
            cassette = Cassette(path, transport)
            assert cassette.is_recording
            async with SetSmart(SANDBOX_API_KEY, base_url=server.url, transport=cassette) as setsmart:
                result = await session(setsmart)
            await transport.aclose()
            return result

    return asyncio.run(main())


def replayed(path: Path) -> list[object]:
    async def main() -> list[object]:
        cassette = Cassette(path)
        assert not cassette.is_recording
        async with SetSmart("another-key-than-then", base_url=URL, transport=cassette) as setsmart:
            return await session(setsmart)

    return asyncio.run(main())


def test_what_was_recorded_is_replayed(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    assert recorded(path) == replayed(path)


def test_a_cassette_holds_no_key_and_no_guest(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    api = SandboxApi(5, reservations=4)
    recorded(path)
    written = path.read_text(encoding="utf-8")
    assert SANDBOX_API_KEY not in written
    guests = [stay["guest"] for stay in api.reservations.store]
    secrets = [
        str(guest[name]) for guest in guests if isinstance(guest, dict) for name in ("email", "phone", "last_name")
    ]
    assert secrets
    assert [secret for secret in secrets if secret in written] == []
    assert '"email":"scrubbed"' in written


def test_what_was_not_recorded_is_told(tmp_path: Path) -> None:
    path = tmp_path / "session.json"
    recorded(path)

    async def main() -> None:
        async with SetSmart("another-key-than-then", base_url=URL, transport=Cassette(path)) as setsmart:
            with pytest.raises(ConfigurationError, match=r"no GET /properties/other with this query.*record it again"):
                await setsmart.properties.get("other")

    asyncio.run(main())


def test_what_can_not_be_a_cassette_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="record it first"):
        Cassette(tmp_path / "none.json", mode="replay")
    with pytest.raises(ConfigurationError, match="needs a transport to ask"):
        Cassette(tmp_path / "none.json")
    broken = tmp_path / "broken.json"
    broken.write_text('[{"method": "GET"}]')
    with pytest.raises(ConfigurationError, match="is no cassette"):
        Cassette(broken)
    again = Cassette(broken, MemoryTransport(SandboxApi().handle), mode="record")
    assert again.is_recording
