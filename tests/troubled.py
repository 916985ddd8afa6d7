"""``mockspi serve`` whose service hears trouble from a header: ``x-trouble: {"fault": "reset"}``. Only for tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace

from mockspi import building
from mockspi.cli import main
from mockspi.exchange import Exchange, Request, Trouble
from mockspi.journal import Journal
from mockspi.sandbox import Sandbox
from mockspi.service import Service


class Troubled(Service):
    """A service that does to a reply what the request's header says."""

    def answered(self, request: Request) -> tuple[Exchange, Sandbox | None]:
        exchange, sandbox = super().answered(request)
        if asked := request.headers.get("x-trouble"):
            reply = replace(exchange.reply, trouble=Trouble(**json.loads(asked)), lasting=False)
            exchange = replace(exchange, reply=reply)
        return exchange, sandbox


def troubled(service: Service) -> Troubled:
    """The same service, with ears for trouble."""
    return Troubled(**{one.name: getattr(service, one.name) for one in fields(service)})


class TroubledHouse(building.House):
    """A house whose service is troubled."""

    def service(self, *notices: Callable[[Exchange], None] | None, journal: Journal | None = None) -> Service:
        return troubled(super().service(*notices, journal=journal))


if __name__ == "__main__":
    building.House = TroubledHouse  # type: ignore[misc]
    main()
