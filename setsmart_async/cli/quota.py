"""`setsmart quota`: how much of the rate limit is left."""

from __future__ import annotations

import sys

from setsmart_async.cli.session import new_client
from setsmart_async.limits.limiter import QuotaState
from setsmart_async.wire import encode_json


async def show_quota(base_url: str | None) -> None:
    """Ask for one property, and print what the answer's headers say: for a person, or as one JSON object in a pipe.

    Raises the errors of a call.
    """
    async with new_client(base_url) as client:
        await client.properties.list(page_size=1).page()
        quota = client.quota
    if sys.stdout.isatty():
        print(_for_a_person(quota))
    else:
        fields = {
            "state": quota.state,
            "limit": quota.limit,
            "remaining": None if quota.limit is None else quota.remaining,
            "reset_after": quota.reset_after,
            "clock_offset": quota.clock_offset,
        }
        print(encode_json(fields).decode())


def _for_a_person(quota: QuotaState) -> str:
    if quota.limit is None:
        return "The server says nothing of a rate limit (no X-RateLimit headers)."
    lines = [f"{quota.remaining} of {quota.limit} requests are left in this window."]
    if quota.reset_after is not None:
        lines.append(f"The next one begins within {quota.reset_after:.0f} s.")
    if quota.clock_offset is not None and abs(quota.clock_offset) >= 1:
        ahead = "ahead of" if quota.clock_offset > 0 else "behind"
        lines.append(f"The server's clock is {abs(quota.clock_offset):.0f} s {ahead} this machine's.")
    return "\n".join(lines)
