"""The pytest plugin. It is imported in every run, so it imports nothing but pytest until a test asks for a fixture."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mockspi.testing.box import Box
    from mockspi.testing.inside import AppBox
    from mockspi.testing.serving import Server

_TTL = 86_400_000  #: milliseconds: on a server that stays, what a killed run leaves is gone after a day
_BOXES = pytest.StashKey[list["Box"]]()
_MARKER = (
    "mockspi(seed=None, scenario=None, clock=None, locale=None, from_=None, strict=False): what the sandbox of the fixtures "
    "mockspi and mockspi_app shall be."
)
_OPTIONS = (
    ("fixtures", "DIR", "Fixture set for the server that is started, and for mockspi_app; the sample set unless given."),
    ("admin-url", "URL", "Admin port of a mockspi that runs already; none is started then."),
    ("bundles", "DIR", "Where each failed test's calls are packed, for 'mockspi replay'; nowhere unless given."),
    ("url", "URL", "Base URL of its SPIs, where that is another than it tells (containers)."),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each with its ini setting; the token has none, for a file is no place for it."""
    group = parser.getgroup("mockspi", "mockspi: the merchant's side of Salesforce Retail Cloud")
    for name, metavar, about in _OPTIONS:
        group.addoption(f"--mockspi-{name}", metavar=metavar, default="", help=about)
        parser.addini(_ini(name), about, default="")
    group.addoption("--mockspi-admin-token", metavar="TOKEN", default="", help="Its token; or MOCKSPI_ADMIN_TOKEN.")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for who checks markers strictly."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def mockspi_server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The one server of the run: started when the first test asks, shared by all workers of xdist; or one that runs already."""
    from mockspi.testing import serving

    admin_url = _chosen(pytestconfig, "admin-url") or os.environ.get("MOCKSPI_ADMIN_URL", "")
    if not admin_url and _chosen(pytestconfig, "url"):
        raise pytest.UsageError("--mockspi-url needs --mockspi-admin-url and a token: sandboxes are made over the admin port")
    if admin_url:
        token = pytestconfig.getoption("--mockspi-admin-token") or os.environ.get("MOCKSPI_ADMIN_TOKEN", "")
        if not token:
            raise pytest.UsageError("--mockspi-admin-url needs its token: --mockspi-admin-token or MOCKSPI_ADMIN_TOKEN")
        yield serving.connected(admin_url, token, _chosen(pytestconfig, "url") or os.environ.get("MOCKSPI_BASE_URL", ""))
        return
    folder, fixtures = tmp_path_factory.getbasetemp(), _folder(pytestconfig, "fixtures")
    words = serving.options({"fixtures": fixtures}) if fixtures else []
    if hasattr(pytestconfig, "workerinput"):  # of xdist; the folder above the workers' own is the run's
        with serving.shared(folder.parent / "mockspi", words, follow=os.getppid()) as server:
            yield server
        return
    server = serving.start(tmp_path_factory.mktemp("mockspi"), words)
    yield server
    serving.stop(server)


@pytest.fixture
def mockspi(request: pytest.FixtureRequest, mockspi_server: Server) -> Iterator[Box]:
    """A sandbox of the test's own on the server."""
    box = mockspi_server.open(**{"name": _name(request.node.name), "ttl": _TTL, **_wanted(request.node)})
    yield from _lent(request.node, box)


@pytest.fixture
def mockspi_app(request: pytest.FixtureRequest) -> Iterator[AppBox]:
    """A sandbox of the test's own in this process, without a socket; with ``client`` and ``wsgi``."""
    from mockspi.testing.inside import AppBox, inside

    house = inside(_folder(request.config, "fixtures"))
    box = AppBox(house, house.call("POST", "/sandboxes", {"name": _name(request.node.name), **_wanted(request.node)}))
    yield from _lent(request.node, box)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """What ``strict`` finds is a failure of the test itself, not of its teardown."""
    result = yield
    for box in item.stash.get(_BOXES, []):
        told = ""
        try:
            box.check()
        except AssertionError as error:
            told = str(error)
        if told:
            pytest.fail(told, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what its sandboxes were asked, and the last call as a command line."""
    report = yield
    if report.failed:
        for box in item.stash.get(_BOXES, []):
            report.sections += [*_sections(box), *_packed(item.config, box)]
    return report


def _sections(box: Box) -> list[tuple[str, str]]:
    from mockspi.errors import MockspiError

    try:
        last = box.curl()
        told = [(f"mockspi journal of {box.name}", str(box.journal))]
    except MockspiError as error:
        return [(f"mockspi journal of {box.name}", f"it cannot be read: {error}")]
    return [*told, ("mockspi: the last call again", last)] if last else told


def _packed(config: pytest.Config, box: Box) -> list[tuple[str, str]]:
    from mockspi.errors import MockspiError

    folder = _folder(config, "bundles")
    if not folder:
        return []
    try:
        told = box.bundle(config.invocation_params.dir / folder / f"{box.name}.bundle.gz")
    except MockspiError as error:
        told = str(error)
    return [("mockspi: all of it again", told)]


def _lent(item: pytest.Item, box: Any) -> Iterator[Any]:
    """A sandbox for the time of a test."""
    from mockspi.errors import MockspiError

    boxes = item.stash.setdefault(_BOXES, [])
    boxes.append(box)
    box.strict(any(one.kwargs.get("strict") for one in item.iter_markers("mockspi")))
    yield box
    boxes.remove(box)
    try:
        box.delete()
    except MockspiError as error:  # the test is over; that its server went is no fault of it
        item.warn(pytest.PytestWarning(f"the sandbox {box.name} could not be deleted: {error}"))


def _wanted(item: pytest.Item) -> dict[str, Any]:
    """What the test's markers say, those of its class and module first."""
    wanted: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("mockspi"))):
        wanted |= {name.rstrip("_"): value for name, value in marker.kwargs.items() if name != "strict" and value is not None}
    return wanted


def _name(test: str) -> str:
    """A name by which people know the sandbox again."""
    return f"{re.sub(r'[^A-Za-z0-9.-]+', '-', test).strip('-.')[:40] or 'test'}-{os.urandom(4).hex()}"


def _folder(config: pytest.Config, name: str) -> str:
    """A folder; where the ini file names it, as seen from there."""
    given, named = config.getoption(f"--mockspi-{name}"), config.getini(_ini(name))
    return str(given or (named and config.inipath and config.inipath.parent / named) or named)


def _chosen(config: pytest.Config, name: str) -> str:
    return str(config.getoption(f"--mockspi-{name}") or config.getini(_ini(name)))


def _ini(name: str) -> str:
    return f"mockspi_{name.replace('-', '_')}"
