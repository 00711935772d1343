"""Who may do what: the sandbox's API keys."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from hashlib import sha256
from typing import Final

import attrs

from setsmart_async.contract import RECORDS, Operation
from setsmart_async.errors import ConfigurationError
from setsmart_async.keys import ApiKey
from setsmart_async.sandbox.answers import RefusedError

SANDBOX_API_KEY: Final = "sandbox-key-not-a-secret"
"""The key that a sandbox accepts unless it is given others."""


def _hashed(key: SandboxKey) -> str:
    return sha256(key.key.encode()).hexdigest()[:8]


@attrs.frozen(kw_only=True)
class SandboxKey:
    """An API key and what it may do. Raises `ConfigurationError` for what can be no key."""

    key: str = attrs.field(repr=False)
    read_only: bool = False
    """Whether every write is refused."""
    resources: Collection[str] | None = None
    """The resources that it may touch, such as ``{"properties"}``; None: all of them."""
    networks: Collection[str] | None = None
    """Where it may come from, such as ``{"203.0.113.0/24"}``; None: from everywhere."""
    fingerprint: str = attrs.field(init=False, default=attrs.Factory(_hashed, takes_self=True))
    """8 hexadecimal digits that tell keys apart, and give none away."""

    def __attrs_post_init__(self) -> None:
        ApiKey(self.key, source="the sandbox's settings")
        if unknown := set(self.resources or ()) - RECORDS.keys():
            raise ConfigurationError(f"SandboxKey: no resource {min(unknown)!r}; there are {', '.join(RECORDS)}.")
        try:
            [ipaddress.ip_network(network) for network in self.networks or ()]
        except ValueError:
            raise ConfigurationError("SandboxKey: networks must be such as 203.0.113.0/24.") from None

    def check_address(self, address: str) -> None:
        """Raise `RefusedError` (403) when it may not come from there."""
        if self.networks is None:
            return
        try:
            come_from = ipaddress.ip_address(address)
            allowed = any(come_from in ipaddress.ip_network(network) for network in self.networks)
        except ValueError:
            allowed = False
        if not allowed:
            text = "This IP address is not on the API key's allow-list."
            raise RefusedError(403, "ip_not_allowed", text)

    def check_operation(self, operation: Operation) -> None:
        """Raise `RefusedError` (403) when it may not do this."""
        if self.read_only and operation.method != "GET":
            raise RefusedError(403, "insufficient_permissions", "This API key may only read.")
        if self.resources is not None and operation.resource not in self.resources:
            text = f"This API key's scopes do not include {operation.resource}."
            raise RefusedError(403, "insufficient_scope", text)


class KeyRack:
    """The keys that are accepted; keys may be added and revoked while the sandbox runs."""

    def __init__(self, keys: Iterable[SandboxKey]) -> None:
        self._keys = {key.key: key for key in keys}
        if not self._keys:
            raise ConfigurationError("The sandbox needs at least one API key.")

    def add(self, key: SandboxKey | str) -> None:
        """Accept a key from now on."""
        added = SandboxKey(key=key) if isinstance(key, str) else key
        self._keys[added.key] = added

    def revoke(self, key: str) -> None:
        """Answer 401 to a key from now on."""
        self._keys.pop(key, None)

    def find(self, key: str | None) -> SandboxKey | None:
        """What a key may do; None: it is not accepted."""
        return None if key is None else self._keys.get(key)


def key_rack(api_keys: Collection[str | SandboxKey], read_only_keys: Collection[str]) -> KeyRack:
    """The keys of a sandbox's settings. Raises `ConfigurationError`."""
    if isinstance(api_keys, str) or isinstance(read_only_keys, str):
        raise ConfigurationError("The sandbox's API keys are a list of texts: put a single key into a list.")
    keys = [SandboxKey(key=key) if isinstance(key, str) else key for key in api_keys]
    return KeyRack([*keys, *(SandboxKey(key=key, read_only=True) for key in read_only_keys)])
