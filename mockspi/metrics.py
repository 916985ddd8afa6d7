"""Numbers for Prometheus: each worker counts in a file of its own, the admin port adds the files up.

A file is memory that is mapped: counting costs no system call, survives the worker, and needs no library. Its layout
is fixed by the names of the contracts, so that several processes may count and another one read at the same time.
"""

from __future__ import annotations

import os
import shutil
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from mockspi.exchange import Exchange, Reply
from mockspi.journal import PROBE
from mockspi.store.mapped import mapped

OUTCOMES = ("answered", "refused", "rejected", "unauthorized", "failed", "disturbed")
RELOADS = ("served", "refused")  #: a changed fixture set that was sound, and one with findings
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  #: seconds
NOBODY = "none"  #: the name of calls that met no contract
_ROW = len(OUTCOMES) + len(BOUNDS) + 2  # the bucket beyond all bounds, and the microseconds
_BUCKETS = len(OUTCOMES)


class Counts:
    """One worker's numbers."""

    def __init__(self, folder: Path, contracts: Sequence[str]) -> None:
        self._rows = {name: number * _ROW for number, name in enumerate([NOBODY, *contracts])}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{os.getpid()}.counts").open("w+b") as file:
            self._cells = mapped(file.fileno(), len(self._rows) * _ROW * 8)

    def write(self, exchange: Exchange) -> None:
        """Count an exchange, unless it is the launcher's question whether anybody answers."""
        if exchange.request.headers.get("user-agent") == PROBE:
            return
        row = self._rows.get(exchange.contract, 0)
        milliseconds = max(exchange.milliseconds, 0.0)
        with self._lock:
            self._cells[row + OUTCOMES.index(outcome(exchange.reply))] += 1
            self._cells[row + _BUCKETS + bisect_left(BOUNDS, milliseconds / 1000)] += 1
            self._cells[row + _ROW - 1] += int(milliseconds * 1000)

    def again(self, exchange: Exchange) -> Callable[[], None]:
        """What counts another exchange like this, answered at once."""
        row = self._rows.get(exchange.contract, 0)
        result, fastest, cells, lock = row + OUTCOMES.index(outcome(exchange.reply)), row + _BUCKETS, self._cells, self._lock

        def count() -> None:
            with lock:
                cells[result] += 1
                cells[fastest] += 1

        return count


def outcome(reply: Reply) -> str:
    """How a call ended: ``refused`` is a business "no", ``rejected`` a broken request, ``disturbed`` a fault on purpose."""
    if reply.trouble is not None and reply.trouble.fault:
        return "disturbed"
    if reply.status >= 500:
        return "failed"
    if reply.status >= 400:
        return "unauthorized" if reply.status == 401 else "rejected"
    return "refused" if reply.body.startswith(b'{"errorCode"') else "answered"


def tidy(parent: Path) -> None:
    """Remove the folders of processes that were killed; a folder's name begins with its process's number."""
    for folder in parent.glob("*") if parent.is_dir() else ():
        with suppress(ValueError, ProcessLookupError, PermissionError):
            try:
                os.kill(int(folder.name.partition(".")[0]), 0)
            except ProcessLookupError:
                shutil.rmtree(folder, ignore_errors=True)


def read(folder: Path, contracts: Sequence[str]) -> dict[str, list[int]]:
    """The numbers of all workers, dead ones too, added up: contract to its row."""
    names = [NOBODY, *contracts]
    total = [0] * (len(names) * _ROW)
    for file in sorted(folder.glob("*.counts")):
        cells = memoryview(file.read_bytes()).cast("Q")
        if len(cells) == len(total):
            total = [sum(pair) for pair in zip(total, cells, strict=True)]
    return {name: total[number * _ROW : (number + 1) * _ROW] for number, name in enumerate(names)}


def exposed(
    rows: Mapping[str, Sequence[int]],
    reloads: Mapping[str, int],
    gauges: Mapping[str, tuple[str, int]],
    counters: Mapping[str, tuple[str, int]],
) -> bytes:
    """Everything in the text format of Prometheus; a gauge or counter is a name, its help and its value."""
    from prometheus_client import CollectorRegistry, generate_latest  # heavy: only when somebody asks
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

    calls = CounterMetricFamily("mockspi_requests", "Calls by contract and outcome.", labels=["contract", "outcome"])
    seconds = HistogramMetricFamily(
        "mockspi_request_seconds", "Time to the reply, without delays on purpose.", labels=["contract"]
    )
    for name, row in rows.items():
        for word, number in zip(OUTCOMES, row, strict=False):
            if number:
                calls.add_metric([name, word], number)
        if any(row):
            seconds.add_metric([name], *_histogram(row))
    read = CounterMetricFamily("mockspi_reloads", "Changed fixture sets that were read again, by outcome.", labels=["outcome"])
    for word in RELOADS:
        read.add_metric([word], reloads.get(word, 0))
    further: list[Metric] = [GaugeMetricFamily(name, text, value=value) for name, (text, value) in gauges.items()]
    further += [CounterMetricFamily(name, text, value=value) for name, (text, value) in counters.items()]

    class Collector:
        def collect(self) -> Iterable[Metric]:
            return [calls, seconds, read, *further]

    registry = CollectorRegistry()
    registry.register(Collector())
    return generate_latest(registry)


def _histogram(row: Sequence[int]) -> tuple[list[tuple[str, float]], float]:
    """The buckets, each with all that are faster, and the sum in seconds."""
    found, reached = [], 0
    for bound, number in zip((*map(str, BOUNDS), "+Inf"), row[_BUCKETS:-1], strict=True):
        reached += number
        found.append((bound, float(reached)))
    return found, row[-1] / 1e6
