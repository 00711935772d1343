"""What goes into an operation of the sandbox, and what comes out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import attrs

from setsmart_async.sandbox.answers import HeaderFields
from setsmart_async.wire import HttpRequest, Json, JsonObject


@attrs.frozen(kw_only=True)
class Question:
    """One request that was let in, in the contract's own names."""

    identifier: str
    """What stands for ``{id}`` in the path."""
    parameters: Mapping[str, str]
    """The query."""
    fields: JsonObject
    """The body of a write; empty for other requests."""
    now: float
    """Unix seconds of the server's clock."""
    request: HttpRequest
    """As it came."""
    sent_parameters: Mapping[str, str]
    """The query in the server's own dialect, for links."""
    cursor_parameter: str = "cursor"
    """The cursor's name there."""

    @property
    def url(self) -> str:
        """The address that was asked for, without its query."""
        return f"{self.request.origin}{self.request.target.partition('?')[0]}"


Holds = Literal["record", "records", "nothing"]
"""What a body is: one record; a list, or an object whose ``data`` is one; or neither."""


@attrs.frozen(kw_only=True)
class Success:
    """What an operation has to say, in the contract's own names."""

    body: Json
    holds: Holds = "record"
    status: int = 200
    headers: HeaderFields = ()


Operate = Callable[[Question], Success]
"""An operation. Raises `RefusedError`."""

Tell = Callable[[str, JsonObject], None]
"""Takes what has happened: an event's type and its data."""
