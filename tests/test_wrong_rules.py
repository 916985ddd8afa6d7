"""Rules with something wrong: refused where it is wrong, over the admin port and in fixture files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Server, mockspi
from ruled import Ruled, mint

DOWN = {"status": 503}


@pytest.fixture
def box(server: Server) -> Ruled:
    return mint(server)


@pytest.mark.parametrize(
    ("rule", "path", "message"),
    [
        ({"then": {"status": 503}, "whn": {}}, "/whn", "unknown field 'whn'; did you mean 'when'?"),
        ({"when": {"contract": "GET_CUSTMER"}, "then": DOWN}, "/when/contract", "did you mean 'GET_CUSTOMER'?"),
        (
            {"when": {"contract": "GET_CUSTOMER", "path": {"customrId": "x"}}, "then": DOWN},
            "/when/path/customrId",
            "GET_CUSTOMER has no path parameter 'customrId'; did you mean 'customerId'?",
        ),
        ({"when": {"path": {"ordrId": "x"}}, "then": DOWN}, "/when/path/ordrId", "did you mean 'orderId'?"),
        ({"when": {"contract": "RETURN", "path": {"orderId": 1}}, "then": DOWN}, "/when/path/orderId", "known: none"),
        ({"when": {"contract": "GET_CUSTOMER", "match": {"/a": 1}}, "then": DOWN}, "/when/match", "GET_CUSTOMER has no body"),
        ({"when": {"match": {"cartId": 1}}, "then": DOWN}, "/when/match/cartId", "a JSON pointer is expected"),
        ({"when": {"match": {"/a~2": 1}}, "then": DOWN}, "/when/match/~1a~02", "a JSON pointer is expected"),
        ({"when": {"times": {"first": 1, "every": 2}}, "then": DOWN}, "/when/times", "one of first, after, every"),
        ({"when": {"probability": 2}, "then": DOWN}, "/when/probability", "less than or equal to 1"),
        ({"when": {"query": {"a": {}}}, "then": DOWN}, "/when/query/a", "a text"),
        ({"then": {}}, "/then", "one of reply, error"),
        ({"then": {"status": 503, "fault": "reset"}}, "/then", "or a delay; status and fault came"),
        ({"then": {"retryAfter": 1, "fault": "reset"}}, "/then/retryAfter", "goes with 'status' only"),
        ({"then": {"fault": "rest"}}, "/then/fault", "Must be one of"),
        ({"then": {"status": 200}}, "/then/status", "greater than or equal to 400"),
        ({"when": {"contract": "GET_CUSTOMER"}, "then": {"error": "CUSTOMER_NOT_FUND"}}, "/then/error", "'CUSTOMER_NOT_FOUND'"),
        ({"when": {"contract": "GET_CUSTOMER"}, "then": {"error": "NOT_RETURNABLE"}}, "/then/error", "does not answer with"),
        ({"then": {"delay": {"fixed": 1, "uniform": [1, 2]}}}, "/then/delay", "one of fixed, uniform, lognormal"),
        ({"then": {"delay": {"uniform": [2, 1]}}}, "/then/delay/uniform", "the smaller first"),
        ({"then": {"delay": {"fixed": 600_001}}}, "/then/delay/fixed", "600000"),
        ({"then": {"reply": {"headers": {"X": "a\r\nSet-Cookie: b"}}}}, "/then/reply/headers/X", "on one line"),
        ({"then": {"reply": {"headers": {"X: y": "a"}}}}, "/then/reply/headers/X: y", "a header name"),
        ({"then": {"reply": {"headers": {"content-length": "5"}}}}, "/then/reply/headers/content-length", "itself"),
        ({"then": {"reply": {"status": 204, "body": {}}}}, "/then/reply/body", "has no body"),
        ({"then": {"reply": {"status": 101}}}, "/then/reply/status", "200"),
    ],
)
def test_a_rule_with_something_wrong_is_refused_where_it_is_wrong(box: Ruled, rule: Any, path: str, message: str) -> None:
    found = box.refused(rule)
    assert [where for where, _ in found] == ["/rules/0" + path]
    assert message in found[0][1]
    assert box.admin("GET", f"/sandboxes/{box.key}/rules").json()["rules"] == []


def test_there_may_be_only_so_many_rules(box: Ruled) -> None:
    box.rule(*[{"then": {"quota": {"limit": 0, "window": 1}}}] * 1000)
    reply = box.admin("POST", f"/sandboxes/{box.key}/rules", {"rules": [{"then": DOWN}]})
    assert (reply.status_code, reply.json()["errorCode"]) == (409, "TOO_MANY_RULES")


def test_a_broken_scenario_file_is_found_where_it_is_broken(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    assert mockspi("init", str(folder)).returncode == 0
    (folder / "rules" / "mine.json").write_text(
        '{\n  "about": "x",\n  "rules": [{"when": {"contract": "TAX"}, "then": {"status": 503}}]\n}'
    )
    done = mockspi("fixtures", "lint", str(folder))
    assert done.returncode == 1
    assert "rules/mine.json:3:23: /rules/0/when/contract: no contract is called 'TAX'" in done.stdout
