"""Sphinx extension: links to files outside this folder, and out of files that a page includes from there.

A link that GitHub follows, such as `../CHANGELOG.md` in a page here or `docs/policy.md` in a file of the repository's
root, leads to the page that shows that file. Any other file is a link into the repository where its address is known
(`outside_repository`), else a download beside the pages.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.addnodes import download_reference, pending_xref
from sphinx.application import Sphinx


def follow(app: Sphinx, document: nodes.document) -> None:
    """Turn what MyST made of such links on one page into what they mean."""
    for node in [*document.findall(pending_xref), *document.findall(download_reference)]:
        file = file_of(app, node)
        if file is None:
            continue
        page = page_of(app, file)
        if page is not None:
            node.attributes |= {"refdomain": "doc", "reftarget": page, "reftargetid": node.get("reftargetid")}
        else:
            node.replace_self(to_repository(app, node, file))


def file_of(app: Sphinx, node: nodes.Element) -> Path | None:
    """The file outside, or named as from outside, that a link of MyST's leads to; None: Sphinx knows better."""
    target, root = str(node["reftarget"]).partition("#")[0], Path(app.srcdir).parent
    if node.get("reftype") != "myst" or not target:
        return None
    beside = Path(app.env.doc2path(app.env.docname)).parent
    if node.get("refdomain") == "doc":  # a page, or, with a whole path, Markdown outside
        candidates = [Path(f"{target}.md")] if Path(target).is_absolute() else []
    else:
        candidates = [beside / target, root / target]
    found = (each.resolve() for each in candidates if each.exists())
    return next(found, None)


def page_of(app: Sphinx, file: Path) -> str | None:
    """The page that is this file, or shows it."""
    root = Path(app.srcdir).parent
    shown: str | None = app.config.outside_shown.get(file.relative_to(root).as_posix())
    return shown or app.env.path2doc(file) if file.is_relative_to(app.srcdir) else shown


def to_repository(app: Sphinx, node: nodes.Element, file: Path) -> nodes.Element:
    """A link into the repository, or a download; of a folder without a repository, the words alone."""
    path = file.relative_to(Path(app.srcdir).parent).as_posix()
    if app.config.outside_repository:
        address = f"{app.config.outside_repository}/{path}"
        return nodes.reference("", "", *node.children, refuri=address, internal=False)
    if file.is_dir():
        return nodes.inline("", "", *node.children)
    return download_reference("", "", *node.children, reftarget=f"/../{path}", refdoc=app.env.docname)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.add_config_value("outside_repository", "", "env")
    app.add_config_value("outside_shown", {}, "env")
    app.connect("doctree-read", follow, priority=100)  # before Sphinx collects what is to be downloaded
    return {"parallel_read_safe": True, "parallel_write_safe": True}
