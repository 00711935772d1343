"""An account into DuckDB by dlt, typed, and merged with what earlier runs brought.

    pip install 'setsmart_async[dlt]' 'dlt[duckdb]'
    SETSMART_API_KEY=... python examples/warehouse_dlt.py

Other destinations are a name away: see docs/warehouses.md.
"""

import dlt

from setsmart_async.integrations.dlt import setsmart_source


def main() -> None:
    """Load what the account holds, and show how much there is."""
    pipeline = dlt.pipeline("homes", destination=dlt.destinations.duckdb("homes.duckdb"), dataset_name="rentals")
    pipeline.run(setsmart_source(resources=["properties", "reservations"]))
    with pipeline.sql_client() as client:
        for table in ("properties", "reservations"):
            counted = client.execute_sql(f"select count(*) from {table}")  # noqa: S608 - the two names above
            print(f"{table}: {counted[0][0] if counted else 0}")


if __name__ == "__main__":
    main()
