"""schemathesis against the sandbox over HTTP: ``nox -s schemathesis``, or this file with its options behind."""

import asyncio
import subprocess
import sys
from pathlib import Path

from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.server import OPENAPI_PATH, SandboxServer

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "negative_data_rejection"
)


async def main(options: list[str]) -> int:
    quota = QuotaSimulator(QuotaRule(10**9, 60.0))
    async with SandboxServer(SandboxApi(50, reservations=20, quota=quota)) as server:
        command = [str(Path(sys.executable).with_name("schemathesis")), "run"]
        command += [server.url.removesuffix("/v1") + OPENAPI_PATH, "-H", f"X-API-Key: {SANDBOX_API_KEY}"]
        command += [
            "--checks",
            CHECKS,
            "--phases",
            "examples,coverage,fuzzing",
            *(options or ["--max-examples", "100"]),
        ]
        return (await asyncio.to_thread(subprocess.run, command)).returncode


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))
