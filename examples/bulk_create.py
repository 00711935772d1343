"""Create the homes of a CSV file, several at once. Run again, it creates none twice, if the API honours the keys.

pip install setsmart_async
export SETSMART_API_KEY=…                 # or the line that `setsmart sandbox` prints
python examples/bulk_create.py < homes.csv     # columns: name,address,bedrooms,bathrooms,max_guests
"""

import asyncio
import csv
import sys
from hashlib import sha256

from setsmart_async import Dialect, NewProperty, SetSmart


def new_home(row: dict[str, str]) -> NewProperty:
    """The same row has the same idempotency key in every run: the server then answers with what it has made."""
    return NewProperty(
        name=row["name"],
        address=row["address"],
        bedrooms=int(row["bedrooms"]),
        bathrooms=float(row["bathrooms"]),
        max_guests=int(row["max_guests"]),
        idempotency_key=sha256(repr(sorted(row.items())).encode()).hexdigest(),
    )


async def main(rows: list[dict[str, str]]) -> int:
    """Print what became of each row, as they come; how many were not created."""
    failed = 0
    async with SetSmart(dialect=Dialect(idempotency_header="Idempotency-Key")) as setsmart:
        async for result in setsmart.properties.create_many(map(new_home, rows)):
            failed += result.error is not None
            print(f"line {result.index + 2}: {result.error or result.id}")
    return failed


sys.exit(asyncio.run(main(list(csv.DictReader(sys.stdin)))) > 0)
