"""Checks of a whole scenario report every problem with its place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from simkernel.scenario.check import check
from simkernel.scenario.render import installed, load, parse
from simkernel.scenario.schema import Scenario

HOST = """
kernel: {release: 6.12.0}
modules:
  - {name: base, path: kernel/base.ko}
  - name: nic
    path: kernel/nic.ko
    depends: [base]
    drivers: [{name: nic, ids: [{id: "1af4:0001"}]}]
  - {name: fixed, path: kernel/fixed.ko, builtin: true, drivers: [{name: fixed}]}
  - {name: idle, path: kernel/idle.ko, drivers: [{name: idle}]}
loaded: [nic]
devices:
  - {address: "0000:00:01.0", id: "1af4:0003", secondary_bus: "01"}
  - address: "0000:01:00.0"
    id: "1af4:0001"
    driver: nic
    sriov:
      {total_vfs: 4, vf_device: "0002", enabled: 2, vfs: [{index: 1, driver: none}]}
"""


@pytest.fixture
def host() -> Scenario:
    """A scenario whose parts fit."""
    return parse(HOST)


def changed(text: str, instead: str) -> list[str]:
    """Return the problems of the host with one text replaced."""
    assert text in HOST
    return check(parse(HOST.replace(text, instead)))


def test_host_that_fits_has_no_problems(host: Scenario) -> None:
    """Nothing is found where nothing is wrong."""
    assert check(host) == []


@pytest.mark.parametrize("name", installed())
def test_installed_scenarios_fit(name: str) -> None:
    """No installed scenario has a problem."""
    assert check(load(name)) == []


@pytest.mark.parametrize(
    ("text", "instead", "problem"),
    [
        (
            "name: idle, path: kernel/idle.ko",
            "name: nic, path: kernel/nic.ko",
            "modules[3].name: duplicate module nic",
        ),
        (
            "path: kernel/base.ko",
            "path: kernel/basis.ko",
            "modules[0].path: the file of module base is named basis.ko; name it "
            "base.ko (- and _ are equal)",
        ),
        (
            "depends: [base]",
            "depends: [base, nothing]",
            "modules[1].depends: no module nothing in modules",
        ),
        (
            "{name: base, path: kernel/base.ko}",
            "{name: base, path: kernel/base.ko, depends: [nic]}",
            "modules: dependency cycle: base -> nic -> base",
        ),
        (
            "{name: base, path: kernel/base.ko}",
            "{name: base, path: kernel/base.ko, depends: [base]}",
            "modules: dependency cycle: base -> base",
        ),
        (
            "fixed.ko, builtin: true",
            "fixed.ko, builtin: true, depends: [base]",
            "modules[2].depends: base is not built in, but fixed is",
        ),
        (
            "drivers: [{name: idle}]",
            "drivers: [{name: idle, bus: usb}]",
            "modules[3].drivers[0].bus: the kernel has no bus usb; add it to "
            "kernel.buses",
        ),
        (
            "drivers: [{name: fixed}]",
            "drivers: [{name: fixed}, {name: fixed}]",
            "modules[2].drivers[1].name: duplicate built-in driver fixed",
        ),
        ("loaded: [nic]", "loaded: [nic, no]", "loaded[1]: no module no in modules"),
        (
            "loaded: [nic]",
            "loaded: [nic, fixed]",
            "loaded[1]: module fixed is built in",
        ),
        (
            "driver: nic\n",
            "driver: idle\n",
            "devices[1].driver: no loaded or built-in module has a driver idle",
        ),
        (
            "driver: none}",
            "driver: idle}",
            "devices[1].sriov.vfs[0].driver: no loaded or built-in module has a driver "
            "idle",
        ),
        (
            "enabled: 2,",
            "enabled: 2, vf_driver: idle,",
            "devices[1].sriov.vf_driver: no loaded or built-in module has a driver "
            "idle",
        ),
        (
            "index: 1,",
            "index: 2,",
            "devices[1].sriov.vfs[0].index: must be below enabled (2)",
        ),
        (
            "enabled: 2",
            "enabled: 5",
            "devices[1].sriov: enabled must be 0 to total_vfs, and total_vfs at most "
            "65535",
        ),
        (
            "enabled: 2",
            "enabled: 2, offset: 0",
            "devices[1].sriov: offset and stride must be at least 1",
        ),
        (
            "    sriov:",
            "    express: false\n    sriov:",
            "devices[1].express: SR-IOV requires a PCI Express function",
        ),
        (
            "enabled: 2",
            "enabled: 2, offset: 65535",
            "devices[1].sriov: virtual function 0 would be beyond bus ff",
        ),
        (
            "devices:\n",
            'devices:\n  - {address: "0000:01:00.4", id: "1af4:0009"}\n',
            "devices[2].sriov: virtual function 3 would have the address 0000:01:00.4 "
            "of another function",
        ),
        (
            "devices:\n",
            'devices:\n  - {address: "0000:01:00.0", id: "1af4:0009"}\n',
            "devices[0].address: duplicate address 0000:01:00.0",
        ),
        (
            "devices:\n",
            'devices:\n  - {address: "00010000:01:00.0", id: "1af4:0009"}\n'
            '  - {address: "00000001:01:00.0", id: "1af4:0009"}\n',
            "devices[1].address: 00000001:01:00.0 is not canonical; write 0001:01:00.0",
        ),
        (
            "devices:\n",
            'devices:\n  - {address: "0001:01:00.0", id: 1af4:0009, iommu_group: -1}\n',
            "devices[0].iommu_group: -1 is below 0",
        ),
        (
            'secondary_bus: "01"',
            'secondary_bus: "00"',
            "devices[0].secondary_bus: 00 is not above 00, the bus of the bridge",
        ),
        (
            "devices:\n",
            "devices:\n"
            '  - {address: "0000:00:02.0", id: "1af4:0003", secondary_bus: "01"}\n',
            "devices[1].secondary_bus: 01 is behind 0000:00:02.0 already",
        ),
        (
            "loaded: [nic]\n",
            "loaded: [nic]\nfaults: [{at_write: 0, errno: EIO}]\n",
            "faults[0].at_write: 0 is below 1",
        ),
        (
            "loaded: [nic]\n",
            "loaded: [nic]\nfaults: [{at_write: 1, errno: ENODEF}]\n",
            "faults[0].errno: unknown errno ENODEF; did you mean ENODEV?",
        ),
        (
            "drivers: [{name: idle}]",
            "drivers: [{name: idle, probe_errno: EVIL}], init_errno: EXX",
            "modules[3].init_errno: unknown errno EXX",
        ),
        (
            "loaded: [nic]\n",
            "loaded: [nic]\nenvironment: {A=B: c}\n",
            "environment.A=B: contains = in its name, or a NUL character",
        ),
        (
            "loaded: [nic]",
            "loaded: [nics]",
            "loaded[0]: no module nics in modules; did you mean nic?",
        ),
        (
            "depends: [base]",
            "depends: [bsae]",
            "modules[1].depends: no module bsae in modules; did you mean base?",
        ),
        (
            "driver: nic\n",
            "driver: ncc\n",
            "devices[1].driver: no loaded or built-in module has a driver ncc; did you "
            "mean nic?",
        ),
        (
            "drivers: [{name: idle}]",
            "drivers: [{name: idle, bus: pic}]",
            "modules[3].drivers[0].bus: the kernel has no bus pic; did you mean pci?",
        ),
    ],
)
def test_reports_parts_that_do_not_fit(text: str, instead: str, problem: str) -> None:
    """Each problem has its place, the value, and a close name if there is one."""
    assert problem in changed(text, instead)


def test_reports_all_problems_at_once(host: Scenario) -> None:
    """The first problem does not hide the others."""
    broken = replace(host, modules=(), loaded=("nic",))

    assert check(broken) == [
        "loaded[0]: no module nic in modules",
        "devices[1].driver: no loaded or built-in module has a driver nic",
    ]
