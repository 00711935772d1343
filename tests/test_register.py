"""The register says what the code does: every endpoint, field and setting, and whether it is documented."""

import inspect

import attrs
import pytest
import register

from setsmart_async.contract import CONTRACT, RECORDS, Dialect, record_of
from setsmart_async.contract.conventions import CONVENTIONS, DOCUMENTED_FIELDS

RECORD_CLASSES = {resource: record_of(resource) for resource in RECORDS} | register.NESTED


def test_the_page_is_up_to_date() -> None:
    assert register.PAGE.read_text(encoding="utf-8") == register.page(), "run: python tests/register.py"


def test_every_endpoint_field_and_setting_is_on_the_page() -> None:
    page = register.page()
    names = [row.name for row in CONTRACT.values()]
    for record in RECORD_CLASSES.values():
        names += [field.name for field in attrs.fields(record) if field.name != "extra"]
    names += [setting.name for setting in attrs.fields(Dialect)]
    assert [name for name in names if f"`{name}`" not in page] == []


@pytest.mark.parametrize("resource", RECORD_CLASSES)
def test_a_field_is_marked_provisional_in_its_docstring_exactly_when_it_is(resource: str) -> None:
    record = RECORD_CLASSES[resource]
    all_of_it = "Every field is *provisional*" in (inspect.getdoc(record) or "")
    fields = list(register.fields_of(record))
    assert [field.name for field in fields] == [one.name for one in attrs.fields(record) if one.name != "extra"]
    for field in fields:
        assert field.text, f"{field.name} has no docstring"
        said = all_of_it or "*Provisional.*" in field.text
        assert said != register.is_documented(resource, field.name), field.name


def test_only_documented_fields_that_there_are() -> None:
    for resource, names in DOCUMENTED_FIELDS.items():
        assert names <= {field.name for field in attrs.fields(record_of(resource))}


def test_what_a_convention_says_of_a_dialect_is_true() -> None:
    for each in CONVENTIONS:
        if each.override.startswith("Dialect("):
            name = each.override.removeprefix("Dialect(").partition("=")[0]
            assert name in {setting.name for setting in attrs.fields(Dialect)}
    told = " ".join(each.override for each in CONVENTIONS)
    by_table = {"paths", "fields", "parameters"}  # told above the tables of endpoints and fields
    assert [one.name for one in attrs.fields(Dialect) if one.name not in by_table and f"({one.name}=" not in told] == []
