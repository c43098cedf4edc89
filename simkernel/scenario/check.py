"""Check that the parts of a scenario fit together.

The schema checks each value by itself, before this module runs.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable, Iterator

from simkernel.model.other_buses import BUS_KINDS
from simkernel.scenario import schema
from simkernel.scenario.check_devices import check_devices
from simkernel.scenario.check_programs import added_paths, check_programs
from simkernel.scenario.schema.patterns import IDS
from simkernel.suggest import did_you_mean

__all__ = ["check", "errno_numbers"]


def errno_numbers() -> dict[str, int]:
    """Return the number of each errno that a scenario may name.

    The kernel's internal errnos are among them.

    Source: include/linux/errno.h.
    """
    known = {name: number for number, name in errno.errorcode.items()}
    return known | {"EPROBE_DEFER": 517, "ENOTSUPP": 524}


def check(scenario: schema.Scenario) -> list[str]:
    """Return every problem found, as ``place: problem``."""
    return [
        *_buses(scenario),
        *_modules(scenario),
        *_loaded(scenario),
        *check_devices(scenario),
        *_owned(scenario),
        *_errnos(scenario),
        *_environment(scenario),
        *_files(scenario),
        *check_programs(scenario),
    ]


def _files(scenario: schema.Scenario) -> Iterator[str]:
    taken: dict[str, str] = {}
    for place, path in added_paths(scenario):
        if path in taken:
            yield f"{place}: {taken[path]} has this path already"
        taken.setdefault(path, place)
    files = [*scenario.files, *scenario.links, *(one.path for one in scenario.nodes)]
    for place, path in added_paths(scenario):
        if any(path.startswith(f"{other}/") for other in files):
            yield f"{place}: a parent directory of this path is a file"


def _environment(scenario: schema.Scenario) -> Iterator[str]:
    for name, value in scenario.environment.items():
        if "=" in name or "\0" in name + value:
            yield f"environment.{name}: contains = in its name, or a NUL character"


def _buses(scenario: schema.Scenario) -> Iterator[str]:
    for index, name in enumerate(scenario.kernel.buses):
        if name not in BUS_KINDS:
            suggestion = did_you_mean(name, BUS_KINDS)
            yield f"kernel.buses[{index}]: bus {name} is not modelled{suggestion}"
    for index, device in enumerate(scenario.other_devices):
        if device.bus not in scenario.kernel.buses:
            buses = {"pci", *scenario.kernel.buses}
            yield _no_bus(f"other_devices[{index}]", device.bus, buses)


def _modules(scenario: schema.Scenario) -> Iterator[str]:
    names: set[str] = set()
    known = {one.name: one for one in scenario.modules}
    buses = {"pci", *scenario.kernel.buses}
    yield from _builtin_drivers(scenario)
    for index, module in enumerate(scenario.modules):
        where = f"modules[{index}]"
        if module.name in names:
            yield f"{where}.name: duplicate module {module.name}"
        names.add(module.name)
        stem = module.path.rsplit("/", 1)[-1].removesuffix(".ko")
        if stem.replace("-", "_") != module.name:
            yield (
                f"{where}.path: the file of module {module.name} is named {stem}.ko; "
                f"name it {module.name}.ko (- and _ are equal)"
            )
        for name in module.depends:
            if name not in known:
                yield f"{where}.depends: {_unknown_module(name, known)}"
            elif module.builtin and not known[name].builtin:
                yield f"{where}.depends: {name} is not built in, but {module.name} is"
        for number, driver in enumerate(module.drivers):
            for one in driver.denied:
                if not re.fullmatch(IDS, one):
                    place = f"{where}.drivers[{number}].denied"
                    yield f"{place}: {one} is not of the form vendor:device"
            if driver.bus not in buses:
                yield _no_bus(f"{where}.drivers[{number}]", driver.bus, buses)
        for number, device in enumerate(module.devices):
            if device.bus not in scenario.kernel.buses:
                yield _no_bus(f"{where}.devices[{number}]", device.bus, buses)
    yield from _cycles({one.name: one.depends for one in scenario.modules})


def _builtin_drivers(scenario: schema.Scenario) -> Iterator[str]:
    """Check that built-in drivers of a bus differ in name."""
    taken: set[tuple[str, str]] = set()
    for index, module in enumerate(scenario.modules):
        for number, driver in enumerate(module.drivers if module.builtin else ()):
            if (driver.bus, driver.name) in taken:
                yield (
                    f"modules[{index}].drivers[{number}].name: duplicate built-in "
                    f"driver {driver.name}"
                )
            taken.add((driver.bus, driver.name))


def _no_bus(where: str, name: str, buses: set[str]) -> str:
    advice = did_you_mean(name, buses) or "; add it to kernel.buses"
    return f"{where}.bus: the kernel has no bus {name}{advice}"


def _unknown_module(name: str, known: Iterable[str]) -> str:
    return f"no module {name} in modules{did_you_mean(name, known)}"


def _cycles(depends: dict[str, tuple[str, ...]]) -> Iterator[str]:
    done: set[str] = set()
    for start in depends:
        path: list[str] = [start]
        pending = [iter(depends[start])]
        while pending:
            name = next(pending[-1], None)
            if name is None:
                pending.pop()
                done.add(path.pop())
            elif name in path:
                yield f"modules: dependency cycle: {' -> '.join([*path, name])}"
                return
            elif name in depends and name not in done:
                path.append(name)
                pending.append(iter(depends[name]))


def _loaded(scenario: schema.Scenario) -> Iterator[str]:
    known = {one.name: one for one in scenario.modules}
    for index, name in enumerate(scenario.loaded):
        if name not in known:
            yield f"loaded[{index}]: {_unknown_module(name, known)}"
        elif known[name].builtin:
            yield f"loaded[{index}]: module {name} is built in"


def _owned(scenario: schema.Scenario) -> Iterator[str]:
    groups = {device.iommu_group for device in scenario.devices}
    for index, number in enumerate(scenario.owned_groups):
        if number not in groups or not scenario.kernel.iommu:
            yield f"owned_groups[{index}]: no device is in iommu_group {number}"


def _errnos(scenario: schema.Scenario) -> Iterator[str]:
    named = [
        (f"modules[{index}].init_errno", one.init_errno)
        for index, one in enumerate(scenario.modules)
    ]
    named += [
        (f"modules[{index}].drivers[{number}].probe_errno", driver.probe_errno)
        for index, one in enumerate(scenario.modules)
        for number, driver in enumerate(one.drivers)
    ]
    named += [
        (f"faults[{index}].errno", one.errno)
        for index, one in enumerate(scenario.faults)
    ]
    for where, name in named:
        if name and name not in errno_numbers():
            yield f"{where}: unknown errno {name}{did_you_mean(name, errno_numbers())}"
    for index, fault in enumerate(scenario.faults):
        if fault.at_write < 1:
            yield f"faults[{index}].at_write: {fault.at_write} is below 1"
