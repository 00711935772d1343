"""Is this server a sandbox? Load goes to no other."""

from __future__ import annotations

from typing import Final

import attrs

from setsmart_async.contract import PRODUCTION_URL
from setsmart_async.errors import ConfigurationError, InvalidResponseError
from setsmart_async.transports.base import Transport
from setsmart_async.wire import HttpRequest, JsonObject, Origin, decode_json

_LIVE: Final = "/_sandbox/live.json"
_STATS: Final = "/_sandbox/stats"
_SECONDS: Final = 10.0
_PRODUCTION: Final = Origin.parse(PRODUCTION_URL).host
_COMPANY: Final = _PRODUCTION.partition(".")[2]
_START_ONE: Final = "Start one with `setsmart sandbox` and pass the URL that it prints, or pass --sandbox."


@attrs.frozen
class Sandbox:
    """A sandbox, seen from beside its API."""

    transport: Transport
    root: Origin

    @classmethod
    async def at(cls, origin: Origin, transport: Transport) -> Sandbox:
        """The sandbox whose API is at `origin`.

        The server is asked for its page's figures, without any key. Raises `ConfigurationError` for one that has none,
        and, without asking, for production and every other host of its company; and `TransportError`.
        """
        if origin.host == _COMPANY or origin.host.endswith(f".{_COMPANY}"):
            raise ConfigurationError(f"{origin.host} is SetSmart's own: load is for a sandbox alone. {_START_ONE}")
        sandbox = cls(transport, Origin(origin.scheme, origin.host, origin.port))
        await sandbox.live()
        return sandbox

    async def live(self) -> JsonObject:
        """What its page shows: rule, windows, requests. Raises `ConfigurationError` where there is no such thing."""
        found = await self._ask(_LIVE)
        if not isinstance(found.get("rule"), dict) or type(found.get("requests")) is not int:
            raise ConfigurationError(self._no_sandbox())
        return found

    async def stats(self) -> JsonObject:
        """All of its counters, see `live`."""
        return await self._ask(_STATS)

    async def _ask(self, target: str) -> JsonObject:
        request = HttpRequest(method="GET", origin=self.root, target=target)
        response = await self.transport.send(request, timeout=_SECONDS)
        try:
            found = decode_json(response.body) if response.status == 200 else None
        except InvalidResponseError:
            found = None
        if not isinstance(found, dict):
            raise ConfigurationError(self._no_sandbox())
        return found

    def _no_sandbox(self) -> str:
        return f"{self.root} is no sandbox, and load is for nothing else. {_START_ONE}"


def check_it_answers(before: JsonObject, after: JsonObject) -> None:
    """Raise `ConfigurationError` unless a sandbox has counted requests between two looks at `Sandbox.live`.

    Behind a proxy, what stands beside the API may be a sandbox's, and the API another's.
    """
    if after["requests"] == before["requests"]:
        raise ConfigurationError(
            f"There is a sandbox at this address, but it does not get the requests of the base URL. {_START_ONE}"
        )
