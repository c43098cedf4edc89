"""The scenarios as they are tested: as they stand, and with parameters set.

``play`` does with each what all tests look at.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from simkernel.scenario.render import installed, load
from simkernel.scenario.schema import Expected, Scenario
from tests.simulated import Result, Session, session

__all__ = ["BENCHES", "CASES", "FOLDER", "Case", "Story", "play"]

FOLDER = Path(__file__).parent
BENCHES = {
    "cdx_vfio",
    "golden_lab",
    "in_use",
    "habits_lab",
    "many_vfs",
    "vfio_ap_autoload",
    "vfio_ap_blacklisted",
    "vfio_ccw_autoload",
}
"""Hosts for other tests: nothing is expected of a bind on them."""


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario with some of its parameters set."""

    scenario: str
    variation: str = ""
    """What is different from the scenario as it stands."""
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the test and, with ``.json``, of the file with its results."""
        return ".".join(filter(None, (self.scenario, self.variation)))

    def load(self) -> Scenario:
        """Return the scenario."""
        return load(self.scenario, self.settings)


def _case(scenario: str, variation: str, **settings: str) -> Case:
    return Case(scenario, variation, settings)


CASES = [
    *(Case(name) for name in installed() if name not in BENCHES),
    _case("already_bound", "kept-for-another", override="vfio-pci"),
    _case("blacklisted_variant", "install", line="install mlx5_vfio_pci /bin/false"),
    _case("builtin_variant", "before-6.18", release="6.12.117-amd64"),
    _case(
        "builtin_variant",
        "before-6.18-no-list",
        release="6.12.117-amd64",
        missing="modules.builtin",
    ),
    _case("builtin_variant", "no-modinfo", missing="modules.builtin.modinfo"),
    _case("device_vanishes", "before-override", write="1"),
    _case("device_vanishes", "before-probe", write="3"),
    _case("hisi_acc_vfio_pci", "dashed", driver_name="hisi-acc-vfio-pci"),
    _case("hisi_acc_vfio_pci", "hpre", engine="hpre"),
    _case("hisi_acc_vfio_pci", "zip", engine="zip"),
    _case("name_mismatch", "blank-in-name", driver_name="bar vfio"),
    _case("nvgrace_gpu_vfio_pci", "unbound", host_driver="none"),
    _case("override_set_by_admin", "no-such-driver", override="nobody"),
    _case("probe_fails", "enodev", errno="ENODEV"),
    _case("probe_fails", "override-set", override="vfio-pci"),
    _case("sysfs_refuses", "override", write="1", errno="EACCES"),
    _case("sysfs_refuses", "unbind", write="2", errno="ENODEV"),
    _case(
        "two_drivers_one_module",
        "both-vfio",
        first="duo-vfio-net",
        second="duo-vfio-crypto",
    ),
    _case("two_drivers_one_module", "neither-vfio", second="duo-data"),
    _case("vfio_pci", "no-alias-before-5.16", release="5.10.223-amd64"),
]


@dataclass(frozen=True, slots=True)
class Moment:
    """What the host is like at one time."""

    tree: dict[str, str]
    modules: list[str]
    writes: int
    driver: str | None
    """Driver of the device that is being bound."""


@dataclass(frozen=True, slots=True)
class Story:
    """What the commands said, and what the host was like after each."""

    case: Case
    scenario: Scenario
    expected: Expected
    start: Moment
    dry_run: Result
    after_dry_run: Moment
    bind: Result
    after_bind: Moment
    again: Result | None
    """A second bind, if the first one succeeded."""
    after_again: Moment
    restore: Result
    after_restore: Moment


def play(case: Case) -> Story:
    """Bind the device of a scenario, dry and for good and again, and give it back."""
    scenario = case.load()
    expected = scenario.expected
    assert expected is not None
    device = expected.device
    with session(scenario) as host:
        start = _moment(host, device)
        dry_run = host.run("resolver", "bind", "--dry-run", "--json", device)
        after_dry_run = _moment(host, device)
        bind = host.run("resolver", "bind", "--json", device)
        after_bind = _moment(host, device)
        again = None
        if bind.exit_code == 0:
            again = host.run("resolver", "bind", "--json", device)
        after_again = _moment(host, device)
        restore = host.run("resolver", "restore", "--json", device)
        after_restore = _moment(host, device)
    return Story(
        case=case,
        scenario=scenario,
        expected=expected,
        start=start,
        dry_run=dry_run,
        after_dry_run=after_dry_run,
        bind=bind,
        after_bind=after_bind,
        again=again,
        after_again=after_again,
        restore=restore,
        after_restore=after_restore,
    )


def _moment(host: Session, device: str) -> Moment:
    return Moment(host.tree(), host.modules, host.writes, host.driver(device))
