"""Tests ask about webhooks that were sent, as they ask about calls that came."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Server
from hooked import receiving

from mockspi.testing import app
from mockspi.testing.box import Box, using
from mockspi.testing.serving import connected


@pytest.fixture(params=["server", "app"])
def box(request: pytest.FixtureRequest) -> Iterator[Box]:
    if request.param == "app":
        with app() as inside:
            yield inside
        return
    server: Server = request.getfixturevalue("server")
    with using(connected(server.admin_url, server.token).open()) as found:
        yield found


def test_what_was_sent_is_listed_and_verified(box: Box) -> None:
    with receiving((500, {})) as target:
        assert box.send("VOID_CART", target.hook, set={"/cartId": "C-1"})["status"] == "failed"
        box.send("VOID_CART", target.hook, set={"/cartId": "C-2"})
        box.send("ORDER", target.hook)
        assert [one["status"] for one in box.events("VOID_CART", sent=True)] == ["failed", "delivered"]
        (one,) = box.events("VOID_CART", sent=True, status="delivered", order="C-2")
        assert one["body"]["cartId"] == "C-2"
        assert one["attemptLog"][0]["verdict"] == "delivered"
        assert box.verify("VOID_CART", sent=True, exactly=2) == 2
        assert box.verify("VOID_CART", sent=True, match={"/cartId": "C-2"}, status=200) == 1
        assert box.wait_for("ORDER", sent=True, timeout=5) == 1
        box.verify(sent=True, order=["VOID_CART", "ORDER"])
        box.verify("VOID_CART", never=True)


def test_what_was_not_sent_is_told_with_what_came_closest(box: Box) -> None:
    with receiving() as target:
        box.send("VOID_CART", target.hook, set={"/cartId": "C-1"})
        with pytest.raises(AssertionError, match=r"(?s)what came closest.*/cartId: expected .C-9., got .C-1."):
            box.verify("VOID_CART", sent=True, match={"/cartId": "C-9"})
        with pytest.raises(AssertionError, match=r"within 0\.1 s"):
            box.wait_for("ORDER", sent=True, timeout=0.1)
        with pytest.raises(Exception, match="no event is called 'ORDR'"):
            box.verify("ORDR", sent=True)
        with pytest.raises(Exception, match="a webhook that was sent has none"):
            box.verify("ORDER", sent=True, query={"a": "b"})
