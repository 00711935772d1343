"""`setsmart sync status`: how far a database has come."""

from __future__ import annotations

from datetime import datetime

import attrs

from setsmart_async.records.codec import encode_value
from setsmart_async.sync import ResourceStatus, sync_status
from setsmart_async.wire import encode_json


def show_status(to: str, *, json: bool) -> None:
    """Print it: for a person, or as one JSON object. Raises `ConfigurationError` where no sync has been."""
    found = sync_status(to)
    if json:
        print(encode_json(encode_value(attrs.asdict(found))).decode())
        return
    account = "" if found.account is None else f", account {found.account}"
    print(f"{found.database}: from {found.source}{account}")
    for name, status in found.resources.items():
        deleted = f", {status.deleted:,} deleted" if status.deleted else ""
        print(f"  {name}: {status.live:,} rows{deleted}; {_said(status)}")


def _said(status: ResourceStatus) -> str:
    begun = f"{status.mode} pass of {_time(status.started_at)}"
    if status.completed_at is not None:
        since = "" if status.bookmark is None else f", an incremental one begins at {_time(status.bookmark)}"
        return f"{begun} complete{since}"
    if status.doubt is not None:
        return f"{begun} not complete: {status.doubt}"
    if status.pages == 0:
        return f"{begun} has read nothing"
    last = "" if status.checkpoint_at is None else f", the last at {_time(status.checkpoint_at)}"
    return f"{begun} under way or interrupted after {status.pages:,} pages{last}: setsmart sync goes on"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
