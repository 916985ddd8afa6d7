"""downloadTaxRates of 20,000 rates: made as it is sent, of one state, and never taken for whole where it is not."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from conftest import Server, clean_environment, mockspi, serving, until
from journals import Box, packed
from streamed import COUNT, LAST, RATES, TOWNS, asked, break_last, held, line, long_set, read, table, town, unchunked, write_rates
from test_serve import free_port, listens

WHOLE = b"".join(line(one) for one in TOWNS)


@dataclass
class Shop:
    """Two servers and a WSGI door, each with one worker more than the last, over one state."""

    state: Path
    fixtures: Path
    one: Server
    two: Server
    flask: Server

    def minted(self, **wanted: Any) -> str:
        return self.one.minted(**wanted)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    state, mine = tmp_path_factory.mktemp("state"), long_set(tmp_path_factory.mktemp("set"))
    folders = [tmp_path_factory.mktemp(name) for name in ("one", "two", "flask")]
    words = ("--fixtures", str(mine), "--state", str(state))
    with serving(folders[0], *words) as one, serving(folders[1], *words, "--workers", "2") as two:
        own = clean_environment({"MOCKSPI_STATE": str(state), "MOCKSPI_FIXTURES": str(mine)})
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "mockspi.wsgi:app"]
        with (folders[2] / "wsgi.log").open("w") as log:
            process = subprocess.Popen(command, cwd=folders[2], env=own, stdout=log, stderr=subprocess.STDOUT, text=True)
        flask = Server(process, f"http://127.0.0.1:{port}/spi/1.0", one.key, folders[2] / "wsgi.log")
        try:
            until(lambda: listens(flask) or process.poll() is not None)
            yield Shop(state, mine, one, two, flask)
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.parametrize("name", ["one", "two", "flask"])
def test_twenty_thousand_rates_arrive_in_pieces_and_in_order(shop: Shop, name: str) -> None:
    headers, body = table(getattr(shop, name), shop.minted())
    assert (headers["Transfer-Encoding"], headers["Content-Length"]) == ("chunked", None)
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert body.startswith(b"jurisdiction,level,")
    assert body.count(b"\r\n") == COUNT + 1
    assert body.endswith(WHOLE)


@pytest.mark.parametrize("query", ["", "&state=tx&countryCode=US", "&state=WA&countryCode=US", "&countryCode=JP"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_both_doors_send_the_same_bytes(shop: Shop, method: str, query: str) -> None:
    key = shop.minted()
    raw = [read(asked(server, key, method=method, query=query)) for server in (shop.one, shop.flask)]
    heads = [sorted(re.sub(rb"\r\ndate: [^\r]*", b"", one.partition(b"\r\n\r\n")[0]).split(b"\r\n")) for one in raw]
    bodies = [one.partition(b"\r\n\r\n")[2] for one in raw]
    assert heads[0] == heads[1]
    streamed = method == "GET" and b"transfer-encoding: chunked" in heads[0]
    assert streamed is (method == "GET" and query in ("", "&state=tx&countryCode=US"))
    assert (unchunked(raw[0]) == unchunked(raw[1])) if streamed else (bodies[0] == bodies[1])
    assert (bodies[0] == b"") is (method == "HEAD")


def test_a_client_that_takes_its_time_gets_one_state_whatever_is_written_meanwhile(shop: Shop) -> None:
    key = shop.minted()
    before = table(shop.one, key)[1]
    with asked(shop.one, key, buffer=4096) as slow:
        begun = slow.recv(1000)
        assert begun.startswith(b"HTTP/1.1 200 ")
        changed = {"records": [{**LAST, "name": "Changed"}]}
        assert shop.two.admin("PUT", f"/sandboxes/{key}/records/tax_rates", changed).status_code == 200
        gone = f"/sandboxes/{key}/records/tax_rates/{TOWNS[-2]['jurisdiction']}|*"
        assert shop.two.admin("DELETE", gone).status_code == 200
        after = table(shop.one, key)[1]
        assert held(shop.state), "the rest is not made before there is room for it"
        assert shop.one.call("GET", "/sa/customers/C-1001", key=key).status_code == 200
        assert unchunked(begun + read(slow)) == before
    until(lambda: not held(shop.state))
    assert (after.count(b"\r\n"), b",Changed," in after, line(TOWNS[-2]) in after) == (COUNT, True, False)
    assert b",Changed," not in before
    assert line(TOWNS[-2]) in before


def reloaded(server: Server) -> None:
    """Read the set again; twenty thousand records take their time, and who asks may be told to ask again."""
    url, token = f"{server.admin_url}/fixtures/reload", {"Authorization": f"Bearer {server.token}"}
    assert any(requests.post(url, json={}, headers=token, timeout=300).json().get("ok") for _ in range(20))


def test_the_edition_with_which_a_table_begins_is_that_with_which_it_ends(shop: Shop) -> None:
    key = shop.minted()
    before = table(shop.one, key)[1]
    try:
        with asked(shop.one, key, buffer=4096) as slow:
            begun = slow.recv(1000)
            write_rates(shop.fixtures, [*TOWNS[:-1], {**LAST, "name": "Mended"}])
            reloaded(shop.one)
            assert b",Mended," in table(shop.one, key)[1]
            assert unchunked(begun + read(slow)) == before
    finally:
        write_rates(shop.fixtures, TOWNS)
        reloaded(shop.one)


@pytest.mark.parametrize("name", ["one", "two", "flask"])
def test_clients_that_hang_up_in_the_middle_leave_nothing_behind(shop: Shop, name: str) -> None:
    server, key = getattr(shop, name), shop.minted()
    slow = [asked(server, key, buffer=4096) for _ in range(5)]
    assert all(one.recv(1000) for one in slow)
    put = {"records": [{**LAST, "name": "Later"}]}
    assert shop.one.admin("PUT", f"/sandboxes/{key}/records/tax_rates", put).status_code == 200
    assert held(shop.state)
    for one in slow:
        one.close()
    until(lambda: not held(shop.state))
    assert b",Later," in table(server, key)[1]


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_table_whose_rest_cannot_be_made_is_not_taken_for_whole_though_its_first_lines_came(shop: Shop, name: str) -> None:
    server, key = getattr(shop, name), shop.minted()
    break_last(server, key, shop.state)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)) as broken:
        table(server, key)
    assert not isinstance(broken.value, http.client.IncompleteRead) or broken.value.partial.startswith(b"jurisdiction,")
    raw = read(asked(server, key))
    assert raw.count(b"\r\n") > COUNT / 2
    assert not raw.endswith(b"0\r\n\r\n")
    told = server.log.read_text()
    assert f"the reply to GET /spi/1.0{RATES}?api_key=*** broke off: its rest cannot be made" in told
    assert "JSONDecodeError" in told
    assert key not in told
    assert table(server, shop.minted())[1].endswith(WHOLE)


def test_the_wsgi_door_tells_its_server_and_the_log_of_a_rest_that_cannot_be_made(shop: Shop) -> None:
    key = shop.minted()
    break_last(shop.one, key, shop.state)
    raw = read(asked(shop.flask, key))
    assert raw.startswith(b"HTTP/1.1 200 ")
    assert line(TOWNS[-2]) not in raw
    assert "broke off: its rest cannot be made" in shop.flask.log.read_text()


def test_where_the_first_lines_cannot_be_made_the_call_is_a_defect(shop: Shop) -> None:
    key = shop.minted()
    break_last(shop.one, key, shop.state)
    last = {"countryCode": "US", "state": "TX", "postalCode": LAST["postalCode"]}
    answer = shop.one.call("GET", RATES, key=key, params=last)
    assert (answer.status_code, answer.json()["errorCode"]) == (500, "INTERNAL_ERROR")


@pytest.mark.parametrize("name", ["one", "flask"])
@pytest.mark.parametrize(
    "then", [{"delay": {"fixed": 50}}, {"dribble": {"bytes": 1_000_000, "interval": 1}}, {"fault": "truncate"}], ids=str
)
def test_rules_do_to_a_long_table_what_they_do_to_any_reply(shop: Shop, name: str, then: dict[str, Any]) -> None:
    server, key = getattr(shop, name), shop.minted()
    whole = table(server, key)[1]
    rule = {"when": {"contract": "TAX_SERVICE.downloadTaxRates"}, "then": then}
    assert shop.one.admin("POST", f"/sandboxes/{key}/rules", {"rules": [rule]}).status_code == 200
    if "fault" not in then:
        headers, body = table(server, key)
        assert (body, headers["Content-Length"]) == (whole, None if "delay" in then else str(len(whole)))
        return
    with pytest.raises(http.client.IncompleteRead) as cut:
        table(server, key)
    assert cut.value.partial == whole[: len(whole) // 2]


def test_the_journal_keeps_the_beginning_and_says_that_it_was_streamed_and_replay_agrees(shop: Shop, tmp_path: Path) -> None:
    key = shop.minted(name="told")
    box = Box(shop.two, key)
    whole = table(shop.two, key)[1]
    assert b",40,true" not in table(shop.two, key, "&state=WA&countryCode=US")[1]
    long, short = (entry["reply"] for entry in box.entries())
    assert (long["streamed"], long["body"].encode()) == (True, whole[: 64 * 1024])
    assert "streamed" not in short
    assert "bodyCut" not in short
    har = box.ask("GET", f"/sandboxes/{key}/journal", params={"format": "har"}).json()
    assert [one["response"]["bodySize"] < 0 for one in har["log"]["entries"]] == [True, False]
    file = packed(box, tmp_path)
    other = [("--against", shop.one.base, "--api-key", shop.minted()), ("--fixtures", str(shop.fixtures))]
    for words in other:
        done = mockspi("replay", str(file), *words)
        assert (done.returncode, done.stdout) == (0, "2 calls answered the same\n"), done.stderr
    changed = shop.minted()
    rates = {"records": [{**town(0), "name": "Changed"}]}
    assert shop.one.admin("PUT", f"/sandboxes/{changed}/records/tax_rates", rates).status_code == 200
    assert mockspi("replay", str(file), "--against", shop.one.base, "--api-key", changed).returncode == 1


def test_a_worker_that_stops_waits_for_no_slow_client(shop: Shop, tmp_path: Path) -> None:
    with serving(tmp_path, "--fixtures", str(shop.fixtures)) as server:
        slow = asked(server, server.key, buffer=4096)
        begun = slow.recv(1000)
        table(server, server.key)
        server.process.terminate()
        assert server.process.wait(30) == 0
        try:
            rest = read(slow)
        except ConnectionError:
            rest = b""
        assert begun.startswith(b"HTTP/1.1 200 ")
        assert not rest.endswith(b"0\r\n\r\n")


def test_where_nobody_tells_which_connection_it_is_the_table_comes_all_the_same(shop: Shop, tmp_path: Path) -> None:
    state, program = tmp_path / "state", (str(Path(__file__).with_name("unlisted.py")),)
    with serving(tmp_path, "--fixtures", str(shop.fixtures), "--state", str(state), program=program) as server:
        assert table(server, server.key)[1].endswith(WHOLE)
        key = server.minted()
        break_last(server, key, state)
        read(asked(server, key))
        assert "broke off" in server.log.read_text()
