"""The shipped OpenAPI document: `python tests/sandbox/openapi_page.py` writes it."""

import json
from pathlib import Path

from setsmart_async.sandbox.openapi import openapi_document

PAGE = Path(__file__).parents[2] / "docs" / "openapi.json"


def page() -> str:
    return json.dumps(openapi_document(), indent=1) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
