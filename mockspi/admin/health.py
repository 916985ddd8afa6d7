"""Whether the server is alive and ready; asked without a token."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, Done
from mockspi.exchange import Json


def live(_: Desk, __: Json, ___: Json) -> Json:
    """The process runs."""
    return {"done": "alive"}


def ready(desk: Desk, _: Json, __: Json) -> Json:
    """The store answers."""
    desk.sandboxes.all()
    return {"done": "ready"}


ROUTES = (
    AdminRoute("LIVE", "GET /health/live", "Whether the process runs.", live, Done, fails=(), open=True),
    AdminRoute("READY", "GET /health/ready", "Whether calls can be answered.", ready, Done, fails=(), open=True),
)
