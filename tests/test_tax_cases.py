"""The table of worked cases, through HTTP; and the same from nothing but the CSV that downloadTaxRates sends."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, Sandbox, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

CALCULATE, RATES = "/taxEngine/calculateTax", "/taxEngine/downloadTaxRates"
TABLE = json.loads((ROOT / "tests" / "tax_cases.json").read_text("utf-8"))
CASES, PLACES = TABLE["cases"], TABLE["places"]
DECIMALS = {"KRW": 0, "JPY": 0, "KWD": 3}

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['kind']}: {case['name']}")


def placed(value: Any) -> Any:
    """A cart with its addresses in full."""
    if isinstance(value, list):
        return [placed(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: PLACES[one] if name.endswith("Address") and isinstance(one, str) else placed(one) for name, one in value.items()
    }


def asked(sandbox: Sandbox, cart: dict[str, Any]) -> dict[str, Any]:
    """What calculateTax answers."""
    answer: dict[str, Any] = sandbox("POST", CALCULATE, json=cart).json()
    return answer


def shown(case: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Of an answer what the case shows."""
    lines = []
    for line, wanted in zip(answer["productList"], case["lines"], strict=True):
        told = {**line, "taxes": {tax["jurisdiction"]: tax["amount"] for tax in line["taxes"]}}
        lines.append({name: told[name] for name in wanted if name in told})
        assert ("taxExemption" in told) is ("taxExemption" in wanted)
    return {"lines": lines, "shippingTax": answer["shippingTax"], "totalTax": answer["totalTax"]}


@each_case
def test_a_case_comes_out_as_it_was_worked_by_hand(sandbox_for_cases: Sandbox, case: dict[str, Any]) -> None:
    answer = asked(sandbox_for_cases, placed(case["cart"]))
    assert shown(case, answer) == {name: case[name] for name in ("lines", "shippingTax", "totalTax")}


@pytest.fixture(scope="module")
def sandbox_for_cases(new_sandbox: Any) -> Sandbox:
    """One sandbox: nothing is written."""
    made: Sandbox = new_sandbox()
    return made


def worth(expression: str) -> Fraction:
    """Exact arithmetic over plain numbers."""

    def of(node: ast.expr) -> Fraction:
        if isinstance(node, ast.Constant):
            return Fraction(ast.get_source_segment(expression, node) or "")
        if isinstance(node, ast.UnaryOp):
            return -of(node.operand)
        assert isinstance(node, ast.BinOp)
        one, other = of(node.left), of(node.right)
        if isinstance(node.op, ast.Add):
            return one + other
        if isinstance(node.op, ast.Sub):
            return one - other
        return one * other if isinstance(node.op, ast.Mult) else one / other

    return of(ast.parse(expression, mode="eval").body)


def half_up(value: Fraction, decimals: int) -> Fraction:
    """Half away from zero, by whole numbers alone."""
    units = abs(value) * 10**decimals
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return Fraction(whole if value >= 0 else -whole, 10**decimals)


@each_case
def test_the_arithmetic_of_a_case_is_right_and_explains_its_taxes(case: dict[str, Any]) -> None:
    results = {Fraction(0)}
    for step in case["why"]:
        expression, exact, result = re.fullmatch(r"(.+?) = (\S+)(?: -> (\S+))?", step).groups()  # type: ignore[union-attr]
        value = worth(expression)
        if exact.endswith("..."):
            digits = exact.removesuffix("...")
            assert 0 <= abs(value) - abs(Fraction(digits)) < Fraction(1, 10 ** len(digits.partition(".")[2])), step
        else:
            assert value == Fraction(exact), step
        if result:
            assert half_up(value, DECIMALS.get(case["cart"].get("currency"), 2)) == Fraction(result), step
        results.add(Fraction(result or exact))
    amounts = [amount for line in case["lines"] for amount in (line["tax"], *line.get("taxes", {}).values())]
    assert {Fraction(str(one)) for one in (*amounts, case["shippingTax"], case["totalTax"])} <= results


def test_the_table_is_wide_enough() -> None:
    assert len(CASES) >= 60
    assert len({case["name"] for case in CASES}) == len(CASES)
    assert all(count >= 4 for count in Counter(case["kind"] for case in CASES).values())


def table(sandbox: Sandbox, **place: str) -> list[dict[str, str]]:
    """The rates as a spreadsheet reads them."""
    answer = sandbox("GET", RATES, params=place)
    return list(csv.DictReader(io.StringIO(answer.content.decode(), newline=""), strict=True))


