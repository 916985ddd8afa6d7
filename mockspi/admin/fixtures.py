"""The fixture sets over the admin port: what is served, what is wrong with the files, and reading them again."""

from __future__ import annotations

from mockspi.admin.route import AdminRoute, Desk
from mockspi.editions import FRESH, STALE
from mockspi.errors import BrokenRequest, Failure
from mockspi.exchange import Json
from mockspi.schema import Choice, Flag, Id, Integer, Many, Moment, Shape, Text, did_you_mean


class FixtureSetUnknown(Failure):
    """This server was not started with a fixture set of this name."""

    status = 404
    code = "FIXTURE_SET_UNKNOWN"


class ReloadNotDone(Failure):
    """The sets are still being read, or nobody reads them any more; the last good ones are served."""

    status = 503
    code = "RELOAD_NOT_DONE"


class FixtureFinding(Shape):
    """Something wrong in the files of a set, as `mockspi fixtures lint` tells it; at most 100 are told."""

    set = Id(required=True)
    file = Text(required=True)
    line = Integer(required=True)
    column = Integer(required=True)
    pointer = Text(required=True)
    message = Text(required=True)


class FixtureChange(Shape):
    """How many records of a collection the last exchange changed; `texts` are messages, scenarios and magic values."""

    set = Id(required=True)
    collection = Text(required=True)
    added = Integer(required=True)
    removed = Integer(required=True)
    changed = Integer(required=True)


class FixtureConflict(Shape):
    """A record that the last exchange changed and a sandbox has written; the sandbox keeps its own."""

    set = Id(required=True)
    sandbox = Text(required=True)
    collection = Text(required=True)
    key = Text(required=True)


class FixtureSetReply(Shape):
    """A fixture set; stale means that its files have findings, and that the last good edition is served."""

    name = Id(required=True)
    folder = Text(required=True)
    state = Choice(FRESH, STALE, required=True)
    since = Moment(required=True, about="of the state, or of the edition that is served")
    digest = Text(required=True, about="of the files that are served")


class Told(Shape):
    """The findings of the files, and what the last exchange of each set changed."""

    findings = Many(FixtureFinding, required=True)
    changed = Many(FixtureChange, required=True)
    conflicts = Many(FixtureConflict, required=True)


class FixturesReply(Told):
    """Every fixture set of this server, the findings of the files, and what the last exchange of each changed."""

    sets = Many(FixtureSetReply, required=True)


class ReloadReply(Told):
    """What came of it; `changed` and `conflicts` are of this exchange."""

    ok = Flag(required=True, about="false: there are findings, and the last good edition is served")


class ReloadRequest(Shape):
    """Which set; all of them unless one is named."""

    set = Text()


def listed(desk: Desk, _: Json, __: Json) -> Json:
    """What is on the board."""
    sets = desk.board.read()["sets"]
    shown = ("folder", "state", "since", "digest")
    return {"sets": [{"name": name, **{part: one[part] for part in shown}} for name, one in sets.items()], **told(sets)}


def reload(desk: Desk, _: Json, body: Json) -> Json:
    """Read the files now, and serve them if they are sound."""
    name, known = body.get("set"), desk.settings.sets
    if name is not None and name not in known:
        raise FixtureSetUnknown(set=name, hint=did_you_mean(name, known))
    found = desk.reload(name)
    return {"ok": not any(one["findings"] for one in found.values()), **told(found)}


def told(sets: Json) -> Json:
    """Lists of everything that is told of several sets."""
    parts = ("findings", "changed", "conflicts")
    return {part: [{"set": name, **one} for name, found in sets.items() for one in found[part]] for part in parts}


ROUTES = (
    AdminRoute("LIST_FIXTURES", "GET /fixtures", "The fixture sets and their state.", listed, FixturesReply, fails=()),
    AdminRoute(
        "RELOAD_FIXTURES",
        "POST /fixtures/reload",
        "Read the fixture sets again.",
        reload,
        ReloadReply,
        ReloadRequest,
        fails=(BrokenRequest, FixtureSetUnknown, ReloadNotDone),
    ),
)
