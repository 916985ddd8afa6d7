"""The server as a process: readiness, the banner, refusals, the way out, several workers, other WSGI servers."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from conftest import Server, await_ready, clean_environment, mockspi, serving, until

CUSTOMER = {"profile": {"firstName": "Nadia", "lastName": "Vandermeer"}}


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment whose user folders are scratch."""
    return {"XDG_STATE_HOME": str(tmp_path / "user-state"), "XDG_CACHE_HOME": str(tmp_path / "user-cache")}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def connect(server: Server) -> socket.socket:
    """A plain connection to the server."""
    url = urlsplit(server.base)
    return socket.create_connection((url.hostname or "", url.port or 0), timeout=30)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side hangs up."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def refused(*words: str, cwd: Path, env: dict[str, str]) -> str:
    """The one sentence with which ``serve`` declines."""
    done = mockspi("serve", *words, cwd=cwd, env=env)
    assert done.returncode == 2, (done.stdout, done.stderr)
    (sentence,) = [line for line in done.stderr.splitlines() if line != "mockspi: reading the fixture set ..."]
    assert sentence.startswith("mockspi: ")
    assert done.stdout == ""
    return sentence


def test_the_ready_file_says_where_the_server_is_and_goes_when_it_ends(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, "--api-key", "team=key-of-the-team", env=home) as server:
        told = json.loads((tmp_path / "ready.json").read_text())
        assert sorted(told) == ["adminToken", "adminUrl", "apiKey", "baseUrl", "fixtures", "pid", "tokenUrl", "webhookUrl"]
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*/spi/1\.0", told["baseUrl"])
        assert told["webhookUrl"] == told["baseUrl"].replace("/1.0", "/webhooks")
        client = {"grant_type": "client_credentials", "client_id": "team", "client_secret": told["apiKey"]}
        assert requests.post(told["tokenUrl"], data=client, timeout=30).json()["token_type"] == "Bearer"
        assert told["apiKey"] == "key-of-the-team"
        assert told["pid"] == server.process.pid
        assert (Path(told["fixtures"]) / "records" / "customers.json").is_file()
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200
    assert server.process.returncode == 0
    assert [path.name for path in tmp_path.iterdir() if "ready" in path.name] == []


