"""``mockspi fixtures lint``: one thing broken at a time in a copy of the sample set, and what is said about it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import mockspi

from mockspi.contracts.collections import KINDS, Kind, Reference

CUSTOMERS, STORES, ORDERS, PRODUCTS = (f"records/{name}.json" for name in ("customers", "stores", "orders", "products"))
GET_CUSTOMER = "examples/GET_CUSTOMER.json"
ADVICE = "examples/ are tests of your data: change them with it, or remove the folder"


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``mockspi init`` makes."""
    folder = tmp_path_factory.mktemp("pristine") / "set"
    assert mockspi("init", str(folder)).returncode == 0
    return folder


@pytest.fixture
def mine(pristine: Path, tmp_path: Path) -> Path:
    """A set of the test's own."""
    return Path(shutil.copytree(pristine, tmp_path / "set"))


def lint(folder: Path) -> list[str]:
    """The findings, a line each."""
    done = mockspi("fixtures", "lint", folder.name, cwd=folder.parent)
    lines = done.stdout.splitlines()
    assert done.returncode == (1 if done.stderr else 0), (done.stdout, done.stderr)
    if done.returncode == 0:
        assert len(lines) == 1
        assert "nothing to report" in lines[0]
        return []
    count, *advice = done.stderr.splitlines()
    assert count == f"{len(lines)} finding{'s' * (len(lines) != 1)}"
    only_examples = all(line.startswith(f"{folder.name}/examples/") for line in lines)
    assert advice == [ADVICE] * only_examples, "said where every finding is in an example, and nowhere else"
    return [line.removeprefix(f"{folder.name}/") for line in lines]


def at(text: str, wanted: str, after: int) -> str:
    """Line and column, from 1, of the first occurrence of something."""
    before = text[: text.index(wanted, after)]
    return f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


