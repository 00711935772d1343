"""Sphinx: the pages of this folder as HTML. `nox -s docs` builds them; a warning is an error there."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

from setsmart_async import __version__

project = "setsmart_async"
author = "setsmart_async contributors"
project_copyright = author
version = release = __version__

extensions = ["sphinx.ext.autodoc", "myst_parser", "public_names", "outside_links"]
exclude_patterns = ["_build"]
nitpicky = True  # a name that can't be found is a warning
default_role = "py:obj"  # in docstrings `SetSmart` is a link when it is one of our names, else only code
nitpick_ignore_regex = [
    (r"py:obj", r".*"),  # see default_role
    (r"py:.*", r"(?!setsmart_async).*"),  # other libraries': their inventories are not at hand offline
]

autodoc_default_options = {"members": True}
autoclass_content = "both"  # our __init__ say what the settings mean
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_type_aliases = {  # by their names, not by what stands behind them
    "ChangeKind": "setsmart_async.sync.ChangeKind",
    "Event": "setsmart_async.Event",
    "Handler": "setsmart_async.webhooks.Handler",
    "HeaderFields": "setsmart_async.webhooks.HeaderFields",
    "KeyProvider": "setsmart_async.KeyProvider",
    "Mode": "setsmart_async.sync.Mode",
    "MoneyForm": "setsmart_async.MoneyForm",
    "Observer": "setsmart_async.Observer",
    "ResourceName": "setsmart_async.sync.ResourceName",
}
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

myst_heading_anchors = 3
highlight_language = "none"  # a block without a language is what a terminal shows

html_theme = "furo"
html_title = f"setsmart_async {release}"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sphinx = False
html_copy_source = False

# Files outside this folder: those that a page shows, and the rest, which are links into the repository where it is
# known, as on GitHub's machines, else downloads.
outside_shown = {
    "benchmarks/README.md": "benchmarks",
    "CHANGELOG.md": "changelog",
    "CODE_OF_CONDUCT.md": "contributing",
    "CONTRIBUTING.md": "contributing",
    "README.md": "index",
    "SECURITY.md": "security",
}
outside_repository = ""
if "GITHUB_REPOSITORY" in os.environ:
    server = os.environ.get("GITHUB_SERVER_URL", "https://github.com")
    outside_repository = f"{server}/{os.environ['GITHUB_REPOSITORY']}/blob/{os.environ.get('GITHUB_SHA', 'main')}"
