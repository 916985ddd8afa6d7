"""Who is sent an event: the webhook connectors that subscribe to it, as targets."""

from __future__ import annotations

from collections.abc import Sequence

from mockspi.connectors.checking import meant
from mockspi.connectors.shapes import OAUTH, WEBHOOK
from mockspi.event import RETAIL_CLOUD, Event
from mockspi.exchange import Json
from mockspi.webhooks.message import Target


def subscribed(connectors: Sequence[Json], event: Event, body: Json | None = None) -> list[Target]:
    """The targets of an event; of a body's ``eventType`` where a connector picks those that it wants."""
    return [target(connectors, one, event) for one in connectors if wants(one, event, body)]


def wants(connector: Json, event: Event, body: Json | None = None) -> bool:
    """Whether a connector is sent an event, or this one of it."""
    if connector["connectorType"] != WEBHOOK or connector["endpointName"] == OAUTH:
        return False
    inside = "" if body is None else str(body.get("eventType", ""))
    return any(event in one.events and (not one.inside or not inside or one.inside == inside) for one in meant(connector))


def target(connectors: Sequence[Json], connector: Json, event: Event | None = None) -> Target:
    """Where a connector's events go."""
    methods = event.methods if event else ("POST",)
    kind = str(connector.get("integrationType", methods[0])).removeprefix("HTTP_")
    return Target(
        url=connector["apiEndpoint"],
        profile=connector.get("profile") or connector.get("platform", RETAIL_CLOUD),
        endpoint=connector["endpointName"],
        method=kind,
        secret=connector.get("secret", ""),
        headers=connector.get("jsonHeaders", {}),
        oauth=token_of(connectors, connector),
    )


def token_of(connectors: Sequence[Json], connector: Json) -> Json | None:
    """How a connector's token is fetched, with what the connector OAUTH-OAuth says where no token endpoint stands in it."""
    if connector.get("netSuiteOAuth") and "oauthConfig" not in connector:
        return {"netSuite": True}
    if (config := connector.get("oauthConfig")) is None:
        return None
    if "url" in config:
        return dict(config)
    other = next((one for one in connectors if one["endpointName"] == OAUTH), None)
    if other is None:
        return dict(config)
    return {"url": other["apiEndpoint"], "secretHeaders": other.get("jsonHeaders", {}), **other.get("oauthConfig", {}), **config}


def trimmed(connectors: Sequence[Json], endpoint: str, body: Json) -> Json:
    """The body without the members at its root that a connector excludes."""
    excluded = next((one.get("excludedFields", ()) for one in connectors if one["endpointName"] == endpoint), ())
    return {name: value for name, value in body.items() if name not in excluded}
