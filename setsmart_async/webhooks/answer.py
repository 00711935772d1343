"""What a sender is answered: one body for each status, which tells a forger nothing; and how much is read before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import attrs

LARGEST_BODY: Final = 1024 * 1024
"""In bytes; beyond it the answer is 413, before more is read."""
BODY_SECONDS: Final = 10.0
"""How long a sender may take to send a body."""

_WORDS: Final[Mapping[int, str]] = {
    200: "accepted",
    400: "refused",
    401: "refused",
    405: "only POST",
    408: "too slow",
    413: "too large",
    415: "no compressed bodies",
    503: "try again",
}


@attrs.frozen
class Answer:
    """A status, and what goes with it: the same for every delivery of its kind."""

    status: int
    """2xx: do not send it again; 503: do."""

    @property
    def body(self) -> bytes:
        """A few bytes of JSON."""
        return b'{"status":"%s"}' % _WORDS[self.status].encode()

    @property
    def headers(self) -> dict[str, str]:
        """Lower-case names; the length is the server's to add."""
        fields = {"content-type": "application/json"}
        if self.status == 503:
            fields["retry-after"] = "5"
        elif self.status == 405:
            fields["allow"] = "POST"
        elif self.status == 401:
            fields["www-authenticate"] = 'Basic realm="webhooks"'
        elif self.status in {408, 413, 415}:
            fields["connection"] = "close"  # the rest of the body is not read
        return fields


ACCEPTED: Final = Answer(200)
"""Handled, now or before; or taken over, where that was asked for."""
TRY_AGAIN: Final = Answer(503)
"""Not handled: under way elsewhere, failed, no room, or closing."""
TOO_SLOW: Final = Answer(408)
"""The body did not come in time."""


class Intake:
    """A body's bytes as they come in, never more than `largest` of them. For adapters to web frameworks.

    `refusal` is the answer as soon as it is clear that there will be no other; the adapter reads no further.
    """

    def __init__(self, method: str, headers: Iterable[tuple[str, str]], *, largest: int = LARGEST_BODY) -> None:
        self._largest = largest
        self._chunks: list[bytes] = []
        self._size = 0
        self.refusal: Answer | None = None
        """None: go on."""
        fields = dict[str, list[str]]()
        for name, value in headers:
            fields.setdefault(name.lower(), []).append(value.strip().lower())
        if method != "POST":
            self.refusal = Answer(405)
        elif any(value not in {"", "identity"} for value in fields.get("content-encoding", ())):
            # What is signed is what was sent; and a compressed megabyte can be a gigabyte.
            self.refusal = Answer(415)
        elif any(not value.isdecimal() or _longer(value, largest) for value in fields.get("content-length", ())):
            self.refusal = Answer(413)

    def add(self, chunk: bytes) -> None:
        """Take the next bytes; those beyond `largest` are not kept."""
        self._size += len(chunk)
        if self._size > self._largest:
            self._chunks.clear()
            self.refusal = Answer(413)
        elif self.refusal is None:
            self._chunks.append(chunk)

    @property
    def body(self) -> bytes:
        """All of them."""
        return b"".join(self._chunks)


def _longer(digits: str, largest: int) -> bool:
    return len(digits) > 12 or int(digits) > largest
