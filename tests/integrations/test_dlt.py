"""The dlt source into a real DuckDB, over sockets, in a process of its own: dlt keeps much that is one per process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cli.commands import served

from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.faults import FaultPlan
from setsmart_async.wire import HttpRequest, HttpResponse

EXAMPLE = Path(__file__).parents[2] / "examples" / "warehouse_dlt.py"
PROGRAM = """
import json, sys
import dlt, duckdb
from dlt.pipeline.exceptions import PipelineStepFailed
from setsmart_async import ConfigurationError
from setsmart_async.integrations.dlt import setsmart_source

said = []
for kind, what in json.loads(sys.argv[1]):
    if kind == "look":
        with duckdb.connect("homes.duckdb") as database:
            said.append(database.sql(what).fetchall())
        continue
    pipeline = dlt.pipeline(
        "homes", destination=dlt.destinations.duckdb("homes.duckdb"), dataset_name="rentals", pipelines_dir="pipelines"
    )
    try:
        pipeline.run(setsmart_source(**what))
        said.append("done")
    except PipelineStepFailed as failure:
        said.append(f"{failure.step}: {failure.__cause__!r}")
    except ConfigurationError as refusal:
        said.append(f"refused: {refusal}")
print(json.dumps(said, default=str))
"""


class FailsBehind(FaultPlan):
    """Every request behind the first few meets a 404."""

    def __init__(self, good: int) -> None:
        super().__init__()
        self.good = good

    def meet(self, request: HttpRequest, operation: str | None, ask: Callable[[], HttpResponse]) -> HttpResponse:
        self.good -= 1
        if self.good < 0:
            self.add(404)
        return super().meet(request, operation, ask)


def environment(base_url: str, folder: Path) -> dict[str, str]:
    server = {"SETSMART_BASE_URL": base_url, "SETSMART_API_KEY": SANDBOX_API_KEY}
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "CRITICAL"}
    return {**server, **quiet, "DLT_DATA_DIR": str(folder)}


def run(folder: Path, base_url: str, *steps: tuple[str, object]) -> list[Any]:
    """Load and look, step by step; what each said."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(steps)],
        cwd=folder,
        env={**os.environ, **environment(base_url, folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "Unclosed" not in ended.stderr
    said: list[Any] = json.loads(ended.stdout.splitlines()[-1])
    return said


COUNTS = "select count(*), count(distinct id) from rentals.properties"


def test_every_record_arrives_typed_and_a_second_run_doubles_none(tmp_path: Path) -> None:
    with served(SandboxApi(130, reservations=40)) as base_url:
        said = run(
            tmp_path,
            base_url,
            ("load", {"page_size": 50}),
            ("load", {"page_size": 50}),
            ("load", {"resources": ["calendar"], "days_ahead": 3}),
            ("look", COUNTS),
            ("look", "select count(*), count(distinct id), count(distinct raw) from rentals.reservations"),
            ("look", "select count(*), count(distinct id), count(distinct property_id) from rentals.calendar"),
            ("look", "select column_name, data_type from information_schema.columns where table_name = 'reservations'"),
        )
    *done, properties, reservations, days, columns = said
    assert done == ["done"] * 3
    assert (properties, reservations, days) == ([[130, 130]], [[40, 40, 40]], [[390, 390, 130]])
    types = dict(columns)
    assert types["check_in"] == "DATE"
    assert types["total_amount"].startswith("DECIMAL")
    assert types["created_at"] == "TIMESTAMP WITH TIME ZONE"


def test_an_extract_that_fails_loads_nothing_and_the_next_run_everything(tmp_path: Path) -> None:
    options = {"resources": ["properties"], "page_size": 10}
    tables = "select count(*) from information_schema.tables where table_name = 'properties'"
    with served(SandboxApi(130, faults=FailsBehind(3))) as base_url:
        (failed, found) = run(tmp_path, base_url, ("load", options), ("look", tables))
    assert failed.startswith("extract: ")
    assert "NotFoundError" in failed
    assert found == [[0]]
    with served(SandboxApi(130)) as base_url:
        assert run(tmp_path, base_url, ("load", options), ("look", COUNTS)) == ["done", [[130, 130]]]


def test_an_incremental_run_asks_for_what_has_changed(tmp_path: Path) -> None:
    api, options = SandboxApi(130), {"resources": ["properties"], "incremental": True}
    with served(api) as base_url:
        assert run(tmp_path, base_url, ("load", options), ("load", options), ("look", COUNTS)) == [
            "done",
            "done",
            [[130, 130]],
        ]
    assert api.statistics.requests == 2 + 1  # two pages, and then the one that is empty


def test_what_can_not_be_meant_is_refused(tmp_path: Path) -> None:
    wrong: list[object] = [{"resources": []}, {"resources": ["guests"]}, {"page_size": 0}, {"overlap": -1}]
    said = run(tmp_path, "http://127.0.0.1:1", *(("load", options) for options in wrong))
    assert all(each.startswith("refused: ") for each in said)


def test_the_example_loads_into_duckdb_and_says_how_much(tmp_path: Path) -> None:
    with served(SandboxApi(25, reservations=10)) as base_url:
        shown = subprocess.run(
            [sys.executable, str(EXAMPLE)],
            cwd=tmp_path,
            env={**os.environ, **environment(base_url, tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines() == ["properties: 25", "reservations: 10"]


LATE = "select count(*) from rentals.properties where name = 'Late'"


def test_the_overlap_reaches_the_destination(tmp_path: Path) -> None:
    api, options = SandboxApi(30), {"resources": ["properties"], "incremental": True}
    ids = [str(home["id"]) for home in api.properties]
    now = 1_800_000_000.0
    api.properties.merge(ids[0], {"name": "Newest"}, now)
    with served(api) as base_url:
        run(tmp_path, base_url, ("load", options))
        api.properties.merge(ids[1], {"name": "Late"}, now - 60)  # committed late: within the five minutes
        api.properties.merge(ids[0], {"name": "Late"}, now)  # changed again in the same instant
        [_, late] = run(tmp_path, base_url, ("load", options), ("look", LATE))
    assert late == [[2]]


def test_a_price_with_the_noise_of_a_float_is_rounded(tmp_path: Path) -> None:
    api = SandboxApi(3, reservations=5)
    stay = str(next(iter(api.reservations.store))["id"])
    api.reservations.store.merge(stay, {"total_amount": 100.10000000000001}, 1.8e9)
    with served(api) as base_url:
        [done] = run(tmp_path, base_url, ("load", {"resources": ["reservations"]}))
    assert done == "done"
