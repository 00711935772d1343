"""The active homes that were changed lately, as CSV on standard output.

pip install setsmart_async
export SETSMART_API_KEY=…                 # or the line that `setsmart sandbox` prints
python examples/homes_to_csv.py 30 > homes.csv          # of the last 30 days
"""

import asyncio
import csv
import sys
from datetime import UTC, datetime, timedelta

from setsmart_async import Priority, SetSmart

FIELDS = ("id", "name", "address", "bedrooms", "max_guests", "updated_at")


async def main(days: float) -> None:
    """Walk every page, two ahead of the writing, as fast as the quota lets us and however long that takes."""
    since = datetime.now(UTC) - timedelta(days=days)
    table = csv.writer(sys.stdout)
    table.writerow(FIELDS)
    async with SetSmart(deadline=None, priority=Priority.BULK) as setsmart:
        homes = setsmart.properties.list(status="active", updated_since=since, page_size=100)
        async for home in homes.prefetch(2):
            table.writerow([getattr(home, field) for field in FIELDS])


asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
