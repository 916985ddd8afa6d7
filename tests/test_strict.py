"""The strict question: a call that no contract or expectation covers is a failure at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import journals
import pytest
from journals import Box

box, two_workers = journals.box, journals.two_workers


def strict(box: Box, **question: Any) -> Any:
    return box.ask("POST", f"/sandboxes/{box.key}/strict", json=question).json()


def test_calls_that_keep_their_contract_are_covered_and_refused_ones_say_what_their_callers_heard(box: Box) -> None:
    box.call("GET", "/sa/customers/C-1001")
    box.call("GET", "/sa/customers/C-0")
    box.call("OPTIONS", "/sa/customers")
    box.call("GET", "/openapi.json")
    assert strict(box) == {"ok": True, "calls": 4, "dropped": 0, "uncoveredCount": 0, "uncovered": [], "unmet": []}
    errors = [
        box.call("GET", "/nowhere").json()["errors"],
        box.call("PATCH", "/sa/customers").json()["errors"],
        box.call("POST", "/sa/orders/search", json={"pageSize": 0}).json()["errors"],
    ]
    answer = strict(box)
    assert (answer["ok"], answer["uncoveredCount"]) == (False, 3)
    assert [(one["number"], one["contract"], one["status"]) for one in answer["uncovered"]] == [
        (5, "", 404), (6, "", 405), (7, "SEARCH_ORDERS", 400)]  # fmt: skip
    assert [one["why"].partition(":")[0] for one in answer["uncovered"]] == [
        "no contract", "no contract", "the contract refused it"]  # fmt: skip
    assert [one["errors"] for one in answer["uncovered"]] == errors


def test_what_a_rule_answered_is_covered(box: Box) -> None:
    box.ask("POST", f"/sandboxes/{box.key}/rules", json={"rules": [{"then": {"status": 503}}]})
    assert box.call("GET", "/sa/customers/C-1001").status_code == 503
    assert strict(box)["ok"]


def test_with_expectations_every_call_must_be_one_and_every_one_must_hold(box: Box) -> None:
    box.call("GET", "/sa/customers/C-1001")
    box.call("POST", "/sa/orders/search", json={"orderId": "O-1"})
    reads = {"contract": "GET_CUSTOMER", "path": {"customerId": "C-1001"}, "count": {"exactly": 1}}
    search = {"contract": "SEARCH_ORDERS", "match": {"/orderId": "O-1"}}
    assert strict(box, expect=[reads, search])["ok"]
    unexpected = strict(box, expect=[reads])
    assert (unexpected["ok"], unexpected["unmet"]) == (False, [])
    assert [(one["number"], one["why"]) for one in unexpected["uncovered"]] == [(2, "no expectation covers it")]
    other = strict(box, expect=[reads, {**search, "match": {"/orderId": "O-2"}}])
    assert other["uncovered"][0]["expect"] == 1
    assert other["uncovered"][0]["differences"] == [{"path": "/orderId", "expected": "O-2", "got": "O-1"}]
    (unmet,) = other["unmet"]
    assert (unmet["expect"], unmet["contract"], unmet["count"], unmet["nearMisses"][0]["number"]) == (1, "SEARCH_ORDERS", 0, 2)
    assert [one["number"] for one in strict(box, expect=[])["uncovered"]] == [1, 2]
    assert not strict(box, expect=[{**reads, "count": {"exactly": 2}}, search])["ok"]


def test_a_refused_call_is_covered_by_an_expectation_that_names_its_status_only(box: Box) -> None:
    box.call("POST", "/sa/orders/search", json={"pageSize": 0})
    assert not strict(box, expect=[{"contract": "SEARCH_ORDERS"}])["ok"]
    assert strict(box, expect=[{"contract": "SEARCH_ORDERS", "status": 400}])["ok"]


def test_of_very_many_the_first_are_told_and_all_are_counted(box: Box) -> None:
    for _ in range(110):
        box.call("GET", "/nowhere")
    answer = strict(box)
    assert (answer["uncoveredCount"], len(answer["uncovered"])) == (110, 100)


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ({"expect": [{"contract": "GET_CUSTMER"}]}, "/expect/0/contract"), ({"expect": [{}]}, "/expect/0/contract"),
        ({"expect": {}}, "/expect"), ({"expects": []}, "/expects"),
        ({"expect": [{"contract": "RETURN", "count": {"exactly": 1, "never": True}}]}, "/expect/0/count"),
        ({"expect": [{"contract": "RETURN"}] * 201}, "/expect"),
    ],
)  # fmt: skip
def test_a_question_that_means_nothing_is_refused(box: Box, question: dict[str, Any], path: str) -> None:
    reply = box.ask("POST", f"/sandboxes/{box.key}/strict", json=question)
    assert (reply.status_code, reply.json()["errors"][0]["path"]) == (400, path)


def test_the_command_line_tells_exits_and_writes_junit(box: Box, tmp_path: Path) -> None:
    box.call("GET", "/sa/customers/C-1001")
    file, report = tmp_path / "expected.json", tmp_path / "strict.xml"
    fine = box.cli("strict", "--junit", str(report))
    assert (fine.returncode, fine.stdout) == (0, "1 calls, 0 not covered, 0 expectations not met\n")
    assert ET.parse(report).getroot().attrib["failures"] == "0"
    file.write_text(json.dumps([{"contract": "GET_ORDER_DETAIL"}]))
    box.call("GET", '/no"<where>')
    bad = box.cli("strict", "--expect", str(file), "--junit", str(report))
    assert bad.returncode == 1
    assert "#1 GET_CUSTOMER: GET /spi/1.0/sa/customers/C-1001 (200): no expectation covers it; contract expected" in bad.stdout
    assert "expectation 0 GET_ORDER_DETAIL: 0 calls matched" in bad.stdout
    assert len(ET.parse(report).findall(".//failure")) == 3
    assert box.cli("strict", "--expect", str(tmp_path / "none")).returncode == 2
