"""Whose rows a database holds: one source, one account."""

from __future__ import annotations

import attrs

from setsmart_async.errors import ConfigurationError


@attrs.frozen(kw_only=True)
class Identity:
    """Where rows come from and whose they are."""

    source: str
    """The API's base URL, or the name given instead of it."""
    account: str | None
    """A name of the user's choice; it stays when the key is rotated."""
    key_fingerprint: str
    """Which key was used last; see `ApiKey.fingerprint`."""


def admitted(known: Identity | None, given: Identity, *, new_key: bool, place: str) -> Identity:
    """The identity that a database goes on with: the same source and account as before.

    The account is the same when its name is, or else when the key is. `new_key` is the user's word that another
    key belongs to the same account. Raises `ConfigurationError` for anything else, for rows of two accounts in one
    table could never be told apart again.
    """
    if known is None:
        return given
    elsewhere = "Choose another database for this one."
    if given.source != known.source:
        raise ConfigurationError(
            f"The database {place} was filled from {known.source}, not {given.source}. {elsewhere}"
        )
    if given.account is not None and known.account is not None and given.account != known.account:
        raise ConfigurationError(
            f"The database {place} was filled from the account {known.account!r}, not {given.account!r}. {elsewhere}"
        )
    same_name = given.account is not None and given.account == known.account
    if not (same_name or new_key or given.key_fingerprint == known.key_fingerprint):
        name = "" if known.account is None else f" named {known.account!r}"
        raise ConfigurationError(
            f"The database {place} was filled with another API key, from an account{name}. If the key was rotated "
            f"and the account is the same, say so once with --new-key (new_key=True). If not, choose another database."
        )
    return attrs.evolve(given, account=given.account or known.account)
