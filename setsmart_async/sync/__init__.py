"""An account into a database, and kept there."""

from setsmart_async.errors import StoreError
from setsmart_async.sync.accounts import Account, read_accounts
from setsmart_async.sync.many_accounts import AccountsResult, AccountsSync, SyncSettings
from setsmart_async.sync.progress import Mode, SyncProgress
from setsmart_async.sync.result import Change, ChangeKind, ResourceResult, SyncResult
from setsmart_async.sync.shards import PageShard, SyncShard, page_shards
from setsmart_async.sync.status import ResourceStatus, SyncStatus, sync_status
from setsmart_async.sync.sync import Sync
from setsmart_async.sync.tables import ResourceName
from setsmart_async.sync.tally import CallCounts, Tally
from setsmart_async.sync.webhooks import WebhookSync

__all__ = [
    "Account",
    "AccountsResult",
    "AccountsSync",
    "CallCounts",
    "Change",
    "ChangeKind",
    "Mode",
    "PageShard",
    "ResourceName",
    "ResourceResult",
    "ResourceStatus",
    "StoreError",
    "Sync",
    "SyncProgress",
    "SyncResult",
    "SyncSettings",
    "SyncShard",
    "SyncStatus",
    "Tally",
    "WebhookSync",
    "page_shards",
    "read_accounts",
    "sync_status",
]
