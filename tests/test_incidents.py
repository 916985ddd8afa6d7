"""What has hurt other mock servers (docs/security.md has the list), tried on this one; the rest of the list is tested where its
subject is.
"""

from __future__ import annotations

import ast
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from conftest import ROOT, Server, serving, until
from processes import admin_of
from ruled import mint
from test_serve import connect, read_all

GOOD = "/sa/customers/C-1001"
MARKUP = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path_factory.mktemp("incidents"), "--admin-token", "Token-Of-The-Team", "--journal-entries", "50") as one:
        yield one


# --- 1: administration without permission


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", ["/sandboxes", "/adminfoo", "/", "/sandboxes/staging/reset", "/health/ready/", "/HEALTH/LIVE"])
def test_no_method_tells_anything_without_the_very_token(method: str, path: str, house: Server) -> None:
    for token in ("", house.token.lower(), house.token.upper(), house.token[:-1], f"{house.token} {house.token}", "*"):
        answer = requests.request(method, house.admin_url + path, headers={"Authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == 401, token
        assert "Allow" not in answer.headers


# --- 2: decided by how a name begins


def test_names_that_begin_alike_are_strangers(house: Server) -> None:
    names = ("ann", "anna", "ann.a", "ann-a")
    keys = {name: house.minted(name=name, api_key=f"key-{name}") for name in names}
    rule = {"when": {"times": {"first": 1}}, "then": {"status": 418}}
    for name, key in keys.items():
        house.call("POST", "/sa/customers", key=key, json={"profile": {"customerId": "K", "firstName": name, "lastName": "X"}})
        house.admin("POST", f"/sandboxes/{name}/rules", {"rules": [rule]})
    house.admin("POST", "/sandboxes/anna/snapshot", {"name": "kept-too"})
    assert house.admin("POST", "/sandboxes/ann/restore", {"name": "kept"}).json()["errorCode"] == "SNAPSHOT_NOT_FOUND"
    house.admin("POST", "/sandboxes/ann/snapshot", {"name": "kept"})
    house.admin("DELETE", "/snapshots/kept")
    assert "kept-too" in house.admin("GET", "/snapshots").json()["snapshots"]
    house.admin("POST", "/sandboxes/ann/reset", {})
    house.admin("DELETE", "/sandboxes/ann")
    assert house.call("GET", GOOD, key=keys["ann"]).status_code == 401
    for name in names[1:]:
        codes = [house.call("GET", "/sa/customers/K", key=keys[name]).status_code for _ in range(2)]
        assert codes == [418, 200], name
        assert house.call("GET", "/sa/customers/K", key=keys[name]).json()["profile"]["firstName"] == name
        assert len(house.admin("GET", f"/sandboxes/{name}/journal").json()["entries"]) == 4


# --- 3 and 8: calls to elsewhere


LISTEN_IN = """
import os, sys
heard = os.open(os.environ["HEARD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def hook(event, given):
    if event in ("socket.connect", "socket.sendto"):
        os.write(heard, f"{os.getpid()} {given[1]}\\n".encode())
sys.addaudithook(hook)
"""


def test_the_server_calls_nobody_whatever_address_it_is_shown(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(LISTEN_IN)
    environment = {
        "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]),
        "HEARD": str(tmp_path / "heard"),
    }
    with socket.create_server(("127.0.0.1", 0)) as trap, serving(tmp_path, "--workers", "2", env=environment) as server:
        address = f"127.0.0.1:{trap.getsockname()[1]}"
        url = f"http://{address}/caught"
        shown = {"Host": address, "X-Forwarded-Host": address, "Referer": url, "Origin": url, "Link": f"<{url}>"}
        box = mint(server, name="shown")
        box.rule({"then": {"reply": {"status": 302, "headers": {"Location": url}, "body": {"$ref": url}}}})
        box.call("GET", GOOD, headers=shown, allow_redirects=False)
        other = mint(server)
        other.call("POST", "/sa/customers", json={"$schema": url, "profile": {"firstName": url, "lastName": url, "webhook": url}})
        other.call("GET", GOOD, params={"callback": url, "url": url, "from": url}, headers={**shown, "Host": "localhost"})
        assert box.admin("POST", "/sandboxes", {"from": url}).json()["errorCode"] == "SNAPSHOT_NOT_FOUND"
        with connect(server) as proxied:
            proxied.sendall(f"GET {url}?api_key={server.key} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
            assert b" 404 " in read_all(proxied).split(b"\r\n")[0]
        with connect(server) as tunnel:
            tunnel.sendall(f"CONNECT {address} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode())
            assert b" 200 " not in read_all(tunnel).split(b"\r\n")[0]
        box.admin("GET", "/openapi.json")
        server.call("GET", "/openapi.json", headers=shown)
        trap.settimeout(0.2)
        with pytest.raises(TimeoutError):
            trap.accept()
        own = {urlsplit(one).port for one in (server.base, server.admin_url)}
        assert server.process is not None
        for line in (tmp_path / "heard").read_text().splitlines():
            pid, where = line.split(" ", 1)
            assert (int(pid), int(where.strip("()").split(", ")[1]) in own) == (server.process.pid, True), line


OUTWARD = {"requests", "urllib3", "urllib.request", "http.client", "httpx", "aiohttp", "ftplib", "smtplib", "telnetlib", "xmlrpc"}
#: Who may call: commands and tests ask the admin port that they were told of; 'replay --against' calls who is named there;
#: webhooks go through the one client that checks where to.
CALLERS = {"adminclient.py", "cli/", "testing/", "replaying/over.py", "webhooks/outbound.py"}
FORBIDDEN = {"pickle", "marshal", "shelve", "dill", "jinja2", "runpy", "code", "codeop"}
RUNNING = {"eval", "exec", "compile", "__import__"}
COMPILES = "conforming.py"  #: what it writes of our own declarations; it is handed shapes, and reads nothing


def sources() -> Iterator[tuple[str, ast.AST]]:
    """Every module of the package."""
    package = ROOT / "mockspi"
    for path in sorted(package.rglob("*.py")):
        yield path.relative_to(package).as_posix(), ast.parse(path.read_text("utf-8"))


def imported(tree: ast.AST) -> set[str]:
    """What a module imports, by full name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found


def test_only_those_who_may_call_can() -> None:
    callers = {name for name, tree in sources() if imported(tree) & OUTWARD}
    assert "webhooks/outbound.py" in callers, "this looks at the imports"
    assert not [name for name in callers if not name.startswith(tuple(CALLERS))]


# --- 4: code in what is read


def test_nothing_that_is_read_is_run() -> None:
    for name, tree in sources():
        assert not {one.split(".")[0] for one in imported(tree)} & FORBIDDEN, name
        called = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
        assert not called & RUNNING or name == COMPILES, name
        loaded = {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "yaml"
        }
        assert loaded <= {"safe_load", "safe_dump"}, name


@pytest.mark.parametrize("text", ["{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "{self.__class__}", "%(name)s", "$(id)", "`id`"])
def test_what_looks_like_a_template_goes_out_as_it_stands(text: str, house: Server) -> None:
    box = mint(house)
    box.rule({"then": {"reply": {"headers": {"X-Told": text}, "body": {"told": text}}}})
    assert (box.get().json(), box.get().headers["X-Told"]) == ({"told": text}, text)
    box.rule({"then": {"error": "EMPLOYEE_NOT_FOUND", "extra": {"employeeId": text}}}, method="PUT")
    told = box.call("POST", "/sa/employee/verification", json={"employeeId": "E-1"}).json()
    assert (told["errorMessage"], told["employeeId"]) == (f"Employee {text} was not found.", text)


# --- 5: what grows without end


@pytest.mark.parametrize("text", [".*", "C-.*", "^C", "C-1001|x", "*", "C-100?", "(a+)+$"])
def test_a_rule_knows_equality_only(text: str, house: Server) -> None:
    box = mint(house)
    box.rule({"when": {"path": {"customerId": text}}, "then": {"status": 418}},
             {"when": {"match": {"/profile/email": text}}, "then": {"status": 418}})  # fmt: skip
    assert box.get().status_code == 200
    body = {"profile": {"firstName": "a", "lastName": "b", "email": "a" * 64 + "@mail.example"}}
    assert box.call("POST", "/sa/customers", json=body).status_code == 200


def test_a_flood_of_new_keys_ends_at_the_cap_and_disturbs_nobody(tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "2", "--max-sandboxes", "20", "--auto-sandbox", "auto-") as server:
        codes = [server.call("GET", GOOD, key=f"auto-{number}").status_code for number in range(200)]
        assert codes == [200] * 20 + [409] * 180
        assert len(server.admin("GET", "/sandboxes").json()["sandboxes"]) == 21
        assert server.call("GET", GOOD, key="auto-7").status_code == 200
        assert server.call("GET", GOOD).status_code == 200
        server.admin("DELETE", "/sandboxes/auto-7")
        assert server.call("GET", GOOD, key="auto-new").status_code == 200, "there is room again"


def test_those_whose_time_is_over_do_not_count_even_while_nobody_sweeps(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-sandboxes", "3", "--auto-sandbox", "auto-") as server:
        assert server.process is not None
        brief = [server.minted(ttl=3000), server.minted(ttl=3000, api_key="auto-again"), server.minted(ttl=3000)]
        mine = {"profile": {"customerId": "K", "firstName": "A", "lastName": "B"}}
        assert "profile" in server.call("POST", "/sa/customers", key="auto-again", json=mine).json()
        sweeper = admin_of(server)
        os.kill(sweeper, signal.SIGSTOP)
        try:
            until(lambda: {server.call("GET", GOOD, key=key).status_code for key in (brief[0], brief[2])} == {401})
            assert server.call("GET", "/sa/customers/K", key="auto-again").json()["errorCode"] == "CUSTOMER_NOT_FOUND"
            assert [server.call("GET", GOOD, key=f"auto-{number}").status_code for number in range(3)] == [200, 200, 409]
        finally:
            os.kill(sweeper, signal.SIGCONT)


def test_there_may_be_only_so_many_snapshots(tmp_path: Path) -> None:
    with serving(tmp_path, "--max-sandboxes", "2") as server:
        for name, status in (("one", 200), ("two", 200), ("three", 409), ("two", 200)):
            assert server.admin("POST", "/sandboxes/staging/snapshot", {"name": name}).status_code == status, name
        server.admin("DELETE", "/snapshots/one")
        assert server.admin("POST", "/sandboxes/staging/snapshot", {"name": "three"}).status_code == 200


def test_the_journal_of_those_who_have_no_key_is_bounded_too(house: Server) -> None:
    for number in range(150):
        requests.get(f"{house.root}/nobody/{number}", timeout=30)
    found = house.admin("GET", "/journal?pageSize=500").json()
    assert 50 <= len(found["entries"]) <= 82
    assert found["dropped"] >= 68
    assert found["entries"][-1]["path"] == "/nobody/149"


@pytest.mark.parametrize("port", ["data", "admin"])
def test_nobody_without_permission_makes_a_port_wait_for_a_body(port: str, house: Server) -> None:
    url = urlsplit({"data": house.base, "admin": house.admin_url}[port])
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=20) as connection:
        kind = "Content-Type: application/json\r\nContent-Length: 9000000"
        connection.sendall(f"POST {url.path}/sandboxes HTTP/1.1\r\nHost: localhost\r\n{kind}\r\n\r\n".encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("port", ["data", "admin"])
def test_headers_without_end_are_refused(port: str, house: Server) -> None:
    url = urlsplit({"data": house.base, "admin": house.admin_url}[port])
    with socket.create_connection((url.hostname or "", url.port or 0), timeout=30) as connection:
        got = b""
        try:
            connection.sendall(f"GET {url.path}/sa/customers/C-1001?api_key={house.key} HTTP/1.1\r\nHost: localhost\r\n".encode())
            for number in range(64):
                connection.sendall(f"X-Long-{number}: {'x' * 65_536}\r\n".encode())
            connection.sendall(b"\r\n")
            got = connection.recv(65536)
        except (ConnectionResetError, BrokenPipeError):
            pass  # it did not even listen to the end
    assert re.match(rb"HTTP/1.1 4\d\d |$", got), got
    assert house.call("GET", GOOD).status_code == 200
    assert house.admin("GET", "/sandboxes").status_code == 200


# --- 7: what others sent, shown in a browser or a terminal


def test_markup_comes_back_as_json_that_no_browser_takes_for_a_page(house: Server) -> None:
    key = house.minted()
    house.call(
        "POST", "/sa/customers", key=key, json={"profile": {"customerId": MARKUP, "firstName": MARKUP, "lastName": MARKUP}}
    )
    for answer in (
        house.call("GET", f"/sa/{MARKUP}", key=key),
        house.call("GET", f"/sa/customers/{MARKUP}?pageSize={MARKUP}", key=key),
        house.admin("GET", f"/{MARKUP}"),
        house.admin("GET", f"/sandboxes/{MARKUP}"),
        house.admin("POST", "/sandboxes", {"name": MARKUP, MARKUP: 1}),
        house.admin("GET", f"/sandboxes/{key}/journal"),
        house.admin("GET", f"/sandboxes/{key}/journal?format=har"),
        house.admin("GET", f"/sandboxes/{key}/journal?format=ndjson"),
        house.admin("GET", "/sandboxes", headers={"Authorization": f"Bearer {MARKUP}"}),
    ):
        assert re.match(r"application/(json|x-ndjson)", answer.headers["Content-Type"]), answer.text
        if answer.url.startswith(house.admin_url):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Cache-Control"] == "no-store", "api_keys are told here"


def test_the_state_folder_is_its_owners_alone(tmp_path: Path) -> None:
    with serving(tmp_path, "--state", str(tmp_path / "state")):
        assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700, "it holds api_keys, and what was sent"
