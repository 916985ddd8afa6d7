"""Metrics over the admin port, for Prometheus."""

from __future__ import annotations

from mockspi import metrics
from mockspi.admin.route import AdminRoute, Desk
from mockspi.contracts import IDS
from mockspi.editions import STALE
from mockspi.exchange import Json, Reply

_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def exposed(desk: Desk, _: Json, __: Json) -> Reply:
    """What the workers counted, and what there is now."""
    rows = metrics.read(desk.counts, IDS)
    dropped = desk.journal.store.dropped()
    posted = desk.board.read()
    stale = sum(1 for one in posted["sets"].values() if one["state"] == STALE)
    gauges = {
        "mockspi_journal_dropped": ("Entries that made room for newer ones, in the journals that there are.", dropped),
        "mockspi_fixtures_stale": ("Fixture sets whose files have findings, so that the last good edition is served.", stale),
        "mockspi_sandboxes": ("Sandboxes that were made and have not expired.", desk.sandboxes.count()),
        "mockspi_sandboxes_fixed": ("Sandboxes that were given at start.", len(desk.settings.keys)),
    }
    return Reply(200, metrics.exposed(rows, posted["reloads"], gauges), (("Content-Type", _TYPE),))


ROUTES = (
    AdminRoute(
        "METRICS", "GET /metrics", "Numbers for Prometheus, in its text format.", exposed, None, fails=(), media="text/plain"
    ),
)
