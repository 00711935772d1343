"""aiohttp's releases that are not known are spoken to through its session: the promises that are at stake there.

`python -m pytest tests/contract/aiohttp_by_session.py` holds that way to all of the contract; here are those tests
that it has to itself: what a session does by itself (resending, redirects, cookies), and how it tells of a failure.
"""

import asyncio
import re

import aiohttp
from contract.aiohttp_by_session import EVERY_TEST, BySession

from setsmart_async import AiohttpTransport
from setsmart_async.transports.aiohttp_requests import DIRECT_WITH

AT_STAKE = re.compile(r"test_(r01|r28|r05|r03|r29_a_peer)")

globals().update(
    {name: one for name, one in EVERY_TEST.items() if AT_STAKE.match(name) or not name.startswith("test_")}
)


def test_the_release_that_is_installed_is_known() -> None:
    """A new release of aiohttp goes the slower way until its name is in DIRECT_WITH and the contract holds with it."""
    assert aiohttp.__version__.startswith(DIRECT_WITH)


def test_the_ways_are_what_they_say() -> None:
    async def ways() -> tuple[bool, bool, bool]:
        direct, proxied = AiohttpTransport(), AiohttpTransport(proxy="http://127.0.0.1:1")
        opened = [transport._outgoing(force_close=False) for transport in (direct, proxied, BySession())]
        for outgoing in opened:
            await outgoing.close()
        return opened[0].is_direct, opened[1].is_direct, opened[2].is_direct

    assert asyncio.run(ways()) == (True, False, False)
