"""Settings: options, then the environment, then the config file; where each came from; and never the key."""

import os
from pathlib import Path

import pytest
from cli.shell import Shell

from setsmart_async import ApiKey
from setsmart_async.cli.config_file import default_path
from setsmart_async.cli.settings import VARIABLES
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi

KEYS = {"environment": "the-key-of-the-environment", "file": "the-key-of-the-file", "profile": "the-key-of-a-profile"}
CONFIG = """
base_url = "https://file.example/v1"
api_key_file = "key"
output = "json"

[dialect]
idempotency_header = "Idempotency-Key"

[profiles.work]
base_url = "https://work.example/v1"
api_key_file = "work.key"

[profiles.work.dialect]
idempotency_header = "X-Once"
"""


@pytest.fixture
def config(shell: Shell) -> Path:
    """A config file, in a folder of its own, with its key files beside it."""
    folder = shell.folder / "settings"
    folder.mkdir()
    (folder / "key").write_text(KEYS["file"] + "\n")
    (folder / "work.key").write_text(KEYS["profile"])
    file = folder / "config.toml"
    file.write_text(CONFIG)
    shell.set("SETSMART_CONFIG", str(file))
    return file


def shown(shell: Shell, *options: str) -> dict[str, tuple[str | None, str]]:
    """`config show`: each setting's value and origin."""
    ended = shell("config", "show", "-o", "jsonl", *options)
    assert ended.code == 0
    assert not any(key in ended.out for key in KEYS.values())
    return {row["setting"]: (row["value"], row["origin"]) for row in ended.records}


def fingerprint(name: str) -> str:
    return f"fingerprint {ApiKey(KEYS[name]).fingerprint}"


def test_without_any_all_is_as_it_comes(shell: Shell) -> None:
    found = shown(shell)
    assert found["base_url"] == ("https://api.setsmart.com/v1", "default")
    assert found["api_key"] == (None, "not set")
    assert found["config"][1] == "is not there, and need not be"


def test_a_config_file(shell: Shell, config: Path) -> None:
    found = shown(shell)
    assert found["base_url"] == ("https://file.example/v1", str(config))
    assert found["api_key"] == (fingerprint("file"), f"{config.parent / 'key'} ({config})")
    assert found["dialect.idempotency_header"] == ("Idempotency-Key", str(config))
    assert shell("config", "show").out.startswith("[\n")  # its `output`
    assert shell("config", "path").out == f"{config}\n"


def test_the_environment_goes_before_the_file(shell: Shell, config: Path) -> None:
    shell.set("SETSMART_BASE_URL", "https://environment.example/v1")
    shell.set("SETSMART_API_KEY", KEYS["environment"])
    found = shown(shell)
    assert found["base_url"] == ("https://environment.example/v1", "SETSMART_BASE_URL")
    assert found["api_key"] == (fingerprint("environment"), "SETSMART_API_KEY")
    assert found["api_key_file"] == (None, "not set")


def test_of_a_key_and_a_key_file_the_key_counts(shell: Shell, config: Path) -> None:
    shell.set("SETSMART_API_KEY", KEYS["environment"])
    shell.set("SETSMART_API_KEY_FILE", str(config.parent / "work.key"))
    found = shown(shell)
    assert found["api_key"] == (fingerprint("environment"), "SETSMART_API_KEY")
    assert found["api_key_file"] == (None, "not set")


def test_options_go_before_the_environment(shell: Shell, config: Path) -> None:
    shell.set("SETSMART_API_KEY", KEYS["environment"])
    assert shown(shell, "--api-key-file", "settings/work.key")["api_key"][0] == fingerprint("profile")
    ended = shell("config", "show", "--api-key-stdin", stdin=KEYS["file"] + "\n")
    assert fingerprint("file") in ended.out
    other = shell.folder / "other.toml"
    other.write_text("")
    assert shown(shell, "--config", str(other))["config"] == (str(other), "is there")


def test_a_profile_by_an_option_goes_before_the_environment_and_others_do_not(shell: Shell, config: Path) -> None:
    shell.set("SETSMART_BASE_URL", "https://environment.example/v1")
    origin = f"{config}, profile work"
    found = shown(shell, "--profile", "work")
    assert found["profile"] == ("work", "--profile")
    assert found["base_url"] == ("https://work.example/v1", origin)
    assert found["api_key"][0] == fingerprint("profile")
    assert found["dialect.idempotency_header"] == ("X-Once", origin)
    assert found["output"] == ("json", str(config))  # what the profile leaves open is the file's
    shell.set("SETSMART_PROFILE", "work")
    found = shown(shell)
    assert found["base_url"] == ("https://environment.example/v1", "SETSMART_BASE_URL")
    assert found["api_key"][0] == fingerprint("profile")
    shell.set("SETSMART_PROFILE", None)
    config.write_text('profile = "work"\n' + CONFIG)
    assert shown(shell)["api_key"][0] == fingerprint("profile")


