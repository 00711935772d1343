"""The package keeps the rules of tests/architecture.py, and each rule fails on a tree that breaks it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import architecture
import pytest
from architecture import Module

ROOT = Path(__file__).parents[1]

Rule = Callable[[dict[str, Module]], list[str]]
RULES: list[Rule] = [
    architecture.wrong_direction,
    architecture.cycles,
    architecture.foreign_imports,
    architecture.clocks_in_rules,
    architecture.too_long,
    architecture.empty_names,
    architecture.blind_excepts,
    architecture.undocumented,
]


def package_under_test() -> Path:
    """The checkout's sources; beside an installed package without a checkout, the installed ones."""
    if (ROOT / "setsmart_async").is_dir():
        return ROOT / "setsmart_async"
    import setsmart_async

    return Path(str(setsmart_async.__file__)).parent


@pytest.fixture(scope="module")
def package() -> dict[str, Module]:
    return architecture.read(package_under_test())


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps(rule: Rule, package: dict[str, Module]) -> None:
    assert len(package) > 1
    assert rule(package) == []


def test_every_ignore_says_why() -> None:
    package = package_under_test()
    files = {path.relative_to(base.parent): path for base in (package, ROOT / "tests") for path in base.rglob("*.py")}
    found = [
        place
        for name, path in sorted(files.items())
        for place in architecture.unexplained_ignores(name.as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_the_project_speaks_of_itself_alone() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    outside = b"../" + b"shared"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    paths = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert [str(path) for path in paths if path.is_file() and outside in path.read_bytes()] == []


GOOD = {
    "__init__.py": "from setsmart_async.client import SetSmart",
    "version.py": "",
    "errors.py": "",
    "wire.py": "from .errors import Boom\nfrom . import version",
    "records/__init__.py": "",
    "policy/__init__.py": "",
    "policy/bucket.py": "import setsmart_async.policy.quota\nfrom .quota import Quota\nimport backoff",
    "policy/quota.py": "from ..wire import Headers",
    "transports/aiohttp.py": "import aiohttp",
    "limits/local.py": "import asyncio\nfrom setsmart_async.policy import bucket",
    "sandbox/server.py": "import aiohttp.web\nfrom aiohttp import web\nfrom ..limits import local",
    "client.py": "from setsmart_async.version import __version__",
    "sync/store.py": "import sqlalchemy\nfrom setsmart_async import SetSmart",
    "cli/__init__.py": "import rich.table\nfrom setsmart_async.sandbox import server",
}

LONG_FUNCTION = "def walk():\n    'Walk.'\n" + "    step()\n" * 59

# By rule: a file that breaks it, put into the good tree, and the complaint.
BROKEN: dict[Rule, list[tuple[str, str, str]]] = {
    architecture.wrong_direction: [
        ("errors.py", "from setsmart_async.wire import X", "errors.py:1: errors may not import wire"),
        ("errors.py", "from .wire import X", "errors may not import wire"),
        ("errors.py", "from . import wire", "errors may not import wire"),
        ("errors.py", "import setsmart_async", "errors may not import __init__"),
        ("policy/quota.py", "from .. import client", "policy may not import client"),
        ("policy/quota.py", "from ..records import X", "policy may not import records"),
        ("version.py", "from .errors import X", "version may not import errors"),
        ("wire.py", "def f():\n    from .client import X", "wire.py:2: wire may not import client"),
        ("wire.py", "if TYPE_CHECKING:\n    from .client import X", "wire may not import client"),
        ("wire.py", "importlib.import_module('setsmart_async.client')", "wire may not import client"),
        ("client.py", "from .sandbox import server", "client may not import sandbox"),
        ("sync/store.py", "from ..sandbox import server", "sync may not import sandbox"),
        ("sandbox/server.py", "from ..client import X", "sandbox may not import client"),
        ("__init__.py", "from .sync import store", "__init__ may not import sync"),
        ("novelty.py", "", "novelty.py: 'novelty' is new: give it its place in LAYERS"),
    ],
    architecture.cycles: [
        ("policy/quota.py", "from .bucket import X", "policy.bucket → policy.quota → policy.bucket"),
        ("policy/quota.py", "def f(): from . import bucket", "policy.bucket → policy.quota → policy.bucket"),
    ],
    architecture.foreign_imports: [
        ("wire.py", "import aiohttp", "aiohttp belongs in transports/aiohttp.py"),
        ("sandbox/server.py", "from aiohttp import ClientSession", "aiohttp.ClientSession belongs in transports"),
        ("transports/aiohttp.py", "from aiohttp import web", "aiohttp.web belongs in sandbox/server.py or"),
        ("client.py", "def f():\n    import httpx2", "httpx2 belongs in transports/httpx.py"),
        ("client.py", "import httpx", "httpx belongs in transports/httpx.py"),
        ("cli/__init__.py", "from sqlalchemy import select", "sqlalchemy.select belongs in sync/"),
        ("sync/store.py", "from rich.table import Table", "rich.table.Table belongs in cli/"),
        ("policy/quota.py", "import asyncio.locks", "policy never imports asyncio"),
        ("policy/quota.py", "from time import monotonic", "policy never imports time"),
        ("records/codec.py", "import asyncio", "records never imports asyncio"),
    ],
    architecture.clocks_in_rules: [
        ("policy/quota.py", "import datetime as d\nd.datetime.now()", "policy/quota.py:2: reads the clock"),
        ("policy/quota.py", "from datetime import date\ndate.today()", "policy/quota.py:2: reads the clock"),
    ],
    architecture.too_long: [
        ("wire.py", "\n" * 301, "wire.py: 301 lines, 300 at most"),
        ("wire.py", LONG_FUNCTION, "wire.py:1: walk has 61 lines, 60 at most"),
        ("wire.py", f"async {LONG_FUNCTION}", "wire.py:1: walk has 61 lines, 60 at most"),
    ],
    architecture.empty_names: [
        ("utils.py", "", "utils.py: a name that says nothing"),
        ("policy/misc/rules.py", "", "policy/misc/rules.py: a name that says nothing"),
        ("policy/quota_helpers.py", "", "policy/quota_helpers.py: a name that says nothing"),
    ],
    architecture.blind_excepts: [
        ("wire.py", "try: f()\nexcept: g()", "wire.py:2: catches everything"),
        ("wire.py", "try: f()\nexcept Exception as e: g()", "wire.py:2: catches everything"),
        ("wire.py", "try: f()\nexcept (OSError, BaseException): g()", "wire.py:2: catches everything"),
        ("wire.py", "try: f()\nexcept Exception: g()  # noqa: BLE001", "wire.py:2: catches everything"),
    ],
    architecture.undocumented: [
        ("wire.py", "'''Values.'''\nclass A:\n    x = 1", "wire.py:2: A has no docstring"),
        ("wire.py", "class A:\n    '''A.'''\n    def f(self): ...", "wire.py:3: f has no docstring"),
        ("wire.py", "async def f(): ...", "wire.py:1: f has no docstring"),
        ("wire.py", "x = 1", "wire.py:1: wire.py has no docstring"),
    ],
}


def write(folder: Path, files: dict[str, str]) -> dict[str, Module]:
    for name, text in files.items():
        path = folder / "setsmart_async" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return architecture.read(folder / "setsmart_async")


def test_every_rule_is_seen_to_fail() -> None:
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule is not architecture.undocumented])
def test_a_good_tree_passes(rule: Rule, tmp_path: Path) -> None:
    assert rule(write(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("rule", "path", "text", "complaint"), [(rule, *case) for rule, cases in BROKEN.items() for case in cases]
)
def test_a_broken_tree_fails(rule: Rule, path: str, text: str, complaint: str, tmp_path: Path) -> None:
    found = rule(write(tmp_path, GOOD | {path: text}))
    assert any(complaint in place for place in found), found


def test_what_needs_no_docstring(tmp_path: Path) -> None:
    text = '''"""Values."""
class _Hidden: ...
class Shown:
    """Seen."""
    def __repr__(self): ...
    def _inner(self): ...
    @overload
    def get(self): ...
    @x.setter
    def x(self, value): ...
'''
    assert architecture.undocumented(write(tmp_path, {"wire.py": text, "_private.py": "def f(): ..."})) == []


@pytest.mark.parametrize(
    ("line", "explained"),
    [
        ("x = 1  # type: ignore[misc]", False),
        ("x = 1  # type: ignore[misc]  # pyright: ignore[reportX]", False),
        ("x = 1  # noqa", False),
        ("x = 1  # noqa: S101, BLE001", False),
        ("x = 1  # pyright: ignore", False),
        ("x = 1  # type: ignore[misc]  # the stub is wrong", True),
        ("x = 1  # noqa: S101 -- never user input", True),
        ("x = '# noqa'", True),
    ],
)
def test_ignores(line: str, explained: bool) -> None:
    assert architecture.unexplained_ignores("wire.py", line) == (
        [] if explained else ["wire.py:1: say, after the ignore, why"]
    )


def test_a_reason_on_the_line_is_enough(tmp_path: Path) -> None:
    text = "try: f()\nexcept Exception: g()  # noqa: BLE001  a user's callback may raise anything"
    assert architecture.blind_excepts(write(tmp_path, {"wire.py": text})) == []
