"""The public interface with its signatures, as text: `python tests/public_api.py` writes it to public_api.txt.

Public is what the API reference (docs/api) has an entry for. The sources are read and not run (griffe), so that the
text is the same on every Python. A difference in review shows what a user will notice.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "api"
LISTING = Path(__file__).with_suffix(".txt")
DIRECTIVE = re.compile(r"\.\. (currentmodule|autoclass|autodata|autoexception|autofunction):: ([\w.]+)")
SOURCES = ROOT if (ROOT / "setsmart_async").is_dir() else None
"""The checkout's; None, where only the installed package is."""


def documented() -> list[str]:
    """The dotted name of every entry of the API reference."""
    names: list[str] = []
    for page in sorted(REFERENCE.glob("*.md")):
        module = ""
        for directive, name in DIRECTIVE.findall(page.read_text(encoding="utf-8")):
            if directive == "currentmodule":
                module = name
            else:
                names.append(f"{module}.{name}")
    return sorted(names)


def listing() -> str:
    """Every public name, and below a class its public members."""
    paths = [SOURCES] if SOURCES else []
    package = griffe.load("setsmart_async", search_paths=paths, resolve_aliases=True)
    lines: list[str] = []
    for name in documented():
        lines += described(name, package[name.removeprefix("setsmart_async.")])
    return "\n".join(lines) + "\n"


def described(name: str, found: griffe.Object | griffe.Alias) -> Iterator[str]:
    """One public name, in one line and more for a class."""
    target = found.final_target if isinstance(found, griffe.Alias) else found
    match target:
        case griffe.Class():
            bases = ", ".join(str(base) for base in target.bases)
            yield f"class {name}({bases})" if bases else f"class {name}"
            for member, inside in sorted(target.all_members.items()):
                if member == "__init__" or not member.startswith("_"):
                    yield from (f"    {line}" for line in described(member, inside))
        case griffe.Function():
            kind = "async def" if "async" in target.labels else "def"
            for one in target.overloads or [target]:
                yield f"{kind} {one.signature().replace(target.name, name, 1)}"
        case griffe.Attribute():
            value = f" = {target.value}" if target.value is not None and str(target.value) != "..." else ""
            kind = "property " if "property" in target.labels else ""
            annotation = f": {target.annotation}" if target.annotation is not None else ""
            yield f"{kind}{name}{annotation}{value}"
        case _:
            raise TypeError(f"{name} is a {target.kind.value}")


if __name__ == "__main__":
    LISTING.write_text(listing(), encoding="utf-8")
