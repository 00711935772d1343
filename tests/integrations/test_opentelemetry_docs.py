"""docs/telemetry.md: its program prints what it says, and its tables name everything that there is."""

import asyncio
import re
from pathlib import Path

from engine.scene import LOST, exhausted, played, stage, status
from integrations.recording import Recording, attributes_of
from test_readme import run

PAGE = (Path(__file__).parents[2] / "docs" / "telemetry.md").read_text(encoding="utf-8")


def test_the_programs_run_one_after_the_other_and_the_first_prints_what_the_page_says() -> None:
    programs = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (printed,) = re.findall(r"^```text\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    code, out, err = asyncio.run(run("\n".join(programs)))
    assert (code, err) == (0, "")
    assert out == printed


def test_every_name_of_a_span_metric_event_and_attribute_is_in_the_tables() -> None:
    recording = Recording()

    async def main() -> None:
        said = {"X_RateLimit_Limit": "9", "X_RateLimit_Remaining": "3", "X_Request_Id": "req_1"}
        steps = (status(401), status(503, **said), LOST, exhausted, status(404))
        s = stage(*steps, fallback_key="another-key-of-these-tests", max_attempts=4, observer=recording.observer)
        for _ in range(2):
            await asyncio.gather(s.client.properties.get("prop_123"), return_exceptions=True)

    played(main)
    found = recording.metrics()
    names = {*found, *(name for points in found.values() for point in points for name in point.attributes)}
    for span in recording.spans:
        names |= {span.name, *attributes_of(span)}
        names |= {name for event in span.events for name in (event.name, *(event.attributes or {}))}
    assert len(names) >= 24
    assert [name for name in sorted(names) if f"`{name}`" not in PAGE] == []
