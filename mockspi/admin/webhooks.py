"""Webhooks over the admin port: sent, looked up, sent again, and the targets that want nothing any more."""

from __future__ import annotations

from dataclasses import replace

from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.admin.webhook_shapes import (
    DisabledReply,
    EnableQuery,
    RepostReply,
    RepostRequest,
    SendReply,
    SendRequest,
    WebhookDetails,
    WebhookList,
    WebhookQuery,
)
from mockspi.errors import BrokenRequest, Failure
from mockspi.exchange import Json
from mockspi.fixtures.reading import open_set
from mockspi.sandbox import Sandbox
from mockspi.store.outbox_log import FAILED, WAITING, Delivery, NotAgain, Wanted
from mockspi.webhooks import asking, reposting, telling
from mockspi.webhooks.asking import Unfit
from mockspi.webhooks.reposting import Given


class WebhookNotFound(Failure):
    """Nothing was sent under this id, or it made room for newer ones."""

    status = 404
    code = "WEBHOOK_NOT_FOUND"


class WebhookUnderWay(Failure):
    """Only what is delivered or has failed can be sent again."""

    status = 409
    code = "WEBHOOK_UNDER_WAY"


def send(desk: Desk, inputs: Json, body: Json) -> Json:
    """Keep an event, and make the first attempt unless told not to wait."""
    sandbox = desk.sandbox(inputs)
    now = sandbox.timing.now(desk.real())
    given = {"sets" if name == "set" else name: value for name, value in body.items() if name != "wait"}
    try:
        wanted = asking.Wanted(**given)
        fixtures = open_set(desk.settings.sets[sandbox.fixtures])
        message = asking.message_of(wanted, desk.sender, now, fixtures)
    except Unfit as error:
        raise BrokenRequest(errors=[{"path": error.path, "message": str(error)}]) from error
    id_ = desk.sender.accept(sandbox.space, message, now)
    told = _tried(desk, sandbox, [id_], wait=body.get("wait", True))[0]
    return told | ({"remarks": found} if (found := asking.remarks(message)) else {})


def listed(desk: Desk, inputs: Json, _: Json) -> Json:
    """Those that are meant."""
    sandbox, outbox = desk.sandbox(inputs), desk.sender.outbox
    wanted = chosen(sandbox.space, inputs)
    found = outbox.search(wanted, inputs.get("limit", 100), newest=True)
    told = [telling.whole(outbox, one, sandbox.name) if "body" in inputs else telling.told(one, sandbox.name) for one in found]
    return {"webhooks": told, "totalCount": outbox.count(wanted)}


def read(desk: Desk, inputs: Json, _: Json) -> Json:
    """One with everything that is kept of it."""
    sandbox = desk.sandbox(inputs)
    return telling.whole(desk.sender.outbox, _found(desk, sandbox, inputs["id"]), sandbox.name)


def repost(desk: Desk, inputs: Json, body: Json) -> Json:
    """Send finished ones again, each under a new id."""
    sandbox, outbox = desk.sandbox(inputs), desk.sender.outbox
    now = sandbox.timing.now(desk.real())
    if "ids" in body:
        found = [_found(desk, sandbox, id_) for id_ in body["ids"]]
    else:
        found = outbox.search(replace(chosen(sandbox.space, body), state=FAILED, once=True))
    if waiting := next((one for one in found if one.state == WAITING), None):
        raise WebhookUnderWay(webhook=waiting.id)
    given = Given(body.get("secret", ""), body.get("headers", {}))
    try:
        made = outbox.repost(sandbox.space, reposting.ready(found, sandbox.connectors, desk.sender, now, given), now)
    except NotAgain as refusal:
        places = {id_: f"/ids/{index}" for index, id_ in enumerate(body.get("ids", ()))}
        told = [{"path": places.get(id_, "/failed"), "message": f"{id_}: {why}"} for id_, why in refusal.reasons.items()]
        raise BrokenRequest(errors=told) from refusal
    return {"webhooks": _tried(desk, sandbox, made, wait=body.get("wait", True))}


def disabled(desk: Desk, inputs: Json, _: Json) -> Json:
    """The targets that want nothing any more."""
    found = desk.sender.outbox.disabled(desk.sandbox(inputs).space)
    return {"disabled": [{"target": one["url"], "at": one["at"], "reason": one["reason"]} for one in found]}


def enable(desk: Desk, inputs: Json, _: Json) -> Json:
    """Send to them again."""
    sandbox = desk.sandbox(inputs)
    count = desk.sender.outbox.enable(sandbox.space, inputs.get("target"))
    return {"done": f"{sandbox.name}: {count} target{'s' * (count != 1)} enabled"}


def chosen(space: str, inputs: Json) -> Wanted:
    """A query as the outbox takes it."""
    names = ("endpoint", "store", "since", "until", "text")
    given = {name: inputs[name] for name in names if name in inputs}
    events = None
    if "event" in inputs:
        events = asking.events_named(inputs["event"])
        if not events:
            raise BrokenRequest(errors=[{"path": "/event", "message": f"no event is called {inputs['event']!r}"}])
    return Wanted(space=space, state=inputs.get("status", ""), events=events, **given)


def _found(desk: Desk, sandbox: Sandbox, id_: str) -> Delivery:
    found = desk.sender.outbox.search(Wanted(space=sandbox.space, ids=(id_,)))
    if not found:
        raise WebhookNotFound(webhook=id_)
    return found[0]


def _tried(desk: Desk, sandbox: Sandbox, ids: list[str], *, wait: bool) -> list[Json]:
    """What has become of them, after an attempt each where they may be tried now."""
    if wait:
        desk.sender.try_now(sandbox.space, lambda: sandbox.timing.now(desk.real()), ids)
    return [telling.told(one, sandbox.name) for one in desk.sender.outbox.search(Wanted(space=sandbox.space, ids=tuple(ids)))]


_ONE = (BrokenRequest, SandboxNotFound)
_AT = "/sandboxes/{sandbox}/webhooks"
ROUTES = (
    AdminRoute(
        "SEND_WEBHOOK", f"POST {_AT}", "Send an event.", send, SendReply, SendRequest, fails=_ONE, status=201, exact=True
    ),
    AdminRoute("LIST_WEBHOOKS", f"GET {_AT}", "What was sent.", listed, WebhookList, query=WebhookQuery, fails=_ONE),
    AdminRoute("LIST_DISABLED", f"GET {_AT}/disabled", "Targets that are disabled.", disabled, DisabledReply, fails=_ONE),
    AdminRoute("ENABLE_TARGETS", f"DELETE {_AT}/disabled", "Send to them again.", enable, Done, query=EnableQuery, fails=_ONE),
    AdminRoute(
        "REPOST_WEBHOOKS", f"POST {_AT}/repost", "Send again.", repost, RepostReply, RepostRequest,
        fails=(*_ONE, WebhookNotFound, WebhookUnderWay),
    ),
    AdminRoute(
        "GET_WEBHOOK", f"GET {_AT}/{{id}}", "One with every attempt.", read, WebhookDetails, fails=(*_ONE, WebhookNotFound)
    ),
)  # fmt: skip