#: file, what stands there, what is put there instead, where the finding points to in the text, pointer, words
BROKEN = {
    "a comma is missing": (STORES, '"S-101",', '"S-101"', '"name"', "/", "not JSON: Expecting ',' delimiter"),
    "a number that JSON has not": (CUSTOMERS, '"points": 2340', '"points": NaN', "", "/", "not JSON: NaN"),
    "a number that is too large": (CUSTOMERS, '"points": 2340', '"points": 1e999', "", "/", "not JSON: the number 1e999"),
    "half a character": (CUSTOMERS, '"Martin"', '"\\ud83d"', "\\ud83d", "/", "not JSON: \\ud83d is half a character"),
    "a member twice": (
        CUSTOMERS, '"points": 2340', '"points": 1, "points": 2340', '"points": 2340', "/records/0/loyaltyProfile/points",
        "this member is there twice",
    ),
    "an unknown field": (
        CUSTOMERS, '"points": 2340', '"pointes": 2340', '"pointes"', "/records/0/loyaltyProfile/pointes",
        "unknown field 'pointes'; did you mean 'points'?",
    ),
    "a field in the wrong case": (
        CUSTOMERS, '"lastName": "Martin"', '"LASTNAME": "x", "lastName": "Martin"', '"LASTNAME"', "/records/0/profile/LASTNAME",
        "unknown field 'LASTNAME'; did you mean 'lastName'?",
    ),
    "an unknown field in a list": (
        CUSTOMERS, '"isDefault": true', '"isdefault": true', '"isdefault"', "/records/0/addressList/0/isdefault",
        "unknown field 'isdefault'; did you mean 'isDefault'?",
    ),
    "an unknown field beside the records": (
        STORES, '"records"', '"note": "x", "records"', '"note"', "/note", "unknown field 'note'",
    ),
    "a text for a number": (
        CUSTOMERS, '"points": 2340', '"points": "2340"', '"points"', "/records/0/loyaltyProfile/points", "Not a valid integer",
    ),
    "true for a number": (
        CUSTOMERS, '"points": 2340', '"points": true', '"points"', "/records/0/loyaltyProfile/points", "Not a valid integer",
    ),
    "a number for a text": (
        CUSTOMERS, '"lastName": "Martin"', '"lastName": 5', '"lastName"', "/records/0/profile/lastName", "Not a valid string",
    ),
    "a text for true": (
        CUSTOMERS, '"eReceipt": true', '"eReceipt": "yes"', '"eReceipt"', "/records/0/consents/eReceipt", "Not a valid boolean",
    ),
    "null": (
        CUSTOMERS, '"gender": "Female"', '"gender": null', '"gender"', "/records/0/profile/gender", "null; leave the member out",
    ),
    "a required field is missing": (
        STORES, '"storeId": "S-101",', "", "{", "/records/0/storeId", "Missing data for required field",
    ),
    "an unknown word": (
        ORDERS, '"orderStatus": "COMPLETED"', '"orderStatus": "DONE"', '"orderStatus"', "/records/0/orderStatus",
        "Must be one of: CREATED, PENDING",
    ),
    "a key twice": (STORES, '"S-102"', '"S-101"', "{", "/records/1", "the key 'S-101' is taken by record 0"),
    "an e-mail twice": (
        CUSTOMERS, "daniel.smith@example.com", "ZOE.MARTIN@example.com", "{", "/records/1",
        "the email 'ZOE.MARTIN@example.com' is taken by record 0",
    ),
    "an amount with three decimals": (
        ORDERS, '"taxSubTotal": 12.47', '"taxSubTotal": 12.475', '"taxSubTotal"', "/records/0/taxSubTotal",
        "12.475 has more than",
    ),
    "an amount finer than its currency": (
        "records/shipping_methods.json", '"price": 5.95,\n      "currency": "USD"', '"price": 5.95,\n      "currency": "JPY"',
        '"price"', "/records/0/price", "5.95 has decimals, and JPY has none",
    ),
    "a time zone that nobody knows": (
        STORES, '"timeZone": "America/New_York"', '"timeZone": "Mars/Olympus"', '"timeZone"', "/records/0/timeZone",
        "an IANA time zone such as",
    ),
    "a record that is no object": (STORES, '"records": [', '"records": [5, ', "5, ", "/records/0", "a JSON object is expected"),
    "records that are no list": (STORES, '"records": [', '"record": [', "", "/", "a list of records is expected"),
    "a message that is no text": (
        "messages/fr.json", '"CUSTOMER_NOT_FOUND": "', '"CUSTOMER_NOT_FOUND": 5, "X": "', '"CUSTOMER_NOT_FOUND"',
        "/CUSTOMER_NOT_FOUND", "a text is expected",
    ),
    "an example that is not reproduced": (
        GET_CUSTOMER, '"gender": "Female"', '"gender": "Male"', '"gender"', "/a customer by id/reply/body/profile/gender",
        'expected "Male", got "Female"',
    ),
    "an example with a wrong member": (
        GET_CUSTOMER, '"a customer by id": {', '"a customer by id": {"answer": 5, ', '"a customer by id"', "/a customer by id",
        "an object with request, reply",
    ),
    "an example that comes after one that is not there": (
        GET_CUSTOMER, '"reply"', '"after": ["before"], "reply"', '"before"', "/a customer by id/after/0",
        "there is no other example 'before'",
    ),
    "an example that comes after no list": (
        GET_CUSTOMER, '"reply"', '"after": "before", "reply"', '"after"', "/a customer by id/after", "a list of the titles",
    ),
    "an example with a number in its query": (
        GET_CUSTOMER, '"request": {', '"request": {"query": {"page": 5}, ', '"page"', "/a customer by id/request/query/page",
        "a text is expected",
    ),
    "two tax rates of which one can never count": (
        "records/tax_rates.json", '"US-NY-NYC",\n      "level": "CITY"', '"US-NY-NYC",\n      "level": "COUNTY"', "{",
        "/records/8", "same level, place and taxCode as US-NY-NEWYORK|*; only one can count",
    ),
    "totals: taxable amount": (
        ORDERS, '"taxableAmount": 137.24', '"taxableAmount": 137.25', '"taxableAmount"', "/records/0/taxableAmount",
        "137.25 does not add up; 137.24 is expected",
    ),
    "totals: sub-total": (
        ORDERS, '"orderSubTotal": 155.24', '"orderSubTotal": 155', '"orderSubTotal"', "/records/0/orderSubTotal",
        "155 does not add up; 155.24 is expected",
    ),
    "totals: discount": (ORDERS, '"discount": 18', '"discount": 0', '"discount"', "/records/0/discount", "0 does not add up"),
    "totals: a line": (
        ORDERS, '"price": 24,', '"price": 25,', '"subTotal"', "/records/0/orderProductList/0/subTotal", "48 does not add up",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_one_broken_thing_is_found_where_it_stands(case: str, mine: Path) -> None:
    file, old, new, place, pointer, words = BROKEN[case]
    text = (mine / file).read_text("utf-8")
    assert old in text, "the sample has changed; this case must follow"
    start = text.index(old)
    broken = text.replace(old, new, 1)
    (mine / file).write_text(broken, "utf-8")
    # a finding about a whole record or document points to its beginning
    where = at(broken, place, broken.rindex("\n    {", 0, start) if place == "{" else start) if place else "1:1"
    found = lint(mine)
    assert found, "nothing was found"
    expected = f"{file}:{where}: {pointer}: {words}"
    assert found[0].startswith(expected), (expected, found)
    assert {line.split(": ")[1] for line in found if line.startswith(file)} == {pointer}, found
    # what cannot be read or has no examples any more is also missing; nothing else may follow
    assert all(line.startswith((file, GET_CUSTOMER)) for line in found), found


#: Every reference of every collection.
REFERENCES = [pytest.param(kind, one, id=f"{kind.collection.name}.{one.path}") for kind in KINDS for one in kind.references]


def put(value: Any, path: str, new: str) -> str | None:
    """Write a value at the first place that a dotted path leads to; its pointer."""
    name, _, rest = path.partition(".")
    plain = name.removesuffix("[]")
    if plain not in value:
        return None
    if not name.endswith("[]"):
        if not rest:
            value[plain] = new
            return f"/{plain}"
        deep = put(value[plain], rest, new)
        return deep and f"/{plain}{deep}"
    places = ((index, put(member, rest, new)) for index, member in enumerate(value[plain]))
    return next((f"/{plain}/{index}{deep}" for index, deep in places if deep), None)


def reservation() -> dict[str, Any]:
    """A record of a collection that the sample has none of."""
    line = {"productId": "P-1001", "locationId": "ONLINE", "quantity": 1}
    return {"cartId": "K", "status": "HELD", "expiresAt": 1, "productList": [line]}


@pytest.mark.parametrize(("kind", "reference"), REFERENCES)
def test_a_reference_to_no_record_is_found(kind: Kind, reference: Reference, mine: Path) -> None:
    path = mine / "records" / f"{kind.collection.name}.json"
    found = json.loads(path.read_text("utf-8"))["records"] if path.exists() else [reservation()]
    shutil.rmtree(mine / "examples")
    pointer = next(f"/records/{index}{deep}" for index, one in enumerate(found) if (deep := put(one, reference.path, "NOBODY")))
    text = json.dumps({"records": found}, indent=1)
    path.write_text(text, "utf-8")
    line = next(number for number, one in enumerate(text.splitlines(), 1) if '"NOBODY"' in one)
    column = len(one := text.splitlines()[line - 1]) - len(one.lstrip()) + 1
    words = f"no {reference.collection} record has the key 'NOBODY'"
    assert lint(mine) == [f"records/{path.name}:{line}:{column}: {pointer}: {words}"]


def edit(path: Path, change: Callable[[Any], Any]) -> None:
    """Change a file as JSON."""
    document = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(change(document) or document, indent=2, ensure_ascii=False), "utf-8")


def test_more_that_came_back_than_was_sold_is_found(mine: Path) -> None:
    def change(document: Any) -> None:
        order = next(one for one in document["records"] if one.get("returnProductList"))
        order["returnProductList"][0]["quantity"] = 99

    edit(mine / ORDERS, change)
    (found,) = [line for line in lint(mine) if "came back" in line]
    assert "/returnProductList/0/quantity: 99 came back of " in found


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (STORES, "records/stors.json", "no collection is called 'stors'; did you mean 'stores'?"),
        (GET_CUSTOMER, "examples/GET_CUSTMER.json", "no contract is called 'GET_CUSTMER'; did you mean 'GET_CUSTOMER'?"),
        ("messages", "message", "'message' is no part of a fixture set; did you mean 'messages'?"),
    ],
)
def test_a_file_with_a_wrong_name_is_found(old: str, new: str, words: str, mine: Path) -> None:
    (mine / old).rename(mine / new)
    assert f"{new}:1:1: /: {words}" in lint(mine)


def test_a_contract_without_examples_is_found(mine: Path) -> None:
    (mine / "examples" / "RETURN.json").unlink()
    (found,) = lint(mine)
    assert found.startswith("examples/RETURN.json:1:1: /: no example of RETURN shows: ORDER_NOT_FOUND, ")
    assert "a success" in found


def test_every_contract_needs_an_example_of_each_error(mine: Path) -> None:
    def change(document: Any) -> Any:
        return {title: one for title, one in document.items() if "CUSTOMER_NOT_FOUND" not in json.dumps(one)}

    edit(mine / GET_CUSTOMER, change)
    assert lint(mine) == [f"{GET_CUSTOMER}:1:1: /: no example of GET_CUSTOMER shows: CUSTOMER_NOT_FOUND"]
