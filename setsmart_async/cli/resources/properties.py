"""`setsmart properties …`."""

from __future__ import annotations

from cyclopts import App

from setsmart_async.cli.resource_app import ResourceCommands
from setsmart_async.cli.resource_calls import Shown
from setsmart_async.records.property import Property
from setsmart_async.resources.properties import NewProperty, Properties, PropertyChanges

app: App = ResourceCommands(
    shown=Shown(
        name="properties",
        one="property",
        many="properties",
        record=Property,
        columns=("id", "name", "address", "bedrooms", "max_guests", "status"),
    ),
    resource=Properties,
    list_method=Properties.list,
    new=NewProperty,
    changes=PropertyChanges,
).app()
