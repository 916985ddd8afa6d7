"""Sandboxes over the admin port: made, listed, read, reset, timed, snapshot, restored, deleted."""

from __future__ import annotations

import secrets

from marshmallow import validate

from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.errors import BrokenRequest, Failure, TooManySandboxes
from mockspi.exchange import Json
from mockspi.sandbox import Sandbox, told
from mockspi.schema import Flag, Id, Integer, Many, Moment, Number, Part, Shape, Text
from mockspi.store.base import Criterion

_SNAPSHOT = "snapshot:"
_PARTS = ("records", "clock")
_NAME = validate.Regexp(r"[A-Za-z0-9][\w.-]{0,63}\Z", error="letters, digits, dots, hyphens, at most 64, are expected")


class SandboxExists(Failure):
    """A sandbox already has this name or api_key."""

    status = 409
    code = "SANDBOX_EXISTS"


class SandboxFixed(Failure):
    """This sandbox was given at start; it can be reset, not deleted."""

    status = 409
    code = "SANDBOX_FIXED"


class SnapshotNotFound(Failure):
    """No snapshot has this name."""

    status = 404
    code = "SNAPSHOT_NOT_FOUND"


class ClockChange(Shape):
    """Any of these; ``advance`` comes last."""

    frozen = Moment(about="stand still at this moment")
    shift = Integer(about="milliseconds ahead of real time; negative is behind")
    scale = Number(low=0, high=1_000_000, about="this many times as fast as real time, from now on")
    real = Flag(about="true: real time again")
    advance = Integer(low=0, about="milliseconds to move on")


class ClockState(Shape):
    """The clock of a sandbox."""

    now = Moment(required=True)
    kind = Text(required=True)
    scale = Number(required=True)
    shift = Integer(required=True)


class Fired(Shape):
    """Something that fell due when the clock moved."""

    kind = Text(required=True)
    id = Id(required=True)
    at = Moment(required=True)


class ClockReply(Shape):
    """The time in the sandbox now, and what fell due on the way there, in order."""

    now = Moment(required=True)
    fired = Many(Fired, required=True)


class NewSandbox(Shape):
    """Everything is optional."""

    name = Text(validate=_NAME, about="made up unless given")
    api_key = Id(about="made up unless given")
    ttl = Integer(low=1, about="milliseconds after which it is gone")
    from_ = Text(data_key="from", about="name of a snapshot; the fixture set unless given")
    seed = Text(about="the same seed and the same calls give the same ids")
    clock = Part(ClockChange)
    locale = Text(about="language of messages where a call asks for none")


class SandboxReply(Shape):
    """A sandbox."""

    name = Id(required=True)
    api_key = Id(required=True)
    baseUrl = Text(required=True)
    fixed = Flag(required=True)
    createdAt = Moment(required=True)
    expiresAt = Moment()
    seed = Text()
    locale = Text()
    clock = Part(ClockState, required=True)


class SandboxList(Shape):
    """All sandboxes."""

    sandboxes = Many(SandboxReply, required=True)


class ResetRequest(Shape):
    """What to reset; nothing named means all of it."""

    records = Flag()
    clock = Flag()


class SnapshotRequest(Shape):
    """The snapshot's name."""

    name = Text(required=True, validate=_NAME)


class SnapshotReply(Shape):
    """A snapshot, and how many changed records it holds."""

    name = Id(required=True)
    records = Integer(required=True)


def create(desk: Desk, _: Json, body: Json) -> Json:
    """A sandbox of one's own."""
    real = desk.real()
    for name in desk.sandboxes.expired():
        forget(desk, name)
    name = body.get("name") or f"sandbox-{secrets.token_hex(4)}"
    key = body.get("api_key") or secrets.token_urlsafe(18)
    if desk.sandboxes.named(name) or desk.sandboxes.opened_by(key):
        raise SandboxExists(sandbox=name)
    expires = real + body["ttl"] if "ttl" in body else None
    made = Sandbox(name, key, real, expires, body.get("seed"), locale=body.get("locale", ""))
    made = made.timed(body.get("clock", {}), real)
    source = body.get("from", "")
    if source and source not in snapshots(desk):
        raise SnapshotNotFound(snapshot=source)
    desk.sandboxes.create(made, desk.settings.max_sandboxes)
    if source:
        desk.store.copy(_SNAPSHOT + source, name)
    return told(made, desk.base_url, real)


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
    parts = [name for name in ("records", "journal", "rules", "clock") if body.get(name)] or [
        "records",
        "journal",
        "rules",
        "clock",
    ]
    if "records" in parts:
        desk.store.reset(sandbox.name)
    if "clock" in parts:
        desk.sandboxes.put(sandbox.timed({"real": True}, desk.real()))
    return {"done": f"{sandbox.name}: {', '.join(parts)} reset"}


