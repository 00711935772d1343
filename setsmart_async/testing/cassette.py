"""Record once, replay for ever: a transport that keeps exchanges in a file, without secrets and without guests.

The API key and every other header of a request are never written. In bodies the values of fields that tell of people or
open something are replaced, so that a cassette can be committed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final, Literal, cast

import attrs

from setsmart_async.errors import ConfigurationError, InvalidResponseError
from setsmart_async.transports.base import Transport
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, Json, JsonObject, decode_json, encode_json

SCRUBBED: Final = "scrubbed"
"""Stands where a value was that nobody shall read."""

SCRUBBED_FIELDS: Final = frozenset({
    "first_name", "last_name", "name_on_card", "email", "phone", "notes", "note", "body", "confirmation_code", "secret",
    "api_key", "token", "password", "url",
})  # fmt: skip
"""Fields whose texts are replaced, at any depth, unless told otherwise."""

_KEPT_HEADERS: Final = frozenset({
    "content-type", "retry-after", "link", "x-total-count", "x-request-id", "x-ratelimit-limit",
    "x-ratelimit-remaining", "x-ratelimit-reset",
})  # fmt: skip

CassetteMode = Literal["auto", "record", "replay"]


@attrs.frozen
class _Exchange:
    method: str
    target: str
    sent: Json
    status: int
    headers: dict[str, str]
    received: Json


class Cassette:
    """A transport that answers from a file: ``SetSmart(transport=Cassette("homes.json", AiohttpTransport()))``.

    ``auto`` replays a file that is there, and records one that is not; ``record`` always asks; ``replay`` never does.
    Equal requests are answered in the order in which they were recorded, the last answer again and again. Answers that
    are no JSON are kept as text. Raises `ConfigurationError` for a request that was not recorded, and for a file that
    is none.
    """

    def __init__(
        self,
        path: str | Path,
        inner: Transport | None = None,
        *,
        mode: CassetteMode = "auto",
        scrub: Collection[str] = SCRUBBED_FIELDS,
    ) -> None:
        """`inner` is asked while recording, and stays yours to close; `scrub` are the fields to replace."""
        self._path = Path(path)
        self._inner = inner
        self._scrub = frozenset(scrub)
        exists = self._path.exists()
        if mode == "replay" and not exists:
            raise ConfigurationError(f"The cassette {self._path} is not there: record it first.")
        self.is_recording: bool = mode == "record" or (mode == "auto" and not exists)
        """Whether the network is asked."""
        if self.is_recording and inner is None:
            raise ConfigurationError("A cassette that records needs a transport to ask.")
        self._exchanges: list[_Exchange] = [] if self.is_recording else _read(self._path)
        self._played: dict[int, None] = {}

    async def send(self, request: HttpRequest, *, timeout: float | None) -> HttpResponse:  # noqa: ASYNC109 - see `Transport`
        """See `Transport.send`."""
        if not self.is_recording or self._inner is None:
            return self._replayed(request)
        response = await self._inner.send(request, timeout=timeout)
        kept = {name: value for name, value in response.headers.pairs() if name in _KEPT_HEADERS}
        exchange = _Exchange(
            request.method,
            request.target,
            self._scrubbed(_parsed(request.body)),
            response.status,
            kept,
            self._scrubbed(_parsed(response.body)),
        )
        self._exchanges.append(exchange)
        lines = ",\n".join(encode_json(attrs.asdict(one)).decode() for one in self._exchanges)
        self._path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
        return response

    async def aclose(self) -> None:
        """See `Transport.aclose`; closes nothing of `inner`."""

    def _replayed(self, request: HttpRequest) -> HttpResponse:
        sent = self._scrubbed(_parsed(request.body))
        fitting = [
            number
            for number, one in enumerate(self._exchanges)
            if (one.method, one.target, one.sent) == (request.method, request.target, sent)
        ]
        if not fitting:
            raise ConfigurationError(
                f"The cassette {self._path} has no {request.method} {request.target.partition('?')[0]} with this query "
                "and body: record it again."
            )
        number = next((one for one in fitting if one not in self._played), fitting[-1])
        self._played[number] = None
        exchange = self._exchanges[number]
        received = exchange.received
        is_json = "json" in exchange.headers.get("content-type", "")
        body = received.encode() if isinstance(received, str) and not is_json else encode_json(received)
        empty = received is None and not is_json
        return HttpResponse(
            status=exchange.status, headers=Headers(exchange.headers.items()), body=b"" if empty else body
        )

    def _scrubbed(self, value: Json) -> Json:
        if isinstance(value, list):
            return [self._scrubbed(one) for one in value]
        if not isinstance(value, dict):
            return value
        return {
            name: SCRUBBED if name in self._scrub and isinstance(inner, str) else self._scrubbed(inner)
            for name, inner in value.items()
        }


def _parsed(body: bytes | None) -> Json:
    if not body:
        return None
    try:
        return decode_json(body)
    except InvalidResponseError:
        return body.decode("utf-8", "replace")


def _read(path: Path) -> list[_Exchange]:
    try:
        found = decode_json(path.read_bytes())
        return [_exchange(one) for one in found] if isinstance(found, list) else []
    except (InvalidResponseError, KeyError, TypeError, OSError):
        raise ConfigurationError(f"{path} is no cassette: delete it, and record it again.") from None


def _exchange(one: Json) -> _Exchange:
    fields = cast(JsonObject, one)
    headers = cast(Mapping[str, str], fields["headers"])
    return _Exchange(
        str(fields["method"]),
        str(fields["target"]),
        fields["sent"],
        cast(int, fields["status"]),
        dict(headers),
        fields["received"],
    )
