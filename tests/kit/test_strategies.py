"""The strategies make what the records can hold."""

import attrs
from hypothesis import given

from setsmart_async import Property, Reservation
from setsmart_async.records.codec import decode_record, encode_record
from setsmart_async.testing.strategies import records


@given(records(Property))
def test_properties_survive_the_wire(home: Property) -> None:
    assert decode_record(Property, encode_record(home)) == home


@given(records(Reservation))
def test_reservations_survive_the_wire(stay: Reservation) -> None:
    assert decode_record(Reservation, encode_record(stay)) == stay


@attrs.frozen
class Own:
    id: str
    number: int | None = None


@given(records(Own))
def test_classes_of_ones_own_can_be_made(own: Own) -> None:
    assert isinstance(own.id, str)
