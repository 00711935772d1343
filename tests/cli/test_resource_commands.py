"""list, get, create, update, delete and their kin, against the sandbox over HTTP."""

import csv
import io
import json
from collections.abc import Iterator

import pytest
from cli.shell import Shell

from setsmart_async import HttpRequest, HttpResponse
from setsmart_async.observer import LOGGER
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.wire import decode_json

VILLA = ("--name", "Villa", "--address", "1 Shore", "--bedrooms", "3", "--bathrooms", "2.5", "--max-guests", "6")
ASKED: list[HttpRequest] = []


@pytest.fixture
def api(shell: Shell) -> Iterator[SandboxApi]:
    """Seven homes and two stays; every request is kept."""
    ASKED.clear()

    def listen(request: HttpRequest) -> HttpResponse | None:
        ASKED.append(request)
        return None

    api = SandboxApi(7, reservations=2, page_size=3, intercept=listen)
    with shell.on(api):
        yield api


def test_a_list_in_a_pipe_is_json_lines(shell: Shell, api: SandboxApi) -> None:
    ended = shell("properties", "list")
    assert ended.code == 0
    assert ended.err == ""
    assert len(ended.records) == 7
    assert list(ended.records[0])[:2] == ["id", "name"]  # what this version does not know comes behind


def test_a_limit_asks_for_no_more_than_it_needs(shell: Shell, api: SandboxApi) -> None:
    assert len(shell("properties", "list", "--limit", "2").records) == 2
    assert [request.target for request in ASKED] == ["/properties?limit=2"]
    assert shell.refused("properties", "list", "--limit", "0") == "--limit must be 1 or more."


def test_filters_are_those_of_the_library(shell: Shell, api: SandboxApi) -> None:
    shell("properties", "list", "--status", "active", "--updated-since", "2024-01-01T00:00:00+01:00")
    assert ASKED[0].target == "/properties?status=active&updated_since=2023-12-31T23%3A00%3A00Z"
    shell("reservations", "list", "--check-in-from", "2024-07-01", "--property-id", "prop_1")
    assert ASKED[-1].target == "/reservations?property_id=prop_1&check_in_from=2024-07-01"
    shell("conversations", "list", "--no-unread")
    assert ASKED[-1].target == "/conversations?unread=false"
    line = shell.refused("reservations", "list", "--check-in-from", "tomorrow")
    assert line == "--check-in-from is a day such as 2026-12-24."


def test_a_csv_file_has_a_column_for_each_field(shell: Shell, api: SandboxApi) -> None:
    rows = list(csv.DictReader(io.StringIO(shell("reservations", "list", "-o", "csv").out)))
    stays = {record["id"]: record for record in shell("reservations", "list").records}
    assert len(rows) == 2
    for row in rows:
        assert row["guest.email"] == stays[row["id"]]["guest"]["email"]
        assert row["check_in"] == stays[row["id"]]["check_in"]
        assert row["notes"] == ""


def test_fields_are_chosen_in_their_order(shell: Shell, api: SandboxApi) -> None:
    ended = shell("reservations", "list", "--limit", "1", "--fields", "status, guest.country,id", "-o", "csv")
    assert ended.out.splitlines()[0] == "status,guest.country,id"
    assert list(shell("properties", "get", "prop_85902", "--fields", "bedrooms,id").record) == ["bedrooms", "id"]


def test_a_field_that_no_record_has_is_told(shell: Shell, api: SandboxApi) -> None:
    ended = shell("properties", "list", "--fields", "id,door,timezone", "--limit", "1")
    assert ended.code == 0
    assert ended.err == "setsmart: no record has a field 'door'.\n"
    assert shell.refused("properties", "list", "--fields", ",") == "--fields is a list of names such as id,name,status."


def test_an_array_is_whole_or_no_json(shell: Shell, api: SandboxApi) -> None:
    assert len(json.loads(shell("properties", "list", "-o", "json").out)) == 7

    def fail(request: HttpRequest) -> HttpResponse | None:
        return HttpResponse(status=403) if "cursor" in request.target else None

    api.intercept = fail
    ended = shell("properties", "list", "-o", "json")
    assert ended.code == 3
    with pytest.raises(json.JSONDecodeError):
        json.loads(ended.out)
    assert len(shell("properties", "list").records) == 3  # what came before is there


def test_none_is_none_in_each_form(shell: Shell, api: SandboxApi) -> None:
    subscriptions = ("webhook-subscriptions", "list", "-o")
    assert shell(*subscriptions, "jsonl").out == ""
    assert shell(*subscriptions, "json").out == "[]\n"
    assert shell(*subscriptions, "csv").out == "id,url,events,active,secret,created_at\n"
    ended = shell(*subscriptions, "table")
    assert (ended.out, ended.err) == ("", "There is none.\n")


