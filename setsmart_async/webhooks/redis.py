"""A replay store in Redis, for many processes. Needs the extra ``redis``.

Each step is one script, so that nothing comes between looking and writing. The server must not evict keys
(``maxmemory-policy noeviction``), and forgets at a crash what its persistence has not written.
"""

from __future__ import annotations

import math
from typing import Final, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from setsmart_async.errors import ConfigurationError, WebhookStoreError
from setsmart_async.webhooks.store import DONE, UNDER_WAY, Claim, new_token

_CLAIM: Final = """
local until_ = tonumber(redis.call('HGET', KEYS[1], 'until') or '-inf')
if until_ > tonumber(ARGV[2]) then
  if redis.call('HGET', KEYS[1], 'done') then return 'done' end
  return 'under way'
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'token', ARGV[1], 'until', ARGV[3])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return 'mine'
"""
_KEEP: Final = """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', ARGV[2])
if ARGV[4] == 'done' then
  redis.call('HDEL', KEYS[1], 'token')
  redis.call('HSET', KEYS[1], 'done', '1')
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
_RELEASE: Final = """
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
"""
_ADVANCE: Final = """
local known = tonumber(redis.call('GET', KEYS[1]) or '-inf')
if known > tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class RedisReplayStore:
    """Remembers in Redis, under keys that begin with `prefix`: ``RedisReplayStore("redis://localhost:6379/0")``."""

    def __init__(self, url: str, *, prefix: str = "setsmart:webhooks:") -> None:
        """Nothing is opened yet. Raises `ConfigurationError` for a text that is no Redis URL."""
        try:
            self._redis = Redis.from_url(url, decode_responses=True)  # pyright: ignore[reportUnknownMemberType]  # by **kwargs
        except ValueError:
            raise ConfigurationError("A Redis URL is such as redis://localhost:6379/0.") from None
        self._prefix = prefix

    async def claim(self, key: str, *, now: float, lease: float) -> Claim:
        """See `ReplayStore`."""
        token = new_token()
        answer = await self._run(_CLAIM, f"claim:{key}", token, repr(now), repr(now + lease), _milliseconds(lease))
        if answer == "mine":
            return Claim(token)
        return DONE if answer == "done" else UNDER_WAY

    async def renew(self, key: str, token: str, *, now: float, lease: float) -> bool:
        """See `ReplayStore`."""
        return await self._run(_KEEP, f"claim:{key}", token, repr(now + lease), _milliseconds(lease), "") == 1

    async def done(self, key: str, token: str, *, now: float, keep: float) -> bool:
        """See `ReplayStore`."""
        return await self._run(_KEEP, f"claim:{key}", token, repr(now + keep), _milliseconds(keep), "done") == 1

    async def release(self, key: str, token: str) -> None:
        """See `ReplayStore`."""
        await self._run(_RELEASE, f"claim:{key}", token)

    async def newest(self, subject: str) -> float | None:
        """See `ReplayStore`."""
        answer = await self._run("return redis.call('GET', KEYS[1])", f"newest:{subject}")
        return None if answer is None else float(cast(str, answer))

    async def advance(self, subject: str, position: float, *, now: float, keep: float) -> bool:
        """See `ReplayStore`; the server's own clock ends what is kept."""
        del now
        return await self._run(_ADVANCE, f"newest:{subject}", repr(position), _milliseconds(keep)) == 1

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    async def _run(self, script: str, key: str, *arguments: str) -> object:
        try:
            return cast(object, await self._redis.eval(script, 1, self._prefix + key, *arguments))
        except (RedisError, OSError) as fault:
            kind = type(fault).__name__
        # Raised out here, so that it does not carry the fault, which may quote the URL with its password.
        raise WebhookStoreError(f"The webhook replay store can not be used ({kind}): look at its Redis server.")


def _milliseconds(seconds: float) -> str:
    return str(max(1, math.ceil(seconds * 1000)))
