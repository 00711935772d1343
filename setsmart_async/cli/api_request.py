"""``setsmart api METHOD /path``: any single request, as `gh api` has it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Annotated, Any, Final, Literal, cast, get_args
from urllib.parse import parse_qsl

import attrs
from cyclopts import Parameter

from setsmart_async.cli.body import read_json, text_pairs, typed_pairs
from setsmart_async.cli.dry_run import DryRunOption, print_requests
from setsmart_async.cli.output import pretty
from setsmart_async.cli.resource_app import IdempotencyKeyOption
from setsmart_async.cli.resource_calls import check_idempotency
from setsmart_async.cli.session import BaseUrlOption, run_with_client
from setsmart_async.client import SetSmart
from setsmart_async.engine.call import Reply
from setsmart_async.errors import ConfigurationError
from setsmart_async.wire import Json, encode_json, is_plain_path

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
_WITH_BODY: Final = ("POST", "PUT", "PATCH")


@attrs.frozen(kw_only=True)
class ApiRequest:
    """What the command was called with."""

    method: str
    path: str
    fields: Sequence[str]
    """``name=value``, typed."""
    raw_fields: Sequence[str]
    """``name=value``, texts."""
    place: str | None
    """Where the body is: a file, or ``-``."""
    idempotency_key: str | None
    dry_run: bool
    paginate: bool
    """Whether every page of a list is followed."""
    include: bool
    """Whether status and headers are shown too."""
    base_url: str | None


def send(asked: ApiRequest) -> None:
    """Send the request and print the answer's JSON: over several lines on a terminal, else on one.

    Fields are the query of a GET or DELETE, else the body. Raises `ConfigurationError` for what can not be meant, and
    the errors of a call.
    """
    method = _method(asked.method)
    path, query = _target(asked.path)
    body: Json = None if asked.place is None else read_json(asked.place)
    fields: dict[str, Json] = {**text_pairs(asked.raw_fields, "-f"), **typed_pairs(asked.fields)}
    if fields and method not in _WITH_BODY:
        query = {**query, **{name: _parameter(value) for name, value in fields.items()}}
    elif fields:
        if body is not None and not isinstance(body, dict):
            raise ConfigurationError("-F and -f add to an object: --input holds something else.")
        body = {**(body or {}), **fields}
    if body is not None and method not in _WITH_BODY:
        raise ConfigurationError(f"A {method} has no body: leave out --input.")
    if asked.idempotency_key is not None:
        check_idempotency()

    async def work(client: SetSmart) -> Reply[Json]:
        return await client.request(method, path, query=query, body=body, idempotency_key=asked.idempotency_key)

    if asked.dry_run:
        print_requests(work, asked.base_url, None)
    elif asked.paginate:
        if method != "GET" or asked.include:
            raise ConfigurationError("--paginate is for GET, and without --include: every page has headers of its own.")
        run_with_client(partial(_print_items, path=path, query=query), asked.base_url)
    else:
        _show(run_with_client(work, asked.base_url), include=asked.include)


@attrs.frozen(eq=False, kw_only=True)
class _Item:
    """A record of any kind."""

    extra: Mapping[str, object] = attrs.field(factory=dict[str, object])

    @property
    def id(self) -> object:
        """What tells it from others: its id, when it has one."""
        found = self.extra.get("id")
        return found if isinstance(found, str | int) else self


async def _print_items(client: SetSmart, *, path: str, query: Mapping[str, str]) -> None:
    if query.keys() & {"cursor", "page_size"}:
        raise ConfigurationError("--paginate finds the pages by itself: leave out cursor and page_size.")
    filters = cast("dict[str, Any]", query)  # named like none of the parameters of `list`
    listing = client.resource(path, _Item).list(**filters)
    async with aclosing(listing.__aiter__()) as items:
        async for item in items:
            print(encode_json(item.extra).decode())


def _show(reply: Reply[Json], *, include: bool) -> None:
    if include:
        print(f"HTTP {reply.status}")
        for name, value in reply.headers.pairs():
            print(f"{name}: {value}")
        print()
    if reply.value is not None:
        print(pretty(reply.value) if sys.stdout.isatty() else encode_json(reply.value).decode())


def _method(text: str) -> Method:
    method = text.upper()
    if method not in get_args(Method):
        raise ConfigurationError(f"The method is one of {', '.join(get_args(Method))}, and comes before the path.")
    return cast("Method", method)


def _target(text: str) -> tuple[str, Mapping[str, str]]:
    """Path and query. Raises `ConfigurationError` for a whole address: the key belongs to the base URL alone."""
    if "://" in text or text.startswith("//"):
        raise ConfigurationError(
            "Pass a path such as /properties, not a whole address: the key goes to the base URL alone (--base-url)."
        )
    path, _, query = text.partition("?")
    path = path if path.startswith("/") else f"/{path}"
    if not is_plain_path(path) or "#" in query:
        raise ConfigurationError("The path must be plain, such as /properties/prop_1: no dot segments or escapes.")
    return path, dict(parse_qsl(query, keep_blank_values=True))


def _parameter(value: Json) -> str:
    return value if isinstance(value, str) else encode_json(value).decode()


def api(
    method: Annotated[str, Parameter(help="GET, POST, PUT, PATCH or DELETE.")],
    path: Annotated[str, Parameter(help="Below the base URL, such as /properties/prop_1.")],
    /,
    *,
    fields: Annotated[
        list[str] | None,
        Parameter(
            name=("--field", "-F"),
            metavar="NAME=VALUE",
            negative=(),
            help="Into the query of a GET or DELETE, else into the body. Numbers, true, false, null and JSON are read "
            "as such.",
        ),
    ] = None,
    raw_fields: Annotated[
        list[str] | None,
        Parameter(name=("--raw-field", "-f"), metavar="NAME=VALUE", negative=(), help="The same, always a text."),
    ] = None,
    place: Annotated[
        str | None,
        Parameter(name="--input", metavar="FILE", allow_leading_hyphen=True, help="The body, as JSON; - reads stdin."),
    ] = None,
    idempotency_key: IdempotencyKeyOption = None,
    paginate: Annotated[
        bool,
        Parameter(negative=(), show_default=False, help="Follow every page of a list, and print an item a line."),
    ] = False,
    include: Annotated[
        bool, Parameter(name=("--include", "-i"), negative=(), show_default=False, help="Status and headers too.")
    ] = False,
    dry_run: DryRunOption = False,
    base_url: BaseUrlOption = None,
) -> None:
    """Send any single request, with the limits and retries of every call, and print the answer's JSON."""
    send(
        ApiRequest(
            method=method,
            path=path,
            fields=fields or (),
            raw_fields=raw_fields or (),
            place=place,
            idempotency_key=idempotency_key,
            dry_run=dry_run,
            paginate=paginate,
            include=include,
            base_url=base_url,
        )
    )
