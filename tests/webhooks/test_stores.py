"""One contract for every replay store."""

import asyncio
import contextlib
import secrets
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine
from webhooks.made import NOW

from setsmart_async import ConfigurationError, WebhookStoreError
from setsmart_async.webhooks import MemoryReplayStore, ReplayStore
from setsmart_async.webhooks.redis import RedisReplayStore
from setsmart_async.webhooks.sqlalchemy import SqlReplayStore

MakeStore = Callable[[], ReplayStore]
NOW_F = float(NOW)


@contextlib.asynccontextmanager
async def opened(make: MakeStore) -> AsyncIterator[ReplayStore]:
    store = make()
    try:
        yield store
    finally:
        await store.aclose()


def fresh() -> str:
    return f"delivery:{secrets.token_hex(8)}"


def test_a_key_is_claimed_once_and_done_once(make_store: MakeStore) -> None:
    async def main() -> None:
        key = fresh()
        async with opened(make_store) as store, opened(make_store) as other:
            mine = await store.claim(key, now=NOW_F, lease=60)
            assert mine.token
            refused = await other.claim(key, now=NOW_F + 59.9, lease=60)
            assert (refused.token, refused.done) == (None, False)
            assert not await other.done(key, "forged", now=NOW_F, keep=100)
            await other.release(key, "forged")
            assert await store.done(key, mine.token, now=NOW_F, keep=100)
            assert (await other.claim(key, now=NOW_F + 99.9, lease=60)).done
            assert not await store.done(key, mine.token, now=NOW_F, keep=100)
            await store.release(key, mine.token)  # done stays done
            assert (await other.claim(key, now=NOW_F + 99.9, lease=60)).done
            assert (await other.claim(key, now=NOW_F + 100, lease=60)).token

    asyncio.run(main())


def test_a_released_key_is_free_at_once(make_store: MakeStore) -> None:
    async def main() -> None:
        key = fresh()
        async with opened(make_store) as store:
            mine = await store.claim(key, now=NOW_F, lease=60)
            assert mine.token
            await store.release(key, mine.token)
            again = await store.claim(key, now=NOW_F, lease=60)
            assert again.token not in {None, mine.token}

    asyncio.run(main())


def test_a_lease_ends_and_its_taker_has_no_say_any_more(make_store: MakeStore) -> None:
    async def main() -> None:
        key = fresh()
        async with opened(make_store) as store, opened(make_store) as other:
            late = await store.claim(key, now=NOW_F, lease=60)
            assert late.token
            taken = await other.claim(key, now=NOW_F + 60, lease=60)
            assert taken.token
            assert not await store.done(key, late.token, now=NOW_F + 61, keep=100)
            assert not await store.renew(key, late.token, now=NOW_F + 61, lease=60)
            await store.release(key, late.token)
            assert (await store.claim(key, now=NOW_F + 61, lease=60)).token is None
            assert await other.renew(key, taken.token, now=NOW_F + 61, lease=60)
            assert (await store.claim(key, now=NOW_F + 120.9, lease=60)).token is None
            assert await other.done(key, taken.token, now=NOW_F + 121, keep=100)

    asyncio.run(main())


def test_of_a_hundred_takers_one_gets_it(make_store: MakeStore) -> None:
    async def main() -> None:
        key = fresh()
        async with opened(make_store) as store, opened(make_store) as other:
            takers = [(store, other)[number % 2].claim(key, now=NOW_F, lease=60) for number in range(100)]
            claims = await asyncio.gather(*takers)
            assert len([claim for claim in claims if claim.token]) == 1

    asyncio.run(main())


def test_positions_only_grow(make_store: MakeStore) -> None:
    async def main() -> None:
        subject = fresh()
        async with opened(make_store) as store, opened(make_store) as other:
            assert await store.newest(subject) is None
            assert await store.advance(subject, NOW + 0.123456, now=NOW_F, keep=100)
            assert await other.newest(subject) == NOW + 0.123456
            assert not await other.advance(subject, NOW + 0.123455, now=NOW_F, keep=100)
            assert await other.advance(subject, NOW + 0.123456, now=NOW_F, keep=100)
            positions = [float(NOW + (number * 37) % 100) for number in range(100)]
            await asyncio.gather(
                *((store, other)[number % 2].advance(subject, place, now=NOW_F, keep=100)
                  for number, place in enumerate(positions))
            )  # fmt: skip
            assert await store.newest(subject) == max(positions)

    asyncio.run(main())


def test_memory_and_tables_do_not_grow_for_ever(tmp_path: Path) -> None:
    async def main() -> None:
        memory, sql = MemoryReplayStore(), SqlReplayStore(f"sqlite:///{tmp_path}/webhooks.db")
        for store in (memory, sql):
            for number in range(1001):
                claim = await store.claim(f"key {number}", now=NOW_F + number, lease=10)
                assert claim.token
        assert len(memory._entries) < 20
        assert sql._engine is not None
        with sql._engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM setsmart_webhook_claims").scalar_one() < 20
        await sql.aclose()

    asyncio.run(main())


def test_sql_runs_off_the_event_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from setsmart_async.webhooks import sqlalchemy as module

    threads = set[int]()
    real = module._in_transaction

    def watched(engine: Engine, work: Callable[[Connection], object]) -> object:
        threads.add(threading.get_ident())
        return real(engine, work)

    monkeypatch.setattr(module, "_in_transaction", watched)

    async def main() -> None:
        async with opened(lambda: SqlReplayStore(f"sqlite:///{tmp_path}/webhooks.db")) as store:
            await store.claim("key", now=NOW_F, lease=60)

    asyncio.run(main())
    assert threads
    assert threading.get_ident() not in threads


def test_a_store_that_is_not_there(tmp_path: Path) -> None:
    broken: list[ReplayStore] = [
        SqlReplayStore(f"sqlite:///{tmp_path}/missing/webhooks.db"),
        SqlReplayStore("postgresql+psycopg://someone:hunter22@127.0.0.1:1/nowhere"),
        RedisReplayStore("redis://someone:hunter22@127.0.0.1:1/0"),
    ]

    async def main(store: ReplayStore) -> None:
        with pytest.raises(WebhookStoreError) as caught:
            await store.claim("key", now=NOW_F, lease=60)
        assert "hunter22" not in str(caught.value)
        assert caught.value.__context__ is None
        await store.aclose()
        await store.aclose()

    for store in broken:
        asyncio.run(main(store))


@pytest.mark.parametrize("url", ["", "no url", "mysql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_urls_of_something_else(url: str) -> None:
    with pytest.raises(ConfigurationError):
        SqlReplayStore(url)
    with pytest.raises(ConfigurationError):
        RedisReplayStore(url)
