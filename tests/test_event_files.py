"""The examples of events in a fixture set: checked, copied, compared, written in the one format, shown."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT, mockspi

from mockspi.contracts.events import EVENTS, named
from mockspi.contracts.events.retail_carts import REASONS
from mockspi.contracts.order_record import Order
from mockspi.openapi.webhooks import webhooks
from mockspi.retail.order_rules import ORDER_RULES
from mockspi.retail.orders import DERIVED
from mockspi.webhooks.making import examples

VOID = "events/retail-cloud/VOID_CART.json"
SUSPENDED = "events/retail-cloud/SUSPEND_CART.json"
ADJUSTED = "events/retail-cloud/INVENTORY_EXPORT_INA.json"
ABANDONED = "events/next-commerce/cart.abandoned@2024-04-01.json"
RETAIL_CLOUD = (
    "ERECEIPT_CUSTOMER INVENTORY_EXPORT_ASN INVENTORY_EXPORT_STS INVENTORY_EXPORT_RTV INVENTORY_EXPORT_CTS "
    "INVENTORY_EXPORT_BLD INVENTORY_EXPORT_INA INVENTORY_EXPORT_INBA INVENTORY_EXPORT_CYC INVENTORY_EXPORT_PO "
    "SALE_INVENTORY RETURN_INVENTORY ORDER ORDER_UPDATE BOPIS_EXPORT BOFIS_EXPORT ROPIS_EXPORT RETURN VOID_CART "
    "SUSPEND_CART POS_CRASH_DATA POS_VITALS EXPORT_MONITORING_EVENTS"
)
CARTS = "cart.created cart.updated cart.merged cart.closed cart.item-added cart.item-updated cart.item-deleted"


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A copy of the sample set without what takes long to check and is not asked about here."""
    return Path(
        shutil.copytree(
            ROOT / "fixtures",
            tmp_path / "set",
            ignore=lambda folder, names: {name for name in names if name == "examples" or Path(folder).name == "records"},
        )
    )


def lint(folder: Path) -> list[str]:
    """The findings, a line each."""
    done = mockspi("fixtures", "lint", str(folder))
    assert done.returncode in (0, 1), done.stderr
    return [line.removeprefix(f"{folder}/") for line in done.stdout.splitlines() if "nothing to report" not in line]


def test_the_vendors_lists_are_whole() -> None:
    by_platform = {platform: [one.name for one in EVENTS if one.platform == platform] for platform in ("retail-cloud", "emporix")}
    assert by_platform["retail-cloud"][:23] == RETAIL_CLOUD.split()
    assert by_platform["emporix"] == CARTS.split()


def test_a_void_has_an_example_of_each_reason_and_of_every_reading_of_an_empty_cart() -> None:
    bodies = {name: one["body"] for name, one in examples(named("VOID_CART")[0]).items()}
    told = [one.get("reasonCode") for one in bodies.values()]
    assert set(REASONS) <= set(told)
    assert "reasonCode" not in bodies["manual"]
    assert not bodies["manual-with-reason"]["reasonCode"].startswith("SYS_")
    assert bodies["expired"] == {"reasonCode": "SYS_CART_EXPIRED"}
    assert bodies["expired-empty-body"] == {}
    assert bodies["expired-empty-cart"]["productList"] == []


def test_the_orders_of_the_examples_add_up() -> None:
    for event in [one for one in EVENTS if issubclass(one.body, Order)]:
        for name, shown in examples(event).items():
            kept = {member: value for member, value in shown["body"].items() if member not in DERIVED}
            assert [problem for _, rule in ORDER_RULES for problem in rule(kept)] == [], (event.id, name)


#: file, what stands there, what is put there instead, pointer, words
IN, LINE = "/manual-with-reason/body", "/abandoned/body/data/lines/0"
BROKEN = [
    (VOID, '"quantity": 2', '"quantity": "2"', f"{IN}/productList/0/quantity", "Not a valid integer"),
    (VOID, '"reasonText"', '"reasonTxt"', f"{IN}/reasonTxt", "did you mean 'reasonText'?"),
    (VOID, '"reasonCode": "CUSTOMER', '"cartId": "O-1", "reasonCode": "CUSTOMER', f"{IN}/cartId", "twice"),
    (VOID, '"about": "An associate voided it;', '"abuot": "An associate voided it;', "/manual/about", "required"),
    (VOID, '"about": "The same,', '"after": 1, "about": "The same,', "/expired-empty-body/after", "unknown field 'after'"),
    (SUSPENDED, '"subTotal": 48', '"subTotal": 48.125', "/manual/body/productList/0/subTotal", "more than two decimals"),
    (SUSPENDED, '"suspendCartId": "b2', '"suspendCartId": "zz', "/associate-logout/body/suspendCartId", "a GUID is expected"),
    (ADJUSTED, '"INVENTORY_ADJUSTMENT"', '"ADJUSTMENT"', "/found/body/eventType", "Must be one of"),
    (ABANDONED, '"price_excl_tax": "24.00"', '"price_excl_tax": 24', f"{LINE}/price_excl_tax", "Not a valid string"),
    (ABANDONED, '"first_name": "Zoë"', '"first_name": null', "/abandoned/body/data/user/first_name", "null"),
]


def test_what_is_wrong_is_told_with_its_line(mine: Path) -> None:
    for file, stood, stands, _, _ in BROKEN:
        text = (mine / file).read_text("utf-8")
        assert stood in text
        (mine / file).write_text(text.replace(stood, stands, 1), "utf-8")
    found = lint(mine)
    for file, _, stands, pointer, words in BROKEN:
        (line,) = [one for one in found if f": {pointer}: " in one and words in one]
        text = (mine / file).read_text("utf-8")
        at = text[: text.index('"manual": {' if pointer == "/manual/about" else stands)].count("\n") + 1
        assert line.startswith(f"{file}:{at}:"), line


