"""What a sandbox can be told, checked where it is told."""

from __future__ import annotations

from typing import Literal, get_args

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.listing import LARGEST_PAGE, PagingStyle

QuotaPer = Literal["key", "address", "endpoint"]
"""Whose quota it is; ``endpoint``: each operation of a key has one of its own."""


def check_settings(paging: PagingStyle, page_size: int, quota_per: QuotaPer, invalid_status: int) -> None:
    """Raise `ConfigurationError` for what can not work."""
    if invalid_status not in (400, 422):
        raise ConfigurationError("The sandbox's invalid_status must be 400 or 422.")
    if type(page_size) is not int or not 1 <= page_size <= LARGEST_PAGE:
        raise ConfigurationError(f"The sandbox's page size must be from 1 to {LARGEST_PAGE} records.")
    if paging not in get_args(PagingStyle):
        raise ConfigurationError(f"The sandbox's paging must be one of {', '.join(get_args(PagingStyle))}.")
    if quota_per not in get_args(QuotaPer):
        raise ConfigurationError("The sandbox's quota is per 'key', per 'address' or per 'endpoint'.")
