"""Whether the server is alive and ready, asked without a token; and the admin port described."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, Done
from mockspi.exchange import Json
from mockspi.schema import Shape


def live(_: Desk, __: Json, ___: Json) -> Json:
    """The process runs."""
    return {"done": "alive"}


def ready(desk: Desk, _: Json, __: Json) -> Json:
    """The store answers."""
    desk.sandboxes.count()
    return {"done": "ready"}


class Document(Shape):
    """An OpenAPI 3.1 document."""

    OPEN = True


def document(_: Desk, __: Json, ___: Json) -> Json:
    """This port described."""
    from mockspi.admin import document as documents  # heavy: only when somebody asks

    return documents.document("/")


ROUTES = (
    AdminRoute("LIVE", "GET /health/live", "Whether the process runs.", live, Done, fails=(), open=True),
    AdminRoute("READY", "GET /health/ready", "Whether calls can be answered.", ready, Done, fails=(), open=True),
    AdminRoute("OPENAPI", "GET /openapi.json", "This port as OpenAPI 3.1.", document, Document, fails=()),
)
