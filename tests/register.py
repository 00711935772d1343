"""The register of what SetSmart documents and what is assumed: `python tests/register.py` writes its page."""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import attrs

from setsmart_async.contract import CONTRACT, RECORDS, Dialect, record_of
from setsmart_async.contract.conventions import CONVENTIONS, DOCUMENTED_FIELDS
from setsmart_async.policy.retry import RetryClass
from setsmart_async.records.conversation import Attachment
from setsmart_async.records.reservation import Guest
from setsmart_async.records.webhook import WebhookEvent

PAGE = Path(__file__).parent.parent / "docs" / "register.md"

NESTED: dict[str, type] = {"guest": Guest, "attachment": Attachment, "event": WebhookEvent}
"""Records inside others, or in deliveries."""

REPEATED = {
    RetryClass.SAFE: "yes",
    RetryClass.IDEMPOTENT: "yes",
    RetryClass.UNSAFE: "only when the server can not have seen it",
}

HEAD = """\
# Documented, or assumed

SetSmart documents a part of its API. What is marked *provisional* is assumed, from the conventions of the field's APIs
in the documented style. A server that differs is told to the client by a `Dialect`, without touching the library:

```python
from setsmart_async import Dialect, SetSmart

dialect = Dialect(
    paths={"reservations.list": "/bookings", "reservations.get": "/bookings/{id}"},
    fields={"reservations.check_in": "arrival", "reservations.check_out": "departure"},
    parameters={"reservations.check_in_from": "arrival_after"},
    money="number",
)
setsmart = SetSmart("the-key-of-your-account", dialect=dialect)
```

What is not there at all is one line: `setsmart.resource("/cleaning-tasks", CleaningTask)`, or
`setsmart.request("GET", "/anything")`. This page is written from the code by `python tests/register.py`.
"""


@attrs.frozen
class Field:
    """One field of a record, as its class tells."""

    name: str
    kind: str
    text: str


def fields_of(record: type) -> Iterator[Field]:
    """The fields of a record with the docstrings under them; `extra` is no field of the API."""
    [body] = [node.body for node in ast.parse(inspect.getsource(record)).body if isinstance(node, ast.ClassDef)]
    for node, below in pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id != "extra":
            is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
            text = str(below.value.value) if is_text else ""  # type: ignore[attr-defined]  # as `is_text` says
            kind = ast.unparse(node.annotation).replace(" | None", "").replace("Date", "date")
            yield Field(node.target.id, kind, " ".join(text.split()))


def is_documented(resource: str, field: str) -> bool:
    return field in DOCUMENTED_FIELDS.get(resource, ())


def mark(documented: bool) -> str:
    return "documented" if documented else "*provisional*"


def page() -> str:
    """The page, whole."""
    lines = [HEAD, "## Endpoints", "", "| operation | request | | filters (*provisional*) | repeated after a failure |"]
    lines.append("|---|---|---|---|---|")
    for row in CONTRACT.values():
        filters = ", ".join(f"`{name}`" for name in row.parameters)
        lines.append(f"| `{row.name}` | `{row}` | {mark(row.documented)} | {filters} | {REPEATED[row.retry_class]} |")
    lines += ["", 'Another path: `Dialect(paths={"operation": "/path/{id}"})`. Another name of a filter:']
    lines.append('`Dialect(parameters={"resource.filter": "name"})`.')
    records = {resource: record_of(resource) for resource in RECORDS} | NESTED
    lines += ["", "## Fields", "", 'Another name of a field: `Dialect(fields={"resource.field": "name"})`, for the']
    lines.append(f"records of {', '.join(f'`{resource}`' for resource in RECORDS)}.")
    for resource, record in records.items():
        lines += [
            "",
            f"### {record.__name__} (`{resource}`)",
            "",
            "| field | type | | what it is |",
            "|---|---|---|---|",
        ]
        for field in fields_of(record):
            text = re.sub(r"\s*\*Provisional\.\*", "", field.text).replace("|", "\\|").replace("``", "`")
            kind = field.kind.replace("|", "\\|")
            lines.append(f"| `{field.name}` | {kind} | {mark(is_documented(resource, field.name))} | {text} |")
    lines += ["", "## Conventions", "", "| | rule | | a server that differs |", "|---|---|---|---|"]
    for each in CONVENTIONS:
        override = f"`{each.override}`" if each.override.endswith(")") else each.override
        rule = each.rule.replace("``", "`")
        lines.append(f"| {each.topic} | {rule} | {mark(each.documented)} | {override} |")
    lines += ["", "## Everything that a Dialect changes", "", "| setting | unless told | what it is |", "|---|---|---|"]
    for setting in fields_of(Dialect):
        default = getattr(Dialect(), setting.name)
        text = re.sub(r"\s*Provisional\.", "", setting.text).replace("``", "`").replace("|", "\\|")
        lines.append(f"| `{setting.name}` | `{default!r}` | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
