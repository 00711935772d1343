"""For FastAPI: the application's client as a dependency; the rest is as in Starlette.

.. code-block:: python

    app = FastAPI(lifespan=lifespan())
    answer_errors(app)


    @app.get("/homes/{id}")
    async def home(id: str, setsmart: SharedSetSmart) -> str | None:
        return (await setsmart.properties.get(id)).name
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import Depends

from setsmart_async.client import SetSmart
from setsmart_async.integrations.starlette import answer_errors, client_of, lifespan

__all__ = ["SharedSetSmart", "answer_errors", "client_of", "lifespan"]

SharedSetSmart: TypeAlias = Annotated[SetSmart, Depends(client_of)]
"""The application's client, as an endpoint's argument. In a test: ``app.dependency_overrides[client_of] = ...``."""