def set_clock(desk: Desk, inputs: Json, body: Json) -> Json:
    """Set or move the clock; the answer lists what fell due."""
    sandbox, real = desk.sandbox(inputs), desk.real()
    if sum(name in body for name in ("frozen", "shift", "real")) > 1:
        problem = {"path": "", "message": "frozen, shift and real exclude each other"}
        raise BrokenRequest(errors=[problem])
    timed = sandbox.timed(body, real)
    desk.sandboxes.put(timed)
    before, after = sandbox.timing.now(real), timed.timing.now(real)
    return {"now": after, "fired": due(desk, sandbox.name, before, after) if "advance" in body else []}


def due(desk: Desk, name: str, before: int, after: int) -> list[Json]:
    """What falls due between two moments of a sandbox, in order."""
    held = desk.store.read(name).find("reservations", Criterion("expiresAt", low=before + 1, high=after)).records
    fired = [{"kind": "RESERVATION_EXPIRED", "id": one["cartId"], "at": one["expiresAt"]} for one in held]
    return sorted(fired, key=lambda one: (one["at"], one["id"]))


def snapshot(desk: Desk, inputs: Json, body: Json) -> Json:
    """Keep the records as they are now under a name."""
    sandbox = desk.sandbox(inputs)
    return {"name": body["name"], "records": desk.store.copy(sandbox.name, _SNAPSHOT + body["name"], keep_empty=True)}


def restore(desk: Desk, inputs: Json, body: Json) -> Json:
    """Make the records what they were when the snapshot was taken."""
    sandbox = desk.sandbox(inputs)
    if body["name"] not in snapshots(desk):
        raise SnapshotNotFound(snapshot=body["name"])
    return {"name": body["name"], "records": desk.store.copy(_SNAPSHOT + body["name"], sandbox.name)}


def delete(desk: Desk, inputs: Json, _: Json) -> Json:
    """Forget a sandbox and all that it wrote."""
    sandbox = desk.sandbox(inputs)
    if sandbox.fixed:
        raise SandboxFixed(sandbox=sandbox.name)
    forget(desk, sandbox.name)
    return {"done": f"{sandbox.name} deleted"}


def forget(desk: Desk, name: str) -> None:
    """The sandbox first, so that its key opens nothing any more; then what it wrote."""
    desk.sandboxes.delete(name)
    desk.store.reset(name)


def snapshots(desk: Desk) -> list[str]:
    """The names of the snapshots."""
    return [name.removeprefix(_SNAPSHOT) for name in desk.store.snapshots() if name.startswith(_SNAPSHOT)]


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
        fails=(BrokenRequest, SandboxExists, SnapshotNotFound, TooManySandboxes),
        status=201,
    ),
    AdminRoute("LIST_SANDBOXES", "GET /sandboxes", "All sandboxes.", listed, SandboxList, fails=()),
    AdminRoute("GET_SANDBOX", f"GET {_AT}", "One sandbox, by name or api_key.", read, SandboxReply, fails=_ONE),
    AdminRoute("DELETE_SANDBOX", f"DELETE {_AT}", "Forget a sandbox.", delete, Done, fails=(*_ONE, SandboxFixed)),
    AdminRoute("RESET_SANDBOX", f"POST {_AT}/reset", "Back to the beginning.", reset, Done, ResetRequest, fails=_ONE),
    AdminRoute("SET_CLOCK", f"POST {_AT}/clock", "Set or move the clock.", set_clock, ClockReply, ClockChange, fails=_ONE),
    AdminRoute(
        "TAKE_SNAPSHOT",
        f"POST {_AT}/snapshot",
        "Keep the records under a name.",
        snapshot,
        SnapshotReply,
        SnapshotRequest,
        fails=_ONE,
    ),
    AdminRoute(
        "RESTORE_SNAPSHOT",
        f"POST {_AT}/restore",
        "Bring the records of a snapshot back.",
        restore,
        SnapshotReply,
        SnapshotRequest,
        fails=(*_ONE, SnapshotNotFound),
    ),
)
