"""Creates that are marked as one: the first is carried out, its repetitions get the first one's answer.

As the IETF draft of the ``Idempotency-Key`` header has it: a key that comes back with another body is refused (422).
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from setsmart_async.sandbox.answers import RefusedError
from setsmart_async.sandbox.question import Success
from setsmart_async.wire import HttpRequest

_MOST_KEPT: Final = 10_000


class Repetitions:
    """The answers that were given, by API key and idempotency key; the newest 10,000."""

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], tuple[bytes, Success]] = {}

    def once(
        self, api_key: str, mark: str, request: HttpRequest, perform: Callable[[], Success]
    ) -> tuple[Success, bool]:
        """The answer, and whether it is a repetition. What is refused is not kept. Raises `RefusedError`."""
        place = (api_key, mark)
        print_ = sha256(b"\0".join([request.method.encode(), request.target.encode(), request.body or b""])).digest()
        if place in self._given:
            first, success = self._given[place]
            if first != print_:
                text = "This idempotency key was used for another request."
                raise RefusedError(422, "idempotency_key_reused", text)
            return success, True
        success = perform()
        self._given[place] = (print_, success)
        if len(self._given) > _MOST_KEPT:
            del self._given[next(iter(self._given))]
        return success, False
