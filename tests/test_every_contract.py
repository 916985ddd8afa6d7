"""What holds for every contract at once; no contract is named here."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from conftest import Sandbox, Server, serving

from mockspi import examples, openapi
from mockspi.contract import Contract
from mockspi.contracts import SPIS
from mockspi.examples import Example
from mockspi.exchange import Reply
from mockspi.fixtures.reading import sample_set
from mockspi.routes import sample_query
from mockspi.schema import Integer, Many, Number, Part, Shape

JSON = "application/json; charset=utf-8"
LIMIT = 1_048_576


def shown(example: Example) -> dict[str, Any]:
    """The body that an example shows, where it is an object."""
    body = example.reply.get("body")
    return body if isinstance(body, dict) else {}


def succeeds(example: Example) -> bool:
    """Whether an example shows its contract saying yes."""
    return example.status == 200 and "errorCode" not in shown(example)


FOUND = sample_set().examples()
PLAYED = {one.id: examples.of(one, FOUND) for one in SPIS}
EXAMPLES = [example for one in SPIS for example in PLAYED[one.id]]
GOOD = {name: next((one for one in found if succeeds(one)), None) for name, found in PLAYED.items()}

each_contract = pytest.mark.parametrize("contract", SPIS, ids=lambda one: one.id)
each_with_body = pytest.mark.parametrize("contract", [one for one in SPIS if one.body], ids=lambda one: one.id)
each_that_reads = pytest.mark.parametrize("contract", [one for one in SPIS if one.method == "GET"], ids=lambda one: one.id)
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one.contract.id}: {one.title}")

Play = Callable[[Example], requests.Response]


def own(sandbox: Sandbox, contract: Contract) -> str:
    """Its own address, ids filled with something."""
    path = "/".join("X-1" if part.startswith("{") else part for part in contract.path.split("/"))
    return f"{sandbox.server.base}{path}?api_key={sandbox.key}"


Place = Callable[[Contract], tuple[str, dict[str, str]]]  # a path template and its static query


def at_home(contract: Contract) -> tuple[str, dict[str, str]]:
    """The contract's own path under base and version."""
    return "", {}


def at_sample(contract: Contract) -> tuple[str, dict[str, str]]:
    """The vendor's sample path."""
    return contract.sample, dict(sample_query(contract, SPIS))


def at_connector(contract: Contract) -> tuple[str, dict[str, str]]:
    """Where the connectors file of these tests puts it: the POS appends the operation, the ids follow."""
    number = SPIS.index(contract)
    return f"/erp/{number}{contract.suffix}" + "".join(f"/{{{name}}}" for name in contract.parameters), {"auth": f"a{number}"}


def send(sandbox: Sandbox, example: Example, place: Place = at_home, **changes: Any) -> requests.Response:
    """One example as it stands in its file, over the wire."""
    path, extra = place(example.contract)
    extra = {**extra, **changes.get("extra", {})}
    asked = examples.request(example, urlsplit(sandbox.server.base).path, sandbox.key, path=path, extra=extra)
    body = json.dumps(changes["body"]) if "body" in changes else asked.body
    url = sandbox.server.root + examples.target(asked)
    return requests.request(changes.get("method", asked.method), url, headers=asked.headers, data=body, timeout=30)


def play(sandbox: Sandbox, example: Example, place: Place = at_home, **changes: Any) -> requests.Response:
    """The examples that must run before, then the one."""
    for one in examples.before(example, SPIS, FOUND):
        assert send(sandbox, one, place).status_code == one.status
    return send(sandbox, example, place, **changes)


def differences(example: Example, answer: requests.Response) -> list[Any]:
    """What is not as the example shows it."""
    return examples.differences(example, Reply(answer.status_code, answer.content, tuple(answer.headers.items())))


@pytest.fixture(scope="session")
def played(new_sandbox: Callable[[], Sandbox]) -> Play:
    """The answer to an example at its own path, asked for once."""
    answers: dict[tuple[str, str], requests.Response] = {}

    def answer(example: Example) -> requests.Response:
        key = (example.contract.id, example.title)
        if key not in answers:
            answers[key] = play(new_sandbox(), example)
        return answers[key]

    return answer


