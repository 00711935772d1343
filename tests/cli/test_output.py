"""Tables, and lists of any length."""

import asyncio
import gc
import sys
import weakref
from collections.abc import AsyncGenerator

import pytest

from setsmart_async import Property, WebhookSubscription
from setsmart_async.cli.output import Format, Layout, writer_for
from setsmart_async.cli.plain_text import plain
from setsmart_async.cli.resource_calls import write_list
from setsmart_async.cli.tables import TableWriter

Captured = pytest.CaptureFixture[str]


def layout(form: Format) -> Layout:
    return Layout(format=form, fields=None, columns=("id", "name"), all_columns=("id", "name"))


@pytest.mark.parametrize("form", ["jsonl", "csv", "json", "table"])
def test_a_list_of_any_length_is_not_kept(form: Format, capsys: Captured) -> None:
    """The records of 5,000 are gone as soon as they are written; a table keeps the texts of 100."""
    living: weakref.WeakSet[Property] = weakref.WeakSet()
    most = 0

    async def records() -> AsyncGenerator[Property, None]:
        nonlocal most
        for number in range(5_000):
            record = Property(id=f"prop_{number}", name="Villa")
            living.add(record)
            most = max(most, len(living))
            yield record

    gc.collect()
    asyncio.run(write_list(records(), layout(form), None))
    assert most <= 2
    assert capsys.readouterr().out.count("Villa") == 5_000


def terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("columns", [40, 80])
def test_a_table_is_as_wide_as_the_terminal(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    terminal(monkeypatch, columns)
    table = TableWriter(["id", "name", "address"])
    for number in range(150):
        table.write({"id": f"prop_{number}", "name": "漢字" * 30, "address": "x" * 60, "bedrooms": 1})
    table.end()
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["\x1b[1mID", "NAME", "ADDRESS\x1b[0m"]
    assert len(rows) == 150
    for row in rows:
        wide = sum(2 if character in "漢字" else 1 for character in row)
        assert wide <= columns
        assert row.startswith("prop_")
        assert "…" in row


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    terminal(monkeypatch, 80)
    monkeypatch.setenv("NO_COLOR", "1")
    table = TableWriter(["id"])
    table.write({"id": "prop_1"})
    table.end()
    assert "\x1b[3" not in capsys.readouterr().out


def test_a_table_in_a_file_is_not_cut(capsys: Captured) -> None:
    table = TableWriter(["id", "name"])
    for number in range(101):
        table.write({"id": f"prop_{number}", "name": "x" * (5 if number < 100 else 500)})
    table.end()
    assert capsys.readouterr().out.splitlines()[-1].endswith("x" * 500)


def test_a_servers_words_do_not_steer_the_terminal(capsys: Captured) -> None:
    table = TableWriter(["id", "name"])
    table.write({"id": "prop_1", "name": "\x1b]0;title\x07Villa\nprop_2\u202e\x9b31m"})
    table.end()
    assert capsys.readouterr().out.splitlines()[-1] == "prop_1  \ufffd]0;title\ufffdVilla prop_2\ufffd\ufffd31m"
    assert plain("Blåbær 漢字 🫐") == "Blåbær 漢字 🫐"


def test_what_has_parts_is_json_in_a_cell(capsys: Captured) -> None:
    writer = writer_for(Layout(format="csv", fields=("id", "events", "active"), columns=(), all_columns=()))
    subscription = WebhookSubscription(id="wh_1", url="https://example.com")
    writer.write({"id": subscription.id, "events": ["*", "x"], "active": True})
    writer.end()
    assert capsys.readouterr().out == 'id,events,active\nwh_1,"[""*"",""x""]",true\n'
