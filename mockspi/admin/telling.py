"""What the admin port says when it says no: one sentence for each code, filled with facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from mockspi.errors import Failure, Refusal
from mockspi.exchange import Json, Reply

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "FORBIDDEN_HOST": "The Host header says {host}, which is not this machine. Call the address that 'mockspi serve' "
        "printed.",
        "TOKEN_REQUIRED": "The admin token is missing or wrong. Send the header 'Authorization: Bearer TOKEN' with the token "
        "that 'mockspi serve' printed.",
        "SANDBOX_NOT_FOUND": "No sandbox has the name or api_key '{sandbox}'. GET /sandboxes, or 'mockspi sandbox list', "
        "lists those that there are.",
        "SANDBOX_EXISTS": "A sandbox with the name '{sandbox}' or with this api_key exists already. Choose another, or delete "
        "it.",
        "SANDBOX_FIXED": "The sandbox '{sandbox}' was given at start with --api-key. It can be reset, not deleted.",
        "TOO_MANY_SANDBOXES": "There are already {most} sandboxes, which is the most that there may be. Delete some, let them "
        "expire with a ttl, or raise --max-sandboxes.",
        "SNAPSHOT_NOT_FOUND": "No snapshot is called '{snapshot}', and no fixture set. GET /snapshots and GET /fixtures list "
        "those that there are.",
        "SNAPSHOT_NAME_TAKEN": "A fixture set is called '{snapshot}', and sandboxes are made from it by this name. Choose "
        "another.",
        "SNAPSHOT_OF_ANOTHER_SET": "Snapshot '{snapshot}' lies over the fixture set '{theirs}', sandbox '{sandbox}' over "
        "'{ours}'. Make a sandbox from the snapshot instead.",
        "CONNECTOR_NOT_FOUND": "The sandbox has no connector with the endpoint name '{endpoint}'{hint}.",
        "SNAPSHOT_IN_USE": "Sandbox '{sandbox}' was made from the snapshot '{snapshot}' and needs it to come back to its "
        "beginning. Delete the sandbox first.",
        "FIXTURE_SET_MISSING": "This lies over the fixture set '{set}', which the server was not started with. Start it with "
        "--fixture-set {set}=DIR.",
        "FIXTURE_SET_UNKNOWN": "No fixture set is called '{set}'{hint}. GET /fixtures lists those that there are.",
        "RELOAD_NOT_DONE": "The fixture sets have not been read again within {seconds} s. GET /fixtures tells what is served.",
        "TOO_MANY_SNAPSHOTS": "There are already {most} snapshots, which is the most that there may be. Delete some.",
        "SCENARIO_NOT_FOUND": "No scenario is called '{scenario}'{hint}. GET /scenarios lists those that there are.",
        "TOO_MANY_RULES": "A sandbox holds at most {rules} rules, and {bytes} bytes of them.",
        "COLLECTION_NOT_FOUND": "No collection is called '{collection}'{hint}. There are {known}.",
        "RECORD_NOT_FOUND": "There is no record '{key}' in {collection}.",
        "ORDER_EXISTS": "Another order arrived as '{orderId}' before. Send a new orderId, or the very same order again.",
        "INSUFFICIENT_INVENTORY": "Nothing was booked, because not all of it is available: {problems}.",
        "TENDER_REFUSED": "Nothing was booked, because it cannot be paid so: {problems}.",
        "LOYALTY_PROFILE_NOT_FOUND": "Customer '{customerId}' is not there, or has no loyalty profile.",
        "REQUEST_INVALID": "The request is not what this route expects: {problems}.",
        "JSON_UNREADABLE": "The body is not a JSON object: {problems}.",
        "UNKNOWN_ENDPOINT": "The admin port has no path {path}: {problems}.",
        "METHOD_NOT_ALLOWED": "{path} does not answer {method}.",
        "REQUEST_TOO_LARGE": "The body is larger than {limit} bytes.",
        "UNSUPPORTED_MEDIA_TYPE": "A body must be declared as 'Content-Type: application/json'; this one came as {contentType}.",
        "STORE_BUSY": "Another process holds the store. The same call a moment later will do.",
        "STORE_FULL": "Nothing was changed: the disk that holds the state is full. Free some of it, or name another --state.",
        "INTERNAL_ERROR": "This is a defect of mockspi. The server's log has the trace under {errorId}.",
    }
)


def refused(failure: Failure) -> Reply:
    """A failure in the shape that the SPIs use too."""
    body: Json = {"errorCode": failure.code, "errorMessage": sentence(failure)}
    if failure.errors:
        body["errors"] = failure.errors
    return Reply.of({**body, **failure.extra}, status_of(type(failure)), failure.headers)


def status_of(failure: type[Failure]) -> int:
    """Its own status; 409 for what is a business "no", which only a POS hears with 200."""
    return 409 if issubclass(failure, Refusal) else failure.status


def sentence(failure: Failure) -> str:
    """What a failure says: its sentence, else its description with its facts."""
    problems = "; ".join(f"{one['path']}: {one['message']}" if one.get("path") else str(one["message"]) for one in failure.errors)
    facts = {**failure.facts, "problems": problems}
    if template := SENTENCES.get(failure.code):
        return re.sub(r"{(\w+)}", lambda found: str(facts.get(found[1], "")), template).replace("?.", "?")
    about = re.sub(r"`+", "", " ".join((failure.__doc__ or "").split()))
    told = ", ".join(f"{name} {value}" for name, value in failure.facts.items())
    return f"{about.removesuffix('.')} ({told})." if told else about
