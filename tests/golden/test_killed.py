"""Whenever a run is killed, ``resolver restore`` brings the host back.

Every call by which ``bind``, ``unbind`` and ``restore`` change something is met: the
run ends there for good, without tidying up, and another one restores what is
remembered. The kernel's trees are then what they were, byte for byte, but for modules
that were loaded. ``pytest -rP tests/golden/test_killed.py`` prints the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count

import pytest

from simkernel.scenario.render import load
from simkernel.scenario.schema import Scenario
from tests.killed import Counter, killed_at
from tests.simulated import Session, session, tree_with_modules

SCENARIOS = {
    "from-a-host-driver": ("mlx5_vfio_pci", {}),
    "from-no-driver": ("qat_vfio_pci", {}),
    "from-an-override": ("override_set_by_admin", {}),
}
COMMANDS = {
    "bind": ("bind", "DEVICE"),
    "unbind": ("unbind", "DEVICE"),
    "restore": ("restore", "DEVICE"),
    "bind-again": ("bind", "--driver", "vfio-pci", "DEVICE"),
}
PREPARED = frozenset({"restore", "bind-again"})
"""Commands that come after a bind."""


@pytest.fixture(params=SCENARIOS.values(), ids=SCENARIOS)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    """A host on which binding would succeed."""
    return load(*request.param)


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_run_is_restored_by_the_next(scenario: Scenario, command: str) -> None:
    """At every changing call, and halfway through every write to a plain file."""
    assert scenario.expected is not None
    device = scenario.expected.device
    words = ["resolver", *(w.replace("DEVICE", device) for w in COMMANDS[command])]

    rows = list(_rows(scenario, words, is_prepared=command in PREPARED))

    print(f"\n{' '.join(words)}, on {device}: {len(rows)} places to be killed at")
    print(f"{'KILLED AT':84} {'LEFT':30} RESTORED")
    for place, left, restored in rows:
        print(f"{place:84} {left:30} {restored}")
    assert len(rows) > 8
    assert all(restored == "yes" for _, _, restored in rows)


def test_killed_set_of_devices_is_restored() -> None:
    """All devices or none is no promise of a killed run, but of its restoring."""
    scenario = load("mlx5_vfio_pci", {"vfs": "3"})
    words = ["resolver", "bind", "--atomic", "vfs:3b:00.0"]

    rows = list(_rows(scenario, words, is_prepared=False))

    assert len(rows) > 30
    assert all(restored == "yes" for _, _, restored in rows)


# Two runs do not always make the same calls: on a busy machine, one may have to wait.
# So the calls are not counted beforehand. The first run that nothing kills is the last.
def _rows(
    scenario: Scenario, words: list[str], *, is_prepared: bool
) -> Iterator[tuple[str, str, str]]:
    for at in count(1):
        counter = Counter(at)
        row = _killed(scenario, words, counter, is_prepared=is_prepared)
        if not counter.has_killed:
            return
        yield row
        if counter.seen[-1].startswith("write(/run/"):
            halfway = Counter(at, halfway=True)
            yield _killed(scenario, words, halfway, is_prepared=is_prepared)


def _prepare(host: Session, scenario: Scenario, *, is_prepared: bool) -> None:
    assert scenario.expected is not None
    if is_prepared:
        assert host.run("resolver", "bind", scenario.expected.device).exit_code == 0


def _killed(
    scenario: Scenario, words: list[str], counter: Counter, *, is_prepared: bool
) -> tuple[str, str, str]:
    assert scenario.expected is not None
    device = scenario.expected.device
    with session(replace(scenario, faults=())) as host:
        _prepare(host, scenario, is_prepared=is_prepared)
        with killed_at(counter):
            run = host.run(*words)
        assert counter.has_killed or run.exit_code == 0, (run.stderr, counter.seen)
        place = counter.seen[-1] + (" halfway" if counter.halfway else "")
        found = host.host.kernel.pci.devices[device]
        override = (found.driver_override or b"-").decode()
        left = f"{host.driver(device) or 'none'}, kept for {override}"
        done = host.run("resolver", "restore", "--all")
        status = host.run("resolver", "status", "--json")
        same = host.tree() == tree_with_modules(scenario, host.modules)
    is_good = same and done.exit_code == 0 and '"devices": []' in status.stdout
    return place, left, "yes" if is_good else f"NO: {done.stderr.strip()}"
