"""Reading a page of 100 properties into records, beside what else one could do with its bytes.

`python benchmarks/codec.py [--quick]` measures all of them in turns, round after round, prints a table and writes
results/codec.json. A peer that is not installed is left out. Ratios are to `orjson.loads` into dicts in the same round;
processor time, one thread, the collector as Python sets it.
"""

import argparse
import importlib
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from setsmart_async import PropertyStatus, Reservation
from setsmart_async.policy.paging import PageNames
from setsmart_async.records.codec import decode_records, encode_record
from setsmart_async.records.property import Property
from setsmart_async.resources.page_text import read_directly
from setsmart_async.wire import HttpResponse, JsonObject, decode_json, encode_json

RESULTS: Final = Path(__file__).parent / "results" / "codec.json"
RECORDS: Final = 100
GOALS: Final = {"documented": 2.2, "five unknown": 4.0}
BASE: Final = "orjson, dicts"
OURS: Final = "setsmart_async"
NAMED: Final = ("attrs", "cattrs", "msgspec", "orjson", "pydantic")
Decode = Callable[[bytes], object]


@attrs.frozen(kw_only=True)
class PlainProperty:
    """The fields of `Property` without open enumeration, `extra` and anything else to do."""

    id: str
    name: str
    address: str | None = None
    bedrooms: int | None = None
    bathrooms: float | None = None
    max_guests: int | None = None
    status: str | None = None
    timezone: str | None = None
    currency: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@attrs.frozen
class PlainPage:
    data: list[PlainProperty]


def villa(number: int) -> JsonObject:
    """The documented example."""
    return {
        "id": f"prop_{number:05}",
        "name": f"Beachfront Villa {number}",
        "address": f"{number} Ocean Drive",
        "bedrooms": number % 5,
        "bathrooms": 1.5 if number % 3 == 0 else 2,
        "max_guests": 6,
        "status": "active",
    }


def full(number: int) -> JsonObject:
    times: JsonObject = {"created_at": "2024-05-01T12:30:00Z", "updated_at": f"2026-05-01T12:{number % 60:02}:00Z"}
    return {**villa(number), "timezone": "Europe/Oslo", "currency": "NOK", **times}


def five_unknown(number: int) -> JsonObject:
    place: JsonObject = {"latitude": 59.91386 + number / 1000, "longitude": 10.7522}
    return {**villa(number), **place, "tags": ["sea", "pool"], "owner": {"id": f"own_{number}"}, "wifi": True}


def stay(number: int) -> JsonObject:
    return {
        "id": f"res_{number:05}",
        "property_id": "prop_123",
        "guest": {"id": f"gst_{number}", "first_name": "Kari", "email": "kari@example.test", "language": "nb"},
        "status": "confirmed",
        "check_in": "2026-07-01",
        "check_out": f"2026-07-{2 + number % 25:02}",
        "adults": 2,
        "children": number % 3,
        "total_amount": f"{number + 100}.50",
        "currency": "NOK",
        "channel": "direct",
        "created_at": "2026-05-01T12:30:00Z",
        "updated_at": "2026-05-01T12:30:00Z",
    }


PAGES: Final[Mapping[str, tuple[Callable[[int], JsonObject], type]]] = {
    "documented": (villa, Property),
    "five unknown": (five_unknown, Property),
    "all eleven fields": (full, Property),
    "reservations": (stay, Reservation),
}


def ours(kind: type) -> Decode:
    """As a walk does it: the way on to the next page is read as well."""
    names = PageNames(plural="properties")

    def decode(body: bytes) -> object:
        return read_directly(kind, HttpResponse(status=200, body=body), {}, names)

    return decode


def ours_by_values(kind: type) -> Decode:
    """The slow way, for bodies in an unusual form."""

    def decode(body: bytes) -> object:
        page: Any = decode_json(body)
        return decode_records(kind, page["data"], "$.data")

    return decode


def peers() -> dict[str, Decode]:
    """Each reads a page of properties from its bytes; those that are not installed are left out."""
    found: dict[str, Decode] = {
        "msgspec, dicts": msgspec.json.decode,
        "msgspec, attrs (drops unknown fields)": msgspec.json.Decoder(PlainPage).decode,
    }
    for library in ("orjson", "msgspec"):
        try:
            made = importlib.import_module(f"cattrs.preconf.{library}")
        except ModuleNotFoundError:
            continue
        for detailed in (False, True):
            name = f"cattrs ({library}), {'detailed' if detailed else 'not detailed'}"
            found[name] = _cattrs(made.make_converter(detailed_validation=detailed))
    try:
        pydantic: Any = importlib.import_module("pydantic")
    except ModuleNotFoundError:
        return found
    fields: dict[str, Any] = {
        field.name: (field.type, ... if field.default is attrs.NOTHING else None)
        for field in attrs.fields(PlainProperty)
    }
    allow = pydantic.ConfigDict(extra="allow", frozen=True)
    model = pydantic.create_model("PydanticProperty", __config__=allow, **fields)
    found["pydantic v2"] = pydantic.create_model(
        "PydanticPage", data=(list.__class_getitem__(model), ...)
    ).model_validate_json
    return found


