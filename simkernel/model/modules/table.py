"""Loaded modules: parameters, dependencies, and what loading brings with it.

Knows modules by name; files and modprobe are the business of ``simkernel.kmod``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EBUSY, EEXIST, ENOENT, EPERM, EWOULDBLOCK
from typing import TYPE_CHECKING

from simkernel.errors import KernelRefusal
from simkernel.model.core.driver import Driver
from simkernel.model.core.notifier import Change, Kind
from simkernel.model.modules.loaded import Module
from simkernel.model.modules.spec import ModuleSpec

if TYPE_CHECKING:
    from simkernel.model.kernel import Kernel

__all__ = ["Modules"]


class Modules:
    """The modules that a kernel has, and those that it could load."""

    __slots__ = ("_kernel", "_under_way", "available", "builtin", "loaded")

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.available: dict[str, ModuleSpec] = {}
        """Modules by name whose ``.ko`` file the kernel would accept."""
        self.loaded: dict[str, Module] = {}
        """Loaded modules, oldest first."""
        self.builtin: dict[str, Module] = {}
        """Modules linked into the kernel image."""
        self._under_way: set[str] = set()
        """Modules that are coming or going, but not there or gone yet."""

    def find(self, name: str) -> Module | None:
        """Return the module of that name, loaded or built in."""
        return self.loaded.get(name) or self.builtin.get(name)

    def boot(self, specs: list[ModuleSpec]) -> None:
        """Start the built-in modules, in link order."""
        for spec in specs:
            module = self.builtin[spec.name] = Module(spec)
            self._start(module)

    def load(self, name: str, parameters: str = "") -> None:
        """Insert a module, as ``finit_module(2)`` of its file does.

        :param name: ``KBUILD_MODNAME``.
        :param parameters: ``name=value`` words, separated by blanks.
        :raises KernelRefusal: EPERM, it is forbidden; EEXIST, already there; ENOENT,
            it needs symbols of a module that is not loaded; EINVAL or ERANGE, a
            parameter's value; the errno of the init function.

        Source: kernel/module/main.c load_module(). Rule: R-MOD-1.
        """
        spec = self.available.get(name)
        if spec is None:
            raise KernelRefusal(ENOENT, "R-MOD-1")
        self._check_permitted(spec)
        self._kernel.clock.until(lambda: name not in self._under_way)
        if name in self.loaded or name in self.builtin:
            raise KernelRefusal(EEXIST, "R-MOD-1")
        module = Module(spec)
        if any(self.find(needed) is None for needed in spec.depends):
            raise KernelRefusal(ENOENT, "R-MOD-1")
        for word in parameters.split():
            key, equals, value = word.partition("=")
            module.set_parameter(
                key.replace("-", "_"), value.encode("latin-1") if equals else None
            )
        with self._state_of(name):
            self._come(module)

    def _come(self, module: Module) -> None:
        """Run a module's init function, which may take time, and show the module.

        :raises KernelRefusal: the errno of the init function; EBUSY, the name of one
            of its drivers is taken.
        """
        spec = module.spec
        self._kernel.clock.wait(spec.init_ms)
        if spec.init_errno:
            raise KernelRefusal(spec.init_errno, "R-MOD-2")
        if spec.vanishes:
            return
        self._check_drivers(module)
        self.loaded[spec.name] = module
        self._notify(Change.ADDED, module)
        self._hold(module)
        self._start(module)
        event = "add", f"/module/{spec.name}", ("SUBSYSTEM", "module")
        self._kernel.uevents.emit(*event)

    @contextmanager
    def _state_of(self, name: str) -> Iterator[None]:
        """Have a module be coming or going while the block runs.

        :raises KernelRefusal: EBUSY, it is so already.

        Source: kernel/module/main.c delete_module(), add_unformed_module().
        Rule: R-MOD-14.
        """
        if name in self._under_way:
            raise KernelRefusal(EBUSY, "R-MOD-14")
        self._under_way.add(name)
        try:
            yield
        finally:
            self._under_way.discard(name)

    def _check_permitted(self, spec: ModuleSpec) -> None:
        """Refuse what the command line forbids, and unsigned code under lockdown.

        The kernel's own modules are signed, no others.

        :raises KernelRefusal: EPERM.

        Source: kernel/module/signing.c module_sig_check(), kernel/module/main.c
        blacklisted(). Rules: R-MOD-12, R-MOD-13.
        """
        if self._kernel.lockdown and not spec.path.startswith("kernel/"):
            raise KernelRefusal(EPERM, "R-MOD-12")
        for word in self._kernel.cmdline.split():
            key, _, names = word.partition("=")
            if key == "module_blacklist" and spec.name in names.split(","):
                raise KernelRefusal(EPERM, "R-MOD-13")

    def unload(self, name: str) -> None:
        """Remove a module, as ``delete_module(2)`` does.

        Devices on its drivers are released first, last bound first; being bound
        does not keep a module in.

        :raises KernelRefusal: ENOENT, not loaded; EWOULDBLOCK, in use; EBUSY, it is
            coming or going.

        Source: kernel/module/main.c delete_module(); observed on 6.12.
        Rule: R-MOD-4.
        """
        module = self.loaded.get(name)
        if module is None and name not in self._under_way:
            raise KernelRefusal(ENOENT, "R-MOD-4")
        if module is not None and module.refcnt:
            raise KernelRefusal(EWOULDBLOCK, "R-MOD-4")
        with self._state_of(name):
            if module is not None:
                self._go(module)

    def _go(self, module: Module) -> None:
        """Take away what a module brought, which may take time, and the module."""
        name = module.name
        for device in module.devices:
            self._kernel.bus(device.bus_name).remove_device(device)
        for driver in reversed(module.drivers):
            self._kernel.bus(driver.spec.bus).unregister_driver(driver)
        self._kernel.vfio.module_gone(module)
        for needed in module.used:
            del needed.holders[name]
        del self.loaded[name]
        self._notify(Change.REMOVED, module)
        self._kernel.uevents.emit("remove", f"/module/{name}", ("SUBSYSTEM", "module"))

    def _notify(self, change: Change, module: Module) -> None:
        self._kernel.notifier.notify(change, Kind.MODULE, f"/module/{module.name}")

    def _hold(self, module: Module) -> None:
        for name in module.spec.depends:
            needed = self.loaded.get(name)
            if needed is not None:
                needed.holders[module.name] = module
                module.used.append(needed)

    def _start(self, module: Module) -> None:
        """Run the init function: everything that the module registers."""
        self._kernel.vfio.module_here(module)
        self._kernel.clock.later(
            module.spec.late_ms, lambda: self._register_drivers(module)
        )
        module.devices = [
            self._kernel.add_other_device(one) for one in module.spec.devices
        ]

    def _register_drivers(self, module: Module) -> None:
        if self.find(module.name) is not module:
            return  # gone before its drivers came
        for spec in module.spec.drivers:
            driver = Driver(spec, module)
            module.drivers.append(driver)
            self._kernel.bus(spec.bus).register_driver(driver)

    def _check_drivers(self, module: Module) -> None:
        """Refuse a module one of whose drivers' names is taken.

        Source: drivers/base/driver.c driver_register(): EBUSY. Rule: R-DRV-1.
        """
        for spec in module.spec.drivers:
            self._kernel.bus(spec.bus).check_free(spec.name)
