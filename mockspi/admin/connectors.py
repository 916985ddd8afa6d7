"""The connectors of a sandbox over the admin port: where the events of its world are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace as changed

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.connectors.checking import problems_of
from mockspi.connectors.references import masked
from mockspi.connectors.shapes import OAUTH, WEBHOOK, Connector
from mockspi.contract import refuse
from mockspi.errors import BrokenRequest, Failure
from mockspi.exchange import Json
from mockspi.sandbox import Sandbox
from mockspi.schema import Flag, Many, Problem, Shape, did_you_mean

MOST = 100


class ConnectorNotFound(Failure):
    """The sandbox has no connector with this endpoint name."""

    status = 404
    code = "CONNECTOR_NOT_FOUND"


class ConnectorsRequest(Shape):
    """Webhook connectors as a connectors file has them, and the one called OAUTH-OAuth; SPIs stand in the file."""

    connectors = Many(Connector, required=True)


class ConnectorsReply(Shape):
    """The connectors of a sandbox, secrets masked."""

    connectors = Many(Connector, required=True)
    own = Flag(required=True, about="false where they are those of the server's connectors file")


def listed(desk: Desk, inputs: Json, _: Json) -> Json:
    """All of a sandbox."""
    return _told(desk.sandbox(inputs))


def add(desk: Desk, inputs: Json, body: Json) -> Json:
    """Beside those that are there."""
    return _changed(desk, inputs, lambda there: there, body["connectors"])


def replace(desk: Desk, inputs: Json, body: Json) -> Json:
    """In the place of those that are there."""
    return _changed(desk, inputs, lambda _: [], body["connectors"])


def clear(desk: Desk, inputs: Json, _: Json) -> Json:
    """All of them; nothing is sent any more."""
    return _changed(desk, inputs, lambda _: [])


def read(desk: Desk, inputs: Json, _: Json) -> Json:
    """One of them."""
    return masked(_existing(desk.sandbox(inputs).connectors, inputs["endpoint"]))


def put(desk: Desk, inputs: Json, body: Json) -> Json:
    """One of them, new or in the place of the one that is there."""
    if body["endpointName"] != inputs["endpoint"]:
        refuse([Problem("/endpointName", f"the path says {inputs['endpoint']!r}")])
    _changed(desk, inputs, lambda there: _without(there, inputs["endpoint"]), [body], "")
    return masked(body)


def delete(desk: Desk, inputs: Json, _: Json) -> Json:
    """One of them."""

    def rest(there: list[Json]) -> list[Json]:
        _existing(there, inputs["endpoint"])
        return _without(there, inputs["endpoint"])

    return _changed(desk, inputs, rest)


def check(there: Sequence[Json], fresh: Sequence[Json], place: str = "/connectors/{}") -> None:
    """Refuse ``fresh`` connectors that cannot stand behind those that are ``there``, and to leave those in want of something."""
    found = [
        Problem(f"{place.format(index)}/connectorType", "a webhook is expected; SPIs stand in the server's connectors file")
        for index, one in enumerate(fresh)
        if not _is_sent_to(one)
    ]
    every = [*there, *fresh]
    for one in [] if found else problems_of(every, ()):
        number, _, rest = one.path.removeprefix("/connectors/").partition("/")
        if (index := int(number) - len(there)) >= 0:
            found.append(Problem(f"{place.format(index)}/{rest}", one.message))
        else:
            found.append(Problem("", f"{every[int(number)]['endpointName']}: {one.message}"))
    if len(every) > MOST:
        found.append(Problem("", f"{len(every)} connectors would be there; at most {MOST} are expected"))
    refuse(found)


def reset_connectors(desk: Desk, sandbox: Sandbox) -> None:
    """Those that the sandbox had first."""
    desk.sandboxes.change(sandbox, lambda one: changed(one, own=one.first))


def _changed(
    desk: Desk,
    inputs: Json,
    stay: Callable[[list[Json]], list[Json]],
    fresh: Sequence[Json] = (),
    place: str = "/connectors/{}",
) -> Json:
    """Fresh connectors behind those that stay."""
    sandbox = desk.sandbox(inputs)

    def change(one: Sandbox) -> Sandbox:
        staying = stay([each for each in one.connectors if _is_sent_to(each)])
        check(staying, fresh, place)
        spis = [each for each in one.connectors if not _is_sent_to(each)]
        return changed(one, own=[*spis, *staying, *fresh])

    done = desk.sandboxes.change(sandbox, change)
    if done is None:
        raise SandboxNotFound(sandbox=inputs["sandbox"])
    return _told(done[1])


def _told(sandbox: Sandbox) -> Json:
    return {"connectors": [masked(one) for one in sandbox.connectors], "own": sandbox.own is not None}


def _is_sent_to(connector: Json) -> bool:
    """Whether it is more than the place of an SPI, whose latency monitoring looks at."""
    return bool(connector["connectorType"] == WEBHOOK or connector["endpointName"] == OAUTH)


def _without(there: list[Json], endpoint: str) -> list[Json]:
    return [one for one in there if one["endpointName"] != endpoint]


def _existing(there: list[Json], endpoint: str) -> Json:
    found = {one["endpointName"]: one for one in there if _is_sent_to(one)}
    if endpoint not in found:
        raise ConnectorNotFound(endpoint=endpoint, hint=did_you_mean(endpoint, found))
    return found[endpoint]


_ONE = (BrokenRequest, SandboxNotFound)
_ALL, _AT = "/sandboxes/{sandbox}/connectors", "/sandboxes/{sandbox}/connectors/{endpoint}"
ROUTES = (
    AdminRoute("LIST_CONNECTORS", f"GET {_ALL}", "Where events are sent.", listed, ConnectorsReply, fails=(SandboxNotFound,)),
    AdminRoute("ADD_CONNECTORS", f"POST {_ALL}", "Add connectors.", add, ConnectorsReply, ConnectorsRequest, fails=_ONE,
               noted=True),
    AdminRoute("REPLACE_CONNECTORS", f"PUT {_ALL}", "Put connectors in the place of those that are there.", replace,
               ConnectorsReply, ConnectorsRequest, fails=_ONE, noted=True),
    AdminRoute("DELETE_CONNECTORS", f"DELETE {_ALL}", "Send nothing any more.", clear, ConnectorsReply, fails=_ONE, noted=True),
    AdminRoute("GET_CONNECTOR", f"GET {_AT}", "One connector, by endpoint name.", read, Connector,
               fails=(SandboxNotFound, ConnectorNotFound)),
    AdminRoute("PUT_CONNECTOR", f"PUT {_AT}", "Put one connector, new or not.", put, Connector, Connector, fails=_ONE,
               noted=True),
    AdminRoute("DELETE_CONNECTOR", f"DELETE {_AT}", "Take one connector away.", delete, ConnectorsReply,
               fails=(*_ONE, ConnectorNotFound), noted=True),
)  # fmt: skip
