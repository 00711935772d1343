"""`setsmart webhooks …`: receive deliveries on this machine, make the sandbox send one, check a saved one."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Final, cast
from urllib.parse import urlsplit

import attrs

from setsmart_async.cli.exit_codes import CommandError, ExitCode
from setsmart_async.cli.session import new_client
from setsmart_async.clock import SystemClock
from setsmart_async.config import origin_from
from setsmart_async.errors import ConfigurationError, TransportError, WebhookVerificationError
from setsmart_async.integrations.aiohttp_web import serving
from setsmart_async.records.webhook import WebhookEvent
from setsmart_async.transports.aiohttp import AiohttpTransport
from setsmart_async.webhooks import STANDARD_WEBHOOKS, Answer, HeaderFields, WebhookVerifier, read_event
from setsmart_async.wire import HttpRequest, Json, Origin, decode_json, encode_json

SECRET_VARIABLE: Final = "SETSMART_WEBHOOK_SECRET"  # noqa: S105 - the variable's name
"""Where the commands find the secret; several, parted by spaces, while one replaces another."""

_HOP_BY_HOP: Final = frozenset(
    {"connection", "content-length", "host", "keep-alive", "transfer-encoding", "accept-encoding"}
)
_FORWARD_SECONDS: Final = 30.0


@attrs.frozen(kw_only=True)
class ListenOptions:
    """What `setsmart webhooks listen` was called with."""

    port: int
    forward_to: str | None
    subscribe: bool
    save: Path | None
    base_url: str | None


async def listen(options: ListenOptions) -> None:
    """Print each verified delivery, one line of JSON, until Ctrl-C. Raises `ConfigurationError`."""
    _check(options)
    async with AsyncExitStack() as stack:
        listener = _Listener(options, await stack.enter_async_context(aclosing(AiohttpTransport())))
        url = await stack.enter_async_context(serving(listener, port=options.port))
        secret = None
        if options.subscribe:
            listener.verifier, secret = await _subscribed(options, url, stack)
        else:
            listener.verifier = WebhookVerifier(*_secrets())
        print(f"Listening at {url} until Ctrl-C.", file=sys.stderr, flush=True)
        if secret is not None:  # a sandbox's, on this machine
            where = "For your service and for setsmart webhooks verify"
            print(f"{where}: export {SECRET_VARIABLE}={secret}", file=sys.stderr, flush=True)
        await asyncio.Event().wait()


def _check(options: ListenOptions) -> None:
    """Raise `ConfigurationError` for a folder or an address that no delivery could go to."""
    if options.forward_to is not None:
        parts = urlsplit(options.forward_to)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ConfigurationError("--forward-to is a whole address such as http://127.0.0.1:8000/webhooks.")
        Origin.parse(f"{parts.scheme}://{parts.netloc}")
    if options.save is not None:
        try:
            options.save.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise ConfigurationError(f"--save: the folder can not be made ({fault.strerror}).") from None
        if not os.access(options.save, os.W_OK | os.X_OK):
            raise ConfigurationError("--save: nothing can be written into this folder.")


async def _subscribed(options: ListenOptions, url: str, stack: AsyncExitStack) -> tuple[WebhookVerifier, str]:
    client = await stack.enter_async_context(new_client(options.base_url))
    if not client.origin.is_loopback:
        raise ConfigurationError(
            "--subscribe is for a sandbox: SetSmart can not reach this machine. Subscribe an address that it can, and "
            f"set {SECRET_VARIABLE} to the subscription's secret."
        )
    made = await client.webhook_subscriptions.create(url=url, events=["*"])
    stack.push_async_callback(client.webhook_subscriptions.delete, made.id)
    if made.secret is None:
        raise ConfigurationError("The server gave no secret with the subscription.")
    return WebhookVerifier(made.secret), made.secret


class _Listener:
    def __init__(self, options: ListenOptions, transport: AiohttpTransport) -> None:
        self._options = options
        self._transport = transport
        self.verifier: WebhookVerifier | None = None

    async def receive(self, body: bytes, headers: HeaderFields, /) -> Answer:
        """Verify, print, save, hand on; a forged one ends here."""
        assert self.verifier is not None  # noqa: S101 - set before anybody knows of the address
        pairs = _texts(headers)
        try:
            event = read_event(self.verifier.verify(body, pairs))
        except WebhookVerificationError:
            print("setsmart: a delivery was refused, see the log of setsmart_async.webhooks", file=sys.stderr)
            return Answer(self.verifier.scheme.refusal)
        print(_line(event), flush=True)
        if self._options.save is not None:
            name = "".join(character for character in event.id if character.isalnum() or character in "_-")[:128]
            try:
                (self._options.save / f"{name or 'event'}.http").write_bytes(_saved(pairs, body))
            except OSError as fault:
                print(f"setsmart: not saved ({fault.strerror}); the sender tries again.", file=sys.stderr)
                return Answer(503)
        if self._options.forward_to is None:
            return Answer(200)
        return await self._forward(self._options.forward_to, pairs, body)

    async def _forward(self, address: str, pairs: list[tuple[str, str]], body: bytes) -> Answer:
        parts = urlsplit(address)
        origin = Origin.parse(f"{parts.scheme}://{parts.netloc}")
        request = HttpRequest(
            method="POST",
            origin=origin,
            target=f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/",
            headers={name: value for name, value in pairs if name.lower() not in _HOP_BY_HOP},
            body=body,
        )
        try:
            response = await self._transport.send(request, timeout=_FORWARD_SECONDS)
        except TransportError as error:
            print(f"setsmart: not forwarded: {error}", file=sys.stderr)
            return Answer(503)
        place = ": is a slash missing at the end of --forward-to?" if 300 <= response.status < 400 else ""
        print(f"setsmart: forwarded, answered {response.status}{place}", file=sys.stderr)
        return Answer(200 if 200 <= response.status < 300 else 503)


async def trigger(event_type: str, base_url: str | None) -> None:
    """Make a sandbox send an event, and print it. Raises `ConfigurationError` for a server that is no sandbox."""
    origin = origin_from(base_url, os.environ)
    if not origin.is_loopback:
        raise ConfigurationError(
            "Only a sandbox sends events on demand: start one with `setsmart sandbox` and set SETSMART_BASE_URL."
        )
    root = Origin(origin.scheme, origin.host, origin.port)
    request = HttpRequest(
        method="POST", origin=root, target="/_sandbox/trigger", body=encode_json({"type": event_type})
    )
    async with aclosing(AiohttpTransport()) as transport:
        response = await transport.send(request, timeout=_FORWARD_SECONDS)
    answer = decode_json(response.body) if response.status == 200 else None
    if not isinstance(answer, dict):
        if response.status == 400:
            raise ConfigurationError("The sandbox knows no such event: its type is a name such as reservation.created.")
        text = f"This server sends no events on demand (status {response.status}): is it a sandbox?"
        raise CommandError(text, ExitCode.SERVER_FAILED)
    print(encode_json(answer["event"]).decode())
    print(f"setsmart: sent to {answer['subscriptions']} subscription(s)", file=sys.stderr)


def verify(saved: Path, *, any_age: bool) -> None:
    """Check a delivery that was saved as it came: header lines, an empty line, the body's bytes.

    Raises `CommandError` when it is not genuine, and `ConfigurationError` when it can not be read.
    """
    try:
        head, separator, body = saved.read_bytes().partition(b"\r\n\r\n")
    except OSError as fault:
        raise ConfigurationError(f"The saved delivery can not be read ({fault.strerror}).") from None
    if not separator:
        head, separator, body = head.partition(b"\n\n")
    if not separator:
        raise ConfigurationError("A saved delivery is its header lines, an empty line, and its body.")
    pairs = [
        (name.strip(), value.strip())
        for name, colon, value in (line.partition(":") for line in head.decode("latin-1").splitlines())
        if colon
    ]
    verifier = WebhookVerifier(*_secrets(), clock=_WhenItWasSent(pairs) if any_age else None)
    try:
        event = read_event(verifier.verify(body, pairs))
    except WebhookVerificationError as error:
        raise CommandError(str(error), ExitCode.NOT_GENUINE) from None
    print(_line(event))


class _WhenItWasSent(SystemClock):
    """A clock that stands at a delivery's own timestamp, so that its age does not count."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        sent = next((value for name, value in pairs if name.lower() == STANDARD_WEBHOOKS.timestamp_header), "")
        moment = float(sent) if sent.isascii() and sent.isdigit() else 0.0
        self.wall = staticmethod(lambda: moment)


def _secrets() -> list[str]:
    secrets = os.environ.get(SECRET_VARIABLE, "").split()
    if not secrets:
        raise ConfigurationError(
            f"Set {SECRET_VARIABLE} to the subscription's secret (it begins whsec_). It is never an argument."
        )
    return secrets


def _texts(headers: HeaderFields) -> list[tuple[str, str]]:
    pairs = cast("Mapping[str, str]", headers).items() if isinstance(headers, Mapping) else headers
    return [(_text(name), _text(value)) for name, value in pairs]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _saved(pairs: list[tuple[str, str]], body: bytes) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in pairs).encode("latin-1") + b"\r\n" + body


def _line(event: WebhookEvent) -> str:
    fields: dict[str, Json] = {
        "id": event.id,
        "type": str(event.type),
        "timestamp": None if event.timestamp is None else event.timestamp.isoformat(),
    }
    return encode_json({**fields, "data": dict(event.data)}).decode()