def record(row: dict[str, str]) -> dict[str, Any]:
    """A row of the CSV as a record of a fixture set."""
    known: dict[str, Any] = {name: cell for name, cell in row.items() if cell}
    flags = {name: row[name] == "true" for name in ("appliesToShipping", "included")}
    return {**known, **flags, "rate": float(row["rate"])}


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, new_sandbox: Any) -> Iterator[Sandbox]:
    """Another merchant, whose rate table is the CSV of the first."""
    folder = tmp_path_factory.mktemp("imported")
    mine = Path(shutil.copytree(ROOT / "fixtures", folder / "set"))
    (mine / "records/tax_rates.json").write_text(json.dumps([record(row) for row in table(new_sandbox())]), "utf-8")
    with serving(folder, "--fixtures", str(mine)) as server:
        yield Sandbox(server, server.key)


def test_a_merchant_who_imports_the_csv_calculates_the_same(imported: Sandbox, sandbox_for_cases: Sandbox) -> None:
    for case in CASES:
        cart = placed(case["cart"])
        assert asked(imported, cart) == asked(sandbox_for_cases, cart), case["name"]


def offline(rows: list[dict[str, str]], place: dict[str, str], code: str, value: Fraction, decimals: int) -> dict[str, float]:
    """What a POS without a line calculates from the rows: written without a look at mockspi."""
    best: dict[str, tuple[tuple[bool, bool, bool, bool], dict[str, str]]] = {}
    for row in rows:
        named = {name: row[name] for name in ("countryCode", "state", "city", "postalCode") if row[name]}
        if row["taxCode"] not in ("*", code) or any(place.get(name) != cell for name, cell in named.items()):
            continue
        rank = ("postalCode" in named, "city" in named, "state" in named, row["taxCode"] == code)
        if row["level"] not in best or rank > best[row["level"]][0]:
            best[row["level"]] = (rank, row)
    chosen = [row for _, row in best.values()]
    inside = sum(Fraction(row["rate"]) for row in chosen if row["included"] == "true")
    return {row["jurisdiction"]: float(half_up(value * Fraction(row["rate"]) / (1 + inside), decimals)) for row in chosen}


CODES = ("GENERAL", "CLOTHING", "FOOD", "BOOKS", "GIFTCARD", "SERVICE")
a_line = st.tuples(
    st.sampled_from(sorted(PLACES)), st.sampled_from(CODES), st.integers(0, 99_999), st.integers(1, 9), st.integers(0, 500)
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(a_line, min_size=1, max_size=20), currency=st.sampled_from(["USD", "KRW", ""]))
def test_a_pos_that_has_only_the_csv_calculates_the_same(sandbox_for_cases: Sandbox, lines: list[Any], currency: str) -> None:
    decimals, rows = DECIMALS.get(currency, 2), table(sandbox_for_cases)
    sent, wanted = [], []
    for place, code, cents, quantity, discount in lines:
        price = Fraction(cents, 10**decimals)
        less = min(Fraction(discount, 10**decimals), price * quantity)
        goods = {"productId": "P-1027", "productTaxCode": code, "destinationAddress": PLACES[place]}
        sent.append({**goods, "quantity": quantity, "price": float(price), "discount": float(less)})
        wanted.append(offline(rows, PLACES[place], code, price * quantity - less, decimals))
    answer = asked(sandbox_for_cases, {"productList": sent, **({"currency": currency} if currency else {})})
    assert [{tax["jurisdiction"]: tax["amount"] for tax in line["taxes"]} for line in answer["productList"]] == wanted


@pytest.mark.parametrize("place", sorted(PLACES))
def test_the_rates_of_an_address_are_enough_for_it(sandbox_for_cases: Sandbox, place: str) -> None:
    address = PLACES[place]
    rows = table(sandbox_for_cases, **address)
    assert 1 <= len(rows) < len(table(sandbox_for_cases))
    for code in CODES:
        cart = {"destinationAddress": address, "productList": [{"productId": "X", "quantity": 1, "price": 19.99,
                                                               "productTaxCode": code}]}  # fmt: skip
        (line,) = asked(sandbox_for_cases, cart)["productList"]
        told = {tax["jurisdiction"]: tax["amount"] for tax in line["taxes"]}
        assert told == offline(rows, address, code, Fraction("19.99"), 2)
