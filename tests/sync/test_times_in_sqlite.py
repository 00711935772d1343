"""Times in SQLite: the text is the one that SQLAlchemy's own type writes and reads, whatever wrote the database."""

from datetime import UTC, datetime, timedelta, timezone
from typing import cast

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, DateTime, MetaData, Table, create_engine, insert, select
from sqlalchemy.dialects import sqlite

from setsmart_async.sync.columns import UtcTime

ZONES = st.builds(lambda minutes: timezone(timedelta(minutes=minutes)), st.integers(-14 * 60, 14 * 60))
NAIVE = st.datetimes().filter(lambda time: 1 < time.year < 9999)
TIMES = st.builds(lambda time, zone: time.replace(tzinfo=zone), NAIVE, st.just(UTC) | ZONES)


@given(TIMES)
def test_the_text_is_that_of_sqlalchemys_own_type(instant: datetime) -> None:
    dialect = sqlite.dialect()
    ours, theirs = UtcTime().bind_processor(dialect), DateTime().dialect_impl(dialect).bind_processor(dialect)
    assert ours is not None
    assert theirs is not None
    assert ours(instant) == cast(object, theirs(instant.astimezone(UTC).replace(tzinfo=None)))
    assert ours(None) is None


def test_a_time_comes_back_as_the_same_instant_in_utc() -> None:
    table = Table("times", MetaData(), Column("at", UtcTime))
    plain = Table("times", MetaData(), Column("at", DateTime))
    oslo = datetime(2026, 7, 1, 14, 30, 0, 250, tzinfo=timezone(timedelta(hours=2)))
    with create_engine("sqlite://").begin() as connection:
        table.create(connection)
        connection.execute(insert(table), [{"at": oslo}, {"at": None}])
        assert connection.scalars(select(table.c.at)).all() == [datetime(2026, 7, 1, 12, 30, 0, 250, tzinfo=UTC), None]
        assert str(connection.scalars(select(plain.c.at)).first()) == "2026-07-01 12:30:00.000250"
        where = select(table.c.at).where(table.c.at == oslo)
        assert connection.scalars(where).all() == [oslo]