@pytest.fixture(scope="session")
def placed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server on the merchant's own URLs: every endpoint under /erp/, and a key for every example."""
    folder = tmp_path_factory.mktemp("placed")
    connectors = [
        {
            "connectorType": "SPI",
            "endpointName": contract.id,
            "apiEndpoint": f"https://erp.merchant.example/erp/{number}?auth=a{number}",
            "integrationType": contract.integration,
        }
        for number, contract in enumerate(SPIS)
    ]
    (folder / "connectors.json").write_text(json.dumps({"connectors": connectors}))
    keys = [word for number in range(len(EXAMPLES) + 1) for word in ("--api-key", f"e{number}=placed-{number}")]
    with serving(folder, "--connectors", str(folder / "connectors.json"), *keys) as server:
        yield server


@each_contract
def test_it_has_an_example_of_success_of_every_refusal_and_of_a_broken_request(contract: Contract) -> None:
    told = {(one.status, shown(one).get("errorCode")) for one in PLAYED[contract.id]}
    assert GOOD[contract.id] is not None, f"{contract.id} has no example that succeeds"
    assert {(200, failure.code) for failure in contract.fails} <= told
    assert not (contract.body or contract.query) or any(status == 400 for status, _ in told)


@each_example
def test_an_example_is_reproduced_at_its_own_path(example: Example, played: Play) -> None:
    assert differences(example, played(example)) == []


@each_example
def test_an_example_is_reproduced_at_the_vendors_sample_path(example: Example, new_sandbox: Callable[[], Sandbox]) -> None:
    assert differences(example, play(new_sandbox(), example, at_sample)) == []


@each_example
def test_an_example_is_reproduced_where_the_connectors_file_puts_it(example: Example, placed: Server) -> None:
    sandbox = Sandbox(placed, f"placed-{EXAMPLES.index(example)}")
    assert differences(example, play(sandbox, example, at_connector)) == []


@each_example
def test_a_reply_carries_no_null_and_says_exactly_what_it_is(example: Example, played: Play) -> None:
    answer = played(example)
    if example.contract.media != "application/json" and answer.status_code == 200:
        assert answer.headers["Content-Type"] == f"{example.contract.media}; charset=utf-8"
        return
    assert answer.headers["Content-Type"] == JSON
    assert list(nulls(answer.json(), "")) == []


def nulls(value: Any, path: str) -> Iterator[str]:
    """Where a null stands."""
    if value is None:
        yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield from nulls(member, f"{path}/{name}")


@each_example
def test_a_reply_keeps_its_promise_and_its_numbers_are_numbers(example: Example, played: Play) -> None:
    answer, contract = played(example), example.contract
    if contract.media != "application/json":
        return
    document = answer.json()
    if answer.status_code == 200 and "errorCode" not in document:
        assert contract.check_reply(document) == []
        assert list(not_numbers(contract.reply, document, "")) == []
    else:
        assert isinstance(document["errorCode"], str)
        assert isinstance(document["errorMessage"], str)
        assert document["errorMessage"]
        assert answer.status_code != 200 or contract.refused().keys() <= document.keys()


def not_numbers(shape: type[Shape], document: dict[str, Any], path: str) -> Iterator[str]:
    """Where a declared number is something else, by the JSON that came and nothing else."""
    for name, declared in shape.fields.items():
        field, value = declared.inner if isinstance(declared, Many) else declared, document.get(name)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(field, (Integer, Number)) and one is not None and type(one) not in (int, float):
                yield f"{path}/{name}"
            if isinstance(field, Part) and isinstance(one, dict):
                yield from not_numbers(field.nested, one, f"{path}/{name}")


@each_contract
@pytest.mark.parametrize("wrong", ["nothing", "the method", "the body", "the version"])
def test_a_bad_key_is_refused_before_anything_else(contract: Contract, wrong: str, sandbox_for_reading: Sandbox) -> None:
    url = own(Sandbox(sandbox_for_reading.server, "nobody"), contract)
    url = url.replace("/1.0/", "/9.9/") if wrong == "the version" else url
    method = "PATCH" if wrong == "the method" else contract.method
    answer = requests.request(method, url, data=b'{"broken' if wrong == "the body" else None, timeout=30)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (401, b"", "0")
    assert "Content-Type" not in answer.headers


