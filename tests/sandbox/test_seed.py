"""The listings that the sandbox begins with."""

import gzip
import tracemalloc
from hashlib import sha256
from itertools import islice
from pathlib import Path

import pytest

from setsmart_async.errors import ConfigurationError
from setsmart_async.records.codec import decode_records, encode_record
from setsmart_async.records.property import Property
from setsmart_async.sandbox import seed
from setsmart_async.sandbox.seed import LISTINGS, seed_properties
from setsmart_async.wire import Json, encode_json

FILE = Path(seed.__file__).with_name("listings.csv.gz")


def test_the_listings_are_the_ones_that_were_shipped() -> None:
    packed = FILE.read_bytes()
    assert sha256(gzip.decompress(packed)).hexdigest() == (
        "8b8c86a627866a8b2ca2faa193130914bd8cf2ece094a3f9958e563d0d3ca7be"
    )
    assert packed[4:8] == bytes(4)  # no time in it: made again, the file is the same
    assert packed[3] == 0  # and no name


def test_the_licence_is_honoured() -> None:
    text = FILE.with_name("LISTINGS.md").read_text(encoding="utf-8")
    for said in ("Inside Airbnb", "insideairbnb.com", "Oslo, June 2024", "CC BY 4.0", "Changed", "Left out"):
        assert said in text


def test_a_property_is_what_its_listing_says() -> None:
    first = next(seed_properties(1))
    assert first == {
        "id": "prop_85902",
        "name": "Stylish design Apt, super central",
        "address": "Gamle Oslo, Oslo",
        "bedrooms": 2,
        "max_guests": 4,
        "status": "active",
        "timezone": "Europe/Oslo",
        "currency": "NOK",
        "room_type": "Entire home/apt",
        "minimum_nights": 3,
        "nightly_price": "1929.00",
        "created_at": "2023-11-11T20:23:01Z",
        "updated_at": "2024-06-29T20:23:01Z",
    }


def test_a_listing_that_leaves_things_open() -> None:
    row = {
        "id": "7", "name": "", "neighbourhood": "Marka", "room_type": "Hotel room", "accommodates": "1",
        "bedrooms": "", "price": "", "minimum_nights": "1", "last_scraped": "2024-06-30",
    }  # fmt: skip
    home = seed._property(row)
    assert home["bedrooms"] is None
    assert "nightly_price" not in home


def test_every_property_is_a_record_and_goes_back_as_it_came() -> None:
    homes: list[Json] = [*seed_properties(LISTINGS)]
    records = decode_records(Property, homes)
    assert [{**encode_record(record)} for record in records] == homes
    assert len({record.id for record in records}) == len(records) == 3_000
    assert {str(record.status) for record in records} == {"active", "inactive"}
    assert 60 <= sum(record.status == "inactive" for record in records) <= 180
    assert all(record.extra.keys() == {"room_type", "minimum_nights", "nightly_price"} for record in records)
    assert all(record.bathrooms is None and record.bedrooms is not None for record in records)
    assert all(record.created_at and record.updated_at and record.created_at < record.updated_at for record in records)


def test_the_names_are_as_odd_as_real_ones() -> None:
    names = [str(home["name"]) for home in seed_properties(LISTINGS)]
    for odd in ('"', ",", "ø", "🏠"):
        assert any(odd in name for name in names)


def test_more_than_there_are_listings_are_grown_and_unique() -> None:
    homes = list(seed_properties(2 * LISTINGS + 2))
    assert len({str(home["id"]) for home in homes}) == len(homes)
    second, third = homes[LISTINGS], homes[2 * LISTINGS]
    assert (second["id"], third["id"]) == ("prop_85902_2", "prop_85902_3")
    assert second["name"] == "Stylish design Apt, super central (2)"
    assert {**second, "id": 0, "name": 0} == {**homes[0], "id": 0, "name": 0}


def test_they_are_the_same_each_time_and_each_a_copy() -> None:
    first = list(seed_properties(LISTINGS + 5))
    before = encode_json(first)
    first[0]["name"] = "changed"
    first[LISTINGS]["name"] = "changed"
    assert encode_json(list(seed_properties(LISTINGS + 5))) == before


@pytest.mark.parametrize("count", [0, 1, LISTINGS - 1, LISTINGS, LISTINGS + 1])
def test_there_are_as_many_as_asked_for(count: int) -> None:
    assert sum(1 for _ in seed_properties(count)) == count


def test_fewer_than_none_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="fewer than 0"):
        seed_properties(-1)


def test_they_come_one_by_one() -> None:
    next(seed_properties(1))  # the shipped listings are read once and kept
    tracemalloc.start()
    try:
        last = list(islice(seed_properties(10**9), 50_000, 50_001))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert last[0]["id"] != ""
    assert peak < 200_000
