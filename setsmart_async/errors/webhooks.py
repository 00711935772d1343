"""Deliveries that are not accepted, and the store that remembers which ones were."""

from __future__ import annotations

from setsmart_async.errors.base import SetSmartError, StoreError


class WebhookVerificationError(SetSmartError):
    """A delivery is not genuine, too old, or unreadable. Its text is always the same: the log says which.

    Answer it with 400 and nothing more, so that a forger learns nothing.
    """


class WebhookStoreError(StoreError):
    """The replay store can not be used; answer the delivery with 503, so that its sender tries again."""
