"""The pytest plugin: fixtures ``sim`` and ``sim_fs``, marker ``scenario``.

pytest loads it wherever simkernel is installed. To stay cheap, it imports nothing
else of simkernel before a test requests a host.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from simkernel.testing.sim import Sim

__all__ = ["sim", "sim_fs"]

_TIERS = ("auto", "fakefs", "fuse")
_MARKER = (
    "scenario(name, via=None, **parameters): simulated host of the fixture sim; "
    "name is a scenario or the path of a template, via a tier"
)
_MAX_LINES = 40
"""Maximum number of diff lines in the report of a failed test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the test kit."""
    group = parser.getgroup("simkernel", "simulated hosts")
    group.addoption(
        "--sim-via",
        choices=_TIERS,
        help="tier of hosts without via in their marker [default: ini option sim_via]",
    )
    group.addoption(
        "--sim-record-trace",
        metavar="DIR",
        type=Path,
        help="write a trace of all operations on the host to DIR, one file per test",
    )
    parser.addini("sim_via", "tier of hosts: auto, fakefs or fuse", default="auto")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def sim(request: pytest.FixtureRequest) -> Iterator[Sim]:
    """A freshly booted simulated host; the marker ``scenario`` selects it."""
    from simkernel.errors import SimkernelError
    from simkernel.testing.sim import Sim

    name, settings = _wanted(request)
    via = settings.pop("via", None) or _default_tier(request.config)
    try:
        host = Sim(name, settings, via=via, trace=_trace_file(request))
    except SimkernelError as error:
        pytest.fail(f"{request.node.nodeid}: {error}", pytrace=False)
    with host:
        yield host


@pytest.fixture
def sim_fs(sim: Sim) -> Iterator[Sim]:
    """A simulated host that the test itself runs on, on the fakefs tier."""
    with sim.inside():
        yield sim


def _default_tier(config: pytest.Config) -> str:
    via = str(config.getoption("--sim-via") or config.getini("sim_via"))
    if via not in _TIERS:
        pytest.fail(
            f"sim_via = {via}: must be one of {', '.join(_TIERS)}", pytrace=False
        )
    return via


def _wanted(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """Return scenario and settings, from a parameter or the nearest markers.

    A marker without a name adds settings to the marker around it.
    """
    given = getattr(request, "param", None)
    settings: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    if isinstance(given, str | Path):
        return _found(given, request), settings
    for marker in request.node.iter_markers("scenario"):
        settings = dict(marker.kwargs) | settings
        if len(marker.args) > 1:
            break
        if marker.args:
            return _found(marker.args[0], request), settings
    pytest.fail(
        f"{request.node.nodeid}: the fixture sim requires a scenario\n"
        'hint: mark the test with @pytest.mark.scenario("mlx5_vfio_pci", vfs=4); '
        "`simkernel list` lists all scenarios",
        pytrace=False,
    )


def _found(name: object, request: pytest.FixtureRequest) -> str:
    """Return the name of a scenario; paths are relative to the test's file."""
    if isinstance(name, Path) or "/" in str(name) or str(name).endswith(".j2"):
        return str(request.node.path.parent / str(name))
    return str(name)


def _trace_file(request: pytest.FixtureRequest) -> Path | None:
    folder: Path | None = request.config.getoption("--sim-record-trace")
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.\[\]-]+", "_", request.node.nodeid)
    return folder / f"{name}.jsonl"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Add the changes of the host to the report of a failed test.

    A failure that already shows a difference gets no section.
    """
    report = yield
    kit = sys.modules.get("simkernel.testing.sim")
    host = getattr(item, "funcargs", {}).get("sim")
    if (
        report.when == "call"
        and report.failed
        and kit is not None
        and isinstance(host, kit.Sim)
        and "--- before" not in report.longreprtext
    ):
        report.sections.append((f"Changed on {host!r}", _what_changed(host)))
    return report


def _what_changed(host: Sim) -> str:
    """Return the changes of a host since the start of the test."""
    lines = host.first_tree.diff(host.tree()).splitlines()
    if len(lines) > _MAX_LINES:
        more = f"{len(lines) - _MAX_LINES} more lines"
        lines[_MAX_LINES:] = [f"... and {more}: sim.first_tree.diff(sim.tree())"]
    return "\n".join(lines) or "nothing changed since the start"


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Explain a failed ``==`` of two snapshots."""
    kit = sys.modules.get("simkernel.testing.snapshot")
    if kit is None or op != "==":
        return None
    if isinstance(left, kit.Snapshot) and isinstance(right, kit.Snapshot):
        lines: list[str] = kit.describe(left, right)
        return lines
    return None
