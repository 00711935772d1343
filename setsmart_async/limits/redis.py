"""One API key's quota for many processes and machines, kept in Redis. Needs the extra ``redis``.

The rule runs in one script on one key, in Redis's own time: any Redis from 6.2, or Valkey, cluster or not. Nothing in
there needs to be kept: the server's answers say again what is left.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any, Final, cast

import msgspec

from setsmart_async.clock import Clock
from setsmart_async.errors import ConfigurationError
from setsmart_async.limits.coordinator import Lease, Report
from setsmart_async.limits.shared import SharedLimiter
from setsmart_async.observer import Observer

try:
    from redis.asyncio import Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import MovedError, NoScriptError, RedisError
except ImportError:
    raise ImportError("RedisLimiter needs the extra: pip install 'setsmart_async[redis]'.") from None

_PREFIX: Final = "setsmart:quota:1:"
_PARTS: Final = ("shared_rule.lua", "shared_lease.lua")


def shared_bucket_script() -> str:
    """The Lua script; one key, and one argument: a `Report` as MessagePack. Answers a `Lease`."""
    folder = resources.files("setsmart_async.limits")
    return "\n".join(folder.joinpath(part).read_text(encoding="utf-8") for part in _PARTS)


class RedisCoordinator:
    """A `Coordinator` in Redis."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet. Raises `ConfigurationError` for a text that is no Redis URL."""
        try:
            self._url = url
            self._redis = self._client()
            pool: Any = self._redis.connection_pool
            pool.make_connection()  # opens nothing, and refuses unknown options
        except (TypeError, ValueError):
            valid = False
        else:
            valid = True
        if not valid:  # raised out here, so that it does not carry the fault, which may quote the password
            raise ConfigurationError("A Redis URL is such as redis://localhost:6379/0.")
        self._is_doubtful = False
        self._script = shared_bucket_script()
        self._digest = hashlib.sha1(self._script.encode(), usedforsecurity=False).hexdigest()
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Lease)
        self.exchanges: int = 0
        """How often Redis was asked."""

    def _client(self, host: str = "", port: int = 0) -> Redis:
        """A client for the URL; for another node of its cluster when there is a host or a port."""
        redis = Redis.from_url(self._url, protocol=2, retry=Retry(NoBackoff(), 0))  # pyright: ignore[reportUnknownMemberType]  # by **kwargs
        options = redis.connection_pool.connection_kwargs
        options["decode_responses"] = False
        if host:
            options["host"] = host
        if port:
            options["port"] = port
        return redis

    async def _connect_anew(self, host: str = "", port: int = 0) -> None:
        before, self._redis = self._redis, self._client(host, port)
        await before.aclose()

    async def _ask(self, key: str, packed: bytes) -> object:
        try:
            return cast(object, await self._redis.evalsha(self._digest, 1, key, packed))
        except NoScriptError:
            return cast(object, await self._redis.eval(self._script, 1, key, packed))

    async def exchange(self, account: str, report: Report) -> Lease:
        """See `Coordinator`."""
        key = f"{_PREFIX}{{{account}}}"  # the braces: all of it decides on the slot in a cluster
        packed = self._encoder.encode(report)
        self.exchanges += 1
        try:
            if self._is_doubtful:  # it may have become a replica, or its slot may have moved: ask the URL again
                await self._connect_anew()
            self._is_doubtful = True
            try:
                answer = await self._ask(key, packed)
            except MovedError as moved:
                await self._connect_anew(*_place(moved))
                answer = await self._ask(key, packed)
            if isinstance(answer, bytes):
                self._is_doubtful = False
                return self._decoder.decode(answer)
            kind = "answer of another kind"
        except (RedisError, OSError, msgspec.MsgspecError) as fault:
            kind = type(fault).__name__
        # Raised out here, so that it does not carry the fault, which may quote the URL with its password.
        raise ConnectionError(f"The shared quota's Redis can not be used ({kind}).")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()


class RedisLimiter(SharedLimiter):
    """One quota for all processes that use the same API key: ``SetSmart(limiter=RedisLimiter("redis://localhost"))``.

    Each process makes its own; the key of the client that it is passed to says which quota it is, so pass it to clients
    with the same API key and base URL only. Close it with `aclose` or ``async with``.

    Without Redis it goes on with a fixed part of the quota, 1 / clients, which `quota.state` shows as ``degraded``.
    """

    def __init__(
        self,
        url: str,
        *,
        account: str | None = None,
        max_concurrency: int = 100,
        sharers: int = 16,
        observer: Observer | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Nothing is connected yet, and no event loop is needed.

        `account` names the quota, for use without a client or for several API keys that share one. `max_concurrency` is
        the most requests of this process under way at once. `sharers` is how many processes there may be: it counts
        only when Redis is not reached from the beginning. `observer` is told `CoordinatorLost` and
        `CoordinatorRestored`. Raises `ConfigurationError`.
        """
        coordinator = RedisCoordinator(url)
        super().__init__(
            coordinator,
            account=account,
            max_concurrency=max_concurrency,
            sharers=sharers,
            observer=observer,
            clock=clock,
        )
        self._redis = coordinator

    @property
    def exchanges(self) -> int:
        """How often Redis was asked."""
        return self._redis.exchanges


def _place(moved: MovedError) -> tuple[str, int]:
    """Host and port of the node that has the key's slot."""
    untyped: Any = moved
    return str(untyped.host), int(untyped.port)