def test_a_property_from_create_to_delete(shell: Shell, api: SandboxApi) -> None:
    made = shell("properties", "create", *VILLA, "-F", "pool=true", "-F", "door=007").record
    assert (made["bathrooms"], made["pool"], made["door"]) == (2.5, True, "007")
    home = made["id"]
    assert shell("properties", "get", home).record == made
    changed = shell("properties", "update", home, "--max-guests", "8", "--clear", "timezone").record
    assert changed["max_guests"] == 8
    assert "timezone" not in changed
    assert decode_json(ASKED[-1].body or b"") == {"max_guests": 8, "timezone": None}
    gone = shell("properties", "delete", home)
    assert (gone.code, gone.out, gone.err) == (0, "", "setsmart: the property is deleted.\n")
    assert shell.refused("properties", "get", home, code=8).startswith("SetSmart answered 404 (not_found).")


def test_a_body_from_a_file_and_options_on_top(shell: Shell, api: SandboxApi) -> None:
    body = json.dumps({"name": "V", "address": "a", "bedrooms": 1, "bathrooms": 1, "max_guests": 2, "sauna": True})
    made = shell("properties", "create", "--input", "-", "--max-guests", "9", stdin=body).record
    assert (made["name"], made["max_guests"], made["sauna"]) == ("V", 9, True)
    shell.set("SETSMART_API_KEY", None)
    with_key = ("properties", "create", "--input", "-", "--api-key-stdin", "--fields", "sauna")
    assert shell(*with_key, stdin=f"sandbox-key-not-a-secret\n{body}").record == {"sauna": True}
    shell.set("SETSMART_API_KEY", "sandbox-key-not-a-secret")
    (shell.folder / "stay.json").write_text('{"check_in": "2027-01-03", "check_out": "2027-01-01", "property_id": "x"}')
    assert "check_out must be after check_in" in shell.refused("reservations", "create", "--input", "stay.json")


@pytest.mark.parametrize(
    ("arguments", "stdin", "reason"),
    [
        (("create", "--name", "V"), "", "To create a property pass --address, --bedrooms, --bathrooms, --max-guests"),
        (("create", *VILLA, "-F", "pool"), "", "-F is written NAME=VALUE."),
        (("create", *VILLA, "-F", "name=V"), "", "-F is for fields without an option: use --name."),
        (("create", "--input", "-"), '{"name": "Jane', "--input holds no JSON"),
        (("create", "--input", "-"), '["Jane"]', "--input must hold a JSON object"),
        (("create", "--input", "no such file"), "", "--input can not be read (No such file or directory)."),
        (("create", *VILLA, "--idempotency-key", "k"), "", "--idempotency-key needs a server that honours it"),
        (("update", "prop_1"), "", "Pass at least one field to change"),
        (("update", "prop_1", "--clear", "name"), "", "--clear name: there are address, "),
        (("update", "", "--name", "V"), "", "An id must not be ''."),
        (("get",), "", "ID is needed."),
        (("list", "--page-size", "0"), "", "page_size must be 1 or more."),
        (("list", "-o", "xml"), "", 'Invalid value "xml" for -o'),
    ],
)  # fmt: skip
def test_what_can_not_be_meant_is_one_line_and_sends_nothing(
    shell: Shell, api: SandboxApi, arguments: tuple[str, ...], stdin: str, reason: str
) -> None:
    line = shell.refused("properties", *arguments, stdin=stdin)
    assert reason in line
    assert "Jane" not in line
    assert ASKED == []