def _cattrs(converter: Any) -> Decode:
    return lambda body: converter.loads(body, PlainPage)


def contenders(kind: type) -> dict[str, Decode]:
    orjson: Any = importlib.import_module("orjson")
    found: dict[str, Decode] = {BASE: orjson.loads, OURS: ours(kind), f"{OURS}, by values": ours_by_values(kind)}
    return found | peers() if kind is Property else found | {"msgspec, dicts": msgspec.json.decode}


def measure(decoders: Mapping[str, Decode], body: bytes, *, rounds: int, repeats: int) -> dict[str, list[float]]:
    """Microseconds per record of each, for every round; in each round all of them, one after the other."""
    found: dict[str, list[float]] = {name: [] for name in decoders}
    for decode in decoders.values():
        decode(body)
    for _ in range(rounds):
        for name, decode in decoders.items():
            start = time.process_time_ns()
            for _ in range(repeats):
                decode(body)
            found[name].append((time.process_time_ns() - start) / repeats / RECORDS / 1000)
    return found


def row(name: str, spent: Sequence[float], base: Sequence[float]) -> dict[str, object]:
    ratios = [mine / theirs for mine, theirs in zip(spent, base, strict=True)]
    return {
        "name": name,
        "microseconds_per_record": round(statistics.median(spent), 3),
        "ratio": round(statistics.median(ratios), 2),
        "least": round(min(ratios), 2),
        "most": round(max(ratios), 2),
    }


def writing(*, rounds: int, repeats: int) -> dict[str, list[float]]:
    """Writing the documented page: a record at a time, as `update` and `create` do."""
    records = decode_records(Property, [villa(number) for number in range(RECORDS)])
    assert records[0].status == PropertyStatus.ACTIVE
    dicts = [villa(number) for number in range(RECORDS)]
    orjson: Any = importlib.import_module("orjson")
    jobs: dict[str, Decode] = {
        BASE: lambda _: [orjson.dumps(one) for one in dicts],
        OURS: lambda _: [encode_json(encode_record(one)) for one in records],
    }
    return measure(jobs, b"", rounds=rounds, repeats=repeats)


def versions() -> dict[str, str]:
    found = {}
    for name in NAMED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def table(title: str, rows: Sequence[dict[str, object]]) -> str:
    lines = ["", f"### {title}", "", "| | µs per record | ratio, median | range |", "| --- | ---: | ---: | ---: |"]
    for one in rows:
        name = f"**{one['name']}**" if one["name"] == OURS else one["name"]
        lines.append(
            f"| {name} | {one['microseconds_per_record']} | {one['ratio']} | {one['least']} to {one['most']} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds; written to results/quick")
    quick: bool = parser.parse_args().quick
    rounds, repeats = (5, 20) if quick else (31, 60)
    load_before = os.getloadavg()
    pages: dict[str, object] = {}
    for title, (make, kind) in PAGES.items():
        body = encode_json({"data": [make(number) for number in range(RECORDS)], "next_cursor": "x"})
        found = measure(contenders(kind), body, rounds=rounds, repeats=repeats)
        rows = [row(name, spent, found[BASE]) for name, spent in found.items()]
        goal = GOALS.get(title)
        pages[title] = {"goal": goal, "met": None if goal is None else _ratio(rows) <= goal, "rows": rows}
        print(table(f"{title}, {RECORDS} records" + (f" (goal {goal})" if goal else ""), rows))
    found = writing(rounds=rounds, repeats=max(1, repeats // 4))
    rows = [row(name, spent, found[BASE]) for name, spent in found.items()]
    pages["writing"] = {"goal": None, "met": None, "rows": rows}
    print(table("writing one record at a time", rows))
    around = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "load_before": [round(load, 2) for load in load_before],
        "load_after": [round(load, 2) for load in os.getloadavg()],
        "versions": versions(),
        "rounds": rounds,
    }
    target = RESULTS.parent / "quick" / RESULTS.name if quick else RESULTS
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(msgspec.json.format(encode_json({**around, "pages": pages}), indent=1) + b"\n")


def _ratio(rows: Sequence[dict[str, object]]) -> float:
    return next(float(str(one["ratio"])) for one in rows if one["name"] == OURS)


if __name__ == "__main__":
    main()
