"""Who may do what: scopes, addresses, and keys that come and go while the sandbox runs."""

from typing import Any

import pytest
from sandbox.asking import VILLA, Opener

from setsmart_async.errors import ConfigurationError
from setsmart_async.sandbox.access import SandboxKey
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.wire import HttpRequest


def test_a_key_has_the_scopes_that_it_was_given(open_sandbox: Opener) -> None:
    keys = [SandboxKey(key="stays", resources={"reservations", "calendar"}), SandboxKey(key="nothing", resources=())]
    sandbox = open_sandbox(api_keys=keys)
    assert sandbox.read("GET", "/reservations", key="stays")["data"] == []
    # A calendar is a resource of its own, wherever its path begins.
    days = "/properties/prop_1/calendar?start_date=2026-01-01&end_date=2026-01-01"
    sandbox.read("GET", days, key="stays")
    for method, target in (("GET", "/properties"), ("GET", "/conversations/x/messages"), ("POST", "/webhooks")):
        assert sandbox.fail(method, target, {}, key="stays") == (403, "insufficient_scope", {})
    assert sandbox.fail("GET", "/reservations", key="nothing")[:2] == (403, "insufficient_scope")


def test_a_key_may_be_for_some_addresses_only(open_sandbox: Opener) -> None:
    keys = [
        SandboxKey(key="here", networks={"127.0.0.0/8", "::1"}),
        SandboxKey(key="elsewhere", networks={"203.0.113.0/24"}),
        SandboxKey(key="nowhere", networks=()),
    ]
    sandbox = open_sandbox(api_keys=keys)
    sandbox.read("GET", "/properties", key="here")
    for key in ("elsewhere", "nowhere"):
        assert sandbox.fail("DELETE", "/properties/prop_1", key=key) == (403, "ip_not_allowed", {})
    for address, status in (("203.0.113.9", 200), ("203.0.114.9", 403), ("::1", 403), ("", 403), ("x", 403)):
        request = HttpRequest(
            method="GET", origin=sandbox.origin, target="/properties", headers={"X-API-Key": "elsewhere"}
        )
        assert sandbox.api.handle(request, client_address=address).status == status


def test_an_address_stands_before_what_a_key_may_do(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(api_keys=[SandboxKey(key="a-key", read_only=True, resources=(), networks=())])
    assert sandbox.fail("POST", "/properties", VILLA, key="a-key")[1] == "ip_not_allowed"


def test_keys_are_rotated_while_it_runs(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(api_keys=["old-key"])
    sandbox.read("GET", "/properties", key="old-key")
    assert sandbox.fail("GET", "/properties", key="new-key")[0] == 401
    sandbox.api.keys.add("new-key")
    for key in ("old-key", "new-key"):
        sandbox.read("GET", "/properties", key=key)
    sandbox.api.keys.revoke("old-key")
    sandbox.api.keys.revoke("never-known")
    assert sandbox.fail("GET", "/properties", key="old-key") == (401, "invalid_api_key", {})
    sandbox.api.keys.add(SandboxKey(key="new-key", read_only=True))
    assert sandbox.fail("POST", "/properties", VILLA, key="new-key")[:2] == (403, "insufficient_permissions")


def test_each_endpoint_may_have_a_quota_of_its_own(open_sandbox: Opener) -> None:
    sandbox = open_sandbox(
        api_keys=["one", "two"], quota=QuotaSimulator(QuotaRule(1, 10)), quota_per="endpoint", reservations=[]
    )
    asked = ["/properties", "/properties", "/reservations", "/properties/prop_1", "/properties/prop_2", "/nope", "/no"]
    statuses = [sandbox.ask("GET", target, key="one").status for target in asked]
    assert statuses == [200, 429, 200, 200, 429, 404, 429]
    sandbox.read("GET", "/properties", key="two")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"key": ""}, "empty"),
        ({"key": "a", "resources": {"moons"}}, "no resource 'moons'"),
        ({"key": "a", "networks": {"10.0.0.1/8"}}, "networks must be such as"),
        ({"key": "a", "networks": {"example.com"}}, "networks must be such as"),
    ],
)
def test_keys_that_can_not_be_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        SandboxKey(**settings)


def test_a_key_never_shows_itself() -> None:
    assert "secret-1" not in repr(SandboxKey(key="secret-1"))
