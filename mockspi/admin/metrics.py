"""Metrics over the admin port, for Prometheus."""

from __future__ import annotations

from mockspi import metrics
from mockspi.admin.route import AdminRoute, Desk
from mockspi.contracts import IDS
from mockspi.editions import STALE
from mockspi.exchange import Json, Reply

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_COUNTED = {
    "attempted": "Attempts to send a webhook.",
    "delivered": "Webhooks that were delivered.",
    "failed": "Webhooks that failed for good.",
    "dropped": "Finished webhooks that made room for newer ones.",
}


def exposed(desk: Desk, _: Json, __: Json) -> Reply:
    """What the workers counted, and what there is now."""
    rows = metrics.read(desk.counts, IDS)
    dropped = desk.journal.store.dropped()
    posted = desk.board.read()
    outbox = desk.sender.outbox
    totals = outbox.totals()
    stale = sum(1 for one in posted["sets"].values() if one["state"] == STALE)
    gauges = {
        "mockspi_journal_dropped": ("Entries that made room for newer ones, in the journals that there are.", dropped),
        "mockspi_fixtures_stale": ("Fixture sets whose files have findings, so that the last good edition is served.", stale),
        "mockspi_webhooks_waiting": ("Webhooks that are not yet delivered and have not failed.", outbox.waiting()),
        "mockspi_sandboxes": ("Sandboxes that were made and have not expired.", desk.sandboxes.count()),
        "mockspi_sandboxes_fixed": ("Sandboxes that were given at start.", len(desk.settings.keys)),
    }
    counters = {f"mockspi_webhooks_{name}": (text, totals[name]) for name, text in _COUNTED.items()}
    return Reply(200, metrics.exposed(rows, posted["reloads"], gauges, counters), (("Content-Type", _TYPE),))


ROUTES = (
    AdminRoute(
        "METRICS", "GET /metrics", "Numbers for Prometheus, in its text format.", exposed, None, fails=(), media="text/plain"
    ),
)
