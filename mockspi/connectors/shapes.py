"""What a connector looks like: the CMS's custom connector as JSON, with what other platforms need beside it."""

from __future__ import annotations

import re
from typing import Any

from mockspi.event import PLATFORMS, RETAIL_CLOUD
from mockspi.exchange import Json
from mockspi.schema import ASSUMED, PUBLIC, SEED, Anything, Choice, Flag, Id, Integer, Many, Part, Shape, Text, validate
from mockspi.schema.validate import ValidationError

SPI, WEBHOOK = "SPI", "Webhook"
OAUTH = "OAUTH-OAuth"  #: the endpoint name of the connector that fetches tokens
OAUTH_KEYS = ("OAuth", "OAUTH")
EMPORIX_SVIX = "emporix-svix"  #: a further way of delivering
LONGEST = 600_000  #: milliseconds
_NAME, _TEXT = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z"), re.compile(r"[\t\x20-\x7e\xa0-\xff]*\Z")
_SENDERS_OWN = ("content-length", "transfer-encoding", "connection", "host")
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}


def carries(value: Any) -> None:
    """Refuse what cannot be the headers of a request."""
    if not isinstance(value, dict):
        raise ValidationError("an object is expected: header names, each with a text")
    wrong: dict[Any, list[str]] = {}
    for name, text in value.items():
        if not _NAME.match(name):
            wrong[name] = ["no header can have this name"]
        elif name.lower() in _SENDERS_OWN:
            wrong[name] = ["this header is made when something is sent; leave it out"]
        elif not isinstance(text, str):
            wrong[name] = ["a text is expected"]
        elif not _TEXT.match(text):
            wrong[name] = ["a text that a header can carry is expected"]
    if wrong:
        raise ValidationError(wrong)


def steady(text: str) -> None:
    """Refuse a URL with a line break or another control character."""
    if not text.isprintable():
        raise ValidationError("a URL without control characters, such as line breaks, is expected")


def headers(**options: Any) -> Anything:
    """A field of header names and their texts."""
    return Anything(validate=carries, like=_TEXTS, **options)


class OAuthConfig(Shape):
    """How a token is fetched before the call: by the connector OAUTH-OAuth, or by what stands here."""

    SOURCE = ASSUMED

    oauthHeader = Text(source=PUBLIC, validate=validate.Regexp(_NAME), about="takes the token; Authorization unless given")
    oauthApiKey = Choice(*OAUTH_KEYS, source=PUBLIC, about="the token comes from the connector OAUTH-OAuth")
    prefix = Text(about="what stands before the token in the header; Bearer unless given")
    url = Text(validate=[validate.Length(min=1), steady], about="token endpoint, in the place of the connector OAUTH-OAuth")
    clientId = Id()
    clientSecret = Id()
    scope = Id()
    basic = Choice(
        "spaced", "plain", about="spaced: 'id: secret', as the vendor documents it; plain: 'id:secret', as RFC 6749 does"
    )


class Connector(Shape):
    """One custom connector, in the CMS's words."""

    SOURCE = SEED

    connectorType = Choice(SPI, WEBHOOK, required=True)
    endpointName = Id(required=True, about="name of an SPI or of an event; any name where events are listed")
    apiEndpoint = Text(
        required=True, validate=[validate.Length(min=1), steady], about="a URL, or its path; called as it is written"
    )
    integrationType = Choice("HTTP_GET", "HTTP_POST", "HTTP_PUT", "HTTP_DELETE")
    jsonHeaders = headers(about="sent with every call; ${NAME} stands for a variable of the environment")
    oauthConfig = Part(OAuthConfig, source=PUBLIC)
    netSuiteOAuth = Flag(about="NetSuite's own OAuth, which needs an ERP configuration")
    events = Many(Id(), validate=validate.Length(min=1), about="names of events; the endpoint name unless given")
    latencyThreshold = Integer(low=1, high=LONGEST, source=PUBLIC, about="milliseconds; a slower reply is told to monitoring")
    platform = Choice(*PLATFORMS, source=ASSUMED, about="whose events these are; retail-cloud unless given")
    profile = Choice(*PLATFORMS, EMPORIX_SVIX, source=ASSUMED, about="way of delivering; the platform's unless given")
    version = Id(source=ASSUMED, about="of the event, where a platform has several")
    secret = Id(source=ASSUMED, about="what a delivery is signed with; write ${NAME}, a variable of the environment")
    excludedFields = Many(Id(), source=PUBLIC, about="members at the root of the body that are not sent (Emporix)")


def signs(connector: Json) -> bool:
    """Whether what a webhook connector sends, or is sent, has a signature."""
    profile = connector.get("profile") or connector.get("platform", RETAIL_CLOUD)
    return bool(connector.get("secret")) and profile != RETAIL_CLOUD


class ConnectorFile(Shape):
    """The file: connectors in a list."""

    schema_ = Text(data_key="$schema")
    connectors = Many(Connector, required=True)