def test_every_command_has_the_settings_and_leaves_none_behind(shell: Shell, config: Path) -> None:
    """`quota` reads the environment, as the library does."""
    with shell.on(SandboxApi(api_keys=[KEYS["profile"]])) as url:
        config.write_text(CONFIG.replace("https://work.example/v1", url))
        shell.set("SETSMART_API_KEY", "another-key-of-these-tests")
        before = {name: os.environ.get(name) for name in VARIABLES.values()}
        assert shell("quota").code == 3
        assert shell("quota", "--profile", "work").code == 0
        assert shell("--profile", "work", "properties", "list").code == 0
        assert {name: os.environ.get(name) for name in VARIABLES.values()} == before


def test_the_dialect_of_the_file_is_spoken(shell: Shell, config: Path) -> None:
    headers: list[str | None] = []
    api = SandboxApi()
    api.intercept = lambda request: headers.append(request.headers.get("X-Once"))
    config.write_text(CONFIG.replace('base_url = "https://work.example/v1"', "").replace('"work.key"', '"sandbox.key"'))
    (config.parent / "sandbox.key").write_text(SANDBOX_API_KEY)
    home = ("--name", "V", "--address", "a", "--bedrooms", "1", "--bathrooms", "1", "--max-guests", "2")
    with shell.on(api):
        create = ("properties", "create", *home, "--profile", "work", "--idempotency-key")
        assert shell(*create, "once").code == 0
        assert "1 to 255 printable" in shell.refused(*create, "twice and again")
    assert headers == ["once"]
    config.write_text('[dialect.fields]\n"properties.max_guests" = "accommodates"')
    planned = shell("properties", "update", "prop_1", "--max-guests", "3", "--dry-run").record
    assert planned["body"] == {"accommodates": 3}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('api_key = "sk_secret"', "holds a key: put it into a file of its own, and name that as api_key_file."),
        ('[profiles.x]\napi_key = "sk_secret"', "name that as profiles.x.api_key_file."),
        ('base_url = "sk_secret', "is not TOML: see at end of document."),
        ("sk_secret", "is not TOML: see at "),
        ("timeout = 3", "has no setting timeout; there are base_url, api_key_file, redis_url, output, dialect, "),
        ("base_url = 3", "base_url must be a text."),
        ("profile = 3", "profile must be a text."),
        ("profiles = 3", "write a profile as [profiles.NAME]."),
        ("[profiles]\nx = 3", "write a profile as [profiles.x]."),
        ("dialect = 3", "write dialect as a table."),
        ("[dialect]\ncursor = 'x'", "has no setting dialect.cursor; there are paths, "),
        ("[dialect]\ncursor_parameter = 3", "dialect.cursor_parameter is of another type than it must be."),
        ("[dialect]\nupdate_style = 'x'", "Dialect(update_style=...) is 'merge' or 'replace'."),
        ("profile = 'work'", "no profile 'work' in "),
    ],
)
def test_a_config_file_that_can_not_be_meant(shell: Shell, text: str, reason: str) -> None:
    file = shell.folder / "config.toml"
    file.write_text(text)
    line = shell.refused("config", "show", "--config", str(file))
    assert reason in line
    assert str(file) in line or "Dialect" in line
    assert "secret" not in line


def test_one_that_is_named_must_be_there(shell: Shell) -> None:
    assert shell.refused("config", "show", "--config", "none.toml") == "There is no config file none.toml."
    assert "no profile 'x' in" in shell.refused("config", "show", "--profile", "x")
    (shell.folder / "folder").mkdir()
    assert "can not be read (IsADirectoryError)" in shell.refused("config", "show", "--config", "folder")


def test_what_can_not_be_used_is_shown_as_such(shell: Shell) -> None:
    shell.set("SETSMART_BASE_URL", "https://user:secret@example.com")
    shell.set("SETSMART_API_KEY", "sk secret")
    shell.set("SETSMART_REDIS_URL", "redis://user:secret@localhost:6379/0?password=secret")
    found = shown(shell)
    assert "secret" not in str(found)
    assert found["base_url"][0] == "unusable: The base URL holds credentials; pass the API key on its own."
    assert str(found["api_key"][0]).startswith("unusable: The API key from SETSMART_API_KEY holds white space")
    assert found["redis_url"] == ("redis://localhost:6379/0", "SETSMART_REDIS_URL")
    shell.set("SETSMART_OUTPUT", "xml")
    line = shell.refused("properties", "list")
    assert line == "SETSMART_OUTPUT (from SETSMART_OUTPUT) is one of table, json, jsonl, csv."


@pytest.mark.parametrize(
    ("platform", "environment", "place"),
    [
        ("linux", {}, "~/.config/setsmart/config.toml"),
        ("linux", {"XDG_CONFIG_HOME": "/etc/xdg"}, "/etc/xdg/setsmart/config.toml"),
        ("darwin", {"XDG_CONFIG_HOME": "/etc/xdg"}, "~/Library/Application Support/setsmart/config.toml"),
        ("win32", {"APPDATA": "/Users/x/Roaming"}, "/Users/x/Roaming/setsmart/config.toml"),
    ],
)
def test_the_platforms_place(platform: str, environment: dict[str, str], place: str) -> None:
    assert default_path(environment, platform) == Path(place).expanduser()
