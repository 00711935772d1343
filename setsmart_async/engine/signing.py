"""Requests as they go out: the key and the headers are put on here, and nowhere else."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from setsmart_async.contract import Dialect
from setsmart_async.engine.call import Call
from setsmart_async.keys import ApiKey
from setsmart_async.policy.retry import RetryClass
from setsmart_async.version import __version__
from setsmart_async.wire import HttpRequest, Origin

USER_AGENT: Final = f"setsmart_async/{__version__} Python/{platform.python_version()}"


class Signer:
    """Makes requests for one origin, in one dialect."""

    def __init__(self, origin: Origin, dialect: Dialect) -> None:
        self._origin = origin
        self._api_key_header = dialect.api_key_header
        self._idempotency_header = dialect.idempotency_header
        self._key: ApiKey | None = None
        self._headers: Mapping[str, str] = {}

    def signed(self, call: Call[object], key: ApiKey) -> HttpRequest:
        """The call's request, the same each time but for the key."""
        if key is not self._key:
            self._key, self._headers = key, self._headers_with(key)
        headers = self._headers
        if call.body is not None:
            headers = {**headers, "Content-Type": "application/json"}
        if call.idempotency_key is not None and self._idempotency_header is not None:
            headers = {**headers, self._idempotency_header: call.idempotency_key}
        return HttpRequest(
            method=call.operation.method,
            origin=self._origin,
            target=call.target,
            headers=headers,
            body=call.body,
            fresh_connection=call.retry_class is RetryClass.UNSAFE,
        )

    def _headers_with(self, key: ApiKey) -> Mapping[str, str]:
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT, self._api_key_header: key.reveal()}
        return MappingProxyType(headers)
