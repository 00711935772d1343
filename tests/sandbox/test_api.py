"""What holds for the whole of the sandbox's API, and its properties: in memory, over HTTP and over HTTPS."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sandbox.asking import HOMES, START, VILLA, HandSetClock, Opener, in_memory

from setsmart_async.contract import CONTRACT, CONVERSATIONS_LIST, PROPERTIES_LIST, RESERVATIONS_LIST
from setsmart_async.errors import ConfigurationError
from setsmart_async.policy.verdict import error_for
from setsmart_async.sandbox import checks
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.resources import conversations, properties, reservations
from setsmart_async.sandbox.seed import seed_properties
from setsmart_async.wire import Headers, HttpRequest, HttpResponse, Json, JsonObject, Origin, decode_json, encode_json

# The operations.


def test_a_record_is_a_bare_object_with_all_it_has(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    assert sandbox.read("GET", "/properties/prop_3") == HOMES[2]


def test_a_record_is_created_and_found_again(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    own: JsonObject = {"id": "mine", "sauna": [1, {"a": None}], "timezone": None}
    created = sandbox.read("POST", "/properties", {**VILLA, **own})
    now = "2023-11-14T22:13:20Z"
    assert created == {
        **VILLA,
        "id": created["id"],
        "status": "active",
        "sauna": [1, {"a": None}],
        "timezone": None,
        "created_at": now,
        "updated_at": now,
    }
    assert created["id"] != "mine"
    assert sandbox.read("GET", f"/properties/{created['id']}") == created
    assert sandbox.read("GET", "/properties?limit=200")["data"][-1] == created


def test_an_update_merges(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    sandbox.clock.now += 60.5
    updated = sandbox.read("PUT", "/properties/prop_2", {"max_guests": 8, "bedrooms": None, "id": "x", "view": "sea"})
    assert updated == {
        **HOMES[1],
        "max_guests": 8,
        "bedrooms": None,
        "view": "sea",
        "updated_at": "2023-11-14T22:14:20.500000Z",
    }
    assert sandbox.read("GET", "/properties/prop_2") == updated


def test_an_update_can_replace(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(
        [{**HOMES[0], "created_at": "2020-01-01T00:00:00Z", "status": "inactive"}], put_replaces=True
    )
    assert sandbox.fail("PUT", "/properties/prop_1", {"max_guests": 8}) == (
        400,
        "invalid_parameters",
        {"name": "required", "address": "required"},
    )
    updated = sandbox.read("PUT", "/properties/prop_1", {"name": "A", "address": "B", "max_guests": 8})
    assert updated == {
        "id": "prop_1",
        "name": "A",
        "address": "B",
        "max_guests": 8,
        "status": "active",
        "created_at": "2020-01-01T00:00:00Z",
        "updated_at": "2023-11-14T22:13:20Z",
    }


def test_a_seeded_record_can_be_sent_back_whole(open_sandbox: Opener) -> None:
    for put_replaces in (True, False):
        sandbox = open_sandbox(list(seed_properties(1)), put_replaces=put_replaces)
        home = sandbox.read("GET", "/properties/prop_85902")
        updated = sandbox.read("PUT", "/properties/prop_85902", home)
        assert updated == {**home, "updated_at": updated["updated_at"]}
        assert updated["updated_at"] != home["updated_at"]


def test_a_deleted_record_is_gone(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    assert sandbox.read("DELETE", "/properties/prop_2") == {"id": "prop_2", "deleted": True}
    for method, body in (("GET", None), ("PUT", {"name": 7}), ("DELETE", None)):
        assert sandbox.fail(method, "/properties/prop_2", body) == (404, "not_found", {})
    assert [home["id"] for home in sandbox.read("GET", "/properties")["data"]] == [
        "prop_1", "prop_3", "prop_4", "prop_5", "prop_6", "prop_7",
    ]  # fmt: skip


def test_an_id_may_hold_what_has_to_be_encoded(open_sandbox: Opener) -> None:
    odd = "a/b c?d#e%f+ø 🏠&.."
    sandbox = open_sandbox([{"id": odd}, {"id": "a"}])
    target = "/properties/a%2Fb%20c%3Fd%23e%25f%2B%C3%B8%20%F0%9F%8F%A0%26.."
    assert sandbox.read("GET", target) == {"id": odd}
    assert sandbox.fail("GET", "/properties/a/b")[0] == 404


BODIES: dict[str, JsonObject] = {
    "properties.create": VILLA,
    "properties.update": VILLA,
    "reservations.create": {"property_id": "prop_1", "check_in": "2026-01-01", "check_out": "2026-01-02"},
    "reservations.update": {"adults": 2},
    "reservations.cancel": {"cancelled_by": "host"},
    "calendar.push": {"days": [{"start_date": "2026-01-01", "end_date": "2026-01-02", "available": False}]},
    "messages.send": {"body": "Hello"},
    "webhooks.create": {"url": "https://example.com/", "events": ["*"]},
    "webhooks.update": {"active": False},
}
IDS = {"reservations": "res_1", "conversations": "conv_1", "messages": "conv_1", "webhooks": "wh_1"}


def test_every_operation_of_the_contract_is_served(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(
        quota=QuotaSimulator(QuotaRule(1000)),
        reservations=[{"id": "res_1", "property_id": "prop_2", "check_in": "2026-02-01", "check_out": "2026-02-03"}],
        conversations=[{"id": "conv_1", "reservation_id": "res_1"}],
        webhooks=[{"id": "wh_1", "url": "https://example.com/", "events": ["*"]}],
    )
    for number, (name, operation) in enumerate(CONTRACT.items(), start=1):
        identifier = IDS.get(operation.resource, f"prop_{min(number, 6)}")
        query = "?start_date=2026-01-01&end_date=2026-01-02" if name == "calendar.get" else ""
        sandbox.read(operation.method, operation.path.replace("{id}", identifier) + query, BODIES.get(name))
    assert sandbox.api.statistics.by_operation == dict.fromkeys(CONTRACT, 1)
    writes = [name for name, operation in CONTRACT.items() if operation.method != "GET"]
    assert sandbox.api.statistics.executed == dict.fromkeys(writes, 1)


def test_every_filter_of_the_contract_is_served_and_no_other() -> None:
    for filters, operation in (
        (properties.FILTERS, PROPERTIES_LIST),
        (reservations.FILTERS, RESERVATIONS_LIST),
        (conversations.FILTERS, CONVERSATIONS_LIST),
    ):
        assert list(filters) == list(operation.parameters)


# What is refused.


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({}, dict.fromkeys(VILLA, "required")),
        ({**VILLA, "name": None, "bathrooms": None}, {"name": "required", "bathrooms": "required"}),
        ({**VILLA, "name": 7, "address": ["x"]}, {"name": "invalid_type", "address": "invalid_type"}),
        ({**VILLA, "name": "  ", "address": "x" * 256}, {"name": "invalid_value", "address": "invalid_value"}),
        ({**VILLA, "bedrooms": "3", "bathrooms": "2"}, {"bedrooms": "invalid_type", "bathrooms": "invalid_type"}),
        ({**VILLA, "bedrooms": 3.0, "max_guests": True}, {"bedrooms": "invalid_type", "max_guests": "invalid_type"}),
        ({**VILLA, "bathrooms": False}, {"bathrooms": "invalid_type"}),
        ({**VILLA, "bedrooms": -1, "bathrooms": -0.5}, {"bedrooms": "invalid_value", "bathrooms": "invalid_value"}),
        ({**VILLA, "max_guests": 0}, {"max_guests": "invalid_value"}),
        ({**VILLA, "status": "open", "currency": "nok"}, {"status": "invalid_value", "currency": "invalid_value"}),
        ({**VILLA, "timezone": 3}, {"timezone": "invalid_type"}),
        ({**VILLA, "timezone": "Mars/Olympus"}, {"timezone": "invalid_value"}),
        ({**VILLA, "timezone": "../Oslo"}, {"timezone": "invalid_value"}),
        ({**VILLA, "status": 1, "currency": 2}, {"status": "invalid_type", "currency": "invalid_type"}),
    ],
)  # fmt: skip
def test_a_property_that_can_not_be_is_refused(
    open_sandbox: Opener, fields: JsonObject, errors: dict[str, str]
) -> None:
    sandbox = open_sandbox()
    assert sandbox.fail("POST", "/properties", fields) == (400, "invalid_parameters", errors)
    assert len(sandbox.api.properties) == len(HOMES)
    wrong = {name: fields[name] for name in errors if fields.get(name) is not None}
    if wrong:
        assert sandbox.fail("PUT", "/properties/prop_1", wrong)[2] == {name: errors[name] for name in wrong}


def test_a_machine_without_time_zones_takes_what_looks_like_one(
    open_sandbox: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "_known_zones", frozenset[str])
    sandbox = open_sandbox()
    assert sandbox.read("PUT", "/properties/prop_1", {"timezone": "Mars/Olympus"})["timezone"] == "Mars/Olympus"
    assert sandbox.fail("PUT", "/properties/prop_1", {"timezone": "../Oslo"})[2] == {"timezone": "invalid_value"}


def test_a_studio_for_one_is_a_property(open_sandbox: Opener) -> None:
    least = {**VILLA, "bedrooms": 0, "bathrooms": 0, "max_guests": 1, "status": "draft", "currency": "NOK"}
    assert open_sandbox().read("POST", "/properties", least)["status"] == "draft"


def test_a_required_text_can_not_be_cleared(open_sandbox: Opener) -> None:
    nulls = {"name": None, "address": None, "status": None, "bathrooms": None}
    assert open_sandbox().fail("PUT", "/properties/prop_1", nulls)[2] == dict.fromkeys(
        ("name", "address", "status"), "required"
    )


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'"x"', b"null", b"{'a': 1}", b'{"a": NaN}', b"\xff\xfe"])
@pytest.mark.parametrize("target", [("POST", "/properties"), ("PUT", "/properties/prop_1")])
def test_a_body_that_is_no_json_object_is_refused(open_sandbox: Opener, target: tuple[str, str], body: bytes) -> None:
    assert open_sandbox().fail(*target, raw=body) == (400, "invalid_json", {})


@pytest.mark.parametrize(
    "path", ["/", "/nope", "/properties/", "/properties//", "//properties", "/properties/a/b", "/Properties"]
)  # fmt: skip
def test_a_path_that_is_no_endpoint_is_not_found(open_sandbox: Opener, path: str) -> None:
    sandbox = open_sandbox()
    assert sandbox.fail("GET", path) == (404, "not_found", {})
    assert sandbox.api.statistics.by_operation == {"unknown": 1}


@pytest.mark.parametrize(
    ("method", "target", "allowed"),
    [
        ("DELETE", "/properties", "GET, POST"),
        ("PATCH", "/properties/prop_1", "DELETE, GET, PUT"),
        ("POST", "/properties/prop_1", "DELETE, GET, PUT"),
        ("OPTIONS", "/properties", "GET, POST"),
    ],
)
def test_another_method_is_not_allowed(open_sandbox: Opener, method: str, target: str, allowed: str) -> None:
    sandbox = open_sandbox()
    assert sandbox.fail(method, target)[:2] == (405, "method_not_allowed")
    assert sandbox.ask(method, target).headers["Allow"] == allowed


def test_no_key_and_a_wrong_key_are_the_same(open_sandbox: Opener) -> None:
    sandbox = open_sandbox()
    wrong = "wrong-key-0123456789"
    for key in (None, wrong, "", SANDBOX_API_KEY.upper()):
        assert sandbox.fail("GET", "/properties", key=key) == (401, "invalid_api_key", {})
        assert sandbox.fail("POST", "/nope", key=key)[0] == 401
    answer = sandbox.ask("GET", f"/properties/{wrong}", key=wrong)
    assert wrong.encode() not in answer.body
    assert "x-ratelimit-limit" not in answer.headers


def test_the_keys_header_is_found_in_any_case(open_sandbox: Opener) -> None:
    assert open_sandbox().ask("GET", "/properties", key=None, headers={"x-api-KEY": SANDBOX_API_KEY}).status == 200


def test_several_keys_may_be_used_and_some_may_only_read(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(api_keys=["first-key", "second-key"], read_only_keys=["reader-key"])
    for key in ("first-key", "second-key", "reader-key"):
        sandbox.read("GET", "/properties", key=key)
    assert sandbox.fail("GET", "/properties")[0] == 401
    for method, target in (("POST", "/properties"), ("PUT", "/properties/prop_1"), ("DELETE", "/properties/prop_1")):
        assert sandbox.fail(method, target, VILLA, key="reader-key") == (403, "insufficient_permissions", {})
    assert sandbox.read("DELETE", "/properties/prop_1", key="second-key")["deleted"]


def test_the_quota_of_a_key_is_used_up_and_comes_back(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(api_keys=["first-key", "second-key"], quota=QuotaSimulator(QuotaRule(3, 10)))
    for _ in range(5):
        assert sandbox.fail("GET", "/properties", key="nobodys-key")[0] == 401  # uses up nothing
    left = [sandbox.ask("GET", target, key="first-key") for target in ("/properties", "/nope", "/properties/nope")]
    assert [answer.status for answer in left] == [200, 404, 404]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in left] == ["2", "1", "0"]
    sandbox.clock.now += 9.5
    refused = sandbox.ask("GET", "/properties", key="first-key")
    assert refused.status == 429
    assert {name: refused.headers[name] for name in ("Date", "X-RateLimit-Limit", "X-RateLimit-Remaining")} == {
        "Date": "Tue, 14 Nov 2023 22:13:29 GMT",
        "X-RateLimit-Limit": "3",
        "X-RateLimit-Remaining": "0",
    }
    assert refused.headers["X-RateLimit-Reset"] == "1700000010"
    assert "retry-after" not in refused.headers
    assert sandbox.fail("GET", "/properties", key="first-key") == (429, "rate_limit_exceeded", {})
    sandbox.read("GET", "/properties", key="second-key")
    sandbox.clock.now += 0.5
    sandbox.read("GET", "/properties", key="first-key")
    assert [(one.start, one.accepted, one.refused) for one in sandbox.api.quota.windows()] == [
        (START, 4, 2),
        (START + 10, 1, 0),
    ]


def test_the_quota_may_be_one_for_an_address(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(api_keys=["one", "two"], quota=QuotaSimulator(QuotaRule(1, 10)), quota_per="address")
    assert [sandbox.ask("GET", "/properties", key=key).status for key in ("one", "two")] == [200, 429]
    request = HttpRequest(method="GET", origin=sandbox.origin, target="/properties", headers={"X-API-Key": "two"})
    assert sandbox.api.handle(request, client_address="127.0.0.2").status == 200


def test_a_skewed_server_dates_all_it_says_by_its_own_clock(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(quota=QuotaSimulator(skew=3600.0))
    answer = sandbox.ask("POST", "/properties", VILLA)
    created: Any = decode_json(answer.body)
    assert created["created_at"] == "2023-11-14T23:13:20Z"
    assert answer.headers["Date"] == "Tue, 14 Nov 2023 23:13:20 GMT"
    assert answer.headers["X-RateLimit-Reset"] == str(int(START) + 3610)


def test_a_server_may_keep_date_and_rate_headers_to_itself(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(quota=QuotaSimulator(send_date=False, send_headers=False))
    answer = sandbox.ask("GET", "/properties")
    assert not {"date", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"} & set(answer.headers)


def test_every_answer_is_json_with_a_name_of_its_own(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(quota=QuotaSimulator(QuotaRule(4, 10)))
    answers = [
        sandbox.ask("GET", "/properties"),
        sandbox.ask("GET", "/properties", key="wrong"),
        sandbox.ask("GET", "/nope"),
        sandbox.ask("PATCH", "/properties"),
        sandbox.ask("POST", "/properties", {}),
        sandbox.ask("GET", "/properties"),
    ]
    assert [answer.status for answer in answers] == [200, 401, 404, 405, 400, 429]
    for answer in answers:
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
        assert re.fullmatch(r"req_[0-9]+", answer.headers["X-Request-Id"])
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == len(answers)
    for answer in answers[1:]:
        error = error_for(answer)
        assert error is not None
        assert (error.status, error.request_id) == (answer.status, answer.headers["X-Request-Id"])


@given(
    secret=st.text("äöüQXZ", min_size=6),
    place=st.sampled_from(["name", "bedrooms", "status", "currency", "query", "cursor", "path", "key", "field"]),
)
def test_no_error_quotes_what_was_sent(secret: str, place: str) -> None:
    sandbox = in_memory(SandboxApi(clock=HandSetClock()), HandSetClock())
    answer = {
        "query": lambda: sandbox.ask("GET", f"/properties?limit={secret}&status={secret}&updated_since={secret}"),
        "cursor": lambda: sandbox.ask("GET", f"/properties?cursor={secret}"),
        "path": lambda: sandbox.ask("GET", f"/properties/{secret}"),
        "key": lambda: sandbox.ask("GET", "/properties", key=secret),
        "field": lambda: sandbox.ask("POST", "/properties", {secret: secret}),
    }.get(place, lambda: sandbox.ask("POST", "/properties", {place: [secret]}))()
    assert answer.status >= 400
    assert secret not in answer.body.decode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
names = st.sampled_from([*VILLA, "status", "timezone", "currency", "id", "created_at", "updated_at"]) | st.text()
targets = st.one_of(
    st.text(), st.sampled_from(["/properties", "/properties/prop_1"]), st.text().map(lambda text: f"/properties?{text}")
)


@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]) | st.text(),
    target=targets,
    body=st.binary() | st.dictionaries(names, json_values).map(encode_json) | st.none(),
    replaces=st.booleans(),
)
def test_whatever_is_sent_is_answered(method: str, target: str, body: bytes | None, replaces: bool) -> None:
    sandbox = in_memory(SandboxApi(HOMES, clock=HandSetClock(), put_replaces=replaces), HandSetClock())
    answer = sandbox.ask(method, target, raw=body)
    assert answer.status in {200, 400, 404, 405}
    assert isinstance(decode_json(answer.body), dict)
    # And whatever was stored can be listed.
    assert sandbox.ask("GET", "/properties").status == 200


@given(
    parameters=st.lists(
        st.tuples(st.sampled_from(["limit", "page", "offset", "cursor", "status", "updated_since", "x"]), st.text())
    )
)
@pytest.mark.parametrize("paging", ["cursor", "page", "offset", "link", "array"])
def test_whatever_is_asked_of_a_list_is_answered(paging: Any, parameters: list[tuple[str, str]]) -> None:  # noqa: ANN401  as parametrized
    sandbox = in_memory(SandboxApi(HOMES, clock=HandSetClock(), paging=paging), HandSetClock())
    answer = sandbox.ask("GET", "/properties?" + "&".join(f"{name}={value}" for name, value in parameters))
    assert answer.status in {200, 400}


# Faults, counters, settings.


def test_an_intercept_stands_before_everything(open_sandbox: Opener) -> None:
    outage = HttpResponse(status=503, headers=Headers([("Retry-After", "7")]), body=b"<h1>Sorry</h1>")
    seen: list[str] = []

    def intercept(request: HttpRequest) -> HttpResponse | None:
        seen.append(request.target)
        return outage if len(seen) == 1 else None

    sandbox = open_sandbox(intercept=intercept)
    answer = sandbox.ask("GET", "/properties", key="wrong")
    assert (answer.status, answer.body, answer.headers["Retry-After"]) == (503, b"<h1>Sorry</h1>", "7")
    assert "date" not in answer.headers
    assert sandbox.api.quota.windows() == []
    assert sandbox.ask("GET", "/properties?limit=1").status == 200
    assert seen == ["/properties", "/properties?limit=1"]
    assert sandbox.api.statistics.by_status == {503: 1, 200: 1}


def test_the_counters_count_what_was_answered(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(quota=QuotaSimulator(QuotaRule(3, 10)))
    sandbox.clock.now += 1
    sandbox.ask("GET", "/properties?limit=2")
    sandbox.ask("GET", "/properties/prop_1")
    sandbox.ask("GET", "/properties/nope")
    sandbox.ask("DELETE", "/properties/prop_1")
    sandbox.ask("GET", "/nope", key="wrong-key-0123456789")
    report: Any = sandbox.api.report()
    assert report == {
        "started": START,
        "requests": 5,
        "by_status": {"200": 2, "401": 1, "404": 1, "429": 1},
        "by_operation": {"properties.delete": 1, "properties.get": 2, "properties.list": 1, "unknown": 1},
        "executed": {},
        "replayed": 0,
        "properties": 7,
        "records": {"properties": 7, "reservations": 0, "conversations": 0, "messages": 0, "webhooks": 0},
        "rule": {"limit": 3, "window": 10, "algorithm": "fixed"},
        "windows": [{"start": START, "accepted": 3, "refused": 1}],
    }
    log = sandbox.api.statistics.recent
    assert [(one.method, one.target, one.operation, one.status) for one in log] == [
        ("GET", "/properties?limit=2", "properties.list", 200),
        ("GET", "/properties/prop_1", "properties.get", 200),
        ("GET", "/properties/nope", "properties.get", 404),
        ("DELETE", "/properties/prop_1", "properties.delete", 429),
        ("GET", "/nope", None, 401),
    ]
    assert {one.at for one in log} == {START + 1}
    assert "wrong-key" not in repr(log)


def test_the_log_is_bounded() -> None:
    sandbox = in_memory(SandboxApi(quota=QuotaSimulator(QuotaRule(10**6)), clock=HandSetClock()), HandSetClock())
    for _ in range(1_005):
        sandbox.ask("GET", "/properties/x")
    assert len(sandbox.api.statistics.recent) == 1_000
    assert sandbox.api.statistics.requests == 1_005


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_keys": []}, "at least one API key"),
        ({"api_keys": "a-single-key"}, "put a single key into a list"),
        ({"api_keys": ["white space"]}, "white space"),
        ({"read_only_keys": [""]}, "empty"),
        ({"page_size": 0}, "page size"),
        ({"page_size": 201}, "page size"),
        ({"page_size": True}, "page size"),
        ({"paging": "scroll"}, "paging must be one of cursor, page, offset, link, array"),
        ({"invalid_status": 500}, "invalid_status must be 400 or 422"),
        ({"quota_per": "moon"}, "per 'key', per 'address' or per 'endpoint'"),
    ],
)
def test_settings_that_can_not_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SandboxApi(**settings)


def test_without_settings_it_is_the_contract() -> None:
    api = SandboxApi()
    assert api.quota.rule == QuotaRule(100, 10.0, "fixed")
    request = HttpRequest(
        method="GET",
        origin=Origin.parse("http://127.0.0.1/v1"),
        target="/properties",
        headers={"X-API-Key": "sandbox-key-not-a-secret"},
    )
    answer = api.handle(request)
    empty: Json = {"data": [], "next_cursor": None, "has_more": False, "total": 0}
    assert decode_json(answer.body) == empty
