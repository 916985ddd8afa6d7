"""The commands that tell: contracts, openapi, state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from conftest import mockspi

from mockspi import docs, openapi
from mockspi.contracts import SPIS


def test_contracts_lists_every_endpoint_with_its_paths() -> None:
    done = mockspi("contracts")
    assert done.returncode == 0
    assert all(contract.id in done.stdout and contract.path in done.stdout for contract in SPIS)
    assert "/merchant/spi/sample/endpoint/sa/customers?endpoint=GET_ORDER_LIST" in done.stdout


def test_contracts_for_programs_say_where_each_is_reached(tmp_path: Path) -> None:
    connectors = tmp_path / "connectors.json"
    one = {"connectorType": "SPI", "endpointName": "GET_CUSTOMER", "apiEndpoint": "https://erp.example.com/crm"}
    connectors.write_text(json.dumps({"connectors": [one]}))
    rows = json.loads(mockspi("contracts", "--json", "--connectors", str(connectors)).stdout)
    assert [row["id"] for row in rows] == [contract.id for contract in SPIS]
    paths = next(row["paths"] for row in rows if row["id"] == "GET_CUSTOMER")
    assert paths[0] == "GET /crm/{customerId}"
    assert "GET /spi/1.0/sa/customers/{customerId}" in paths
    assert "GET /merchant/spi/sample/endpoint/sa/customers/{customerId}" in paths


@pytest.mark.parametrize("name", ["CART_VALIDATION", "cart_validation", "SEARCH_ORDER", "TAX_SERVICE.calculateTax"])
def test_one_contract_is_shown_with_its_fields_errors_and_examples(name: str) -> None:
    done = mockspi("contracts", name)
    assert done.returncode == 0
    assert "Business errors (HTTP 200)" in done.stdout
    assert "productList: Many of " in done.stdout or "orderStatus: Many, optional" in done.stdout
    assert "Example: " in done.stdout
    assert "request: {" in done.stdout


def test_a_service_with_several_operations_is_shown_whole() -> None:
    shown = json.loads(mockspi("contracts", "TAX_SERVICE", "--json").stdout)
    assert [one["operation"] for one in shown] == [
        "calculateTax",
        "downloadTaxRates",
        "finalizeTaxSubmission",
        "getTaxExemptions",
    ]
    assert all(one["examples"] for one in shown)


def test_an_unknown_contract_is_one_sentence_with_the_nearest() -> None:
    done = mockspi("contracts", "GET_COSTUMER")
    assert (done.returncode, done.stderr) == (2, "mockspi: no endpoint is called 'GET_COSTUMER'; did you mean 'GET_CUSTOMER'?\n")


def test_openapi_is_the_same_document_as_json_and_yaml() -> None:
    assert json.loads(mockspi("openapi").stdout) == openapi.spi() == yaml.safe_load(mockspi("openapi", "--yaml").stdout)


def test_state_tells_and_drops_nothing_where_nothing_was_written(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    assert json.loads(mockspi("state", "show", "--json", "--state", str(folder)).stdout) == {"state": str(folder), "changed": {}}
    assert mockspi("state", "show", "--state", str(folder)).stdout == f"{folder}\n"
    assert mockspi("state", "reset", "--state", str(folder)).stdout == f"0 changed records dropped in {folder}\n"


@pytest.mark.parametrize("command", [("state", "show"), ("state", "reset")])
def test_memory_has_no_state_to_see_or_drop(command: tuple[str, str]) -> None:
    done = mockspi(*command, "--state", "memory")
    assert done.returncode == 2
    assert done.stderr.startswith("mockspi: --state memory keeps nothing")


def test_an_unknown_sandbox_is_refused(tmp_path: Path) -> None:
    done = mockspi("state", "reset", "--state", str(tmp_path), "--sandbox", "nobody")
    assert (done.returncode, done.stderr) == (2, "mockspi: no sandbox is called 'nobody'; known are staging\n")


def test_what_is_generated_has_every_contract_setting_and_command() -> None:
    made = docs.generated()
    assert all(f"## {contract.id}" in made["docs/contracts.md"] for contract in SPIS)
    assert "`MOCKSPI_API_KEY`" in made["docs/settings.md"]
    assert "## `mockspi fixtures lint`" in made["docs/cli.md"]
    assert {f"fixtures/schemas/{name}.json" for name in ("customers", "examples", "connectors")} <= made.keys()
