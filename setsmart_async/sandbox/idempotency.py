"""Creates that are marked as one: the first is carried out, its repetitions get the first one's answer.

As the IETF draft of the ``Idempotency-Key`` header has it: a key that comes back with another body is refused (422).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final, cast

from setsmart_async.sandbox.answers import RefusedError
from setsmart_async.sandbox.database import Shelf
from setsmart_async.sandbox.question import Holds, Success
from setsmart_async.wire import HttpRequest, Json, checked_idempotency_key

_MOST_KEPT: Final = 10_000


class Repetitions:
    """The answers that were given, by API key and idempotency key; the newest 10,000."""

    def __init__(self, shelf: Shelf | None = None) -> None:
        """What `shelf` holds was answered in an earlier run."""
        self._shelf = shelf
        self._given: dict[str, tuple[str, Success]] = {}
        for place, value in () if shelf is None else shelf.entries():
            first, body, status, holds = cast("tuple[str, Json, int, Holds]", value)
            self._given[place] = (first, Success(body=body, status=status, holds=holds))

    def once(
        self, api_key: str, mark: str, request: HttpRequest, perform: Callable[[], Success]
    ) -> tuple[Success, bool]:
        """The answer, and whether it is a repetition. What is refused is not kept. Raises `RefusedError`."""
        checked_mark(mark)
        place = _digest(api_key.encode(), mark.encode())
        asked = _digest(request.method.encode(), request.target.encode(), request.body or b"")
        if place in self._given:
            first, success = self._given[place]
            if first != asked:
                text = "This idempotency key was used for another request."
                raise RefusedError(422, "idempotency_key_reused", text)
            return success, True
        success = perform()
        self._given[place] = (asked, success)
        if self._shelf is not None:
            self._shelf.write([(place, [asked, success.body, success.status, success.holds])])
        if len(self._given) > _MOST_KEPT:
            self._forget(next(iter(self._given)))
        return success, False

    def _forget(self, place: str) -> None:
        del self._given[place]
        if self._shelf is not None:
            self._shelf.delete(place)


def checked_mark(mark: str) -> None:
    """Raise `RefusedError` (400) for what can be no idempotency key."""
    try:
        checked_idempotency_key(mark)
    except ValueError as fault:
        raise RefusedError(400, "invalid_idempotency_key", str(fault)) from None


def _digest(*parts: bytes) -> str:
    """One text for these, in which no API key can be read."""
    return sha256(b"\0".join(parts)).hexdigest()
