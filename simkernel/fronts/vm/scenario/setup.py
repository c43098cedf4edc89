"""Sets a scenario up in a booted guest, and removes it again.

The order is that of a real host: first the module directory and modprobe's files,
then hardware and modules, then changes to single devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simkernel.fronts.vm.machine.guest import Guest, GuestError
from simkernel.fronts.vm.modules.directory import ModuleDirectory
from simkernel.fronts.vm.scenario.initial_state import STOCK, InitialState, stub_file
from simkernel.fronts.vm.scenario.simpci_commands import (
    add_line,
    pose_line,
    qemu_functions,
    synthetic_functions,
)
from simkernel.fronts.vm.scenario.support import is_kernel_path
from simkernel.scenario.schema import DeviceEntry, Scenario

__all__ = ["ScenarioSetup"]

_MODPROBE_FOLDERS = (
    "/etc/modprobe.d",
    "/run/modprobe.d",
    "/usr/local/lib/modprobe.d",
    "/lib/modprobe.d",
)
"""Folders that modprobe reads. The first gets the scenario's files, the others are
empty."""
_DEVICES = "/sys/bus/pci/devices"
_ROOTS = (
    "/sys/bus/pci/devices",
    "/sys/bus/pci/drivers",
    "/sys/bus/platform/devices",
    "/sys/bus/platform/drivers",
    "/sys/module",
    "/dev/vfio",
    "/proc/self/mounts",
)
"""Paths that must be the same before and after a scenario."""
_SKIP = (r"^/sys/(?:bus/[^/]*/drivers|module)/[^/]*/.",)
"""Below these paths only names are compared."""


class ScenarioSetup:
    """The scenario of a guest, one at a time.

    :param release: release of the guest's kernel.
    :param simpci: path of the module with the synthetic functions.
    :param stock: the kernel's own module directory.
    """

    def __init__(
        self, guest: Guest, *, release: str, simpci: Path, stock: Path
    ) -> None:
        self._guest = guest
        self._modules = f"/lib/modules/{release}"
        self._stock = stock
        guest.do(
            [
                {"op": "insert", "path": str(simpci)},
                {"op": "bind", "source": str(stock), "path": STOCK},
            ]
        )
        self._mounted: list[str] = []
        self._boot_modules = self._loaded()
        self._boot_state = self._observe()

    def apply(self, scenario: Scenario, directory: ModuleDirectory) -> list[str]:
        """Set a scenario up; the guest must not have one.

        :return: deviations from the scenario, one line each.
        :raises GuestError: the kernel refuses a step.
        """
        self._mount(scenario, directory)
        self._guest.do(
            [{"op": "insert", "path": str(one)} for one in directory.preloaded]
        )
        self._plug(scenario)
        self._guest.do(
            [
                {"op": "load", "module": name, "needed": True}
                for name in _load_order(scenario)
            ]
        )
        return InitialState(self._guest, stub_file(self._stock)).apply(scenario)

    def clear(self) -> None:
        """Remove the scenario.

        :raises GuestError: a part of it remains, so the guest cannot be reused.
        """
        self._guest.do([_write("/sys/kernel/simpci/cmd", "clear")])
        self._unload()
        self._guest.do([_write("/sys/bus/pci/drivers_autoprobe", "1")])
        self._guest.do([{"op": "unmount", "path": one} for one in self._mounted[::-1]])
        self._mounted.clear()
        self._guest.do([_write("/sys/bus/pci/rescan", "1")])
        left = self._observe()
        if left != self._boot_state:
            paths = sorted(left.items() ^ self._boot_state.items())
            names = ", ".join(path for path, _ in paths[:5])
            raise GuestError(
                f"the guest still differs from its state after boot: {names}"
            )

    def _mount(self, scenario: Scenario, directory: ModuleDirectory) -> None:
        """Mount the scenario's files at their paths."""
        for operation in _mounts(scenario, directory, self._modules):
            self._guest.do([operation])
            self._mounted.append(operation["path"])
        names = {name: str(path) for name, path in directory.unlisted.items()}
        self._guest.do([{"op": "unlisted", "files": names}])

    def _plug(self, scenario: Scenario) -> None:
        """Create the scenario's functions, and have the kernel find them."""
        bridges = qemu_functions(scenario)
        self._guest.do(
            [_write("/sys/kernel/simpci/cmd", pose_line(one)) for one in bridges]
        )
        self._guest.do([_remove(one) for one in _topmost_bridges(bridges)])
        functions = synthetic_functions(scenario)
        below_root = [one for one in functions if not _behind(one, bridges)]
        # A bus behind a bridge exists only after the bridge was found.
        self._guest.do(
            [
                *(_define(one, scenario) for one in below_root),
                _write("/sys/bus/pci/rescan", "1"),
                *(_define(one, scenario) for one in functions if one not in below_root),
                _write("/sys/bus/pci/rescan", "1"),
            ]
        )
        for one in scenario.devices:
            path = f"{_DEVICES}/{one.address}/uevent"
            self._guest.do([{"op": "read", "path": path}])

    def _unload(self) -> None:
        """Unload all modules loaded since boot, until no more can be unloaded."""
        while new := [one for one in self._loaded() if one not in self._boot_modules]:
            operations = [{"op": "unload", "module": name} for name in new]
            answers = self._guest.call("execute", operations=operations)["answers"]
            if all(one["errno"] for one in answers):
                raise GuestError(f"cannot unload modules: {', '.join(new)}")

    def _loaded(self) -> list[str]:
        """Return the names of the loaded modules, newest first."""
        read = {"op": "read", "path": "/proc/modules"}
        text = self._guest.call("execute", operations=[read])["answers"][0]["value"]
        return [line.split(" ")[0] for line in text.splitlines()]

    def _observe(self) -> dict[str, str]:
        return dict(self._guest.call("observe", roots=_ROOTS, skip=_SKIP)["state"])


