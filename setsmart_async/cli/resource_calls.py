"""What the commands of a resource do."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import TypeVar, cast

import attrs

from setsmart_async.cli.body import body_fields
from setsmart_async.cli.dry_run import print_requests
from setsmart_async.cli.fields import Field
from setsmart_async.cli.output import Format, Layout, MissingFields, layout_for, write_one, writer_for
from setsmart_async.cli.selection import all_fields
from setsmart_async.cli.session import Work, run_with_client
from setsmart_async.cli.settings import current
from setsmart_async.client import SetSmart
from setsmart_async.errors import ConfigurationError
from setsmart_async.records.codec import encode_record
from setsmart_async.resources.pages import Listing
from setsmart_async.wire import JsonObject

T = TypeVar("T")

_LARGEST_SMALL_PAGE = 100


@attrs.frozen(kw_only=True)
class Shown:
    """A resource at the command line."""

    name: str
    """The command: ``webhook-subscriptions``."""
    one: str
    """One of its records, in words."""
    many: str
    record: type[attrs.AttrsInstance]
    columns: tuple[str, ...]
    """Those of a table."""

    def layout(self, output: Format | None, only: str | None) -> Layout:
        """How its records are shown."""
        return layout_for(output, only, columns=self.columns, all_columns=all_fields(self.record))

    def method(self, client: SetSmart, name: str) -> Callable[..., object]:
        """A method of the resource."""
        return cast("Callable[..., object]", getattr(getattr(client, self.name.replace("-", "_")), name))


def list_records(shown: Shown, filters: Sequence[Field]) -> Callable[..., None]:
    """``setsmart … list``."""

    def run(
        *,
        limit: int | None = None,
        page_size: int | None = None,
        output: Format | None = None,
        only: str | None = None,
        base_url: str | None = None,
        **options: object,
    ) -> None:
        given = _given(filters, options)
        layout = shown.layout(output, only)

        def listing(client: SetSmart) -> Listing[attrs.AttrsInstance]:
            size = page_size if limit is None else page_size or min(limit, _LARGEST_SMALL_PAGE)
            return cast("Listing[attrs.AttrsInstance]", shown.method(client, "list")(**given, page_size=size))

        show_list(listing, layout, base_url, limit=limit)

    return run


def show_list(
    listing: Callable[[SetSmart], Listing[attrs.AttrsInstance]],
    layout: Layout,
    base_url: str | None,
    *,
    limit: int | None = None,
) -> None:
    """Write the records of a list as they come, at most so many."""
    if limit is not None and limit < 1:
        raise ConfigurationError("--limit must be 1 or more.")

    async def work(client: SetSmart) -> None:
        # No page is asked for while this one is written: a reader that pauses (`less`) would let its time run out.
        async with aclosing(listing(client).__aiter__()) as records:
            await write_list(records, layout, limit)

    run_with_client(work, base_url)


async def write_list(records: AsyncIterable[attrs.AttrsInstance], layout: Layout, limit: int | None) -> None:
    """Write the records of a list, at most so many; each is forgotten when it is written."""
    writer = writer_for(layout)
    missing = MissingFields(layout.fields or ())
    written = 0
    async for record in records:
        fields = fields_of(record)
        missing.see(fields)
        writer.write(fields)
        written += 1
        if written == limit:
            break
    writer.end()
    missing.tell(layout.all_columns)


def get_record(shown: Shown) -> Callable[..., None]:
    """``setsmart … get``."""

    def run(
        id: str,  # noqa: A002 - the API's own name for it
        /,
        *,
        output: Format | None = None,
        only: str | None = None,
        base_url: str | None = None,
    ) -> None:
        layout = shown.layout(output, only)

        def work(client: SetSmart) -> Awaitable[attrs.AttrsInstance]:
            return cast("Awaitable[attrs.AttrsInstance]", shown.method(client, "get")(id))

        show_one(run_with_client(work, base_url), layout)

    return run


def create_record(shown: Shown, fields: Sequence[Field]) -> Callable[..., None]:
    """``setsmart … create``."""

    def run(
        *,
        place: str | None = None,
        extra: Sequence[str] | None = None,
        idempotency_key: str | None = None,
        dry_run: bool = False,
        output: Format | None = None,
        only: str | None = None,
        base_url: str | None = None,
        **options: object,
    ) -> None:
        body = body_fields(fields, options, place=place, extra=extra)
        if missing := [field.option for field in fields if field.is_needed and field.name not in body]:
            raise ConfigurationError(f"To create a {shown.one} pass {', '.join(missing)}, or --input with them.")
        if idempotency_key is not None:
            check_idempotency()
            body["idempotency_key"] = idempotency_key

        def work(client: SetSmart) -> Awaitable[attrs.AttrsInstance]:
            return cast("Awaitable[attrs.AttrsInstance]", shown.method(client, "create")(**body))

        write_record(work, shown.layout(output, only), base_url, output, dry_run=dry_run)

    return run


def update_record(shown: Shown, fields: Sequence[Field]) -> Callable[..., None]:
    """``setsmart … update``."""

    def run(
        id: str,  # noqa: A002 - as above
        /,
        *,
        place: str | None = None,
        extra: Sequence[str] | None = None,
        clear: str | None = None,
        dry_run: bool = False,
        output: Format | None = None,
        only: str | None = None,
        base_url: str | None = None,
        **options: object,
    ) -> None:
        body = body_fields(fields, options, place=place, extra=extra, clear=clear)
        if not body:
            raise ConfigurationError("Pass at least one field to change: see --help.")

        def work(client: SetSmart) -> Awaitable[attrs.AttrsInstance]:
            return cast("Awaitable[attrs.AttrsInstance]", shown.method(client, "update")(id, **body))

        write_record(work, shown.layout(output, only), base_url, output, dry_run=dry_run)

    return run


def delete_record(shown: Shown) -> Callable[..., None]:
    """``setsmart … delete``."""

    def run(id: str, /, *, dry_run: bool = False, base_url: str | None = None) -> None:  # noqa: A002 - as above
        def work(client: SetSmart) -> Awaitable[None]:
            return cast("Awaitable[None]", shown.method(client, "delete")(id))

        if dry_run:
            print_requests(work, base_url, None)
        else:
            run_with_client(work, base_url)
            print(f"setsmart: the {shown.one} is deleted.", file=sys.stderr)

    return run


def check_idempotency() -> None:
    """Raises `ConfigurationError` when the server is not known to honour idempotency keys."""
    if current().dialect.idempotency_header is None:
        raise ConfigurationError(
            "--idempotency-key needs a server that honours it: name its header in the config file, "
            'dialect.idempotency_header = "Idempotency-Key".'
        )


def write_record(
    work: Work[attrs.AttrsInstance], layout: Layout, base_url: str | None, output: Format | None, *, dry_run: bool
) -> None:
    """Send a write and show the record that comes back; with `dry_run` print the request instead."""
    if dry_run:
        print_requests(work, base_url, output)
    else:
        show_one(run_with_client(work, base_url), layout)


def show_one(record: attrs.AttrsInstance, layout: Layout) -> None:
    """Show one record."""
    fields = fields_of(record)
    missing = MissingFields(layout.fields or ())
    missing.see(fields)
    write_one(fields, layout)
    missing.tell(layout.all_columns)


def fields_of(record: attrs.AttrsInstance) -> JsonObject:
    """A record's fields as JSON: those that this version knows in their order, then the others."""
    written = encode_record(record)
    known = [attribute.name for attribute in attrs.fields(type(record)) if attribute.name in written]
    return {**{name: written[name] for name in known}, **written}


def _given(fields: Sequence[Field], options: dict[str, object]) -> dict[str, object]:
    """The values of the options that were passed, as the library takes them."""
    return {
        field.name: field.value_of(value)
        for field in fields
        if (value := options.get(field.parameter_name)) is not None
    }
