"""The commands of a resource, made from the contract: what it offers is what its class has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

import attrs
from cyclopts import App, Group, Parameter

from setsmart_async.cli import resource_calls as calls
from setsmart_async.cli.body import ClearOption, ExtraOption, InputOption
from setsmart_async.cli.dry_run import DryRunOption
from setsmart_async.cli.fields import Field, fields_of, fields_of_method
from setsmart_async.cli.output import FieldsOption, OutputOption
from setsmart_async.cli.session import BaseUrlOption

FILTERS_GROUP: Final = Group("Filters", sort_key=1)
OPTIONS_GROUP: Final = Group("Options", sort_key=5)
"""What is neither a field nor a filter."""
LimitOption = Annotated[
    int | None, Parameter(name="--limit", metavar="NUMBER", help="At most so many.", show_default=False)
]
PageSizeOption = Annotated[
    int | None,
    Parameter(name="--page-size", metavar="NUMBER", help="Records in a page of the server.", show_default=False),
]
IdempotencyKeyOption = Annotated[
    str | None,
    Parameter(
        name="--idempotency-key",
        metavar="TEXT",
        show_default=False,
        help="Marks all that you send for one record, where the server honours it (dialect.idempotency_header).",
    ),
]
IdArgument = Annotated[str, Parameter(help="Its id.")]

_FILTERS: Final[Mapping[str, str]] = {
    "status": "Only those with this status.",
    "updated_since": "Only those that have changed since.",
    "property_id": "Only those of this property.",
    "reservation_id": "Only those about this reservation.",
    "check_in_from": "First night on this day or later.",
    "check_in_to": "First night on this day or earlier.",
    "check_out_from": "Departure on this day or later.",
    "check_out_to": "Departure on this day or earlier.",
    "unread": "Only those with something unread; --no-unread: without.",
    "start_date": "The first day.",
    "end_date": "The last day, itself part of the range.",
    "cancelled_by": "host or guest.",
    "reason": "Why, in a few words.",
}
"""What the parameters of lists and single operations mean."""


@attrs.frozen(kw_only=True)
class ResourceCommands:
    """What a resource's commands are made of."""

    shown: calls.Shown
    resource: type
    """Its class: the methods that it has are the commands."""
    list_method: Callable[..., object]
    """Its `list`, whose named parameters are the filters."""
    new: type[Mapping[str, object]] | None = None
    """The fields of a create."""
    changes: type[Mapping[str, object]] | None = None
    """The fields of an update."""

    def app(self) -> App:
        """The command with its subcommands. Its help is where it is registered."""
        app = App(name=self.shown.name, group_parameters=OPTIONS_GROUP)
        one = self.shown.one
        for name, make, text in (
            ("list", self._list, f"List {self.shown.many}, page after page, as they come."),
            ("get", self._get, f"Show one {one}."),
            ("create", self._create, f"Create a {one}, and show it as the server has it."),
            ("update", self._update, f"Change what is passed of a {one}, and show it as the server has it."),
            ("delete", self._delete, f"Delete a {one}."),
        ):
            if hasattr(self.resource, name):
                command(app, name, text, *make())
        return app

    def _list(self) -> Made:
        filters = fields_of_method(self.list_method, _FILTERS)
        own = [field.parameter(FILTERS_GROUP) for field in filters]
        return calls.list_records(self.shown, filters), [*own, *LIST_OPTIONS, *OUTPUT_OPTIONS]

    def _get(self) -> Made:
        return calls.get_record(self.shown), [ID, *OUTPUT_OPTIONS]

    def _create(self) -> Made:
        assert self.new is not None  # noqa: S101 - a resource that creates says from what
        fields = fields_of(self.new, self.shown.record)
        options = [option("idempotency_key", IdempotencyKeyOption), *WRITE_OPTIONS]
        return calls.create_record(self.shown, fields), [*_options(fields), *BODY_OPTIONS, *options]

    def _update(self) -> Made:
        assert self.changes is not None  # noqa: S101 - as above
        fields = fields_of(self.changes, self.shown.record)
        return calls.update_record(self.shown, fields), [ID, *_options(fields), *BODY_OPTIONS, CLEAR, *WRITE_OPTIONS]

    def _delete(self) -> Made:
        return calls.delete_record(self.shown), [ID, *DELETE_OPTIONS]


Made = tuple[Callable[..., None], Sequence[inspect.Parameter]]
"""What a command does, and what it takes."""


def command(app: App, name: str, text: str, work: Callable[..., None], parameters: Sequence[inspect.Parameter]) -> None:
    """Add a command whose parameters are made at run time."""

    def run(*values: object, **options: object) -> None:
        work(*values, **options)

    run.__doc__ = text
    run.__dict__["__signature__"] = inspect.Signature(_needed_first(parameters))
    app.command(run, name=name)


def option(name: str, annotation: object, default: object = None) -> inspect.Parameter:
    """An option of a command."""
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def argument(name: str, annotation: object, default: object = inspect.Parameter.empty) -> inspect.Parameter:
    """An argument of a command, told by its place."""
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_ONLY, default=default, annotation=annotation)


def filter_options(method: Callable[..., object]) -> tuple[Sequence[Field], list[inspect.Parameter]]:
    """The named parameters of a method as fields and as options; what it needs is required."""
    fields = fields_of_method(method, _FILTERS)
    return fields, [field.parameter(needed=field.is_needed) for field in fields]


def _options(fields: Sequence[Field]) -> list[inspect.Parameter]:
    """The options of a body: nothing is required of them, for `--input` may hold it."""
    return [
        attrs.evolve(field, help=f"{field.help} Needed.".strip() if field.is_needed else field.help).parameter()
        for field in fields
    ]


def _needed_first(parameters: Sequence[inspect.Parameter]) -> list[inspect.Parameter]:
    return sorted(parameters, key=lambda parameter: parameter.kind)


ID: Final = argument("id", IdArgument)
BASE_URL: Final = option("base_url", BaseUrlOption)
OUTPUT_OPTIONS: Final = (option("output", OutputOption), option("only", FieldsOption), BASE_URL)
LIST_OPTIONS: Final = (option("limit", LimitOption), option("page_size", PageSizeOption))
BODY_OPTIONS: Final = (option("place", InputOption), option("extra", ExtraOption))
CLEAR: Final = option("clear", ClearOption)
DELETE_OPTIONS: Final = (option("dry_run", DryRunOption, default=False), BASE_URL)
WRITE_OPTIONS: Final = (option("dry_run", DryRunOption, default=False), *OUTPUT_OPTIONS)
