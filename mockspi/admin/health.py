"""Whether the server is alive and ready, asked without a token; and the admin port described."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, Done
from mockspi.editions import FRESH, STALE
from mockspi.exchange import Json
from mockspi.schema import Choice, Shape


def live(_: Desk, __: Json, ___: Json) -> Json:
    """The process runs."""
    return {"done": "alive"}


class Ready(Done):
    """Calls are answered, from what the files say or from what they said when they were last sound."""

    fixtures = Choice(FRESH, STALE, required=True, about="stale: a fixture set has findings, see GET /fixtures")


def ready(desk: Desk, _: Json, __: Json) -> Json:
    """The store answers."""
    desk.sandboxes.count()
    stale = any(one["state"] == STALE for one in desk.board.read()["sets"].values())
    return {"done": "ready", "fixtures": STALE if stale else FRESH}


class Document(Shape):
    """An OpenAPI 3.1 document."""

    OPEN = True


def document(_: Desk, __: Json, ___: Json) -> Json:
    """This port described."""
    from mockspi.admin import document as documents  # heavy: only when somebody asks

    return documents.document("/")


ROUTES = (
    AdminRoute("LIVE", "GET /health/live", "Whether the process runs.", live, Done, fails=(), open=True),
    AdminRoute("READY", "GET /health/ready", "Whether calls can be answered.", ready, Ready, fails=(), open=True),
    AdminRoute("OPENAPI", "GET /openapi.json", "This port as OpenAPI 3.1.", document, Document, fails=()),
)
