"""What the server's side answers in the promises that hold on every transport."""

from collections.abc import Callable

from setsmart_async import HttpRequest, HttpResponse
from setsmart_async.wire import Headers

JSON = b'{"id": "p1", "name": "Villa \xc3\x98st"}'
OK = HttpResponse(status=200, headers=Headers([("Content-Type", "application/json")]), body=JSON)


def always(response: HttpResponse) -> Callable[[HttpRequest], HttpResponse]:
    return lambda _: response


def encoded(body: bytes, *encodings: str) -> HttpResponse:
    return HttpResponse(status=200, headers=Headers([("Content-Encoding", each) for each in encodings]), body=body)
