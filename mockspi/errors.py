"""Everything that can go wrong, as one tree.

MockspiError
├─ BrokenSet                  a fixture set that must not be served
├─ UsageError                 the person who started mockspi must change something; one sentence, exit 2
├─ WouldWait                  nothing was done, for that would have had to wait here; ask again where waiting is allowed
└─ Failure                    told to the caller, in the vendor's error shape
   ├─ Refusal                 200: a business "no"
   └─ BrokenRequest           4xx: the request breaks the contract

A failure's docstring is its description in OpenAPI and docs; its text in four languages is in the fixture
set's ``messages/`` under its code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar


class MockspiError(Exception):
    """The root: catch this to catch whatever mockspi raises on purpose."""


class UsageError(MockspiError):
    """A setting, folder or file that cannot be used; the text says what, where and what instead."""


class BrokenSet(MockspiError):
    """A fixture set with findings (each a sentence with its place); nothing is served from it."""

    def __init__(self, folder: Path, findings: Sequence[object]) -> None:
        super().__init__(f"{folder}: {len(findings)} findings")
        self.folder = folder
        self.findings = findings


class WouldWait(MockspiError):
    """Nothing was done, for that would have had to wait here; who asks does the same again where waiting is allowed."""


class Failure(MockspiError):
    """An answer that is a "no"; ``facts`` fill the placeholders of its message."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = ""

    def __init__(
        self,
        *,
        errors: Iterable[Mapping[str, Any]] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Iterable[tuple[str, str]] = (),
        **facts: Any,
    ) -> None:
        super().__init__(self.code, facts)
        self.errors = list(errors)
        self.extra = dict(extra or {})
        self.headers = tuple(headers)
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.code} ({' '.join((type(self).__doc__ or '').split())})"


class Refusal(Failure):
    """A business "no": HTTP 200 with errorCode and errorMessage."""

    status = 200


class BrokenRequest(Failure):
    """A request that breaks the contract; ``errors`` says where."""

    status = 400
    code = "REQUEST_INVALID"


class JsonUnreadable(BrokenRequest):
    """A body that is not JSON."""

    code = "JSON_UNREADABLE"


class UnsupportedApiVersion(BrokenRequest):
    """An api_version segment that this server does not serve."""

    code = "UNSUPPORTED_API_VERSION"


class UnknownEndpoint(BrokenRequest):
    """No contract has this path."""

    status = 404
    code = "UNKNOWN_ENDPOINT"


class MethodNotAllowed(BrokenRequest):
    """The path is known, the method is not; Allow lists those that are."""

    status = 405
    code = "METHOD_NOT_ALLOWED"


class RequestTooLarge(BrokenRequest):
    """A body over the ``max-body`` setting, as sent or once unpacked."""

    status = 413
    code = "REQUEST_TOO_LARGE"


class UnsupportedMediaType(BrokenRequest):
    """A body that is not declared as application/json (or as an encoding other than gzip)."""

    status = 415
    code = "UNSUPPORTED_MEDIA_TYPE"


class SandboxExists(Failure):
    """A sandbox already has this name or api_key."""

    status = 409
    code = "SANDBOX_EXISTS"


class TooManySandboxes(Failure):
    """There are as many sandboxes as the ``max-sandboxes`` setting allows."""

    status = 409
    code = "TOO_MANY_SANDBOXES"


class TooManyRules(Failure):
    """A sandbox holds as many rules as it may, or as many bytes of them."""

    status = 409
    code = "TOO_MANY_RULES"


class FixtureSetMissing(Failure):
    """The sandbox was made from a fixture set that this server was not started with."""

    status = 503
    code = "FIXTURE_SET_MISSING"


class OrderExists(Failure):
    """Another order arrived under this orderId before; the same one again is answered as the first time."""

    status = 409
    code = "ORDER_EXISTS"


class StoreBusy(Failure):
    """Another process holds the store; the same call a moment later will do."""

    status = 503
    code = "STORE_BUSY"


class StoreFull(Failure):
    """The disk that holds the state is full; nothing was changed."""

    status = 507
    code = "STORE_FULL"


class InternalError(Failure):
    """A defect of mockspi; ``errorId`` is in the server's log with the trace."""

    status = 500
    code = "INTERNAL_ERROR"