@pytest.fixture(scope="module")
def sandbox_for_reading(new_sandbox: Callable[[], Sandbox]) -> Sandbox:
    """One for the calls that leave nothing behind."""
    return new_sandbox()


def test_a_bad_key_is_refused_on_a_path_that_is_not_there(server: Server) -> None:
    answer = requests.get(f"{server.root}/no/such/path", params={"api_key": "nobody"}, timeout=30)
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (401, b"", "0")


@each_contract
def test_another_method_is_refused_with_those_that_are_allowed(contract: Contract, sandbox_for_reading: Sandbox) -> None:
    answer = requests.patch(own(sandbox_for_reading, contract), timeout=30)
    assert (answer.status_code, answer.json()["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
    assert {contract.method, "OPTIONS"} <= set(answer.headers["Allow"].split(", "))
    assert "PATCH" not in answer.headers["Allow"]


@each_contract
def test_options_tells_the_methods(contract: Contract, sandbox_for_reading: Sandbox) -> None:
    answer = requests.options(own(sandbox_for_reading, contract), timeout=30)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {contract.method, "OPTIONS"} <= set(answer.headers["Allow"].split(", "))
    assert ("HEAD" in answer.headers["Allow"]) is ("GET" in answer.headers["Allow"])


@each_with_body
@pytest.mark.parametrize(
    ("body", "media", "status", "code"),
    [
        (b'{"cut": ', "application/json", 400, "JSON_UNREADABLE"),
        (b"", "application/json", 400, "JSON_UNREADABLE"),
        (b"[]", "application/json", 400, "REQUEST_INVALID"),
        (b'"text"', "application/json", 400, "REQUEST_INVALID"),
        (b"{}", "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"a=b", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b" " * (LIMIT + 1), "application/json", 413, "REQUEST_TOO_LARGE"),
    ],
    ids=["cut off", "empty", "a list", "a text", "plain text", "a form", "too large"],
)
def test_a_body_that_cannot_be_used_is_refused(
    contract: Contract, body: bytes, media: str, status: int, code: str, sandbox_for_reading: Sandbox
) -> None:
    url = own(sandbox_for_reading, contract)
    answer = requests.request(contract.method, url, data=body, headers={"Content-Type": media}, timeout=30)
    assert (answer.status_code, answer.json()["errorCode"]) == (status, code)
    assert answer.headers["Content-Type"] == JSON


@each_with_body
def test_members_that_no_contract_knows_are_tolerated(contract: Contract, sandbox: Sandbox) -> None:
    example = GOOD[contract.id]
    assert example is not None
    body = copy.deepcopy(example.request["body"])
    for inner in [body, *(one for one in body.values() if isinstance(one, dict)), *body.get("productList", [])]:
        inner["soldOnTheMoon"] = {"by": [1, "two", None]}
    answer = play(sandbox, example, body=body)
    assert answer.status_code == 200
    assert "errorCode" not in answer.json()
    assert list(nulls(answer.json(), "")) == []


@each_contract
def test_static_query_parameters_are_tolerated(contract: Contract, sandbox: Sandbox) -> None:
    example = GOOD[contract.id]
    assert example is not None
    assert differences(example, play(sandbox, example, extra={"storeType": "outlet", "auth": "x"})) == []


@each_that_reads
def test_head_is_get_without_its_body(contract: Contract, sandbox_for_reading: Sandbox) -> None:
    example = GOOD[contract.id]
    assert example is not None
    get, head = send(sandbox_for_reading, example), send(sandbox_for_reading, example, method="HEAD")
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert head.headers["Content-Length"] == str(len(get.content))
    assert head.headers["Content-Type"] == get.headers["Content-Type"]


def test_every_contract_is_documented_where_it_is_served() -> None:
    paths = openapi.spi()["paths"]
    documented = {
        operation["operationId"]: (method.upper(), path) for path, found in paths.items() for method, operation in found.items()
    }
    assert documented == {one.id: (one.method, one.path) for one in SPIS}
