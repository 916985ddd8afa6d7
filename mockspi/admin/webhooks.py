"""Webhooks over the admin port: sent, looked up, sent again, and the targets that want nothing any more."""

from __future__ import annotations

from dataclasses import replace

from marshmallow import validate

from mockspi.admin.route import AdminRoute, Desk, Done, SandboxNotFound
from mockspi.admin.verify import objects, texts
from mockspi.errors import BrokenRequest, Failure
from mockspi.event import PLATFORMS
from mockspi.exchange import Json
from mockspi.fixtures.reading import open_set
from mockspi.sandbox import Sandbox
from mockspi.schema import Anything, Choice, Flag, Id, Integer, Many, Moment, Shape, Text
from mockspi.store.outbox_log import FAILED, STATES, WAITING, Delivery, Wanted
from mockspi.webhooks import asking, reposting, telling
from mockspi.webhooks.asking import Unfit
from mockspi.webhooks.reposting import Given, NotAgain

_LARGEST_PAGE = 500


class WebhookNotFound(Failure):
    """Nothing was sent under this id, or it made room for newer ones."""

    status = 404
    code = "WEBHOOK_NOT_FOUND"


class WebhookUnderWay(Failure):
    """Only what is delivered or has failed can be sent again."""

    status = 409
    code = "WEBHOOK_UNDER_WAY"


class SendRequest(Shape):
    """An event and where it goes; its body is an example's unless ``data`` is given."""

    event = Id(required=True, about="name of an event, such as VOID_CART")
    to = Text(required=True, about="URL; ${NAME} is looked up in the server's environment, as in secret and headers")
    platform = Choice(*PLATFORMS)
    profile = Text(about="way of delivering; the platform's unless given")
    example = Text(about="name of an example; the first unless given")
    data = Anything(validate=objects, about="the body, instead of an example's")
    set = Anything(validate=objects, about="JSON pointer into the body to value")
    raw = Flag(about="true: the body may break the event's shape")
    method = Choice("POST", "PUT")
    secret = Text(about="what the delivery is signed with; forgotten once it is delivered or has failed, unless it is a ${NAME}")
    headers = Anything(validate=texts, about="header name to text; secrets among them are forgotten like secret")
    trouble = Many(Text(), about="what is wrong with the delivery on purpose, such as duplicate or stale")
    order = Text(about="those of the same order go one after another; the body's cart or order unless given")
    wait = Flag(about="false: answer before the first attempt")


class WebhookReply(Shape):
    """One webhook on its way to one target."""

    id = Id(required=True, about="the same for every attempt")
    event = Text(required=True)
    platform = Text(required=True)
    version = Text()
    sandbox = Text(required=True)
    target = Text(required=True)
    endpoint = Text(about="endpoint name of the connector")
    status = Choice(*STATES, required=True)
    reason = Text(about="why it is not delivered")
    waitsFor = Text(about="id of the one of the same order that goes first, while that one waits")
    httpStatus = Integer(about="of the last answer")
    attempts = Integer(required=True)
    at = Moment(required=True, about="when it happened, by the sandbox's clock")
    due = Moment(about="when it is tried next")
    store = Text(about="the store that the body names")
    order = Text()
    trouble = Many(Text())
    repostOf = Text(about="id of the webhook that this one repeats")
    repostedAs = Text(about="id of the last webhook that repeats this one")


class AttemptRequest(Shape):
    """What was put on the wire, secrets masked."""

    method = Text(required=True)
    headers = Anything(required=True)
    body = Text()
    bodyBase64 = Text(about="where the bytes are no text")
    bytes = Integer(required=True)
    bodyCut = Integer(about="size of a body of which only the beginning is kept")


class AttemptAnswer(Shape):
    """What came back."""

    status = Integer(required=True)
    headers = Anything(required=True)
    body = Text()
    bodyBase64 = Text()
    bytes = Integer(required=True)
    bodyCut = Integer()


class AttemptReply(Shape):
    """One attempt; ``unknown`` where nobody lived to see the answer."""

    number = Integer(required=True)
    at = Moment(required=True)
    request = Anything(required=True, about="method, headers, body, bytes; secrets masked")
    reply = Anything(about="status, headers, body, bytes; left out where nothing came")
    error = Text(about="why nothing came")
    milliseconds = Integer()
    verdict = Choice("delivered", "failed", "unknown", required=True)
    reason = Text()


class WebhookDetails(WebhookReply):
    """One webhook with everything that is kept of it."""

    profile = Text(required=True)
    body = Anything(required=True)
    attemptLog = Many(AttemptReply, required=True)


class WebhookQuery(Shape):
    """Which; all that is named must hold."""

    status = Choice(*STATES)
    event = Text(about="name of an event")
    endpoint = Text(about="endpoint name of a connector, or a part of the target's address")
    store = Text(about="the store that the body names")
    since = Moment(about="by the sandbox's clock")
    until = Moment()
    text = Text(about="a part of the body, of the reason or of a reply; upper and lower case are the same")
    limit = Integer(low=1, high=_LARGEST_PAGE, about="only so many of the newest; 100 unless given")
    body = Choice("true", about="with bodies and attempts")


class WebhookList(Shape):
    """Some webhooks, oldest first."""

    webhooks = Many(Anything(), required=True, about="as one webhook is told, in short or with body=true whole")
    totalCount = Integer(required=True)


class RepostRequest(Shape):
    """Which are sent again: those with these ids, or all failed ones that the filters mean and nobody has sent again yet."""

    ONE_OF = ("ids", "failed")
    ids = Many(Id(), validate=validate.Length(1, _LARGEST_PAGE))
    failed = Flag(validate=validate.Equal(True, error="true is expected"))
    event = Text()
    endpoint = Text()
    store = Text()
    since = Moment()
    until = Moment()
    text = Text()
    secret = Text(about="given again, where it was not a ${NAME} and no connector has it")
    headers = Anything(validate=texts, about="the same: header name to text")
    wait = Flag(about="false: answer before the first attempt")


class RepostReply(Shape):
    """The new webhooks."""

    webhooks = Many(WebhookReply, required=True)


class DisabledTarget(Shape):
    """An address to which nothing is sent any more."""

    target = Text(required=True)
    at = Moment(required=True)
    reason = Text(required=True)


class DisabledReply(Shape):
    """All of them."""

    disabled = Many(DisabledTarget, required=True)


class EnableQuery(Shape):
    """Which."""

    target = Text(about="its address; all of them unless given")


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
    return _tried(desk, sandbox, [id_], wait=body.get("wait", True))[0]


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
        ready = reposting.ready(found, sandbox.connectors, desk.sender, now, given)
    except NotAgain as refusal:
        places = {id_: f"/ids/{index}" for index, id_ in enumerate(body.get("ids", ()))}
        told = [{"path": places.get(id_, "/failed"), "message": f"{id_}: {why}"} for id_, why in refusal.reasons.items()]
        raise BrokenRequest(errors=told) from refusal
    made = outbox.repost(sandbox.space, ready, now)
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
        "SEND_WEBHOOK", f"POST {_AT}", "Send an event.", send, WebhookReply, SendRequest, fails=_ONE, status=201, exact=True
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
