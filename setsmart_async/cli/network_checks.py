"""The way to a server, step by step: its name, a connection, an encrypted one."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic, time
from typing import Final, cast

import attrs

from setsmart_async.wire import Origin

_PATIENCE: Final = 10.0
_SECONDS_IN_A_DAY: Final = 86_400.0


class NetworkCheckError(Exception):
    """A step that failed, with what to do."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice = advice


@attrs.frozen
class Encryption:
    """An encrypted connection."""

    version: str
    days_left: float
    """Until the server's certificate ends."""


async def look_up(origin: Origin) -> tuple[Sequence[str], float]:
    """The addresses of a server's name, and the seconds that it took. Raises `NetworkCheckError`."""
    began = monotonic()
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError):
        pass  # raised below: the fault's own words differ from system to system
    else:
        return list(dict.fromkeys(str(entry[4][0]) for entry in found)), monotonic() - began
    raise NetworkCheckError(f"{origin.host} does not resolve.", "Check the base URL, and the network's DNS.")


async def connect(origin: Origin, addresses: Sequence[str]) -> tuple[str, float]:
    """The first address that accepts connections, and the seconds that it took. Raises `NetworkCheckError`."""
    began = monotonic()
    for address in addresses:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                _, writer = await asyncio.open_connection(address, origin.port)
            await _closed(writer)
            return address, monotonic() - began
    raise NetworkCheckError(
        f"No address of {origin.host} accepts connections on port {origin.port}.",
        "Is the server running, the port right, and does a firewall or proxy let nothing out? "
        "Proxies in the environment are not used.",
    )


async def handshake(origin: Origin) -> Encryption:
    """An encrypted connection as the client makes it. Raises `NetworkCheckError`."""
    context = await asyncio.to_thread(ssl.create_default_context)
    try:
        async with asyncio.timeout(_PATIENCE):
            _, writer = await asyncio.open_connection(origin.host, origin.port, ssl=context)
    except ssl.SSLCertVerificationError as fault:
        reason = fault.verify_message
    except (OSError, TimeoutError) as fault:
        reason = type(fault).__name__
    else:
        tls = cast(ssl.SSLObject, writer.get_extra_info("ssl_object"))
        certificate, version = tls.getpeercert() or {}, tls.version() or "TLS"
        await _closed(writer)
        ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
        return Encryption(version, (ends - time()) / _SECONDS_IN_A_DAY)
    raise NetworkCheckError(
        f"The server's certificate or TLS is refused: {reason}.",
        "Check the base URL and this machine's clock; an authority of your own goes into SSL_CERT_FILE.",
    )


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
