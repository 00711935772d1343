"""The sync's own table: whose rows these are, and how far each resource's pass has come."""

from __future__ import annotations

from datetime import datetime

import attrs
from sqlalchemy import Connection, select, update

from setsmart_async.sync.database import Database
from setsmart_async.sync.identity import Identity
from setsmart_async.sync.progress import Counts, Pass
from setsmart_async.sync.tables import LAYOUT, RESOURCES, SyncedResource, state


def identity_in(connection: Connection) -> Identity | None:
    """Whose rows are in the database; None: nobody's, for there are none."""
    columns = select(state.c.resource, state.c.source, state.c.account, state.c.key_fingerprint)
    for row in connection.execute(columns).all():
        resource = RESOURCES.get(row.resource)
        if resource is not None and connection.execute(select(resource.table.c.id).limit(1)).first() is not None:
            return Identity(source=row.source, account=row.account, key_fingerprint=row.key_fingerprint)
    return None


def take_identity(connection: Connection, identity: Identity) -> None:
    """Note that everything here is this account's: its key is that of every resource."""
    connection.execute(update(state).values(attrs.asdict(identity)))


def claim(
    connection: Connection, database: Database, resource: SyncedResource, identity: Identity, *, now: datetime
) -> None:
    """Note whose rows a resource has that no pass has read yet."""
    nothing = attrs.asdict(Pass(generation=0, page_size=1, started_at=now), recurse=False)
    counts = attrs.asdict(nothing.pop("counts"))
    values = {**nothing, **counts, **attrs.asdict(identity), "layout": LAYOUT}
    statement = database.insert(state).values(resource=resource.name, **values)
    connection.execute(statement.on_conflict_do_nothing(index_elements=[state.c.resource]))


def pass_in(connection: Connection, resource: SyncedResource) -> Pass | None:
    """The resource's last pass, or the one that is under way."""
    found = connection.execute(select(state).where(state.c.resource == resource.name)).mappings().one_or_none()
    if found is None:
        return None
    own = [field.name for field in attrs.fields(Pass) if field.name != "counts"]
    counts = Counts(**{field.name: found[field.name] for field in attrs.fields(Counts)})
    return Pass(**{name: found[name] for name in own}, counts=counts)


def save_pass(
    connection: Connection,
    database: Database,
    resource: SyncedResource,
    going_on: Pass,
    *,
    now: datetime,
    identity: Identity | None = None,
) -> None:
    """Write how far a pass has come; an `identity` is given with the first word of it."""
    columns = attrs.asdict(going_on, recurse=False)
    counts = attrs.asdict(columns.pop("counts"))
    values = {**columns, **counts, "layout": LAYOUT, "checkpoint_at": now}
    if identity is None:
        connection.execute(update(state).where(state.c.resource == resource.name).values(values))
        return
    values |= attrs.asdict(identity)
    statement = database.insert(state).values(resource=resource.name, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=[state.c.resource], set_=values))
