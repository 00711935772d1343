"""The list of each resource that has one."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from setsmart_async.client import SetSmart
from setsmart_async.policy.retry import RetryPolicy
from setsmart_async.priority import Priority
from setsmart_async.resources.pages import Listing
from setsmart_async.sync.rows import Listed
from setsmart_async.sync.tables import SyncedResource


def for_bulk_work(client: SetSmart) -> SetSmart:
    """The client, waiting for quota as long as it takes, behind everybody else."""
    return client.with_options(
        deadline=None, queueing_counts=False, priority=Priority.BULK, retry=RetryPolicy(max_attempts=5)
    )


def listing_of(
    client: SetSmart, resource: SyncedResource, *, page_size: int, since: datetime | None
) -> Listing[Listed]:
    """The resource's list, of what has changed since a time if one is given. A calendar has none."""
    match resource.name:
        case "properties":
            return _as_listed(client.properties.list(page_size=page_size, updated_since=since))
        case "reservations":
            return _as_listed(client.reservations.list(page_size=page_size, updated_since=since))
        case "conversations":
            return _as_listed(client.conversations.list(page_size=page_size, updated_since=since))
        case _:
            raise ValueError("A calendar is read property by property.")


def _as_listed(listing: object) -> Listing[Listed]:
    # A list is read only: one of properties is one of records, which `Listing` being invariant does not say.
    return cast("Listing[Listed]", listing)