def test_a_file_that_belongs_to_no_event_is_told_with_the_nearest(mine: Path) -> None:
    events = mine / "events"
    (events / "retail-cloud/VOID_CART.json").rename(events / "retail-cloud/VOID_CARD.json")
    (events / "emporix/cart.created.json").rename(events / "cart.created.json")
    (events / "standard").rename(events / "standards")
    (events / "standards/.hidden.json").write_text("{")
    (events / "retail-cloud/ORDER.json").write_text("[]")
    (events / "retail-cloud/RETURN.json").write_text('{"$schema": "x"}')
    (events / "retail-cloud/ORDER_UPDATE.json").write_text('{"x": 5}')
    object_wanted = "/: an object with at least one example is expected: its name, then about and body"
    assert lint(mine) == [
        "events/cart.created.json:1:1: /: no event is called 'cart.created'; did you mean events/emporix/cart.created.json?",
        f"events/retail-cloud/ORDER.json:1:1: {object_wanted}",
        "events/retail-cloud/ORDER_UPDATE.json:1:2: /x: a JSON object is expected",
        f"events/retail-cloud/RETURN.json:1:1: {object_wanted}",
        "events/retail-cloud/VOID_CARD.json:1:1: /: no event is called 'retail-cloud/VOID_CARD'; "
        "did you mean 'retail-cloud/VOID_CART'?",
        "events/standards:1:1: /: no platform is called 'standards'; did you mean 'standard'?; known are retail-cloud, emporix, "
        "next-commerce, standard",
    ]


def test_a_set_may_declare_members_of_its_own_and_need_not_have_events(mine: Path) -> None:
    text = (mine / VOID).read_text("utf-8").replace('"reasonText"', '"ourReason"', 1)
    (mine / VOID).write_text(text, "utf-8")
    (mine / "custom_attributes.json").write_text('{"retail-cloud/VOID_CART": ["ourReason"]}')
    assert lint(mine) == []
    (mine / "custom_attributes.json").write_text('{"retail-cloud/VOID": ["ourReason"]}')
    assert "no collection or event is called 'retail-cloud/VOID'; did you mean 'retail-cloud/VOID_CART'?" in lint(mine)[0]
    (mine / "custom_attributes.json").unlink()
    shutil.rmtree(mine / "events")
    assert lint(mine) == []


def test_init_and_fmt_and_diff_carry_the_events(tmp_path: Path) -> None:
    assert mockspi("init", "set", cwd=tmp_path).returncode == 0
    copied = tmp_path / "set"
    for path in [*(ROOT / "fixtures/events").rglob("*.json"), *(ROOT / "fixtures/schemas/events").rglob("*.json")]:
        assert (copied / path.relative_to(ROOT / "fixtures")).read_bytes() == path.read_bytes()
    assert mockspi("fixtures", "fmt", "--check", "set", cwd=tmp_path).stdout == ""
    document = json.loads((copied / VOID).read_text("utf-8"))
    document["expired"]["body"]["reasonCode"] = "SYS_LATE"
    del document["manual"]
    (copied / VOID).write_text(json.dumps(document), "utf-8")
    told = mockspi("fixtures", "diff", "sample", "set", cwd=tmp_path).stdout.splitlines()
    assert f"{VOID} manual removed" in told
    assert told[told.index(f"{VOID} expired changed") + 1] == '  /body/reasonCode: "SYS_CART_EXPIRED" -> "SYS_LATE"'
    assert mockspi("fixtures", "fmt", "set", cwd=tmp_path).stdout.splitlines() == [str(Path("set") / VOID)]


def rows(*words: str) -> Any:
    """What a command prints for programs."""
    return json.loads(mockspi(*words).stdout)


def test_events_are_listed_and_shown() -> None:
    listed = mockspi("events").stdout
    assert all(event.name in listed and event.about[:40] in listed for event in EVENTS)
    assert [one["id"] for one in rows("events", "--json")] == [event.id for event in EVENTS]
    shown = mockspi("events", "inventory_export_ina").stdout
    assert "retail-cloud/INVENTORY_EXPORT_INA  (POST, source: seed)" in shown
    assert "Events: INVENTORY_ADJUSTMENT, INVENTORY_BUCKET_ADJUSTMENT" in shown
    assert "  productList: Many of AdjustedLine, required, assumed" in shown
    assert "Example lost: One unit is missing." in shown
    assert "  ip: Text or null, optional, seed" in mockspi("events", "cart.abandoned").stdout
    told = rows("events", "VOID_CART", "--json")
    assert told["examples"]["expired-empty-body"]["body"] == {}
    assert next(iter(told["shapes"])) == told["body"] == "VoidedCart"


def test_the_events_of_ones_own_set_are_shown(mine: Path) -> None:
    (mine / VOID).write_text('{"ours": {"about": "Ours.", "body": {}}}')
    assert list(rows("events", "VOID_CART", "--fixtures", str(mine), "--json")["examples"]) == ["ours"]


def test_an_unknown_event_is_one_sentence() -> None:
    done = mockspi("events", "VOID_CARTS")
    assert (done.returncode, done.stderr) == (2, "mockspi: no event is called 'VOID_CARTS'; did you mean 'VOID_CART'?\n")


def test_the_webhooks_are_printed_as_json_and_yaml() -> None:
    assert rows("openapi", "--webhooks") == webhooks() == yaml.safe_load(mockspi("openapi", "--webhooks", "--yaml").stdout)
