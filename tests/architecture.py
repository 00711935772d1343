"""The rules of the house, each a function from a source tree to the places that break it.

tests/test_architecture.py holds the package to them, and each of them to a small tree that breaks it.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# A part of the package imports only from the lines above its own; parts of one line do not know each other.
LAYERS = (
    ("version",),
    ("errors",),
    ("wire",),
    ("keys", "observer", "clock", "priority"),
    ("records", "policy"),
    ("contract",),
    ("config",),
    ("transports", "limits", "webhooks"),
    ("engine", "sandbox"),
    ("resources",),
    ("client",),
    ("__init__",),
    ("sync", "load"),
    ("integrations", "testing"),
    ("cli",),
)
RANK = {part: rank for rank, parts in enumerate(LAYERS) for part in parts}

# Whatever its line, this part is imported by these alone.
IMPORTED_ONLY_BY = {"sandbox": {"cli", "testing"}}

# Third-party modules with one home; the longest name that fits decides.
HOMES = {
    "aiohttp": ("transports/aiohttp.py", "transports/aiohttp_requests.py"),
    "aiohttp.web": ("sandbox/server.py", "integrations/"),
    "cyclopts": ("cli/",),
    "fastapi": ("integrations/fastapi.py",),
    "httpx": ("transports/httpx.py",),
    "httpx2": ("transports/httpx.py",),
    "hypothesis": ("testing/",),
    "opentelemetry": ("integrations/opentelemetry",),
    "pytest": ("testing/",),
    "dlt": ("integrations/dlt.py",),
    "pyarrow": ("integrations/dlt.py",),
    "redis": ("limits/redis.py", "webhooks/redis.py"),
    "rich": ("cli/",),
    "sqlalchemy": ("sync/", "webhooks/sqlalchemy.py"),
    "starlette": ("integrations/starlette.py",),
    "trustme": ("testing/",),
    "uvloop": ("cli/",),
}

# Rules without I/O: time and randomness are passed in.
NEVER = {"policy": {"asyncio", "random", "secrets", "time"}, "records": {"asyncio"}}

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60
SAYS_NOTHING = {"common", "helper", "helpers", "manager", "misc", "util", "utils"}
IGNORES = re.compile(r"(?:type: ?ignore|pyright: ?ignore|noqa)(?:\[[^\]]*\]|: ?[A-Z]+[0-9]+(?:, ?[A-Z]+[0-9]+)*)?")


@dataclass(frozen=True)
class Module:
    """One file of the package, read once."""

    name: str
    """Dotted, below the package: `policy.bucket`; `policy` for its __init__.py, `__init__` for the package's."""
    path: str
    """Below the package's folder: `policy/bucket.py`."""
    text: str
    tree: ast.Module

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]

    @property
    def folder(self) -> list[str]:
        return self.path.split("/")[:-1]


@dataclass(frozen=True)
class Import:
    """One imported name: `inside`, of a module of the package; else of another library, dotted."""

    name: str
    line: int
    inside: bool


def read(package: Path) -> dict[str, Module]:
    """Every module of the package in this folder, by name."""
    modules = {}
    for path in sorted(package.rglob("*.py")):
        below = path.relative_to(package)
        name = ".".join(below.with_suffix("").parts)
        if below.name == "__init__.py" and len(below.parts) > 1:
            name = ".".join(below.parts[:-1])
        text = path.read_text(encoding="utf-8")
        modules[name] = Module(name, below.as_posix(), text, ast.parse(text, path.as_posix()))
    return modules


def imports(module: Module, modules: Iterable[str], package: str = "setsmart_async") -> Iterator[Import]:
    """All of a module's imports, wherever they stand: in functions and under TYPE_CHECKING too."""
    known = set(modules)
    for node in ast.walk(module.tree):
        for name in _imported(node, [package, *module.folder]):
            line = getattr(node, "lineno", 0)
            if name.split(".")[0] != package:
                yield Import(name, line, inside=False)
                continue
            inner = name.removeprefix(package).removeprefix(".")
            while inner and inner not in known:  # a.b.Name: the module is a.b
                inner = inner.rpartition(".")[0]
            yield Import(inner or "__init__", line, inside=True)


def _imported(node: ast.AST, folder: list[str]) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom():
            base = folder[: len(folder) - node.level + 1] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            return [f"{origin}.{alias.name}" for alias in node.names]
        case ast.Call(
            func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(name)), *_],
        ):
            return [name]
    return []


