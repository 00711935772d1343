"""Many accounts synced on Dask's distributed scheduler, each into a database of its own.

    pip install 'setsmart_async[redis,sync]' distributed
    SETSMART_REDIS_URL=redis://localhost python examples/many_accounts_on_dask.py accounts.toml

Workers are processes, here or on other machines. Those that use the same API key share its quota through Redis. A
worker that dies costs nothing: Dask runs its shard again, which goes on where it was.
"""

import sys

from dask.distributed import Client, LocalCluster, as_completed

from setsmart_async import SetSmartError
from setsmart_async.sync import SyncShard, read_accounts


def main(path: str) -> int:
    """Sync every account in the file; how many failed."""
    failed = 0
    shards = [SyncShard(account=account) for account in read_accounts(path)]
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as dask,
    ):
        tasks = {dask.submit(SyncShard.run, shard): shard.account.name for shard in shards}
        for task in as_completed(tasks):
            try:
                result = task.result()
                print(f"{tasks[task]}: {result.records} records, {result.new} new, {result.deleted} deleted")
            except SetSmartError as error:
                failed += 1
                print(f"{tasks[task]}: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
