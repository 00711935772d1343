"""The example on Dask's scheduler, as a user runs it: several worker processes, one quota per key."""

import os
import subprocess
import sys
from pathlib import Path

from cli.commands import served
from sync.test_accounts import rows
from webhooks.servers import redis_url

from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator

EXAMPLE = Path(__file__).parents[2] / "examples" / "many_accounts_on_dask.py"


def test_accounts_are_synced_by_several_processes_under_one_quota_per_key(tmp_path: Path) -> None:
    api = SandboxApi(150, api_keys=["key-a", "key-b"], quota=QuotaSimulator(QuotaRule(20, 1.0)))
    accounts = {"live": "KEY_A", "copy-of-live": "KEY_A", "other": "KEY_B", "broken": "KEY_C"}
    with served(api) as base_url, redis_url() as url:
        tables = [
            f'[accounts.{name}]\napi_key_env = "{key}"\nbase_url = "{base_url}"\n'
            f'to = "sqlite:///{tmp_path}/{{account}}.db"\n'
            for name, key in accounts.items()
        ]
        (tmp_path / "accounts.toml").write_text("\n".join(tables))
        keys = {"KEY_A": "key-a", "KEY_B": "key-b", "KEY_C": "wrong-key"}
        run = subprocess.run(
            [sys.executable, str(EXAMPLE), str(tmp_path / "accounts.toml")],
            env={**os.environ, **keys, "SETSMART_REDIS_URL": url},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert run.returncode == 1, run.stderr
    lines = {line.split(":")[0] for line in run.stdout.splitlines()}
    assert lines == {"live", "copy-of-live", "other"}, run.stderr
    assert "broken: " in run.stderr
    assert "wrong-key" not in run.stderr + run.stdout
    assert [rows(tmp_path / f"{name}.db") for name in ("live", "copy-of-live", "other")] == [150, 150, 150]
    assert api.statistics.by_status[429] == 0
