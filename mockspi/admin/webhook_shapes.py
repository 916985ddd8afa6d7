"""What the admin port is asked about webhooks, and what it tells."""

from __future__ import annotations

from mockspi.admin.verify import objects, texts
from mockspi.event import PLATFORMS
from mockspi.schema import Anything, Choice, Flag, Id, Integer, Many, Moment, Shape, Text, validate
from mockspi.store.outbox_log import STATES

_LARGEST_PAGE = 500


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


class SendReply(WebhookReply):
    """What became of it so far."""

    remarks = Many(Text(), about="what is worth knowing though it was sent, such as that a secret signs nothing")


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
    secret = Text(about="given again to the one target that lacks it: it was not a ${NAME}, and no connector has it")
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