def wrong_direction(modules: dict[str, Module]) -> list[str]:
    """Imports that do not go from a later part to an earlier one."""
    found = []
    for module in modules.values():
        if module.part not in RANK:
            found.append(f"{module.path}: {module.part!r} is new: give it its place in LAYERS, tests/architecture.py")
            continue
        for imported in imports(module, modules):
            part = imported.name.partition(".")[0]
            if not imported.inside or part == module.part or part not in RANK:
                continue
            allowed = RANK[part] < RANK[module.part]
            if not allowed or module.part not in IMPORTED_ONLY_BY.get(part, {module.part}):
                found.append(f"{module.path}:{imported.line}: {module.part} may not import {part}")
    return found


def cycles(modules: dict[str, Module]) -> list[str]:
    """Files that import each other in a ring."""
    graph = {
        name: [i.name for i in imports(module, modules) if i.inside and i.name != name and i.name in modules]
        for name, module in modules.items()
    }
    found: list[str] = []
    done: set[str] = set()

    def visit(name: str, trail: list[str]) -> None:
        if name in trail:
            found.append("import cycle: " + " → ".join([*trail[trail.index(name) :], name]))
        elif name not in done:
            for imported in graph[name]:
                visit(imported, [*trail, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    return found


def foreign_imports(modules: dict[str, Module]) -> list[str]:
    """Libraries imported outside their home, and I/O, time or chance where rules are made."""
    found = []
    for module in modules.values():
        for imported in imports(module, modules):
            if imported.inside:
                continue
            place = f"{module.path}:{imported.line}: "
            fitting = [name for name in HOMES if f"{imported.name}.".startswith(f"{name}.")]
            if fitting and not module.path.startswith(HOMES[max(fitting, key=len)]):
                found.append(f"{place}{imported.name} belongs in {' or '.join(HOMES[max(fitting, key=len)])}")
            if imported.name.partition(".")[0] in NEVER.get(module.part, ()):
                found.append(f"{place}{module.part} never imports {imported.name}: it is passed in")
    return found


def clocks_in_rules(modules: dict[str, Module]) -> list[str]:
    """`datetime.now()` and its kin in policy, where the time is passed in."""
    return [
        f"{module.path}:{node.lineno}: reads the clock; the time is passed in"
        for module in modules.values()
        if module.part == "policy"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in {"now", "today", "utcnow"}
        and ast.unparse(node.value).rpartition(".")[2] in {"date", "datetime"}
    ]


def too_long(modules: dict[str, Module]) -> list[str]:
    """Files and functions that do more than one thing, by their length."""
    found = []
    for module in modules.values():
        lines = len(module.text.splitlines())
        if lines > MAX_FILE_LINES:
            found.append(f"{module.path}: {lines} lines, {MAX_FILE_LINES} at most")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    place = f"{module.path}:{node.lineno}"
                    found.append(f"{place}: {node.name} has {lines} lines, {MAX_FUNCTION_LINES} at most")
    return found


def empty_names(modules: dict[str, Module]) -> list[str]:
    """Files and folders whose name does not say what is in them."""
    return [
        f"{module.path}: a name that says nothing"
        for module in modules.values()
        if SAYS_NOTHING & set(re.split(r"[._]", module.name.lower()))
    ]


def blind_excepts(modules: dict[str, Module]) -> list[str]:
    """Handlers that catch everything without a comment, on their line, that says why."""
    found = []
    for module in modules.values():
        said = {line: IGNORES.sub("", comment) for line, comment in comments(module.text)}
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler):
                continue
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            blind = any(kind is None or ast.unparse(kind) in {"Exception", "BaseException"} for kind in kinds)
            if blind and not _is_reason(said.get(node.lineno, "")):
                found.append(f"{module.path}:{node.lineno}: catches everything: say why on the same line")
    return found


def unexplained_ignores(path: str, text: str) -> list[str]:
    """Checks that are silenced without a reason behind the marker."""
    return [
        f"{path}:{line}: say, after the ignore, why"
        for line, comment in comments(text)
        if IGNORES.search(comment) and not _is_reason(IGNORES.split(comment)[-1])
    ]


def comments(text: str) -> Iterator[tuple[int, str]]:
    """Each comment and its line: real ones, not strings that look like it."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def _is_reason(text: str) -> bool:
    return bool(re.search(r"[A-Za-z]{2,}.*[A-Za-z]{2,}", text))


def undocumented(modules: dict[str, Module]) -> list[str]:
    """Public modules, classes and functions without a docstring."""
    return [
        f"{module.path}:{getattr(node, 'lineno', 1)}: {name} has no docstring"
        for module in modules.values()
        if module.name == "__init__" or not any(part.startswith("_") for part in module.name.split("."))
        for name, node in _public(module.path, module.tree)
        if not ast.get_docstring(node)
    ]


Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def _public(name: str, node: Documented) -> Iterator[tuple[str, Documented]]:
    yield name, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in child.decorator_list}
            if not child.name.startswith("_") and not decorators & {"overload", "override", "setter"}:
                yield from _public(child.name, child)
