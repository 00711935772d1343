"""The one table of endpoints, from which the resources and the sandbox are made.

SetSmart documents five endpoints, all of properties. What is marked provisional follows the conventions of the
field's APIs in the documented style; a `Dialect` changes it for a server that differs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

import attrs

from setsmart_async.errors import ConfigurationError
from setsmart_async.policy.retry import RetryClass
from setsmart_async.wire import is_plain_path

PRODUCTION_URL: Final = "https://api.setsmart.com/v1"
"""Documented. The hosted sandbox's URL is not published."""


@attrs.frozen(kw_only=True)
class Operation:
    """One thing that can be asked of the API."""

    name: str
    """Resource and verb: ``properties.list``."""
    method: str
    path: str
    """Path template; ``{id}`` stands for one encoded segment."""
    retry_class: RetryClass
    documented: bool
    """False: provisional, assumed from the field's conventions."""

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


PROPERTIES_LIST: Final = Operation(
    name="properties.list", method="GET", path="/properties", retry_class=RetryClass.SAFE, documented=True
)
PROPERTIES_GET: Final = Operation(
    name="properties.get", method="GET", path="/properties/{id}", retry_class=RetryClass.SAFE, documented=True
)
PROPERTIES_CREATE: Final = Operation(
    name="properties.create",
    method="POST",
    path="/properties",
    retry_class=RetryClass.UNSAFE,
    documented=True,
)
PROPERTIES_UPDATE: Final = Operation(
    name="properties.update",
    method="PUT",
    path="/properties/{id}",
    retry_class=RetryClass.IDEMPOTENT,
    documented=True,
)
PROPERTIES_DELETE: Final = Operation(
    name="properties.delete",
    method="DELETE",
    path="/properties/{id}",
    retry_class=RetryClass.IDEMPOTENT,
    documented=True,
)

CONTRACT: Final[Mapping[str, Operation]] = {
    operation.name: operation
    for operation in (
        PROPERTIES_LIST,
        PROPERTIES_GET,
        PROPERTIES_CREATE,
        PROPERTIES_UPDATE,
        PROPERTIES_DELETE,
    )
}
"""Every operation, by name."""


_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_TAKEN_HEADERS: Final = frozenset({
    "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "cookie", "expect",
    "host", "te", "trailer", "transfer-encoding", "upgrade", "user-agent",
})  # fmt: skip


@attrs.frozen(kw_only=True)
class Dialect:
    """What a server does differently from the contract. Every default is what `CONTRACT` says."""

    paths: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """Operation name to path template, such as ``{"properties.list": "/homes"}``."""
    api_key_header: str = "X-API-Key"
    """Documented."""
    items_key: str | None = None
    """The list's key in an answer; None: found by the tolerant order (see `policy.paging`)."""
    cursor_parameter: str = "cursor"
    """Query parameter of the next page's token. Provisional."""
    page_parameter: str = "page"
    """Query parameter of a page's number. Provisional."""
    page_size_parameter: str = "limit"
    """Query parameter of the page size. Provisional."""
    idempotency_header: str | None = None
    """Header that marks a create and its repetitions as one, such as ``Idempotency-Key``; None, the default: the
    server knows no such keys (nothing is documented), and a create whose outcome is unknown is never repeated."""
    rejects_with_503: bool = False
    """Whether a 503 with ``Retry-After`` is the server's word that it did nothing, so that any request may be
    repeated. Not documented."""
    update_style: Literal["merge", "replace"] = "merge"
    """What PUT means to the server (not documented): ``merge`` sends only what was passed, ``replace`` reads the
    record, merges, and sends the whole of it, unknown fields included."""

    def __attrs_post_init__(self) -> None:
        for name, path in self.paths.items():
            _check_path(name, path)
        header_names = [name for name in (self.api_key_header, self.idempotency_header) if name is not None]
        for name in header_names:
            if not _TOKEN.fullmatch(name) or name.lower() in _TAKEN_HEADERS:
                raise ConfigurationError(
                    "Dialect: api_key_header and idempotency_header must be header names that nothing else uses."
                )
        parameters = [self.cursor_parameter, self.page_parameter, self.page_size_parameter]
        if not all(parameters) or len(set(parameters)) != len(parameters):
            raise ConfigurationError(
                "Dialect: cursor_parameter, page_parameter and page_size_parameter must be three different names."
            )
        if len({name.lower() for name in header_names}) != len(header_names):
            raise ConfigurationError("Dialect: api_key_header and idempotency_header must be two different names.")
        if self.items_key == "":
            raise ConfigurationError("Dialect(items_key=...) must be a key, or None to find it.")
        if self.update_style not in ("merge", "replace"):
            raise ConfigurationError("Dialect(update_style=...) is 'merge' or 'replace'.")

    def operation(self, operation: Operation) -> Operation:
        """The operation as this server spells it."""
        path = self.paths.get(operation.name)
        return operation if path is None else attrs.evolve(operation, path=path)


def _check_path(name: str, path: str) -> None:
    if name not in CONTRACT:
        raise ConfigurationError(f"Dialect(paths=...): no operation {name!r}; there are {', '.join(CONTRACT)}.")
    if not path.startswith("/") or ("{id}" in path) != ("{id}" in CONTRACT[name].path):
        raise ConfigurationError(
            f"Dialect(paths=...): {path!r} for {name} must start with / and hold {{id}} where "
            f"{CONTRACT[name].path!r} does."
        )
    if not is_plain_path(path.replace("{id}", "id")):
        raise ConfigurationError(
            f"Dialect(paths=...): {path!r} for {name} must be a plain path: no query, fragment, dot segments, "
            "doubled slashes or escapes."
        )
