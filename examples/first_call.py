"""A first call: the first home of the account, and what is left of the quota.

pip install setsmart_async
export SETSMART_API_KEY=…                 # or the line that `setsmart sandbox` prints
python examples/first_call.py
"""

import asyncio

from setsmart_async import SetSmart


async def main() -> None:
    """Ask once, and print."""
    async with SetSmart() as setsmart:
        home = await setsmart.properties.list(status="active").first()
        print(f"{home.name} sleeps {home.max_guests}" if home else "This account has no active home yet.")
        print(f"{setsmart.quota.remaining} of {setsmart.quota.limit} requests left")


asyncio.run(main())
