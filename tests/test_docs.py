"""The pages: their programs run, their names exist and are in the API reference, each is in a menu, no link is dead."""

import ast
import asyncio
import re
from importlib import import_module
from pathlib import Path

import pytest
from public_api import documented
from test_readme import run

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READ_ON_GITHUB = [*PAGES, *sorted(ROOT.glob("*.md")), ROOT / "benchmarks" / "README.md"]
PUBLIC = ("setsmart_async", "setsmart_async.sync", "setsmart_async.testing", "setsmart_async.webhooks")
RUN_HERE = ("get-started.md", "limiter.md", "load-benchmarks.md")

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
TOCTREE = re.compile(r"^```{toctree}\n(.*?)^```", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[str]:
    """The page's programs and pieces of them."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", RUN_HERE)
def test_the_programs_run_one_after_the_other(page: str) -> None:
    together = "\n\n".join(blocks(DOCS / page))
    code, out, err = asyncio.run(run(together))
    assert (code, err) == (0, "")
    for line in re.findall(r"print\(.*\)  # ([^:\n]+)", together):  # what a comment behind a print says comes out
        assert re.search(rf"^{re.escape(line)}", out, re.MULTILINE), f"{line!r} is not in:\n{out}"


@pytest.mark.parametrize("page", READ_ON_GITHUB, ids=name_of)
def test_every_piece_of_python_can_be_read_and_imports_what_is_public(page: Path) -> None:
    for block in blocks(page):
        tree = ast.parse(compile(block, page.name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("setsmart_async"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                assert [name for name in names if not is_documented(name)] == [], "not in docs/api"


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_api_reference(module: str) -> None:
    missing = [name for name in import_module(module).__all__ if not is_documented(f"{module}.{name}")]
    assert missing == [], "add it to a page in docs/api, and run: python tests/public_api.py"


def is_documented(name: str) -> bool:
    """Whether it has an entry, under this or another module's name."""
    bare = name.rpartition(".")[2]
    alike = [other for other in documented() if other.rpartition(".")[2] == bare]
    return any(value_of(other) is value_of(name) for other in alike)


def value_of(name: str) -> object:
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def test_every_entry_of_the_api_reference_exists_and_stands_once() -> None:
    names = documented()
    assert len(names) > 150
    assert [name for name in names if names.count(name) > 1] == []
    for name in names:
        value_of(name)  # or an AttributeError that names it


def test_every_page_is_in_a_menu() -> None:
    def menu(page: Path) -> set[Path]:
        entries = "\n".join(TOCTREE.findall(page.read_text(encoding="utf-8"))).splitlines()
        below = {page.parent / f"{entry}.md" for entry in entries if entry and not entry.startswith(":")}
        return below.union(*(menu(entry) for entry in below if entry.exists()))

    assert menu(DOCS / "index.md") | {DOCS / "index.md"} == set(PAGES)


@pytest.mark.parametrize("page", READ_ON_GITHUB, ids=name_of)
def test_no_link_to_a_file_is_dead(page: Path) -> None:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    targets = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link and not link.startswith("#")]
    assert [target for target in targets if not (page.parent / target).exists()] == []
