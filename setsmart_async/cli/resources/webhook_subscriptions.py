"""`setsmart webhook-subscriptions …`."""

from __future__ import annotations

from cyclopts import App

from setsmart_async.cli.resource_app import ResourceCommands
from setsmart_async.cli.resource_calls import Shown
from setsmart_async.records.webhook import WebhookSubscription
from setsmart_async.resources.webhook_subscriptions import (
    NewWebhookSubscription,
    WebhookSubscriptionChanges,
    WebhookSubscriptions,
)

app: App = ResourceCommands(
    shown=Shown(
        name="webhook-subscriptions",
        one="webhook subscription",
        many="webhook subscriptions",
        record=WebhookSubscription,
        columns=("id", "url", "events", "active", "created_at"),
    ),
    resource=WebhookSubscriptions,
    list_method=WebhookSubscriptions.list,
    new=NewWebhookSubscription,
    changes=WebhookSubscriptionChanges,
).app()