def _mounts(
    scenario: Scenario, directory: ModuleDirectory, modules: str
) -> Iterator[dict[str, Any]]:
    """Yield the mount operations, each with its ``path``."""
    yield {"op": "bind", "source": str(directory.path), "path": modules}
    if scenario.build_folder:
        yield {
            "op": "bind",
            "source": str(directory.built),
            "path": scenario.build_folder,
        }
    for folder in _MODPROBE_FOLDERS:
        files = scenario.modprobe_d if folder == _MODPROBE_FOLDERS[0] else {}
        yield {"op": "folder", "path": folder, "files": files}
    for path, text in scenario.files.items():
        if not is_kernel_path(path):
            yield {"op": "file", "path": path, "text": text}


def _load_order(scenario: Scenario) -> list[str]:
    """Return the initially loaded modules, each after its dependencies."""
    modules = {one.name: one for one in scenario.modules}
    order: dict[str, None] = {}

    def add(name: str) -> None:
        for needed in modules[name].depends:
            add(needed)
        if not modules[name].builtin:
            order[name] = None

    for name in scenario.loaded:
        add(name)
    return list(order)


def _write(path: str, data: str) -> dict[str, Any]:
    return {"op": "write", "path": path, "data": data}


def _remove(device: DeviceEntry) -> dict[str, Any]:
    return _write(f"{_DEVICES}/{device.address}/remove", "1")


def _define(device: DeviceEntry, scenario: Scenario) -> dict[str, Any]:
    line = add_line(device, scenario.devices)
    return {"op": "define", "address": device.address, "line": line}


def _behind(device: DeviceEntry, bridges: Sequence[DeviceEntry]) -> bool:
    bus = device.address.split(":")[1]
    return any(one.secondary_bus == bus for one in bridges)


def _topmost_bridges(bridges: Sequence[DeviceEntry]) -> list[DeviceEntry]:
    """Return the bridges without another bridge above; removal includes those below."""
    return [one for one in bridges if not _behind(one, bridges)]
