"""Clients of one key share a limiter without being told of each other."""

import asyncio
from collections.abc import Iterable

from engine.scene import OK
from msgspec.structs import replace

from setsmart_async import MemoryTransport, SetSmart
from setsmart_async.wire import Headers


class TestSharing:
    def test_clients_of_one_key_share_what_they_know_of_the_quota(self) -> None:
        async def main() -> tuple[int, int, int | None]:
            a, b, other = clients("key-one-of-the-tests", "key-one-of-the-tests", "key-two-of-the-tests")
            await a.properties.get("prop_123")
            await b.properties.get("prop_123")
            await other.properties.get("prop_123")
            return a.quota.remaining, b.quota.remaining, other.quota.limit

        def clients(*keys: str) -> Iterable[SetSmart]:
            answer = replace(
                OK,
                headers=Headers(
                    [
                        ("X-RateLimit-Limit", "50"),
                        ("X-RateLimit-Remaining", "40"),
                        ("X-RateLimit-Reset", "9999999999"),
                    ]
                ),
            )
            transport = MemoryTransport(lambda request: answer if "one" in request.headers["X-API-Key"] else OK)
            return [SetSmart(key, base_url="http://127.0.0.1:1/v1", transport=transport) for key in keys]

        first, second, unknown = asyncio.run(main())
        assert first == second == 40
        assert unknown is None

    def test_before_the_first_call_nothing_is_known(self) -> None:
        quota = SetSmart("key-of-the-engine-tests", base_url="http://127.0.0.1:1/v1").quota
        assert quota.limit is None
        assert quota.state == "cold"