def test_the_ready_file_is_never_seen_half_written(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "ready.json").write_text("left by a server that was killed")
    process = subprocess.Popen(
        [sys.executable, "-m", "mockspi", "serve", "--port", "0", "--state", "memory", "--ready-file", "ready.json"],
        cwd=tmp_path, env=clean_environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seen = []
    try:
        while not seen or not seen[-1].endswith("}\n"):
            assert process.poll() is None
            if (tmp_path / "ready.json").exists() and (text := read_or_nothing(tmp_path / "ready.json")) is not None:
                seen.append(text)
        answer = requests.get(json.loads(seen[-1])["baseUrl"] + "/sa/customers/C-1001?api_key=mockspi-staging", timeout=30)
        assert answer.status_code == 200, "ready means that requests are answered"
    finally:
        process.terminate()
        process.wait(30)
    assert set(seen[:-1]) <= {"left by a server that was killed"}


def read_or_nothing(path: Path) -> str | None:
    """A file that may go at any moment."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def test_the_json_log_prints_the_same_object_as_a_line(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, "--log-format", "json", env=home) as server:
        until(lambda: server.log.read_text().endswith("}\n"))
        assert server.log.read_text() == (tmp_path / "ready.json").read_text()


def test_every_curl_line_of_the_banner_works_when_pasted(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, env=home) as server:
        until(lambda: server.log.read_text().count("curl") == 3)
        banner = server.log.read_text()
        for fact in (server.base, server.key, "fixtures", "docs"):
            assert fact in banner
        for line in (line.strip() for line in banner.splitlines() if line.strip().startswith("curl")):
            done = subprocess.run(["bash", "-c", f"{line} -sS --fail-with-body"], capture_output=True, text=True, check=False)
            assert done.returncode == 0, (line, done.stderr)
            assert "errorCode" not in json.loads(done.stdout), (line, done.stdout)


def test_a_taken_port_is_one_sentence(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, env=home) as server:
        port = server.root.rpartition(":")[2]
        sentence = refused("--port", port, "--state", "memory", cwd=tmp_path, env=home)
        assert sentence == (
            f"mockspi: port {port} on 127.0.0.1 is taken by another program; choose another with --port, or 0 for a free one"
        )
        assert server.call("GET", "/sa/customers/C-1001").status_code == 200


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--fixtures", "nowhere"), "the fixture folder nowhere does not exist; 'mockspi init nowhere' makes one"),
        (("--fixtures", "empty"), "empty is not a fixture set: it has no records/ folder"),
        (("--fixtures", "plain.json"), "the fixture folder plain.json does not exist"),
        (("--state", "plain.json"), "the state folder plain.json cannot be made"),
        (
            ("--ready-file", "nowhere/ready.json"),
            "the ready file nowhere/ready.json cannot be written",
        ),
        (("--ready-file", "empty"), "the ready file empty cannot be written"),
        (("--connectors", "nowhere.json"), "the connectors file nowhere.json cannot be read"),
        (("--host", "192.0.2.1", "--api-key", "own=key"), "on 192.0.2.1 cannot be used"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)
def test_what_cannot_be_used_is_one_sentence(words: tuple[str, ...], expected: str, tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "plain.json").write_text("{}")
    options = words if "--state" in words else (*words, "--state", "memory")
    assert expected in refused("--port", "0", *options, cwd=tmp_path, env=home)


def test_a_fixture_folder_that_may_not_be_read_is_one_sentence(tmp_path: Path, home: dict[str, str]) -> None:
    (tmp_path / "set" / "records" / "stores.json").mkdir(parents=True)  # a folder cannot be read as a file, even by root
    sentence = refused("--port", "0", "--state", "memory", "--fixtures", "set", cwd=tmp_path, env=home)
    assert "stores.json cannot be read" in sentence


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=lambda one: str(one.name))
@pytest.mark.parametrize("workers", ["1", "2"])
def test_the_way_out_answers_the_call_that_is_under_way(
    sign: signal.Signals, workers: str, tmp_path: Path, home: dict[str, str]
) -> None:
    body = json.dumps(CUSTOMER).encode()
    with serving(tmp_path, "--workers", workers, env=home) as server, connect(server) as connection:
        head = f"POST /spi/1.0/sa/customers?api_key={server.key} HTTP/1.1\r\nHost: mock\r\nContent-Type: application/json\r\n"
        connection.sendall(f"{head}Connection: close\r\nExpect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 100")  # now a worker waits for the body
        connection.sendall(body[:10])
        server.process.send_signal(sign)
        until(lambda: not listens(server))
        assert server.process.poll() is None
        connection.sendall(body[10:])
        reply = read_all(connection)
        assert reply.startswith(b"HTTP/1.1 200")
        assert b'"lastName":"Vandermeer"' in reply
        assert server.process.wait(30) == 0
    assert "Traceback" not in server.log.read_text()


def listens(server: Server) -> bool:
    """Whether the server still takes new connections."""
    try:
        connect(server).close()
    except OSError:
        return False
    return True


def test_two_servers_at_once_share_nothing_in_memory(tmp_path: Path, home: dict[str, str]) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with serving(folders[0], env=home) as one, serving(folders[1], env=home) as two:
        made = one.call("POST", "/sa/customers", json=CUSTOMER).json()["profile"]["customerId"]
        assert one.call("GET", f"/sa/customers/{made}").json()["profile"]["customerId"] == made
        assert two.call("GET", f"/sa/customers/{made}").json()["errorCode"] == "CUSTOMER_NOT_FOUND"
    assert not (tmp_path / "user-state").exists()


def test_every_worker_sees_what_another_has_written(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, "--workers", "2", env=home) as server:
        for _ in range(20):  # each on a new connection, so that the kernel spreads them over the workers
            made = server.call("POST", "/sa/customers", json=CUSTOMER).json()["profile"]["customerId"]
            seen = [server.call("GET", f"/sa/customers/{made}").json()["profile"]["customerId"] for _ in range(5)]
            assert seen == [made] * 5


def test_only_this_machine_is_served_and_no_page_of_another_site(tmp_path: Path, home: dict[str, str]) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "GET"}
    with serving(tmp_path, env=home) as server:
        assert server.base.startswith("http://127.0.0.1:")
        for method in ("GET", "HEAD", "OPTIONS"):
            answer = server.call(method, "/sa/customers/C-1001", headers=headers)
            assert not [name for name in answer.headers if name.lower().startswith("access-control")]
        bound = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        port = f"{int(server.root.rpartition(':')[2]):04X}"
        assert re.findall(rf"(\w+):{port} \S+ 0A", bound) == ["0100007F"]


def test_werkzeugs_client_can_call_the_exported_application(tmp_path: Path, home: dict[str, str]) -> None:
    code = (
        "from werkzeug.test import Client; from mockspi.wsgi import app; client = Client(app);"
        "answer = client.get('/spi/1.0/sa/customers/C-1001?api_key=key-of-a'); print(answer.json['profile']['customerId']);"
        "print(client.get('/spi/1.0/sa/customers/C-1001').status_code)"
    )
    (tmp_path / "scratch").mkdir()
    own = {"MOCKSPI_STATE": "memory", "MOCKSPI_API_KEY": "a=key-of-a", "TMPDIR": str(tmp_path / "scratch")}
    environment = clean_environment({**home, **own})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("C-1001\n401\n", "")
    assert not list((tmp_path / "scratch").iterdir()), "what is written in memory goes with the process"


def test_granians_own_command_can_serve_the_exported_application(tmp_path: Path, home: dict[str, str]) -> None:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "mockspi.wsgi:app"]
    environment = clean_environment({**home, "MOCKSPI_STATE": "memory"})
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT, text=True)
    server = Server(process, f"http://127.0.0.1:{port}/spi/1.0", "mockspi-staging", tmp_path / "log")
    try:
        until(lambda: listens(server) or process.poll() is not None)
        assert server.call("GET", "/sa/customers/C-1001").json()["profile"]["customerId"] == "C-1001"
        assert server.call("GET", "/sa/customers/C-1001", key="other").status_code == 401
    finally:
        process.terminate()
        process.wait(30)


def test_a_server_answers_at_every_version_and_base_path_that_it_is_given(tmp_path: Path, home: dict[str, str]) -> None:
    words = ("--base-path", "/shop/pos", "--api-version", "1.0", "--api-version", "2.1")
    with serving(tmp_path, *words, env=home) as server:
        assert server.base.endswith("/shop/pos/1.0")
        for version in ("1.0", "2.1"):
            answer = requests.get(
                server.base.removesuffix("1.0") + version + "/sa/customers/C-1001", {"api_key": server.key}, timeout=30
            )
            assert answer.json()["profile"]["customerId"] == "C-1001"


def test_a_start_that_fails_leaves_no_ready_file(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, env=home) as server:
        port = server.root.rpartition(":")[2]
        refused("--port", port, "--state", "memory", "--ready-file", "second.json", cwd=tmp_path, env=home)
        assert not (tmp_path / "second.json").exists()
        assert await_ready(server.process, tmp_path / "ready.json", server.log)["pid"] == server.process.pid


def test_a_second_server_leaves_the_ready_file_of_the_first_alone(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, env=home) as server:
        ready = tmp_path / "ready.json"
        before = ready.read_text()
        variable = {**home, "MOCKSPI_READY_FILE": str(ready)}
        said = refused("--port", "0", "--state", "memory", cwd=tmp_path, env=variable)
        assert f"{ready} is the ready file of another server, process {server.process.pid}; choose another" in said
        assert ready.read_text() == before


def test_a_server_that_ends_takes_only_its_own_ready_file_away(tmp_path: Path, home: dict[str, str]) -> None:
    with serving(tmp_path, env=home) as server:
        (tmp_path / "ready.json").write_text(json.dumps({"pid": server.process.pid + 1}))
    assert json.loads((tmp_path / "ready.json").read_text()) == {"pid": server.process.pid + 1}
