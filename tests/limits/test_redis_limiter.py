"""The limiter in a real Redis, in real time: what it is given, what it keeps there, who closes it."""

import asyncio
import functools
import sys
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, ParamSpec

import msgspec
import pytest
from redis import Redis
from webhooks.servers import redis_process, redis_url

import setsmart_async
from setsmart_async import ConfigurationError, RedisLimiter, SetSmart
from setsmart_async.limits import registry
from setsmart_async.limits.coordinator import Observation, Report
from setsmart_async.limits.redis import RedisCoordinator
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.server import SandboxServer

P = ParamSpec("P")


def in_a_loop(test: Callable[P, Coroutine[None, None, None]]) -> Callable[P, None]:
    """Run an async test."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with redis_url() as found:
        yield found


def sandbox(limit: int = 1000) -> SandboxServer:
    return SandboxServer(SandboxApi(5, quota=QuotaSimulator(QuotaRule(limit, 60.0))))


def everything_in(url: str) -> bytes:
    with Redis.from_url(url) as redis:
        keys: list[bytes] = list(redis.scan_iter())
        values: list[Any] = [redis.get(key) for key in keys]
        return b"\n".join([*keys, *(bytes(value) for value in values)])


@in_a_loop
async def test_two_clients_of_one_key_know_of_each_other_and_redis_never_hears_the_key(url: str) -> None:
    async with (
        sandbox() as server,
        RedisLimiter(url) as one,
        RedisLimiter(url) as other,
        SetSmart(SANDBOX_API_KEY, base_url=server.url, limiter=one) as here,
        SetSmart(SANDBOX_API_KEY, base_url=server.url, limiter=other) as there,
    ):
        await here.properties.list().page()
        await there.properties.list().page()
        await asyncio.gather(*(client.properties.list().page() for client in (here, there) for _ in range(20)))
        assert other.sharers == 2
        assert here.quota.limit == there.quota.limit == 1000
        assert there.quota.remaining <= 1000 - 22
        kept = everything_in(url)
        assert (await here.key_fingerprint()).encode() in kept
    assert SANDBOX_API_KEY.encode() not in kept


@in_a_loop
async def test_clients_of_one_process_share_one_limiter_through_the_environment(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SETSMART_REDIS_URL", url)
    async with sandbox() as server:
        async with SetSmart(SANDBOX_API_KEY, base_url=server.url) as one:
            await one.properties.list().page()
            async with SetSmart(SANDBOX_API_KEY, base_url=server.url) as other:
                await other.properties.list().page()
                (lent,) = registry._lent.values()
                assert lent.borrowers == 2
            await one.properties.list().page()
            assert lent.borrowers == 1
        assert not registry._lent
        async with SetSmart(SANDBOX_API_KEY, base_url=server.url) as again:
            await again.properties.list().page()


@in_a_loop
async def test_clients_that_are_never_used_borrow_nothing(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETSMART_REDIS_URL", url)
    async with SetSmart("k"):
        assert not registry._lent


@pytest.mark.parametrize("wrong", ["localhost:6379", "http://localhost", "redis://localhost:port"])
def test_what_is_no_redis_url_is_refused_where_it_is_given(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="redis://"):
        RedisLimiter(wrong)
    monkeypatch.setenv("SETSMART_REDIS_URL", wrong)
    with pytest.raises(ConfigurationError, match="redis://"):
        SetSmart("k")


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "setsmart_async.limits.redis", raising=False)
    monkeypatch.delitem(vars(setsmart_async), "RedisLimiter", raising=False)
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    monkeypatch.setenv("SETSMART_REDIS_URL", "redis://localhost")
    with pytest.raises(ConfigurationError, match=r"SETSMART_REDIS_URL is set: .*setsmart_async\[redis\]"):
        SetSmart("k")
    with pytest.raises(ImportError, match=r"pip install 'setsmart_async\[redis\]'"):
        _ = setsmart_async.RedisLimiter


def report(number: int) -> Report:
    return Report(client="a", number=number, held=0, wants=(0, 1, 0), chance=0.5, horizon=10.0, blur=0.0)


@in_a_loop
async def test_whatever_redis_does_the_coordinator_raises_connection_errors_that_show_no_password(url: str) -> None:
    nobody = RedisCoordinator("redis://:canary-password@127.0.0.1:1/0")
    with pytest.raises(ConnectionError) as refused:
        await nobody.exchange("account", report(1))
    await nobody.aclose()
    coordinator = RedisCoordinator(url)
    await coordinator.exchange("overtaken", report(2))
    with pytest.raises(ConnectionError) as overtaken:
        await coordinator.exchange("overtaken", report(1))
    with Redis.from_url(url) as redis:
        redis.set("setsmart:quota:1:{garbled}", b"\xc1 no MessagePack")
    with pytest.raises(ConnectionError) as garbled:
        await coordinator.exchange("garbled", report(1))
    await coordinator.aclose()
    for caught in (refused, overtaken, garbled):
        assert "canary" not in repr(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


@in_a_loop
async def test_one_key_of_one_hash_slot_is_all_that_the_script_touches(url: str) -> None:
    with Redis.from_url(url) as redis:
        redis.flushall()
        coordinator = RedisCoordinator(url)
        await coordinator.exchange("http://127.0.0.1:1/v1#a", report(1))
        await coordinator.aclose()
        assert list(redis.scan_iter()) == [b"setsmart:quota:1:{http://127.0.0.1:1/v1#a}"]
        assert 80_000 < redis.ttl("setsmart:quota:1:{http://127.0.0.1:1/v1#a}") <= 90_000


@in_a_loop
async def test_a_redis_that_has_lost_its_scripts_gets_them_again(url: str) -> None:
    coordinator = RedisCoordinator(url)
    await coordinator.exchange("scripts", report(1))
    with Redis.from_url(url) as redis:
        redis.script_flush()
    await coordinator.exchange("scripts", report(2))
    await coordinator.aclose()


def test_options_that_redis_does_not_know_are_refused_and_the_error_carries_no_part_of_the_url() -> None:
    for wrong in ("redis://localhost/0?canary=1", "redis://:can:canary#word@localhost"):
        with pytest.raises(ConfigurationError, match="redis://") as refused:
            RedisLimiter(wrong)
        assert refused.value.__context__ is None


@in_a_loop
async def test_options_that_would_turn_answers_into_text_do_no_harm(url: str) -> None:
    coordinator = RedisCoordinator(f"{url}?decode_responses=true")
    await coordinator.exchange("decoded", report(1))
    await coordinator.aclose()


@in_a_loop
async def test_after_a_failover_the_url_is_asked_again_even_if_the_connection_lives() -> None:
    with redis_process() as first, redis_process() as second:
        coordinator = RedisCoordinator(first.url)
        await coordinator.exchange("failover", report(1))
        with Redis.from_url(first.url) as redis:
            redis.replicaof("127.0.0.1", str(second.port))
            with pytest.raises(ConnectionError, match="ReadOnly"):
                await coordinator.exchange("failover", report(2))
            met = redis.info("stats")["total_connections_received"]
            with pytest.raises(ConnectionError, match="ReadOnly"):
                await coordinator.exchange("failover", report(3))
            assert redis.info("stats")["total_connections_received"] == met + 1
        await coordinator.aclose()


@in_a_loop
async def test_an_account_on_another_node_of_a_cluster_is_found() -> None:
    with redis_process("--cluster-enabled", "yes") as one, redis_process("--cluster-enabled", "yes") as other:
        with Redis.from_url(one.url) as here, Redis.from_url(other.url) as there:
            here.execute_command("CLUSTER", "ADDSLOTS", *range(8192))
            there.execute_command("CLUSTER", "ADDSLOTS", *range(8192, 16384))
            here.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port)
            while not all(node.cluster("INFO")["cluster_state"] == "ok" for node in (here, there)):  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.05)
            slots = {here.cluster("KEYSLOT", f"setsmart:quota:1:{{{name}}}") < 8192 for name in "ab"}
            assert slots == {True, False}
        for name in "ab":
            coordinator = RedisCoordinator(one.url)
            for number in (1, 2):
                await coordinator.exchange(name, report(number))
            await coordinator.aclose()


@in_a_loop
async def test_a_limit_of_zero_is_no_limit_and_whoever_waits_is_told_when_to_ask(url: str) -> None:
    coordinator = RedisCoordinator(url)
    lease = await coordinator.exchange("zero", report(1))
    at = lease.now
    answer = Observation(
        sequence=lease.sequence, cost=1, status=200, first_sent=at, last_sent=at, completed=at, limit=0, remaining=0,
        reset=at + 5, probe=True,
    )  # fmt: skip
    await coordinator.exchange("zero", msgspec.structs.replace(report(2), observed=[answer]))
    other = await coordinator.exchange("zero", msgspec.structs.replace(report(1), client="b"))
    assert other.ask is not None
    assert at < other.ask < at + 20
    await coordinator.aclose()
