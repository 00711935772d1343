"""Webhook subscriptions: where the server sends which events. All of it is provisional."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Unpack
from urllib.parse import urlsplit

from setsmart_async.config import CallOptions
from setsmart_async.contract import (
    WEBHOOKS_CREATE,
    WEBHOOKS_DELETE,
    WEBHOOKS_GET,
    WEBHOOKS_LIST,
    WEBHOOKS_UPDATE,
    Dialect,
)
from setsmart_async.engine.engine import Engine
from setsmart_async.records.unset import UNSET, Unset
from setsmart_async.records.webhook import WebhookSubscription
from setsmart_async.resources.fields import Creatable, Writable
from setsmart_async.resources.pages import Listing
from setsmart_async.resources.resource import Resource, ResourceOperations
from setsmart_async.wire import Origin

_OPERATIONS: Final = ResourceOperations(
    name="webhooks",
    list=WEBHOOKS_LIST,
    get=WEBHOOKS_GET,
    create=WEBHOOKS_CREATE,
    update=WEBHOOKS_UPDATE,
    delete=WEBHOOKS_DELETE,
)


class _Subscribed(Creatable):
    url: str
    events: Sequence[str]


class NewWebhookSubscription(_Subscribed, total=False):
    """The fields of a new `WebhookSubscription`; address and events (or ``["*"]``) are needed."""

    active: bool | Unset


class WebhookSubscriptionChanges(Writable, total=False):
    """What `WebhookSubscriptions.update` can change."""

    url: str | Unset
    events: Sequence[str] | Unset
    active: bool | Unset


class WebhookSubscriptions(Resource[WebhookSubscription, NewWebhookSubscription, WebhookSubscriptionChanges]):
    """Where the server sends which events (provisional). See `setsmart_async.webhooks` for receiving them."""

    _new = NewWebhookSubscription
    _changes = WebhookSubscriptionChanges

    def __init__(self, engine: Engine, options: CallOptions, dialect: Dialect) -> None:
        super().__init__(WebhookSubscription, _OPERATIONS, engine, options, dialect)

    def list(self, *, page_size: int | None = None, cursor: str | None = None) -> Listing[WebhookSubscription]:
        """The subscriptions, to be walked like `Properties.list`."""
        return self._list({}, page_size, cursor)

    async def create(self, **fields: Unpack[NewWebhookSubscription]) -> WebhookSubscription:
        """Subscribe, and return the subscription with its `secret`, which the server never shows again: keep it.

        Never sent twice, see `Properties.create`. Raises `ValueError` for an address that is not https (http is for
        this machine only), and for no events.
        """
        return await self._create(fields)

    async def update(
        self,
        id: str,  # noqa: A002 - the API's own name for it
        **changes: Unpack[WebhookSubscriptionChanges],
    ) -> WebhookSubscription:
        """Change what is passed, and return the subscription as the server has it; see `Properties.update`."""
        return await self._update(id, changes)

    def _check(self, fields: Mapping[str, object]) -> None:
        if (url := fields.get("url", UNSET)) is not UNSET:
            _check_address(url)
        events = fields.get("events", UNSET)
        if events is not UNSET and (isinstance(events, str) or not events):
            raise ValueError("events must be a list of event types, such as ['reservation.created'], or ['*'].")


def _check_address(url: object) -> None:
    # The errors quote nothing: an address often holds a secret.
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    if not host or port == 0 or parts.scheme not in ("https", "http"):
        raise ValueError("url must be a whole https address, such as https://example.com/webhooks.")
    if parts.scheme == "http" and not Origin("http", host, 80).is_loopback:
        raise ValueError("url must be https: deliveries hold guests' data. Plain http is for this machine only.")
