"""Sandboxes over the admin port: made, listed, read, reset, deleted, and swept away when their time is over."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from marshmallow import validate

from mockspi.admin import rules, snapshots
from mockspi.admin.clocks import ClockChange, ClockState, reset_clock, timed
from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.errors import BrokenRequest, Failure, SandboxExists, TooManySandboxes
from mockspi.exchange import Json
from mockspi.rules.shapes import Quota
from mockspi.sandbox import Sandbox, told
from mockspi.schema import Flag, Id, Integer, Many, Moment, Part, Shape, Text
from mockspi.store.control import new_serial

_SHORT = validate.Length(1, 200)
_TEN_YEARS = 315_360_000_000
_STRAY_AFTER = 60_000  #: milliseconds: a call that was under way when its sandbox went has ended by then


class SandboxFixed(Failure):
    """This sandbox was given at start; it can be reset, not deleted."""

    status = 409
    code = "SANDBOX_FIXED"


class NewSandbox(Shape):
    """Everything is optional."""

    name = Text(validate=snapshots.NAME, about="made up unless given")
    api_key = Text(validate=_SHORT, about="made up unless given")
    ttl = Integer(low=1, high=_TEN_YEARS, about="milliseconds after which it is gone")
    from_ = Text(data_key="from", about="name of a snapshot; the fixture set unless given")
    seed = Text(validate=_SHORT, about="the same seed and the same calls give the same ids")
    clock = Part(ClockChange)
    scenario = Text(about="name of a scenario to put on")
    locale = Text(validate=_SHORT, about="language of messages where a call asks for none")
    quota = Part(Quota)


class SandboxReply(Shape):
    """A sandbox."""

    name = Id(required=True)
    api_key = Id(required=True)
    baseUrl = Text(required=True)
    fixed = Flag(required=True, about="given at start; cannot be deleted")
    createdAt = Moment(required=True)
    expiresAt = Moment(about="real time")
    seed = Text()
    locale = Text()
    quota = Part(Quota)
    clock = Part(ClockState, required=True)


class SandboxList(Shape):
    """All sandboxes."""

    sandboxes = Many(SandboxReply, required=True)


class ResetRequest(Shape):
    """What to reset; an empty object means all of it."""

    records = Flag()
    journal = Flag()
    rules = Flag()
    clock = Flag()


#: What a sandbox has, and how each part goes back to the beginning.
PARTS: dict[str, Callable[[Desk, Sandbox], object]] = {
    "records": lambda desk, sandbox: desk.store.reset(sandbox.space),
    "journal": lambda desk, sandbox: desk.journal.store.clear(sandbox.space),
    "rules": lambda desk, sandbox: desk.rules.forget(sandbox.space),
    "clock": reset_clock,
}


def create(desk: Desk, _: Json, body: Json) -> Json:
    """A sandbox of one's own; with a snapshot's records, where one is named, before its key opens anything."""
    real = desk.real()
    name, key = body.get("name") or f"sandbox-{secrets.token_hex(4)}", body.get("api_key") or secrets.token_hex(16)
    expires = real + body["ttl"] if "ttl" in body else None
    made = Sandbox(
        name, key, real, expires, body.get("seed"), locale=_spoken(desk, body), quota=body.get("quota"), serial=new_serial(real)
    )
    made = timed(made, body.get("clock", {}), real, "/clock")
    made = replace(made, begun=made.timing)
    try:
        if "from" in body:
            desk.store.copy(snapshots.existing(desk, body["from"]), made.space)
        if "scenario" in body:
            rules.put_on(desk, made.space, [body["scenario"]])
        gone = desk.sandboxes.create(made)
    except Failure:
        forget(desk, made.space)
        raise
    for one in gone:
        forget(desk, one.space)
    return told(made, desk.base_url, real)


def _spoken(desk: Desk, body: Json) -> str:
    """The language that a sandbox is to speak; one for which there are no messages is refused."""
    wanted: str = body.get("locale", "")
    if wanted and not desk.messages.spoken(wanted):
        known = ", ".join(sorted(desk.messages.texts))
        raise BrokenRequest(
            errors=[{"path": "/locale", "message": f"the fixture set has no messages for {wanted!r}; known: {known}"}]
        )
    return wanted


def listed(desk: Desk, _: Json, __: Json) -> Json:
    """All sandboxes."""
    real = desk.real()
    return {"sandboxes": [told(one, desk.base_url, real) for one in desk.sandboxes.all()]}


def read(desk: Desk, inputs: Json, _: Json) -> Json:
    """One sandbox."""
    return told(desk.sandbox(inputs), desk.base_url, desk.real())


def reset(desk: Desk, inputs: Json, body: Json) -> Json:
    """Back to the beginning, all of it or what is named."""
    sandbox = desk.sandbox(inputs)
    parts = [name for name in PARTS if body.get(name, not body)]
    for name in parts:
        PARTS[name](desk, sandbox)
    return {"done": f"{sandbox.name}: {', '.join(parts) or 'nothing'} reset"}


def delete(desk: Desk, inputs: Json, _: Json) -> Json:
    """Forget a sandbox and all that it wrote."""
    sandbox = desk.sandbox(inputs)
    if sandbox.fixed:
        raise SandboxFixed(sandbox=sandbox.name)
    if not desk.sandboxes.delete(sandbox):
        raise SandboxNotFound(sandbox=inputs["sandbox"])
    forget(desk, sandbox.space)
    return {"done": f"{sandbox.name} deleted"}


def forget(desk: Desk, space: str) -> None:
    """What a sandbox wrote; its key opens nothing any more."""
    desk.store.reset(space)
    desk.journal.store.forget(space)
    desk.rules.forget(space)


def sweep(desk: Desk) -> None:
    """Forget the sandboxes whose time is over."""
    for sandbox in desk.sandboxes.expire():
        forget(desk, sandbox.space)


def sweep_strays(desk: Desk) -> None:
    """Drop what calls wrote that were still under way when their sandbox went."""
    young, known = desk.real() - _STRAY_AFTER, {one.space for one in desk.sandboxes.all()}
    for space in {*desk.store.sandboxes(), *desk.journal.store.sandboxes(), *desk.rules.sandboxes()}:
        serial = space.partition("~")[2]
        if serial and space not in known and int(serial.partition(".")[0]) < young:
            forget(desk, space)


_ONE = (BrokenRequest, SandboxNotFound)
_AT = "/sandboxes/{sandbox}"
ROUTES = (
    AdminRoute(
        "CREATE_SANDBOX",
        "POST /sandboxes",
        "Open a sandbox of one's own.",
        create,
        SandboxReply,
        NewSandbox,
        fails=(BrokenRequest, SandboxExists, snapshots.SnapshotNotFound, rules.ScenarioNotFound, TooManySandboxes),
        status=201,
    ),
    AdminRoute("LIST_SANDBOXES", "GET /sandboxes", "All sandboxes.", listed, SandboxList, fails=()),
    AdminRoute("GET_SANDBOX", f"GET {_AT}", "One sandbox, by name or api_key.", read, SandboxReply, fails=(SandboxNotFound,)),
    AdminRoute("DELETE_SANDBOX", f"DELETE {_AT}", "Forget a sandbox.", delete, Done, fails=(SandboxNotFound, SandboxFixed)),
    AdminRoute("RESET_SANDBOX", f"POST {_AT}/reset", "Back to the beginning.", reset, Done, ResetRequest, fails=_ONE),
)
