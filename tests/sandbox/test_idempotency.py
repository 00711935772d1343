"""Creates that are marked as one, in memory, over HTTP and over HTTPS."""

from typing import Any

import pytest
from sandbox.asking import VILLA, Opener, Sandbox

from setsmart_async.contract import Dialect
from setsmart_async.sandbox import idempotency
from setsmart_async.sandbox.api import SANDBOX_API_KEY
from setsmart_async.wire import HttpResponse, decode_json

DIALECT = Dialect(idempotency_header="Idempotency-Key")
STAY = {"property_id": "prop_1", "check_in": "2026-01-01", "check_out": "2026-01-03"}


def create(
    sandbox: Sandbox, mark: str, body: object = VILLA, target: str = "/properties", *, key: str = SANDBOX_API_KEY
) -> HttpResponse:
    return sandbox.ask("POST", target, body, headers={"idempotency-KEY": mark}, key=key)


def code_of(answer: HttpResponse) -> tuple[int, str]:
    error: Any = decode_json(answer.body)
    return answer.status, error["error"]["code"]


def test_a_repetition_gets_the_first_answer_and_does_nothing(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT)
    first = create(sandbox, "mark-1")
    sandbox.clock.now += 60
    second, third = create(sandbox, "mark-1"), create(sandbox, "mark-1")
    assert (first.status, second.status, third.status) == (200, 200, 200)
    assert first.body == second.body == third.body
    assert "idempotent-replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    assert len(sandbox.api.properties) == 8
    assert sandbox.api.statistics.executed == {"properties.create": 1}
    assert sandbox.api.statistics.by_operation == {"properties.create": 3}
    assert sandbox.api.statistics.replayed == 2
    assert create(sandbox, "mark-2").body != first.body
    assert sandbox.api.statistics.executed == {"properties.create": 2}


def test_the_answer_is_the_first_one_even_when_the_record_is_gone(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT)
    first = create(sandbox, "mark-1")
    made: Any = decode_json(first.body)
    sandbox.read("DELETE", f"/properties/{made['id']}")
    assert create(sandbox, "mark-1").body == first.body
    assert len(sandbox.api.properties) == 7


def test_a_mark_is_for_one_request(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT, conversations=[{"id": "conv_1"}, {"id": "conv_2"}])
    assert create(sandbox, "mark-1").status == 200
    assert code_of(create(sandbox, "mark-1", {**VILLA, "name": "B"})) == (422, "idempotency_key_reused")
    assert code_of(create(sandbox, "mark-1", STAY, "/reservations")) == (422, "idempotency_key_reused")
    message = {"body": "Hello"}
    assert create(sandbox, "mark-2", message, "/conversations/conv_1/messages").status == 200
    assert create(sandbox, "mark-2", message, "/conversations/conv_2/messages").status == 422
    assert len(sandbox.api.conversations.messages) == 1


def test_a_mark_belongs_to_its_api_key(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT, api_keys=["one", "two"])
    answers = [create(sandbox, "mark-1", key=key) for key in ("one", "two")]
    assert answers[0].body != answers[1].body
    assert len(sandbox.api.properties) == 9


def test_what_was_refused_can_be_tried_again_under_its_mark(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT)
    taken = sandbox.read("POST", "/reservations", STAY)
    assert create(sandbox, "mark-1", STAY, "/reservations").status == 409
    sandbox.read("POST", f"/reservations/{taken['id']}/cancel", {"cancelled_by": "host"})
    booked = create(sandbox, "mark-1", STAY, "/reservations")
    assert (booked.status, "idempotent-replayed" in booked.headers) == (200, False)


def test_a_cancellation_can_be_repeated(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT)
    target = f"/reservations/{sandbox.read('POST', '/reservations', STAY)['id']}/cancel"
    answers = [create(sandbox, "mark-1", {"cancelled_by": "host"}, target) for _ in range(2)]
    assert [answer.status for answer in answers] == [200, 200]
    assert create(sandbox, "mark-2", {"cancelled_by": "host"}, target).status == 409


def test_a_secret_is_shown_again_to_the_one_that_lost_the_answer(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT)
    asked = {"url": "https://example.com/", "events": ["*"]}
    first, second = (create(sandbox, "mark-1", asked, "/webhooks") for _ in range(2))
    assert b"whsec_" in first.body
    assert first.body == second.body


@pytest.mark.parametrize("mark", ["", "x" * 256, "two words"])
def test_a_mark_that_can_not_be_is_refused(open_sandbox: Opener, mark: str) -> None:
    sandbox = open_sandbox(dialect=DIALECT)
    assert code_of(create(sandbox, mark)) == (400, "invalid_idempotency_key")
    assert len(sandbox.api.properties) == 7


def test_without_a_mark_or_where_none_are_known_each_create_is_one(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    assert create(sandbox, "mark-1").body != create(sandbox, "mark-1").body
    sandbox = open_sandbox(dialect=DIALECT)
    assert sandbox.ask("POST", "/properties", VILLA).body != sandbox.ask("POST", "/properties", VILLA).body


def test_a_mark_on_an_update_means_nothing(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(dialect=DIALECT)
    for guests in (3, 4):
        headers = {"Idempotency-Key": "mark-1"}
        assert sandbox.ask("PUT", "/properties/prop_1", {"max_guests": guests}, headers=headers).status == 200
    assert sandbox.read("GET", "/properties/prop_1")["max_guests"] == 4


def test_only_the_newest_answers_are_kept(open_sandbox: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "_MOST_KEPT", 2)
    sandbox = open_sandbox(dialect=DIALECT)
    marks = ("one", "two", "three")
    for mark in marks:
        create(sandbox, mark)
    kept = ["idempotent-replayed" in create(sandbox, mark).headers for mark in reversed(marks)]
    assert kept == [True, True, False]
