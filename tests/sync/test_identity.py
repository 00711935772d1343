"""A database is filled from one source and one account."""

from pathlib import Path

import pytest
from sync.scene import account, state, stored, sync

from setsmart_async import AuthenticationError, ConfigurationError
from setsmart_async.sandbox.api import SandboxApi
from setsmart_async.sync.identity import Identity, admitted

A, B, C = "a" * 16, "b" * 16, "c" * 16


def identity(source: str = "https://one", name: str | None = None, key: str = A) -> Identity:
    return Identity(source=source, account=name, key_fingerprint=key)


@pytest.mark.parametrize(
    ("known", "given", "then"),
    [
        (None, identity(), identity()),
        (None, identity(name="x"), identity(name="x")),
        (identity(), identity(), identity()),
        (identity(), identity(name="x"), identity(name="x")),
        (identity(name="x"), identity(name="x", key=B), identity(name="x", key=B)),
        (identity(name="x"), identity(), identity(name="x")),
    ],
)
def test_the_same_account_is_known_by_name_or_key(known: Identity | None, given: Identity, then: Identity) -> None:
    assert admitted(known, given, new_key=False, place="x.db") == then
    assert admitted(known, given, new_key=True, place="x.db") == then


@pytest.mark.parametrize(
    ("known", "given", "then"),
    [
        (identity(), identity(key=B), identity(key=B)),
        (identity(), identity(name="x", key=B), identity(name="x", key=B)),
        (identity(name="x"), identity(key=B), identity(name="x", key=B)),
    ],
)
def test_another_key_is_the_same_account_only_when_the_user_says_so(
    known: Identity, given: Identity, then: Identity
) -> None:
    with pytest.raises(ConfigurationError, match=r"another API key.*--new-key"):
        admitted(known, given, new_key=False, place="x.db")
    assert admitted(known, given, new_key=True, place="x.db") == then


@pytest.mark.parametrize("new_key", [False, True])
@pytest.mark.parametrize(
    ("known", "given", "reason"),
    [
        (identity(), identity(source="https://two"), "filled from https://one, not https://two"),
        (identity(name="x"), identity(name="y"), "account 'x', not 'y'"),
        (identity(name="x"), identity(name="y", key=B), "account 'x', not 'y'"),
    ],
)
def test_another_source_or_name_is_always_refused(
    known: Identity, given: Identity, reason: str, *, new_key: bool
) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        admitted(known, given, new_key=new_key, place="x.db")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "setsmart.db"


OTHER_KEY = "another-key-of-the-sandbox"


def test_a_database_filled_from_another_origin_is_refused_before_anything_is_asked(path: Path) -> None:
    api = account(20)
    sync(api, path)
    asked, before = api.statistics.requests, state(path)
    with pytest.raises(ConfigurationError, match=r"filled from http://127\.0\.0\.1:1/v1, not http://127\.0\.0\.1:2/v1"):
        sync(api, path, base_url="http://127.0.0.1:2/v1")
    assert api.statistics.requests == asked
    assert state(path) == before


def test_a_rotated_key_goes_on_once_it_is_said_to_be_one(path: Path) -> None:
    api = SandboxApi(account(20).properties, api_keys=["the-first-key-of-them", OTHER_KEY])
    sync(api, path, key="the-first-key-of-them")
    with pytest.raises(ConfigurationError, match="--new-key"):
        sync(api, path, key=OTHER_KEY)
    assert sync(api, path, key=OTHER_KEY, new_key=True).unchanged == 20
    assert sync(api, path, key=OTHER_KEY).unchanged == 20
    with pytest.raises(ConfigurationError, match="--new-key"):
        sync(api, path, key="the-first-key-of-them")


def test_a_rotated_key_is_that_of_every_resource(path: Path) -> None:
    api = SandboxApi(account(20).properties, reservations=3, api_keys=["the-first-key-of-them", OTHER_KEY])
    sync(api, path, key="the-first-key-of-them", resources=None)
    sync(api, path, key=OTHER_KEY, resources=["conversations"], new_key=True)
    assert sync(api, path, key=OTHER_KEY, resources=None).unchanged == 26


def test_a_named_account_takes_any_of_its_keys(path: Path) -> None:
    api = SandboxApi(account(20).properties, api_keys=["the-first-key-of-them", OTHER_KEY])
    sync(api, path, key="the-first-key-of-them", account="Oslo")
    assert sync(api, path, key=OTHER_KEY, account="Oslo").unchanged == 20
    with pytest.raises(ConfigurationError, match="'Oslo', not 'Bergen'"):
        sync(api, path, key=OTHER_KEY, account="Bergen")


def test_a_name_once_given_is_not_forgotten(path: Path) -> None:
    api = SandboxApi(account(20).properties, api_keys=["the-first-key-of-them", OTHER_KEY])
    sync(api, path, key="the-first-key-of-them", account="Oslo")
    sync(api, path, key="the-first-key-of-them")
    assert state(path)["account"] == "Oslo"
    assert sync(api, path, key=OTHER_KEY, account="Oslo").unchanged == 20


def test_a_named_source_may_move(path: Path) -> None:
    api = account(20)
    sync(api, path, source="sandbox")
    assert sync(api, path, source="sandbox", base_url="http://127.0.0.1:2/v1").unchanged == 20
    with pytest.raises(ConfigurationError, match="filled from sandbox"):
        sync(api, path)
    assert len(stored(path)) == 20


def test_no_key_is_in_the_database(path: Path) -> None:
    sync(SandboxApi(account(20).properties, api_keys=[OTHER_KEY]), path, key=OTHER_KEY, account="Oslo")
    assert OTHER_KEY.encode() not in path.read_bytes()


def test_an_empty_name_is_a_mistake(path: Path) -> None:
    with pytest.raises(ConfigurationError, match="must not be empty"):
        sync(account(1), path, account="")
    with pytest.raises(ConfigurationError, match="must not be empty"):
        sync(account(1), path, source="")


def test_a_run_that_brought_nothing_claims_no_database(path: Path) -> None:
    api = account(20)
    with pytest.raises(AuthenticationError):
        sync(api, path, key="a-mistyped-key-of-somebody", base_url="http://127.0.0.1:2/v1", account="Typo")
    assert sync(api, path, account="Oslo").new == 20
    assert (state(path)["source"], state(path)["account"]) == ("http://127.0.0.1:1/v1", "Oslo")
