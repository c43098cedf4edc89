"""Whether the parts of a scenario fit together; the schema checked each by itself."""

from __future__ import annotations

import errno
from collections.abc import Iterator

from simkernel.model.other_buses import BUS_KINDS
from simkernel.scenario import schema

__all__ = ["check"]


def check(scenario: schema.Scenario) -> list[str]:
    """Return every problem found, as ``place: what``; none: an empty list."""
    return [
        *_buses(scenario),
        *_modules(scenario),
        *_loaded(scenario),
        *_devices(scenario),
        *_errnos(scenario),
    ]


def _buses(scenario: schema.Scenario) -> Iterator[str]:
    for index, name in enumerate(scenario.kernel.buses):
        if name not in BUS_KINDS:
            known = ", ".join(sorted(BUS_KINDS))
            yield f"kernel.buses[{index}]: {name} is not modelled; known are {known}"
    for index, device in enumerate(scenario.other_devices):
        if device.bus not in scenario.kernel.buses:
            buses = {"pci", *scenario.kernel.buses}
            yield _no_bus(f"other_devices[{index}]", device.bus, buses)


def _modules(scenario: schema.Scenario) -> Iterator[str]:
    names: set[str] = set()
    buses = {"pci", *scenario.kernel.buses}
    for index, module in enumerate(scenario.modules):
        where = f"modules[{index}]"
        if module.name in names:
            yield f"{where}.name: there is a module {module.name} already"
        names.add(module.name)
        stem = module.path.rsplit("/", 1)[-1].removesuffix(".ko")
        if stem.replace("-", "_") != module.name:
            yield (
                f"{where}.path: the file of module {module.name} must be named after "
                f"it (with - or _), not {stem}.ko"
            )
        for name in module.depends:
            if name not in {one.name for one in scenario.modules}:
                yield f"{where}.depends: there is no module {name}"
        for number, driver in enumerate(module.drivers):
            if driver.bus not in buses:
                yield _no_bus(f"{where}.drivers[{number}]", driver.bus, buses)
        for number, device in enumerate(module.devices):
            if device.bus not in scenario.kernel.buses:
                yield _no_bus(f"{where}.devices[{number}]", device.bus, buses)
    yield from _cycles({one.name: one.depends for one in scenario.modules})


def _no_bus(where: str, name: str, buses: set[str]) -> str:
    return (
        f"{where}.bus: the kernel has no bus {name}, only {', '.join(sorted(buses))}; "
        "kernel.buses adds others"
    )


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
                yield f"modules: {' needs '.join([*path, name])}: a circle"
                return
            elif name in depends and name not in done:
                path.append(name)
                pending.append(iter(depends[name]))


def _loaded(scenario: schema.Scenario) -> Iterator[str]:
    known = {one.name: one for one in scenario.modules}
    for index, name in enumerate(scenario.loaded):
        if name not in known:
            yield f"loaded[{index}]: there is no module {name}"
        elif known[name].builtin:
            yield f"loaded[{index}]: module {name} is built in"


def _devices(scenario: schema.Scenario) -> Iterator[str]:
    taken: set[str] = set()
    for index, device in enumerate(scenario.devices):
        where = f"devices[{index}]"
        if device.address in taken:
            yield f"{where}.address: {device.address} is taken"
        taken.add(device.address)
        sriov = device.sriov
        if sriov is None:
            continue
        if not 0 <= sriov.enabled <= sriov.total_vfs <= 65535:
            yield (
                f"{where}.sriov: enabled must be 0 to total_vfs, and total_vfs at "
                "most 65535"
            )
        if sriov.offset < 1 or sriov.stride < 1:
            yield f"{where}.sriov: offset and stride must be at least 1"
        for number, special in enumerate(sriov.vfs):
            if not 0 <= special.index < sriov.enabled:
                yield (
                    f"{where}.sriov.vfs[{number}].index: must be below enabled "
                    f"({sriov.enabled})"
                )
    yield from _drivers_known(scenario)


def _drivers_known(scenario: schema.Scenario) -> Iterator[str]:
    """Check that each driver of the start is there at the start."""
    present = _present(scenario)
    for index, device in enumerate(scenario.devices):
        wanted = [(f"devices[{index}].driver", device.driver)]
        if device.sriov is not None:
            base = f"devices[{index}].sriov"
            wanted.append((f"{base}.vf_driver", device.sriov.vf_driver))
            wanted += [
                (f"{base}.vfs[{number}].driver", one.driver)
                for number, one in enumerate(device.sriov.vfs)
            ]
        for where, name in wanted:
            if name not in (None, "none") and name not in present:
                yield f"{where}: no loaded or built-in module has a driver {name}"


def _present(scenario: schema.Scenario) -> set[str]:
    modules = {one.name: one for one in scenario.modules}
    pending = [*scenario.loaded, *(one.name for one in modules.values() if one.builtin)]
    seen: set[str] = set()
    while pending:
        name = pending.pop()
        if name in modules and name not in seen:
            seen.add(name)
            pending += modules[name].depends
    return {driver.name for name in seen for driver in modules[name].drivers}


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
        if name and not hasattr(errno, name):
            yield f"{where}: {name} is no errno"
