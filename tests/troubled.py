"""``mockspi serve`` whose service hears trouble from a header: ``x-trouble: {"fault": "reset"}``. Only for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace

from mockspi import building
from mockspi.cli import main
from mockspi.exchange import Exchange, Reply, Request, Trouble
from mockspi.service import Service


class Troubled(Service):
    """A service that does to a reply what the request's header says."""

    def handle(self, request: Request) -> Reply:
        reply = super().handle(request)
        asked = request.headers.get("x-trouble")
        return replace(reply, trouble=Trouble(**json.loads(asked))) if asked else reply


def troubled(service: Service) -> Troubled:
    """The same service, with ears for trouble."""
    return Troubled(**{one.name: getattr(service, one.name) for one in fields(service)})


class TroubledHouse(building.House):
    """A house whose service is troubled."""

    def service(self, *notices: Callable[[Exchange], None] | None) -> Service:
        return troubled(super().service(*notices))


if __name__ == "__main__":
    building.House = TroubledHouse  # type: ignore[misc]
    main()
