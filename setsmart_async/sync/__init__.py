"""Every record into a database, and kept there."""

from setsmart_async.errors import StoreError
from setsmart_async.sync.progress import SyncProgress, SyncResult
from setsmart_async.sync.sync import Sync
from setsmart_async.sync.tally import CallCounts, Tally

__all__ = ["CallCounts", "StoreError", "Sync", "SyncProgress", "SyncResult", "Tally"]
