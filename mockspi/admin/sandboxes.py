"""Sandboxes over the admin port: made, listed, read, reset, deleted, and swept away when their time is over."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from mockspi.admin import connectors, journal, rules, snapshots
from mockspi.admin.clocks import ClockChange, ClockState, reset_clock, timed
from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.clock import random_id
from mockspi.connectors.shapes import Connector
from mockspi.errors import BrokenRequest, Failure, FixtureSetMissing, SandboxExists, TooManySandboxes
from mockspi.exchange import Json
from mockspi.rules.shapes import Quota
from mockspi.sandbox import Sandbox, told
from mockspi.schema import Flag, Id, Integer, Many, Moment, Part, Shape, Text, validate
from mockspi.settings import MAIN
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
    from_ = Text(data_key="from", about="name of a further fixture set, else of a snapshot; the main fixture set unless given")
    seed = Text(validate=_SHORT, about="the same seed and the same calls give the same ids; made up unless given")
    clock = Part(ClockChange)
    scenario = Text(about="name of a scenario to put on")
    locale = Text(validate=_SHORT, about="language of messages where a call asks for none")
    quota = Part(Quota)
    connectors = Many(Connector, about="where events are sent; those of the server's connectors file unless given")


class SandboxReply(Shape):
    """A sandbox."""

    name = Id(required=True)
    api_key = Id(required=True)
    baseUrl = Text(required=True)
    fixtures = Id(required=True, about="name of the fixture set under its records")
    fixed = Flag(required=True, about="given at start; cannot be deleted")
    createdAt = Moment(required=True)
    expiresAt = Moment(about="real time")
    seed = Text(required=True)
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
    connectors = Flag()
    webhooks = Flag(about="what was sent, what waits to be sent, and which targets are disabled")


#: What a sandbox has, and how each part goes back to the beginning.
PARTS: dict[str, Callable[[Desk, Sandbox], object]] = {
    "records": snapshots.begin,
    "journal": journal.empty,
    "rules": lambda desk, sandbox: desk.rules.forget(sandbox.space),
    "clock": reset_clock,
    "connectors": connectors.reset_connectors,
    "webhooks": lambda desk, sandbox: desk.sender.outbox.forget(sandbox.space),
}


def create(desk: Desk, _: Json, body: Json) -> Json:
    """A sandbox of one's own; what it is made from is there before its key opens anything."""
    real = desk.real()
    name, key = body.get("name") or f"sandbox-{secrets.token_hex(4)}", body.get("api_key") or secrets.token_hex(16)
    expires = real + body["ttl"] if "ttl" in body else None
    source, seed = body.get("from", MAIN), body.get("seed") or random_id()
    kept = None if source in desk.settings.sets else snapshots.existing(desk, source)
    fixtures = kept.fixtures if kept else source
    made = Sandbox(
        name, key, real, expires, seed, locale=_spoken(desk, body, fixtures), quota=body.get("quota"),
        serial=new_serial(real), fixtures=fixtures, snapshot=kept.name if kept else "",
    )  # fmt: skip
    made = timed(made, body.get("clock", {}), real, "/clock")
    made = replace(made, begun=made.timing)
    if "connectors" in body:
        connectors.check([], body["connectors"])
    own = body.get("connectors", desk.sandboxes.kept(kept.space) if kept else None)
    made = replace(made, own=own, first=own)
    try:
        if kept:
            desk.store.copy(kept.space, made.space)
        if "scenario" in body:
            rules.put_on(desk, made, [body["scenario"]])
        gone = desk.sandboxes.create(made)
    except Failure:
        forget(desk, made.space)
        raise
    for one in gone:
        forget(desk, one.space)
    if kept:
        journal.note(desk, made, "POST /sandboxes/{sandbox}/restore", {}, {"name": body["from"]})
    if "scenario" in body:
        journal.note(desk, made, "POST /sandboxes/{sandbox}/scenarios", {}, {"use": [body["scenario"]]})
    return told(made, desk.base_url, real)


def _spoken(desk: Desk, body: Json, fixtures: str) -> str:
    """The language that a sandbox is to speak; one for which there are no messages is refused."""
    wanted: str = body.get("locale", "")
    messages = desk.editions(fixtures).messages
    if wanted and not messages.spoken(wanted):
        known = ", ".join(sorted(messages.texts))
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
        if name != "journal":
            PARTS[name](desk, sandbox)
    if "journal" in parts:  # at the end, for the rules that are still on are noted at its beginning
        journal.empty(desk, sandbox, records_too="records" in parts)
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
    desk.sender.outbox.forget(space)


def sweep(desk: Desk) -> None:
    """Forget the sandboxes whose time is over."""
    for sandbox in desk.sandboxes.expire():
        forget(desk, sandbox.space)


def sweep_strays(desk: Desk) -> None:
    """Drop what calls wrote that were still under way when their sandbox went."""
    young, known = desk.real() - _STRAY_AFTER, {one.space for one in desk.sandboxes.all()}
    for space in {
        *desk.store.sandboxes(),
        *desk.journal.store.sandboxes(),
        *desk.rules.sandboxes(),
        *desk.sender.outbox.spaces(),
    }:
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
        fails=(
            BrokenRequest,
            SandboxExists,
            snapshots.SnapshotNotFound,
            rules.ScenarioNotFound,
            TooManySandboxes,
            FixtureSetMissing,
        ),
        status=201,
    ),
    AdminRoute("LIST_SANDBOXES", "GET /sandboxes", "All sandboxes.", listed, SandboxList, fails=()),
    AdminRoute("GET_SANDBOX", f"GET {_AT}", "One sandbox, by name or api_key.", read, SandboxReply, fails=(SandboxNotFound,)),
    AdminRoute("DELETE_SANDBOX", f"DELETE {_AT}", "Forget a sandbox.", delete, Done, fails=(SandboxNotFound, SandboxFixed)),
    AdminRoute("RESET_SANDBOX", f"POST {_AT}/reset", "Back to the beginning.", reset, Done, ResetRequest, fails=_ONE, noted=True),
)
