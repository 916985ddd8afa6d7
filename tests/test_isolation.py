"""Many sandboxes at once: calls, resets, faults, rules, snapshots and clock jumps, and nobody sees anybody.

A model of each sandbox (``modelled.py``) says what it must answer, whatever the others do.
``MOCKSPI_TEST_SANDBOXES=500 MOCKSPI_TEST_THREADS=32 pytest -s tests/test_isolation.py`` is the large run.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from conftest import Server, serving
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from modelled import RESET, STEPS, Box, plan

BOXES = int(os.environ.get("MOCKSPI_TEST_SANDBOXES", "40"))
THREADS = int(os.environ.get("MOCKSPI_TEST_THREADS", "16"))
LENGTH = int(os.environ.get("MOCKSPI_TEST_STEPS", "20"))
ORDERS = int(os.environ.get("MOCKSPI_TEST_ORDERS", "25"))
FEW = 3  #: sandboxes whose steps Hypothesis puts in order


@pytest.fixture(scope="module", params=["1", "2"], ids=lambda workers: f"{workers} workers")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server."""
    with serving(tmp_path_factory.mktemp("many"), "--workers", request.param) as one:
        yield one


_local = threading.local()
_runs = itertools.count()


def session() -> requests.Session:
    """This thread's connections."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    found: requests.Session = _local.session
    return found


@settings(max_examples=1, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
@given(seed=st.integers(0, 2**32))
def test_no_sandbox_sees_what_another_does_at_the_same_time(house: Server, seed: int) -> None:
    run = next(_runs)

    def drive(number: int) -> Counter[str]:
        return Box(house, session(), f"box-{run}-{number}").run(plan(seed, number, LENGTH))

    with ThreadPoolExecutor(THREADS) as pool:
        done = sum(pool.map(drive, range(BOXES)), Counter[str]())
    print(f"{BOXES} sandboxes, {THREADS} threads: {dict(done)}")
    assert set(done) >= set(STEPS) | {"(answered)", "(503)", "(told by a rule)", f"({RESET})"}
    assert [one["name"] for one in house.admin("GET", "/sandboxes").json()["sandboxes"]] == ["staging"]


def steps() -> st.SearchStrategy[tuple[int, str, int]]:
    """Whose step, which, and its number."""
    named = st.sampled_from(sorted(STEPS)).flatmap(lambda step: st.tuples(st.just(step), st.integers(0, STEPS[step])))
    return st.tuples(st.integers(0, FEW - 1), named).map(lambda pair: (pair[0], *pair[1]))


@settings(max_examples=ORDERS, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(order=st.lists(steps(), min_size=10, max_size=40))
def test_in_whatever_order_their_steps_come_each_sandbox_is_as_if_it_were_alone(
    house: Server, order: list[tuple[int, str, int]]
) -> None:
    run = next(_runs)
    boxes = [Box(house, session(), f"few-{run}-{number}") for number in range(FEW)]
    for box in boxes:
        box.make()
    for number, step, argument in order:
        boxes[number].take(step, argument)
    for box in boxes:
        box.finish()
