"""``setsmart doctor``: what may stand between this machine and the API, one check after the other."""

from __future__ import annotations

import os
import platform
import stat
import sys
from collections.abc import AsyncGenerator, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import time
from typing import Annotated, Final, Literal

import attrs
from cyclopts import Parameter

from setsmart_async.cli.config_command import key_shown
from setsmart_async.cli.durations import in_words
from setsmart_async.cli.exit_codes import ExitCode, code_for
from setsmart_async.cli.network_checks import NetworkCheckError, connect, handshake, look_up
from setsmart_async.cli.plain_text import plain
from setsmart_async.cli.session import BaseUrlOption, new_client
from setsmart_async.cli.settings import current
from setsmart_async.config import origin_from
from setsmart_async.contract import PROPERTIES_LIST
from setsmart_async.engine.call import Reply
from setsmart_async.errors import CallError, ConfigurationError, InvalidResponseError
from setsmart_async.version import __version__
from setsmart_async.wire import Json, JsonObject, Origin, encode_json

Status = Literal["ok", "warn", "fail"]

_NEEDED: Final = ("aiohttp", "attrs", "cattrs", "msgspec", "backoff", "cyclopts", "rich")
_OPTIONAL: Final = ("sqlalchemy", "redis", "httpx2", "opentelemetry-api")
_SKEW_WORTH_TELLING: Final = 5.0
_SKEW_TOO_MUCH: Final = 300.0
"""Seconds: what Standard Webhooks allows a delivery's time to be off."""
_FEW_LEFT: Final = 0.1
_SOON: Final = 14.0
"""Days."""


@attrs.frozen
class Check:
    """What one check found."""

    name: str
    status: Status
    text: str
    advice: str = ""
    """What to do; empty where nothing is to be done."""
    code: ExitCode = ExitCode.DONE
    """What the command ends with when it failed."""


async def doctor(
    *,
    json: Annotated[bool, Parameter(negative=(), show_default=False, help="One JSON object.")] = False,
    base_url: BaseUrlOption = None,
) -> int:
    """Check what stands between this machine and the API: settings, DNS, TLS, the key, the clock, the quota.

    Each line is ok, warn or fail, with what to do; the exit code is that of the first failure. A check that needs one
    that failed is left out. Costs one request.
    """
    done: list[Check] = []
    async for check in _checks(base_url):
        done.append(check)
        if not json:
            _print(check)
    code = next((check.code for check in done if check.status == "fail"), ExitCode.DONE)
    if json:
        checks: list[Json] = [_as_json(check) for check in done]
        print(encode_json({"ok": code == ExitCode.DONE, "exit_code": int(code), "checks": checks}).decode())
    return code


def _as_json(check: Check) -> JsonObject:
    return {"name": check.name, "status": check.status, "text": check.text, "advice": check.advice or None}


def _print(check: Check) -> None:
    from rich.console import Console
    from rich.text import Text

    colour = {"ok": "green", "warn": "yellow", "fail": "bold red"}[check.status]
    console = Console(highlight=False, soft_wrap=True)
    console.print(Text.assemble((f"{check.status:<5}", colour), f"{check.name:<14}", plain(check.text)))
    if check.advice:
        console.print(Text(f"{'':<19}{plain(check.advice)}", style="italic"))


async def _checks(base_url: str | None) -> AsyncGenerator[Check, None]:
    for check in _versions():
        yield check
    file = current().config
    yield Check("config", "ok", f"{file.path} ({'read' if file.found else 'not there, and need not be'})")
    try:
        origin = origin_from(base_url, os.environ)
    except ConfigurationError as problem:
        yield Check("base URL", "fail", str(problem), "See setsmart config show.", ExitCode.USAGE)
        return
    found = current().base_url
    yield Check("base URL", "ok", f"{origin} ({'--base-url' if base_url is not None else found.origin})")
    key = _key()
    yield key
    reached = True
    async for check in _network(origin):
        yield check
        reached = reached and check.status != "fail"
    if not reached or key.status == "fail":
        return
    async for check in _api(base_url):
        yield check


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def _versions() -> Iterator[Check]:
    python = f"{platform.python_implementation()} {platform.python_version()} on {platform.system()}"
    yield Check("versions", "ok", f"setsmart_async {__version__}, {python}")
    installed = {name: _version(name) for name in (*_NEEDED, *_OPTIONAL)}
    yield Check("libraries", "ok", ", ".join(f"{name} {found}" for name, found in installed.items() if found))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _key() -> Check:
    shown, origin = key_shown(current())
    if shown is None:
        advice = "Set SETSMART_API_KEY or SETSMART_API_KEY_FILE. Keys are made in the SetSmart dashboard."
        return Check("API key", "fail", "There is none.", advice, ExitCode.USAGE)
    if shown.startswith("unusable"):
        return Check("API key", "fail", shown, "See setsmart config show.", ExitCode.USAGE)
    file = current().value("api_key_file")
    if file is not None and sys.platform != "win32" and Path(file).stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        return Check("API key", "warn", f"{shown}, from {origin}", f"Others can read the file: chmod 600 {file}")
    return Check("API key", "ok", f"{shown}, from {origin}")


