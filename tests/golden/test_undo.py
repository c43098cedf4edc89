"""A bind that fails at any step leaves the host as it was.

A module that was loaded for it stays loaded on purpose: taking one away would also take
it from devices that another process bound meanwhile. So on a host with cold modules the
tree afterwards is that of a host on which the modules were loaded and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from simkernel.scenario.render import load
from simkernel.scenario.schema import FaultEntry, Scenario
from tests.simulated import Result, Session, session, tree_with_modules

SCENARIOS = {
    "from-a-host-driver": ("mlx5_vfio_pci", {}),
    "from-no-driver": ("qat_vfio_pci", {}),
    "from-an-override": ("override_set_by_admin", {}),
    "from-another-override": ("already_bound", {"override": "vfio-pci"}),
    "to-the-generic-driver": ("vfio_pci", {}),
    "to-a-dashed-driver": ("xe_vfio_pci", {}),
    "built-in": ("builtin_variant", {}),
}
PF = "0000:3b:00.0"


@pytest.fixture(params=SCENARIOS.values(), ids=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """A host on which binding would succeed."""
    return load(*request.param)


def _target(scenario: Scenario) -> str:
    assert scenario.expected is not None
    return scenario.expected.device


def _warm(scenario: Scenario) -> Scenario:
    """Return the host with the modules already loaded that binding would load."""
    assert scenario.expected is not None
    return replace(
        scenario, loaded=(*scenario.loaded, *scenario.expected.modules_loaded)
    )


def _bind(scenario: Scenario, *faults: FaultEntry) -> tuple[Session, Result, list[str]]:
    """Bind under faults; return the host, what was said, and the records left."""
    with session(replace(scenario, faults=faults)) as host:
        result = host.run("resolver", "bind", _target(scenario))
        return host, result, host.names("/run/resolver")


def _at_every_write(
    scenario: Scenario, errno: str = "", remove: str = ""
) -> Iterator[tuple[int, Session, Result, list[str]]]:
    """Bind with a fault at the first write, at the second, ... that binding does."""
    for number in count(1):
        fault = FaultEntry(at_write=number, errno=errno, remove=remove)
        host, result, records = _bind(scenario, fault)
        if host.writes < number:
            assert number > 1, "binding writes nothing at all"
            assert result.exit_code == 0, result.stderr
            return
        yield number, host, result, records


def test_refused_write_leaves_the_tree_as_it_was(scenario: Scenario) -> None:
    """Whichever write is refused: exit code 1, no record, and the same tree, byte for
    byte, where the modules were loaded before."""
    scenario = _warm(scenario)
    start = tree_with_modules(scenario, [])

    for number, host, result, records in _at_every_write(scenario, "ENODEV"):
        assert result.exit_code == 1, f"write {number}: {result.stderr}"
        assert start == host.tree(), f"write {number}"
        assert records == [], f"write {number}"


def test_refused_write_leaves_only_loaded_modules(scenario: Scenario) -> None:
    """Whichever write is refused, nothing but loaded modules is left behind."""
    for number, host, result, records in _at_every_write(scenario, "EIO"):
        assert result.exit_code == 1, f"write {number}: {result.stderr}"
        assert tree_with_modules(scenario, host.modules) == host.tree()
        assert records == [], f"write {number}"


def test_vanishing_device_is_told(scenario: Scenario) -> None:
    """Before whichever write the device goes: one clear error, exit code 1, and
    nothing left of it."""
    device = _target(scenario)

    for number, host, result, records in _at_every_write(scenario, remove=device):
        assert result.exit_code == 1, f"write {number}: {result.stderr}"
        assert f"error: {device}" in result.stderr
        assert "device was removed during the change" in result.stderr
        assert "Traceback" not in result.stderr
        assert tree_with_modules(scenario, host.modules, gone=device) == host.tree()
        assert records == [], f"write {number}"


def test_vanishing_physical_function_is_told() -> None:
    """A virtual function that goes with its physical function is no other case."""
    scenario = load("mlx5_vfio_pci")

    for number, host, result, records in _at_every_write(scenario, remove=PF):
        assert result.exit_code == 1, f"write {number}: {result.stderr}"
        assert "device was removed during the change" in result.stderr
        assert host.driver(_target(scenario)) is None
        assert records == []


def test_failing_undo_is_told_and_can_be_repaired(scenario: Scenario) -> None:
    """When a write of the undo is refused too, the exit code is 5, what is not undone
    is named, and ``restore`` brings the host back."""
    scenario = _warm(scenario)
    start = tree_with_modules(scenario, [])
    met = 0
    for first, host, _, _ in _at_every_write(scenario, "EIO"):
        for second in range(first + 1, host.writes + 1):
            _check_failing_undo(scenario, first, second, start)
            met += 1

    assert met > 0 or scenario == _warm(load("already_bound", {"override": "vfio-pci"}))


def _check_failing_undo(
    scenario: Scenario, first: int, second: int, start: dict[str, str]
) -> None:
    faults = tuple(FaultEntry(at_write=one, errno="EIO") for one in (first, second))
    with session(replace(scenario, faults=faults)) as host:
        result = host.run("resolver", "bind", _target(scenario))
        left = host.tree()
        restored = host.run("resolver", "restore", _target(scenario))

    assert result.exit_code == 5, f"{first}, {second}: {result.stderr}"
    assert "error: not rolled back: " in result.stderr
    assert left != start
    assert restored.exit_code == 0, restored.stderr
    assert start == host.tree()
