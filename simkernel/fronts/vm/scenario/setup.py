"""Puts a scenario into a booted guest, and takes it out again.

In the order in which a host comes to that state: module directory and modprobe's files,
the hardware, the modules, then what an administrator did with single devices.
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
"""Where modprobe reads; only the first has the scenario's files, the others none."""
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
"""What must be the same after a scenario as before it."""
_SKIP = (r"^/sys/(?:bus/[^/]*/drivers|module)/[^/]*/.",)
"""Names are looked at there, and nothing below them."""


class ScenarioSetup:
    """The place in a guest for one scenario at a time.

    :param release: of the guest's kernel.
    :param simpci: file of the module that plays functions.
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
        self._first_modules = self._loaded()
        self._empty = self._look()

    def apply(self, scenario: Scenario, tree: ModuleDirectory) -> list[str]:
        """Put a scenario into the guest, which must be empty.

        :return: what is otherwise than the scenario says, a line each.
        :raises GuestError: it cannot be done.
        """
        self._mount(scenario, tree)
        self._guest.do([{"op": "insert", "path": str(one)} for one in tree.early])
        self._plug(scenario)
        self._guest.do(
            [
                {"op": "load", "module": name, "needed": True}
                for name in _load_order(scenario)
            ]
        )
        return InitialState(self._guest, stub_file(self._stock)).apply(scenario)

    def clear(self) -> None:
        """Take the scenario out.

        :raises GuestError: something of it stays; the guest is of no use any more.
        """
        self._guest.do([_write("/sys/kernel/simpci/cmd", "clear")])
        self._unload()
        self._guest.do([_write("/sys/bus/pci/drivers_autoprobe", "1")])
        self._guest.do([{"op": "unmount", "path": one} for one in self._mounted[::-1]])
        self._mounted.clear()
        self._guest.do([_write("/sys/bus/pci/rescan", "1")])
        left = self._look()
        if left != self._empty:
            paths = sorted(left.items() ^ self._empty.items())
            names = ", ".join(path for path, _ in paths[:5])
            raise GuestError(f"the guest is not as it was after booting: {names}")

    def _mount(self, scenario: Scenario, tree: ModuleDirectory) -> None:
        """Show the scenario's files where it has them."""
        for operation in _shown(scenario, tree, self._modules):
            self._guest.do([operation])
            self._mounted.append(operation["path"])
        names = {name: str(path) for name, path in tree.unlisted.items()}
        self._guest.do([{"op": "unlisted", "files": names}])

    def _plug(self, scenario: Scenario) -> None:
        """Make the scenario's hardware, and have the kernel find it."""
        bridges = qemu_functions(scenario)
        self._guest.do(
            [_write("/sys/kernel/simpci/cmd", pose_line(one)) for one in bridges]
        )
        self._guest.do([_remove(one) for one in _topmost(bridges)])
        functions = synthetic_functions(scenario)
        below_root = [one for one in functions if not _behind(one, bridges)]
        # A bus behind a bridge is there only when its bridge has been found.
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
        """Unload all modules that came since booting, as often as some can be."""
        while new := [one for one in self._loaded() if one not in self._first_modules]:
            operations = [{"op": "unload", "module": name} for name in new]
            answers = self._guest.call("execute", operations=operations)["answers"]
            if all(one["errno"] for one in answers):
                raise GuestError(f"modules cannot be unloaded: {', '.join(new)}")

    def _loaded(self) -> list[str]:
        """Return the names of the loaded modules, the newest first."""
        read = {"op": "read", "path": "/proc/modules"}
        text = self._guest.call("execute", operations=[read])["answers"][0]["value"]
        return [line.split(" ")[0] for line in text.splitlines()]

    def _look(self) -> dict[str, str]:
        return dict(self._guest.call("observe", roots=_ROOTS, skip=_SKIP)["state"])


def _shown(
    scenario: Scenario, tree: ModuleDirectory, modules: str
) -> Iterator[dict[str, Any]]:
    """Yield the operations that mount something, each with its ``path``."""
    yield {"op": "bind", "source": str(tree.path), "path": modules}
    if scenario.build_folder:
        yield {"op": "bind", "source": str(tree.built), "path": scenario.build_folder}
    for folder in _MODPROBE_FOLDERS:
        files = scenario.modprobe_d if folder == _MODPROBE_FOLDERS[0] else {}
        yield {"op": "folder", "path": folder, "files": files}
    for path, text in scenario.files.items():
        if not is_kernel_path(path):
            yield {"op": "file", "path": path, "text": text}


def _load_order(scenario: Scenario) -> list[str]:
    """Return the modules that are loaded at the start, each after what it needs."""
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


def _topmost(bridges: Sequence[DeviceEntry]) -> list[DeviceEntry]:
    """Return those that no other one is above of: with them, the others go."""
    return [one for one in bridges if not _behind(one, bridges)]
