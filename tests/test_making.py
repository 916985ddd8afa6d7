"""Bodies made from examples: which event, which example, what is set in it, and what is refused."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as some

from mockspi.errors import UsageError
from mockspi.fixtures.reading import FixtureSet, open_set
from mockspi.schema import escape
from mockspi.webhooks.making import chosen, examples, make

VOID, INA, ORDER = chosen("VOID_CART"), chosen("INVENTORY_EXPORT_INA"), chosen("ORDER")
UPDATED, ABANDONED, ANY = chosen("cart.updated"), chosen("cart.abandoned"), chosen("event")
JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=8,
)


def refusal(**asked: Any) -> str:
    """Why nothing is made."""
    with pytest.raises(UsageError) as told:
        make(asked.pop("event", VOID), **asked)
    return str(told.value)


def test_the_first_example_is_made_unless_one_is_named() -> None:
    assert make(VOID)["reasonCode"] == "CUSTOMER_CHANGED_MIND"
    assert "reasonCode" not in make(VOID, example="manual")
    assert make(VOID, example="expired-empty-body") == {}
    assert refusal(example="expire").startswith("VOID_CART has no example 'expire'; did you mean 'expired'?; it has ")


def test_what_is_made_can_be_changed_and_made_again() -> None:
    first = make(VOID)
    first["productList"].clear()
    assert make(VOID)["productList"] != []
    mine = {"productList": [{"productId": "P-1001", "quantity": 1}]}
    made = make(VOID, data=mine, sets={"/productList/0/quantity": 2})
    assert (made["productList"][0]["quantity"], mine["productList"][0]["quantity"]) == (2, 1)


def test_the_names_of_events_forgive_case_and_know_their_platform_and_version() -> None:
    assert chosen("void_cart") is chosen("VOID_CART", "retail-cloud") is chosen("retail-cloud/VOID_CART") is VOID
    assert ABANDONED.version == "2024-04-01"
    assert chosen("cart.abandoned@2023-02-10").version == "2023-02-10"


@pytest.mark.parametrize(
    ("name", "platform", "sentence"),
    [
        ("VOID_CRT", "", "no event is called 'VOID_CRT'; did you mean 'VOID_CART'?"),
        ("void-cart", "", "no event is called 'void-cart'; did you mean 'VOID_CART'?"),
        ("cart.item-add", "emporix", "no event is called 'cart.item-add'; did you mean 'cart.item-added'?"),
        ("xyzzy", "", "no event is called 'xyzzy'; 'mockspi events' lists them"),
        ("VOID_CART", "emporix", "emporix has no event 'VOID_CART'; retail-cloud has it"),
        ("VOID_CART", "shop", "no platform is called 'shop'; known are retail-cloud, emporix, next-commerce, standard"),
    ],
)
def test_an_unknown_event_is_refused_with_the_nearest(name: str, platform: str, sentence: str) -> None:
    with pytest.raises(UsageError) as told:
        chosen(name, platform)
    assert str(told.value) == sentence


@pytest.mark.parametrize(
    ("event", "pointer", "value", "stands"),
    [
        (VOID, "/reasonCode", "SYS_CART_EXPIRED", "SYS_CART_EXPIRED"),
        (VOID, "/reasonCode", "17", "17"),
        (VOID, "/reasonCode", "true", "true"),
        (VOID, "/offline", "true", True),
        (VOID, "/voidDate", "1793620800000", 1793620800000),
        (VOID, "/totalAmount", "12.5", 12.5),
        (VOID, "/totalAmount", 12.5, 12.5),
        (VOID, "/productList", "[]", []),
        (VOID, "/customerProfile/address/city", "Chicago", "Chicago"),
        (UPDATED, "/items/0/mixins/gift/wrap", "false", False),
        (UPDATED, "/items/0/mixins/new~1name/a~0b", "[1]", [1]),
        (UPDATED, "/mixins", "free", "free"),
        (UPDATED, "/mixins", "[NaN]", "[NaN]"),
        (ABANDONED, "/data/user/email", "null", None),
        (ABANDONED, "/data/user/first_name", "null", "null"),
        (ABANDONED, "/data/total_incl_tax", "12.50", "12.50"),
        (ABANDONED, "/data/lines/0/interval_count", "3", 3),
        (ANY, "/data/order/lines", "[]", []),
    ],
)
def test_a_text_is_taken_as_json_where_that_fits_else_as_text(event: Any, pointer: str, value: Any, stands: Any) -> None:
    made: Any = make(event, sets={pointer: value})
    for step in pointer[1:].split("/"):
        made = made[int(step) if isinstance(made, list) else step.replace("~1", "/").replace("~0", "~")]
    assert made == stands
    assert type(made) is type(stands)


def test_lists_are_reached_by_index_and_appended_to() -> None:
    made = make(VOID, sets={"/productList/1/quantity": "3", "/productList/-": '{"productId": "P-1003", "quantity": 1}'})
    assert [line["quantity"] for line in made["productList"]] == [2, 3, 1]
    made = make(VOID, data={}, sets={"/productList/-/productId": "P-1", "/productList/0/quantity": 4})
    assert made == {"productList": [{"productId": "P-1", "quantity": 4}]}
    said = "/productList/2: /productList has 2 entries; name one by its index from 0, or append with /productList/-"
    assert refusal(sets={"/productList/2/quantity": 1}) == said
    assert "has 2 entries" in refusal(sets={"/productList/00/quantity": 1})
    assert "has 2 entries" in refusal(sets={"/productList/quantity": 1})


@pytest.mark.parametrize(
    ("event", "pointer", "sentence"),
    [
        (VOID, "/reasoncode", "there is no '/reasoncode'; did you mean '/reasonCode'? (--raw sets it anyway)"),
        (VOID, "/reason", "there is no '/reason'; did you mean '/reasonText'? (--raw sets it anyway)"),
        (VOID, "/quantity", "there is no '/quantity'; did you mean '/productList/0/quantity'? (--raw sets it anyway)"),
        (VOID, "/productList/0/quantty", "did you mean '/productList/0/quantity'?"),
        (VOID, "/reasonCode/inner", "there is no '/reasonCode/inner'; did you mean '/reasonCode'?"),
        (VOID, "/customerProfile/adress/city", "did you mean '/customerProfile/address'?"),
        (ABANDONED, "/total_incl_tax", "did you mean '/data/total_incl_tax'?"),
        (INA, "/LOCATIONID", "did you mean '/locationId'?"),
        (INA, "/productList/0/a~1b", "there is no '/productList/0/a~1b' (--raw sets it anyway)"),
    ],
)
def test_an_unknown_pointer_is_refused_with_the_nearest(event: Any, pointer: str, sentence: str) -> None:
    assert sentence in refusal(event=event, sets={pointer: "1"})


@pytest.mark.parametrize("pointer", ["", "reasonCode", "/a~2b", "/a~"])
def test_what_is_no_pointer_is_refused(pointer: str) -> None:
    assert refusal(sets={pointer: 1}) == f"{pointer!r} is not a JSON pointer; one is /reasonCode, or /productList/0/quantity"


@pytest.mark.parametrize(
    ("event", "pointer", "value", "sentence"),
    [
        (VOID, "/offline", "yes", "/offline: true or false is expected, not 'yes' (--raw sends it anyway)"),
        (VOID, "/productList/0/quantity", "2.5", "/productList/0/quantity: a whole number from 1 to 100000 is expected"),
        (INA, "/eventType", "ASN", "/eventType: one of INVENTORY_ADJUSTMENT, INVENTORY_BUCKET_ADJUSTMENT is expected"),
        (ABANDONED, "/data/user/ip", 5, "/data/user/ip: a text or null is expected, not 5"),
        (VOID, "/reasonCode", 5, "/reasonCode: a text is expected, not 5"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_what_is_expected(event: Any, pointer: str, value: Any, sentence: str) -> None:
    assert refusal(event=event, sets={pointer: value}).startswith(sentence)


def test_data_of_ones_own_must_keep_the_shape_unless_raw() -> None:
    said = refusal(event=INA, data={"eventType": "INVENTORY_ADJUSTMENT", "productList": [{"quantity": "2"}]})
    assert said.startswith("INVENTORY_EXPORT_INA would break its shape: ")
    assert "/locationId: Missing data for required field" in said
    assert "/productList/0/quantity: Not a valid integer" in said
    assert make(INA, data={"any": 1}, raw=True) == {"any": 1}
    assert refusal(event=ANY, data=[]) == "event would break its shape: /: a JSON object is expected (--raw sends it anyway)"  # type: ignore[arg-type]
    merchants = {"reasonCode": "A", "ourOwn": {"loyalty": 1}}
    assert make(VOID, data=merchants, sets={"/ourOwn/loyalty": "2"}) == {"reasonCode": "A", "ourOwn": {"loyalty": 2}}


def test_raw_sets_whatever_is_asked_for() -> None:
    made = make(
        VOID, example="manual", raw=True, sets={"/reasonCode": 5, "/new/member": "[1]", "/offline": "yes", "/cartId": "7"}
    )
    assert (made["reasonCode"], made["new"], made["offline"], made["cartId"]) == (5, {"member": [1]}, "yes", "7")
    made = make(VOID, data={"cartId": None}, raw=True, sets={"/cartId/deep": 1})
    assert made == {"cartId": {"deep": 1}}
    assert "there is no '/cartId/deep'" in refusal(raw=True, sets={"/cartId/deep": 1})


@given(some.dictionaries(some.text(), JSON, min_size=1, max_size=4), some.data())
def test_any_place_of_free_data_is_reached_by_its_pointer(data: dict[str, Any], drawn: some.DataObject) -> None:
    at, steps = {"data": data}, ["data"]
    found: Any = at["data"]
    while isinstance(found, (dict, list)) and found and (len(steps) < 2 or drawn.draw(some.booleans())):
        step = drawn.draw(some.sampled_from(list(found) if isinstance(found, dict) else list(range(len(found)))))
        found = found[step]
        steps.append(step)
    pointer = "".join(f"/{escape(step)}" for step in steps)
    new = drawn.draw(JSON.filter(lambda one: not isinstance(one, str)))
    body = {"type": "a.b", "timestamp": "2026-01-31T12:00:00Z", **at}
    before = json.dumps(body)
    made: Any = make(ANY, data=body, sets={pointer: new})
    assert json.dumps(body) == before, "the caller's document stays as it is"
    expected = json.loads(before)
    around: Any = expected
    for step in steps[:-1]:
        around = around[step]
    around[steps[-1]] = new
    assert made == expected


@given(some.text(), some.text())
def test_a_pointer_is_set_or_refused_with_a_sentence(pointer: str, value: str) -> None:
    for raw in (False, True):
        with suppress(UsageError):
            assert isinstance(make(VOID, sets={pointer: value}, raw=raw), dict)


def test_examples_are_those_of_the_fixture_set_where_it_has_some(tmp_path: Path) -> None:
    mine = Path(shutil.copytree(ROOT / "fixtures", tmp_path / "set"))
    (mine / "events/retail-cloud/VOID_CART.json").write_text('{"ours": {"about": "Ours.", "body": {"reasonCode": "OURS"}}}')
    (mine / "events/retail-cloud/ORDER.json").unlink()
    found = open_set(str(mine))
    assert list(examples(VOID, found)) == ["ours"]
    assert make(VOID, found=found) == {"reasonCode": "OURS"}
    assert make(ORDER, found=found) == make(ORDER)
    (mine / "events/retail-cloud/SUSPEND_CART.json").write_text("[]")
    assert examples(chosen("SUSPEND_CART"), FixtureSet(mine)) == examples(chosen("SUSPEND_CART"))
