"""What is written down is true: generated files are fresh, pasted commands work, OpenAPI is valid."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Server, clean_environment, serving
from openapi_spec_validator import OpenAPIV31SpecValidator

from mockspi import __version__, openapi
from mockspi.contracts import SPIS
from mockspi.retail.invariants import INVARIANTS

PAGES = ["README.md", "docs/quickstart.md", "docs/retail-taxes.md"]
ADDRESS, KEY = "http://127.0.0.1:8080/spi/1.0", "mockspi-staging"


def curl_lines(page: str) -> list[str]:
    """The curl lines of a page's sh blocks that a reader would paste."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("curl") and ADDRESS in line]


def pasted(line: str, server: Server) -> str:
    """What a pasted line prints, against a server that happens to listen elsewhere."""
    words = shlex.split(line.replace(ADDRESS, server.base).replace(KEY, server.key))
    done = subprocess.run(["curl", "-sS", *words[1:]], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES)
def test_every_pasted_call_is_answered_as_the_page_says(page: str, tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        replies = [pasted(line, server) for line in curl_lines(page)]
    assert len(replies) > 5
    for line, reply in zip(curl_lines(page), replies, strict=True):
        if "api_key=wrong" in line:
            assert reply.startswith("HTTP/1.1 401")
            assert reply.endswith("\n\n")
        else:
            assert json.loads(reply).get("errorCode") in (None, "ORDER_NOT_FOUND", "REQUEST_INVALID", "SERVICE_UNAVAILABLE"), line


def test_the_documented_errors_are_errors(server: Server) -> None:
    refused = [line for line in curl_lines("README.md") if "O-0" in line or '"quantity": "2"' in line]
    codes = [json.loads(pasted(line, server))["errorCode"] for line in refused]
    assert codes == ["ORDER_NOT_FOUND", "REQUEST_INVALID"]


def test_the_sale_and_the_return_go_as_the_page_says(tmp_path: Path) -> None:
    (block, *_) = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/retail.md").read_text("utf-8"), re.DOTALL)
    with serving(tmp_path) as server:
        script = block.replace(ADDRESS, server.base).replace(KEY, server.key).replace("curl ", "curl -sS -w '\\n' ")
        known = {"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token}
        done = subprocess.run(
            ["bash", "-ec", script], env=clean_environment() | known, capture_output=True, text=True, timeout=60, check=True
        )
    held, reverted, again, booked, back, order, rules = map(json.loads, done.stdout.splitlines())
    assert held["reservation"]["productList"] == again["reservation"]["productList"] == booked["taken"]
    assert reverted["productList"] == [{"productId": "P-1001", "revertedQuantity": 2}]
    assert (back["orderStatus"], back["refundAmount"]) == ("PARTIALLY_REFUNDED", 26.46)
    assert [one["quantity"] for one in order["productList"]] == [1]
    assert rules["holds"] is True


def test_an_employee_buys_and_a_slot_is_booked_as_the_page_says(tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/retail-dates.md").read_text("utf-8"), re.DOTALL)
    with serving(tmp_path) as server:
        script = "".join(blocks).replace(ADDRESS, server.base).replace(KEY, server.key).replace("curl ", "curl -sS -w '\\n' ")
        known = {"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token}
        done = subprocess.run(
            ["bash", "-ec", script], env=clean_environment() | known, capture_output=True, text=True, timeout=60, check=True
        )
        slots = server.call("GET", "/sa/orders/O-FETCHED").json()["slotId"]
    before, _, after, shipped, booked, dates = map(json.loads, done.stdout.splitlines())
    assert (before["remainingDiscount"], after["remainingDiscount"]) == (1500, 1464)
    assert [one["price"] for one in shipped["shippingMethods"]] == [0, 14.95, 29.95]
    assert booked["orderStatus"] == "PROCESSING"
    remaining = {slot["slotId"]: slot["remaining"] for day in dates["dates"] for slot in day["slots"]}
    assert remaining[slots] in (7, 9)  # of 8 or 10


def test_the_ledger_is_as_the_page_shows(tmp_path: Path) -> None:
    page = (ROOT / "docs/retail-loyalty.md").read_text("utf-8")
    (block, shown) = re.findall(r"```(?:sh|text)\n(.*?)```", page, re.DOTALL)
    with serving(tmp_path) as server:
        script = block.replace(ADDRESS, server.base).replace(KEY, server.key).replace("curl ", "curl -sS ")
        script = script.replace("mockspi loyalty", f"{sys.executable} -m mockspi loyalty")
        known = {"MOCKSPI_ADMIN_URL": server.admin_url, "MOCKSPI_ADMIN_TOKEN": server.token}
        done = subprocess.run(
            ["bash", "-ec", script], env=clean_environment() | known, capture_output=True, text=True, timeout=60, check=True
        )  # fmt: skip
    assert "errorCode" not in done.stdout, done.stdout
    told = done.stdout[done.stdout.index("C-1001: ") :]
    assert rows(told) == rows(shown)


def rows(ledger: str) -> list[list[str]]:
    """The lines of a ledger without what is another each time: days and ids of returns."""
    return [re.sub(r"-R-\S+", "-R-", line).split()[1:] for line in ledger.splitlines()]


def test_the_page_names_every_invariant() -> None:
    page = (ROOT / "docs/retail.md").read_text("utf-8")
    named = re.findall(r"^\| `([A-Z_]+)` \|", page[page.index("## Invariants") :], re.MULTILINE)
    assert named == [one.name for one in INVARIANTS]


def test_generated_files_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mockspi.docs", "--check"],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_a_stale_generated_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text((ROOT / "README.md").read_text("utf-8"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mockspi.docs", "--check"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "stale: openapi/spi.json" in done.stdout


def test_the_committed_openapi_is_valid_and_has_every_contract() -> None:
    document = json.loads((ROOT / "openapi" / "spi.json").read_text("utf-8"))
    assert not list(OpenAPIV31SpecValidator(document).iter_errors())
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert sorted(one["operationId"] for one in operations) == sorted(contract.id for contract in SPIS)
    for one in operations:
        assert one["x-source"]
        assert one["tags"]
        assert "content" not in one["responses"]["401"]
        assert {"200", "400", "401", "404"} <= one["responses"].keys()
    assert document["components"]["securitySchemes"]["api_key"] == {"type": "apiKey", "in": "query", "name": "api_key"}


def test_every_example_of_the_set_is_in_the_openapi() -> None:
    text = json.dumps(openapi.spi(), ensure_ascii=False)
    sample = json.loads((ROOT / "fixtures/examples/GET_CUSTOMER.json").read_text("utf-8"))
    for title in [title for title, one in sample.items() if title != "$schema" and "body" in one["reply"]]:
        assert json.dumps(title, ensure_ascii=False) in text


def test_every_field_says_where_it_comes_from() -> None:
    for name, schema in openapi.spi()["components"]["schemas"].items():
        for member, told in schema.get("properties", {}).items():
            assert told.get("x-source") in ("seed", "public", "assumed"), f"{name}.{member}"


def test_a_server_serves_its_openapi_with_the_key_and_its_own_address(server: Server) -> None:
    document = server.call("GET", "/openapi.json").json()
    assert document["servers"][0]["url"] == server.base
    assert document["paths"].keys() == openapi.spi()["paths"].keys()
    refused = server.call("GET", "/openapi.json", key="wrong")
    assert (refused.status_code, refused.content) == (401, b"")


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert "[Unreleased]" in changelog or f"[{__version__}]" in changelog


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
