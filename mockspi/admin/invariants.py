"""Whether a sandbox's records keep the merchant's rules, over the admin port."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk, SandboxNotFound
from mockspi.exchange import Json
from mockspi.retail.invariants import faults
from mockspi.schema import Flag, Id, Integer, Many, Shape, Text

_MOST = 100


class FaultReply(Shape):
    """A record at fault."""

    collection = Id(required=True)
    key = Id(required=True)
    path = Text(required=True, about="JSON pointer into the record")
    message = Text(required=True)


class InvariantReply(Shape):
    """One rule, whether it holds, and the records at fault."""

    name = Id(required=True)
    about = Text(required=True)
    holds = Flag(required=True)
    faults = Many(FaultReply, required=True, about=f"at most {_MOST} of them")
    faultCount = Integer(required=True)


class InvariantsReply(Shape):
    """Every rule; ``holds`` where all of them do."""

    holds = Flag(required=True)
    invariants = Many(InvariantReply, required=True)


def read(desk: Desk, inputs: Json, _: Json) -> Json:
    """Check every rule, at the time of the sandbox's clock, on one state of its records."""
    sandbox = desk.sandbox(inputs)
    with desk.store.view(sandbox.space) as records:
        found = [
            {
                "name": rule.name,
                "about": rule.about,
                "holds": not broken,
                "faults": [
                    {"collection": one.collection, "key": one.key, "path": one.path, "message": one.message}
                    for one in broken[:_MOST]
                ],
                "faultCount": len(broken),
            }
            for rule, broken in faults(records, sandbox.timing.now(desk.real()))
        ]
    return {"holds": all(one["holds"] for one in found), "invariants": found}


ROUTES = (
    AdminRoute(
        "READ_INVARIANTS",
        "GET /sandboxes/{sandbox}/invariants",
        "Which of the merchant's rules hold, and the records that break one.",
        read,
        InvariantsReply,
        fails=(SandboxNotFound,),
    ),
)