async def _network(origin: Origin) -> AsyncGenerator[Check, None]:
    name = "DNS"
    try:
        addresses, seconds = await look_up(origin)
        yield Check("DNS", "ok", f"{origin.host} is {', '.join(addresses[:4])} ({_milliseconds(seconds)})")
        name = "TCP"
        address, seconds = await connect(origin, addresses)
        yield Check("TCP", "ok", f"{address} port {origin.port} accepts connections ({_milliseconds(seconds)})")
        name = "TLS"
        if origin.scheme != "https":
            yield Check("TLS", "ok", "Not used: the server is on this machine.")
            return
        tls = await handshake(origin)
    except NetworkCheckError as fault:
        yield Check(name, "fail", str(fault), fault.advice, ExitCode.NO_CONNECTION)
        return
    text = f"{tls.version}, the certificate is good for {tls.days_left:.0f} more days"
    if tls.days_left < _SOON:
        yield Check("TLS", "warn", text, "The server's owner has to renew it, or calls will fail.")
    else:
        yield Check("TLS", "ok", text)


async def _api(base_url: str | None) -> AsyncGenerator[Check, None]:
    async with new_client(base_url) as client:
        began, dialect = time(), current().dialect
        try:
            path, size = dialect.operation(PROPERTIES_LIST).path, dialect.page_size_parameter
            reply = await client.request("GET", path, query={size: 1})
        except CallError as error:
            name = "API" if isinstance(error, InvalidResponseError) else "key accepted"
            yield Check(name, "fail", str(error), code=code_for(error))
            return
        now = time()
    yield Check("key accepted", "ok", f"The server answers 200 ({_milliseconds(now - began)})")
    yield _clock(reply, began, now)
    yield _quota(reply)


def _clock(reply: Reply[Json], began: float, now: float) -> Check:
    server = reply.quota.date
    if server is None:
        return Check("clock", "warn", "The server sends no Date header: its clock can not be compared.")
    # The header counts whole seconds, and was written at some moment of the call.
    ahead = 0.0 if began - 1 <= server <= now + 1 else server - (now if server > now else began)
    if abs(ahead) < _SKEW_WORTH_TELLING:
        return Check("clock", "ok", "The server's clock and this machine's agree.")
    text = f"The server's clock is {in_words(abs(ahead))} {'ahead of' if ahead > 0 else 'behind'} this machine's."
    if abs(ahead) < _SKEW_TOO_MUCH:
        return Check(
            "clock", "warn", text, "Calls allow for it. If it is this machine's, turn on time synchronisation."
        )
    advice = "Turn on time synchronisation (NTP): webhooks would be refused as too old."
    return Check("clock", "fail", text, advice, ExitCode.USAGE)


def _quota(reply: Reply[Json]) -> Check:
    quota = reply.quota
    if quota.limit is None or quota.remaining is None:
        advice = "Calls are then slowed down by 429 answers alone."
        return Check("quota", "warn", "The server says nothing of a rate limit (no X-RateLimit headers).", advice)
    text = f"{quota.remaining} of {quota.limit} requests are left in this window."
    if quota.remaining < quota.limit * _FEW_LEFT:
        return Check("quota", "warn", text, "Calls will wait for the next window. Does another program use the key?")
    return Check("quota", "ok", text)
