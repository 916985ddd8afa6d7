"""The clock of a sandbox over the admin port: set or moved, and what fell due on the way; webhooks among it are sent."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.errors import BrokenRequest, FixtureSetMissing
from mockspi.exchange import Json
from mockspi.retail import ledger, loyalty, reservations, slots
from mockspi.sandbox import EARLIEST, LATEST, Sandbox
from mockspi.schema import Choice, Flag, Id, Integer, Many, Moment, Number, Shape, Text
from mockspi.store.leases import new_owner
from mockspi.store.outbox_log import STATES

_LONGEST = LATEST - EARLIEST
_PAUSE = 0.02


class ClockChange(Shape):
    """How the clock is set, then how far it moves on; an empty object changes nothing."""

    frozen = Moment(about="stand still at this moment")
    shift = Integer(low=-_LONGEST, high=_LONGEST, about="milliseconds ahead of real time; negative is behind")
    scale = Number(low=0, high=1_000_000, about="this many times as fast as real time, from now on")
    real = Flag(about="true: real time again")
    advance = Integer(low=0, high=_LONGEST, about="milliseconds to move on, after all else")


class ClockState(Shape):
    """The clock of a sandbox."""

    now = Moment(required=True)
    kind = Choice("real", "frozen", "scaled", "shifted", required=True)
    scale = Number(required=True)
    shift = Integer(required=True, about="milliseconds ahead of real time")


class Fired(Shape):
    """Something that fell due when the clock moved: it ended, can no longer be chosen or used, or was sent."""

    kind = Choice("RESERVATION_EXPIRED", "SLOT_CLOSED", "REWARD_EXPIRED", "POINTS_EXPIRED", "WEBHOOK_ATTEMPT", required=True)
    id = Id(required=True, about="cartId, slotId, rewardId, customerId, or the webhook's id")
    at = Moment(required=True)
    status = Choice(*STATES, about="how the webhook stands after the attempt")
    reason = Text(about="why it is not delivered")


class ClockReply(Shape):
    """The time in the sandbox now, and what fell due on the way there, in order."""

    now = Moment(required=True)
    fired = Many(Fired, required=True)


def timed(sandbox: Sandbox, change: Json, real: int, path: str = "") -> Sandbox:
    """A sandbox with its clock changed, if that can be."""
    if sum(("frozen" in change, "shift" in change, change.get("real", False))) > 1:
        raise BrokenRequest(errors=[{"path": path, "message": "frozen, shift and real exclude each other"}])
    found = sandbox.timed(change, real)
    if not EARLIEST < found.timing.now(real) < LATEST:
        raise BrokenRequest(errors=[{"path": path, "message": "the clock would leave the years 1900 to 9000"}])
    return found


def set_clock(desk: Desk, inputs: Json, body: Json) -> Json:
    """Set or move the clock; the answer lists what fell due."""
    sandbox, real = desk.sandbox(inputs), desk.real()
    owner = new_owner()
    with _alone(desk, sandbox, owner):
        done = desk.sandboxes.change(sandbox, lambda one: timed(one, body, real))
        if done is None:
            raise SandboxNotFound(sandbox=inputs["sandbox"])
        before, after = (one.timing.now(real) for one in done)
        fired = due(desk, sandbox, before, after)
        fired += [one.told() for one in desk.sender.send_between(sandbox.space, min(before, after), after, owner)]
    return {"now": after, "fired": sorted(fired, key=lambda one: one["at"])}


@contextmanager
def _alone(desk: Desk, sandbox: Sandbox, owner: str) -> Iterator[None]:
    """Nobody else sends what is in a sandbox, while its clock moves."""
    if sandbox.space not in desk.sender.outbox.next_due():  # nothing waits, as most of the time
        yield
        return
    while not desk.sender.keep(sandbox.space, owner):
        time.sleep(_PAUSE)
    try:
        yield
    finally:
        desk.sender.outbox.release(sandbox.space, owner)


def reset_clock(desk: Desk, sandbox: Sandbox) -> None:
    """The clock that the sandbox had first."""
    desk.sandboxes.change(sandbox, lambda one: replace(one, timing=one.begun))


def due(desk: Desk, sandbox: Sandbox, before: int, after: int) -> list[Json]:
    """What falls due between two moments of a sandbox, in order."""
    records = desk.records(sandbox)
    fired = [{"kind": "RESERVATION_EXPIRED", "id": id_, "at": at} for id_, at in reservations.expired(records, before, after)]
    fired += [{"kind": "SLOT_CLOSED", "id": id_, "at": at} for id_, at in slots.closed(records, before, after)]
    fired += [{"kind": "REWARD_EXPIRED", "id": id_, "at": at} for id_, at in loyalty.expired(records, before, after)]
    fired += [{"kind": "POINTS_EXPIRED", "id": id_, "at": at} for id_, at in ledger.expired(records, before, after)]
    return sorted(fired, key=lambda one: (one["at"], one["kind"], one["id"]))


ROUTES = (
    AdminRoute(
        "SET_CLOCK",
        "POST /sandboxes/{sandbox}/clock",
        "Set or move the clock.",
        set_clock,
        ClockReply,
        ClockChange,
        fails=(BrokenRequest, SandboxNotFound, FixtureSetMissing),
    ),
)
