"""``mockspi webhook``: events sent, looked up and sent again without a server, and beside one."""

from __future__ import annotations

import json
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, serving
from hooked import receiving
from typed import typed

NO_CART = (200, {"errorMessage": "no such cart", "errorCode": "CART_UNKNOWN"})


class Desk:
    """The command over one state folder."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def run(self, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return typed("webhook", *words, "--state", str(self.state), env=env)

    def json(self, *words: str, code: int = 0) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "state")


def test_a_failed_event_is_found_looked_at_and_reposted(desk: Desk) -> None:
    with receiving(NO_CART) as target:
        sent = desk.run("send", "VOID_CART", "--to", target.hook, "--set", "/reasonCode=SYS_CART_EXPIRED")
        assert sent.returncode == 1
        assert sent.stdout.startswith("failed  VOID_CART  ")
        assert "no such cart" in sent.stdout
        (failed,) = desk.json("list", "--failed", "--text", "no such cart")
        assert (failed["event"], failed["target"], failed["status"], failed["attempts"]) == (
            "VOID_CART",
            target.hook,
            "failed",
            1,
        )
        assert "no such cart" in failed["reason"]
        assert failed["id"] in desk.run("list", "--failed").stdout
        details = desk.run("show", failed["id"][:8])
        assert details.returncode == 0
        for text in ("attempt 1", "CART_UNKNOWN", "answered 200 in ", "SYS_CART_EXPIRED", f"POST {target.hook}"):
            assert text in details.stdout
        again = desk.run("repost", failed["id"])
        assert again.returncode == 0
        assert again.stdout.startswith("delivered  VOID_CART  ")
        assert [one.body["reasonCode"] for one in target.came] == ["SYS_CART_EXPIRED"] * 2
        new = desk.json("list")[1]
        assert f"sent again as {new['id']}" in desk.run("list").stdout
        assert (new["repostOf"], new["at"] > failed["at"]) == (failed["id"], True), "a repost has a time of its own"
        assert desk.run("list", "--failed").stdout == "nothing has failed that was not sent again\n"


def test_many_failed_ones_are_reposted_at_once_by_what_they_have_in_common(desk: Desk) -> None:
    with receiving(*[NO_CART] * 3) as target:
        for store in ("S-101", "S-102", "S-102"):
            desk.run("send", "VOID_CART", "--to", target.hook, "--set", f"/storeId={store}")
        made = desk.json(
            "repost", "--failed", "--store", "S-102", "--endpoint", "/hook", "--event", "VOID_CART", "--until", "2999-01-01"
        )
        assert [one["status"] for one in made] == ["delivered"] * 2
        assert [one["store"] for one in desk.json("list", "--failed", "--limit", "9")] == ["S-101"]
        assert desk.run("repost", "--failed", "--store", "S-102").stdout == "nothing has failed that was not sent again\n"
        assert desk.json("list", "--since", "2999-01-01") == []


def test_exit_codes_tell_delivered_failed_and_not_tried(desk: Desk, tmp_path: Path) -> None:
    body, other = tmp_path / "body.json", tmp_path / "other.json"
    body.write_text('{"cartId": "O-1", "reasonCode": "SYS_CASH_EVENT"}')
    other.write_text("[]")
    with receiving((500, {})) as target:
        words = ["send", "VOID_CART", "--to", target.hook]
        assert desk.run(*words).returncode == 1
        assert desk.json(*words, "--data", str(body), "--raw")["status"] == "delivered"
        assert target.came[-1].body == {"cartId": "O-1", "reasonCode": "SYS_CASH_EVENT"}
        refused = [
            ["send", "VOID_CAR", "--to", target.hook], [*words, "--set", "/reasoncode=x"], [*words, "--set", "/cartId"],
            [*words, "--data", "/nowhere.json"], [*words, "--data", str(other)], [*words, "--header", "nothing"],
            [*words, "--example", "none"], [*words, "--trouble", "none"], [*words, "--sandbox", "nobody"],
            ["send", "VOID_CART", "--to", "http://192.0.2.1/"], [*words, "--header", "X-Key: ${NOT_SET}"],
            ["show", "nothing"], ["repost"], ["repost", "x", "--failed"], ["list", "--event", "NOPE"],
            ["resume", "--enable", "http://127.0.0.1/"], ["list", "--since", "soon"],
        ]  # fmt: skip
        for one in refused:
            done = desk.run(*one)
            assert (done.returncode, done.stdout) == (2, ""), one
            assert done.stderr.startswith("mockspi: "), one
        assert typed("webhook", "list", "--state", "memory").returncode == 2
        assert len(desk.json("list")) == 2
        assert len(target.came) == 2


def test_a_secret_goes_out_and_is_kept_only_as_long_as_retries_need_it(desk: Desk) -> None:
    secret, token = "swordfish-7734", "very-private-token"
    words = ["--secret", secret, "--header", "Authorization: Bearer " + token, "--header", "X-Plain: seen"]
    with receiving((500, {}), (200, {"token": token, "echo": f"you said Bearer {token}"})) as target:
        sent = desk.json("send", "cart.abandoned", "--to", target.hook, *words, code=1)
        assert sent["status"] == "waiting"
        shown = desk.run("show", sent["id"]).stdout + desk.run("show", sent["id"], "--json").stdout + str(desk.json("list"))
        desk.run("resume", "--webhook-schedule", "0")
        assert secret not in shown
        assert token not in shown
        assert "X-Plain: seen" in shown
        assert target.came[0].headers["authorization"] == f"Bearer {token}"


def test_a_literal_secret_is_forgotten_after_delivery_and_a_reference_is_not(desk: Desk) -> None:
    with receiving((200, {"echo": "swordfish-7734"})) as target:
        literal = desk.json("send", "VOID_CART", "--to", target.hook, "--header", "Authorization: swordfish-7734")
        kept = b"".join(one.read_bytes() for one in desk.state.glob("outbox.sqlite*"))
        assert b"swordfish-7734" not in kept
        done = desk.run("repost", literal["id"])
        assert (done.returncode, done.stdout) == (2, "")
        assert "are not kept once it is finished: give --header 'Authorization: ...', best as ${NAME}\n" in done.stderr
        assert desk.run("repost", literal["id"], "--header", "authorization=swordfish-7734").returncode == 0
        env = {"THE_TOKEN": "swordfish-7734"}
        words = ["send", "VOID_CART", "--to", target.hook, "--header", "Authorization: ${THE_TOKEN}", "--json"]
        sent = json.loads(desk.run(*words, env=env).stdout)
        assert desk.run("repost", sent["id"], env=env).returncode == 0
        assert [one.headers["authorization"] for one in target.came] == ["swordfish-7734"] * 4
        without = desk.run("repost", sent["id"])
        assert without.returncode == 2
        assert "the variable THE_TOKEN is not set" in without.stderr
        assert b"swordfish" not in b"".join(one.read_bytes() for one in desk.state.glob("outbox.sqlite*"))
        signed = desk.json("send", "cart.abandoned", "--to", target.hook, "--secret", "one-secret-more")
        assert "give --secret, best" in desk.run("repost", signed["id"]).stderr
        assert len(desk.json("list")) == 5, "nothing was added for what was refused"
        assert desk.run("repost", signed["id"], "--secret", "one-secret-more").returncode == 0


def test_an_outbox_that_cannot_be_made_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").symlink_to(tmp_path / "nowhere" / "outbox.sqlite")
    done = typed("webhook", "list", "--state", str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"mockspi: the file {tmp_path}/outbox.sqlite cannot be used: No such file or directory; ")


def test_several_go_in_order_or_shuffled(desk: Desk) -> None:
    with receiving() as target:
        many = desk.run("send", "VOID_CART", "--to", target.hook, "--count", "25")
        assert "and 5 more; 25 of 25 are delivered" in many.stdout
        assert desk.json("list", "--limit", "25") == sorted(desk.json("list"), key=lambda one: one["at"])
        shuffled = desk.json("send", "VOID_CART", "--to", target.hook, "--count", "9", "--shuffle")
        moments = [one["at"] for one in shuffled]
        assert moments != sorted(moments)
        assert len({one["id"] for one in shuffled}) == 9
        assert len(target.came) == 34


def test_what_a_platform_tries_again_is_resumed_when_it_is_due(desk: Desk) -> None:
    with receiving(*[(500, {})] * 2, (410, {})) as target:
        shorter = ("--webhook-schedule", "0,0,0")
        words = ["send", "cart.abandoned", "--to", target.hook]
        first = desk.run(*words)
        assert first.returncode == 1
        assert "next 20" in first.stdout
        assert desk.run("resume").stdout == "0 attempts; 1 still waits\n"
        waiting = desk.run("repost", desk.json("list")[0]["id"])
        assert (waiting.returncode, "it is still under way" in waiting.stderr) == (2, True)
        sent = desk.json("send", "cart.abandoned", "--to", target.hook + "/gone", *shorter, code=1)
        assert (sent["status"], sent["attempts"]) == ("failed", 2)
        refused = desk.json("send", "cart.abandoned", "--to", target.hook + "/gone", code=1)
        assert "disabled" in refused["reason"]
        assert desk.run("resume", "--enable", target.hook + "/gone").returncode == 0
        assert desk.json("send", "cart.abandoned", "--to", target.hook + "/gone")["status"] == "delivered"


def test_beside_a_server_the_command_shares_the_folder(desk: Desk, tmp_path: Path) -> None:
    with serving(tmp_path, "--state", str(desk.state), "--webhook-schedule", "0.1") as server, receiving((500, {})) as target:
        sent = json.loads(desk.run("send", "cart.abandoned", "--to", target.hook, "--webhook-schedule", "0.5", "--json").stdout)
        wait_until_delivered(server, sent["id"])
        assert [one["number"] for one in desk.json("show", sent["id"])["attemptLog"]] == [1, 2]
        key = server.minted(name="mine")
        made = server.admin("POST", f"/sandboxes/{key}/webhooks", {"event": "VOID_CART", "to": target.hook}).json()
        assert [one["id"] for one in desk.json("list", "--sandbox", "mine")] == [made["id"]]
        assert {one["sandbox"] for one in desk.json("list")} == {"staging", "mine"}


def wait_until_delivered(server: Server, id_: str) -> None:
    from conftest import until

    until(lambda: server.admin("GET", f"/sandboxes/staging/webhooks/{id_}").json()["status"] == "delivered")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("VOID_CART", "--trouble", "stale"), "the trouble 'stale' would change nothing: retail-cloud sends no time"),
        (("VOID_CART", "--trouble", "missing-header"), "'missing-header' would change nothing: nothing is signed and no header"),
        (("cart.abandoned", "--trouble", "tampered,missing-header"), "'missing-header' would change nothing: nothing is signed"),
        (("VOID_CART", "--trouble", "reorder", "--shuffle"), "'reorder' would change nothing: it is of no cart or order"),
        (("VOID_CART", "--profile", "standard"), "whsec_ and Base64 are expected (--secret)"),
        (("VOID_CART", "--header", "X-Key: ${NO_SUCH}"), "NO_SUCH is not set; the header X-Key refers to it as ${NO_SUCH}"),
        (("VOID_CART", "--secret", "${NO_SUCH}"), "NO_SUCH is not set; the secret refers to it as ${NO_SUCH}"),
        (("VOID_CART", "--header", "X-Key: a\nX-Other: b"), "the header 'X-Key' cannot be sent"),
        (("VOID_CART", "--header", "X-Key: a\r\n"), "the header 'X-Key' cannot be sent"),
        (("VOID_CART", "--data", "/nowhere.json"), "--data /nowhere.json cannot be read: no such file or directory"),
        (("VOID_CART", "--data", "-"), "--data - is empty: a JSON object is expected"),
    ],
)
def test_what_can_do_nothing_or_cannot_go_out_is_refused(words: tuple[str, ...], told: str, desk: Desk) -> None:
    with receiving() as target:
        done = desk.run("send", *words, "--to", target.hook)
        assert (done.returncode, done.stdout, told in done.stderr) == (2, "", True), done.stderr
        assert target.came == []
        assert desk.run("list").stdout == "nothing was sent yet\n"


def test_a_host_beyond_this_machine_is_refused_with_what_would_allow_it(desk: Desk) -> None:
    done = desk.run("send", "VOID_CART", "--to", "https://hooks.example/x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "hooks.example is not this machine: --allow-outbound hooks.example:443 lets webhooks go there" in done.stderr
    assert desk.json("list") == []


def test_a_secret_that_signs_nothing_and_one_that_is_missing_are_told(desk: Desk) -> None:
    with receiving() as target:
        sent = desk.run("send", "VOID_CART", "--to", target.hook, "--secret", "a-secret")
        assert (sent.returncode, sent.stderr) == (
            0, "mockspi: retail-cloud signs nothing, so the secret is not used; a header can carry one (--header)\n")  # fmt: skip
        unsigned = desk.run("send", "cart.abandoned", "--to", target.hook)
        assert unsigned.stderr == "mockspi: next-commerce signs where there is a secret; this goes unsigned, --secret signs it\n"
        assert desk.run("send", "cart.abandoned", "--to", target.hook, "--trouble", "wrong-secret").stderr == ""
        assert desk.run("send", "cart.abandoned", "--to", target.hook, "--secret", "s").stderr == ""
        assert "x-29next-signature" in target.came[-1].headers


def test_an_empty_id_is_nobodys_and_a_wrong_event_is_told_where_to_look(desk: Desk) -> None:
    with receiving() as target:
        desk.run("send", "VOID_CART", "--to", target.hook)
        assert "no webhook has the id ''; 'mockspi webhook list' tells them" in desk.run("show", "").stderr
        assert "no event is called 'NOPE'; 'mockspi events' lists them" in desk.run("list", "--event", "NOPE").stderr
        assert desk.run("list", "--store", "none").stdout == "nothing of this kind was sent\n"


def test_what_a_server_of_other_keys_sent_is_reposted(desk: Desk) -> None:
    with receiving((500, {}), (500, {})) as target:
        words = ("send", "VOID_CART", "--to", target.hook, "--api-key", "team=key-of-the-team")
        ids = [desk.json(*words, code=1)["id"] for _ in range(2)]
        assert [one["sandbox"] for one in desk.json("repost", *ids)] == ["team"] * 2
        assert {one["status"] for one in desk.json("list")} == {"failed", "delivered"}
        many = desk.run("show", "")
        assert (many.returncode, many.stdout) == (2, "")


def test_only_its_owner_may_read_the_outbox(desk: Desk) -> None:
    desk.state.mkdir(mode=0o755)
    desk.run("list")
    assert stat.S_IMODE((desk.state / "outbox.sqlite").stat().st_mode) == 0o600


def test_events_lists_what_can_be_sent() -> None:
    done = typed("events", "--platform", "emporix")
    assert "cart.item-added" in done.stdout
    assert "VOID_CART" not in done.stdout
    assert max(map(len, typed("events").stdout.splitlines())) <= 160
    found = {one["name"]: one for one in json.loads(typed("events", "--json").stdout)}
    assert found["VOID_CART"]["methods"] == ["POST"]
    assert "Example " in typed("events", "VOID_CART").stdout
    assert (
        "retail-cloud has no event 'cart.created'; emporix has it"
        in typed("events", "cart.created", "--platform", "retail-cloud").stderr
    )
