"""What can be set, from the environment; the API key and its URL are `SetSmart`'s own."""

import os
from typing import Self

import attrs


@attrs.frozen(kw_only=True)
class Settings:
    """Raises `KeyError` for what is missing, when the service starts."""

    webhook_secret: str = attrs.field(repr=False)
    """SETSMART_WEBHOOK_SECRET."""
    database: str
    """SERVICE_DATABASE: an SQLAlchemy URL, for what is synced."""
    replay_database: str
    """SERVICE_REPLAY_DATABASE: another one, for which webhooks were handled."""
    sync_every: float
    """SERVICE_SYNC_EVERY, in seconds; 0: another process does."""

    @classmethod
    def from_environment(cls) -> Self:
        """What is set, and defaults for the rest."""
        return cls(
            webhook_secret=os.environ["SETSMART_WEBHOOK_SECRET"],
            database=os.environ.get("SERVICE_DATABASE", "sqlite:///service.db"),
            replay_database=os.environ.get("SERVICE_REPLAY_DATABASE", "sqlite:///service-webhooks.db"),
            sync_every=float(os.environ.get("SERVICE_SYNC_EVERY", "900")),
        )