DRY = [
    ("properties", "create", *VILLA),
    ("properties", "update", "prop_85902", "--max-guests", "3"),
    ("properties", "delete", "prop_85902"),
    ("reservations", "create", "--property-id", "prop_85902", "--check-in", "2027-01-03", "--check-out", "2027-01-04",
     "--guest.first-name", "Jane", "--total-amount", "10.50", "--currency", "NOK"),
    ("reservations", "cancel", "res_1", "--cancelled-by", "host", "--reason", "a leak"),
    ("calendar", "update", "prop_85902", "--start-date", "2027-02-01", "--end-date", "2027-06-01", "--no-available"),
    ("conversations", "send", "conv_1", "Welcome"),
    ("webhook-subscriptions", "create", "--url", "https://example.com/hook", "--events", "*"),
    ("api", "PATCH", "/properties/prop_85902", "-F", "max_guests=4"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", DRY, ids=lambda arguments: " ".join(arguments[:2]))
def test_a_dry_run_prints_what_would_be_sent(shell: Shell, api: SandboxApi, arguments: tuple[str, ...]) -> None:
    key = "SETSMART_API_KEY"
    shell.set(key, None)  # none is needed
    planned = shell(*arguments, "--dry-run")
    assert planned.code == 0
    assert ASKED == []
    shell.set(key, "sandbox-key-not-a-secret")
    shell(*arguments)
    sent = [(request.method, f"/v1{request.target}", request.body) for request in ASKED]
    assert [(each["method"], each["path"]) for each in planned.records] == [each[:2] for each in sent]
    assert [each["body"] for each in planned.records] == [each[2] and decode_json(each[2]) for each in sent]


def test_a_dry_run_for_a_person(shell: Shell, api: SandboxApi) -> None:
    ended = shell("properties", "update", "prop_1", "--max-guests", "3", "--dry-run", "-o", "table")
    assert ended.out == 'PUT /v1/properties/prop_1\n{\n  "max_guests": 3\n}\n'
    assert ended.err == "setsmart: nothing was sent (--dry-run).\n"


def test_a_stay_is_booked_once_and_cancelled(shell: Shell, api: SandboxApi) -> None:
    book = ("--property-id", "prop_85902", "--check-in", "2027-01-03", "--check-out", "2027-01-06", "--adults", "2")
    stay = shell("reservations", "create", *book, "--guest.first-name", "Jane").record
    assert stay["guest"] == {"first_name": "Jane"}
    assert shell.refused("reservations", "create", *book, code=5).startswith("SetSmart answered 409 (nights_taken).")
    cancel = ("reservations", "cancel", stay["id"], "--cancelled-by", "guest")
    assert shell(*cancel).record["status"] == "cancelled"
    assert "--cancelled-by" in shell.refused(*cancel[:3])


def test_a_calendar_is_shown_and_changed(shell: Shell, api: SandboxApi) -> None:
    days = ("--start-date", "2027-02-01", "--end-date", "2027-05-01")
    pushed = shell("calendar", "update", "prop_85902", *days, "--nightly-rate", "1850.50", "--currency", "NOK")
    assert [chunk["state"] for chunk in pushed.records] == ["done", "done"]
    shown = shell("calendar", "get", "prop_85902", *days).records
    assert len(shown) == 90
    assert {day["nightly_rate"] for day in shown} == {"1850.50"}
    ranges = '[{"start_date": "2027-02-01", "available": false}, {"start_date": "2027-02-03", "note": "painting"}]'
    assert shell("calendar", "update", "prop_85902", "--input", "-", stdin=ranges).record["days"] == 2
    first = shell("calendar", "get", "prop_85902", *days, "--fields", "available,note").records
    assert (first[0]["available"], first[2]["note"]) == (False, "painting")
    assert "at least one field" in shell.refused("calendar", "update", "prop_85902", "--start-date", "2027-01-01")
    ended = shell("calendar", "update", "prop_nowhere", *days, "--min-stay", "2")
    assert ended.code == 8
    assert [chunk["state"] for chunk in ended.records] == ["failed", "failed"]
    assert ended.err.startswith("setsmart: 2 of 2 request(s) failed; the first: SetSmart answered 404")


def test_messages_are_listed_and_sent(shell: Shell, api: SandboxApi) -> None:
    before = len(shell("conversations", "messages", "conv_1").records)
    sent = shell("conversations", "send", "conv_1", "-", stdin="The code is 1234.").record
    assert sent["body"] == "The code is 1234."
    assert len(shell("conversations", "messages", "conv_1").records) == before + 1


def test_a_subscription_shows_its_secret_once(shell: Shell, api: SandboxApi) -> None:
    hook = ("--url", "https://example.com/hook", "--events", "reservation.created", "--events", "property.deleted")
    made = shell("webhook-subscriptions", "create", *hook).record
    assert made["events"] == ["reservation.created", "property.deleted"]
    assert made["secret"].startswith("whsec_")
    assert "secret" not in shell("webhook-subscriptions", "get", made["id"]).record
    paused = shell("webhook-subscriptions", "update", made["id"], "--no-active").record
    assert paused["active"] is False
    line = shell.refused("webhook-subscriptions", "create", "--url", "http://example.com/secret", "--events", "*")
    assert line.startswith("url must be https")
    assert "secret" not in line


def test_the_servers_own_words_are_for_those_who_ask(shell: Shell, api: SandboxApi) -> None:
    wrong = ("properties", "update", "prop_85902", "--bedrooms", "-1")
    line = shell.refused(*wrong, code=5)
    assert "SetSmart answered 400 (invalid_parameters) about bedrooms." in line
    assert line.endswith("Add -v for the server's own words.")
    told = shell(*wrong, "-v").err
    assert "The server says: bedrooms: must be 0 or more" in told
    assert "PUT /properties/{id}: call 1, attempt 1 begins" in told
    assert "Add -v" not in told
    assert "attempt" not in shell("properties", "get", "prop_85902").err  # it is over with the command
    assert LOGGER.handlers == []
