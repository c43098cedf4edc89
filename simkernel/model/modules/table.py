"""Module table: loads and unloads modules.

It knows modules by name; :mod:`simkernel.kmod` knows their files.

Source of the whole: kernel/module/main.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from errno import EBUSY, EEXIST, ENOENT, EPERM, EWOULDBLOCK
from typing import Any, NamedTuple

from simkernel.errors import KernelRefusal
from simkernel.model.core.bus import Bus
from simkernel.model.core.device import Device, Driver
from simkernel.model.core.notifier import Change, Kind
from simkernel.model.core.services import Services
from simkernel.model.modules.loaded import Module
from simkernel.model.modules.spec import DeviceSpec, ModuleSpec

__all__ = ["Functions", "Modules"]


class Functions(NamedTuple):
    """Init and exit function of a module that the model knows by name.

    Source: include/linux/module.h module_init(), module_exit().
    """

    init: Callable[[Module], None]
    exit: Callable[[], None]


class Modules:
    """The modules that a kernel has, and those that it can load.

    :param buses: buses by name, on which modules register drivers.
    :param add_device: adds a device of a module to its bus.
    :param functions: init and exit functions by module name.
    :param cmdline: the kernel's command line.
    :param lockdown: level of lockdown; empty: not locked down.
    """

    def __init__(
        self,
        services: Services,
        buses: Mapping[str, Bus[Any]],
        add_device: Callable[[DeviceSpec], Device],
        *,
        functions: Mapping[str, Functions],
        cmdline: str,
        lockdown: str,
    ) -> None:
        self._services = services
        self._buses = buses
        self._add_device = add_device
        self._functions = functions
        self._cmdline = cmdline
        self._lockdown = lockdown
        self.available: dict[str, ModuleSpec] = {}
        """Modules by name whose ``.ko`` file the kernel would accept."""
        self.loaded: dict[str, Module] = {}
        """Loaded modules, oldest first."""
        self.builtin: dict[str, Module] = {}
        """Modules linked into the kernel image."""
        self._in_transition: set[str] = set()
        """Modules in ``MODULE_STATE_COMING`` or ``MODULE_STATE_GOING``."""

    def find(self, name: str) -> Module | None:
        """Return a module by name, loaded or built in; None: there is none."""
        return self.loaded.get(name) or self.builtin.get(name)

    def boot(self, specs: list[ModuleSpec]) -> None:
        """Run the init functions of the built-in modules, in link order.

        Source: init/main.c do_initcalls().
        """
        for spec in specs:
            module = self.builtin[spec.name] = Module(spec)
            self._start(module)

    # ---- load

    def load(self, name: str, parameters: str = "") -> None:
        """Insert a module, as ``finit_module(2)`` of its file does.

        :param name: ``KBUILD_MODNAME``.
        :param parameters: ``name=value`` words, separated by blanks.
        :raises KernelRefusal: EPERM, the kernel forbids it; EEXIST, already loaded;
            ENOENT, it needs symbols of a module that is not loaded; EINVAL or ERANGE,
            a parameter's value; the errno of the init function.

        Source: kernel/module/main.c load_module(). Rule: R-MOD-1.
        """
        spec = self.available.get(name)
        if spec is None:
            raise KernelRefusal(ENOENT, "R-MOD-1")
        self._check_permitted(spec)
        self._services.clock.until(lambda: name not in self._in_transition)
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
        with self._transition(name):
            self._come(module)

    def _check_permitted(self, spec: ModuleSpec) -> None:
        """Refuse modules that the command line or lockdown forbids.

        Only the kernel's own modules are signed.

        :raises KernelRefusal: EPERM.

        Source: kernel/module/signing.c module_sig_check(), kernel/module/main.c
        blacklisted(). Rules: R-MOD-12, R-MOD-13.
        """
        if self._lockdown and not spec.path.startswith("kernel/"):
            raise KernelRefusal(EPERM, "R-MOD-12")
        for word in self._cmdline.split():
            key, _, names = word.partition("=")
            if key == "module_blacklist" and spec.name in names.split(","):
                raise KernelRefusal(EPERM, "R-MOD-13")

    @contextmanager
    def _transition(self, name: str) -> Iterator[None]:
        """Mark a module as coming or going while the block runs.

        :raises KernelRefusal: EBUSY, it is coming or going already.

        Source: kernel/module/main.c delete_module(), add_unformed_module().
        Rule: R-MOD-14.
        """
        if name in self._in_transition:
            raise KernelRefusal(EBUSY, "R-MOD-14")
        self._in_transition.add(name)
        try:
            yield
        finally:
            self._in_transition.discard(name)

    def _come(self, module: Module) -> None:
        """Run a module's init function and show the module.

        :raises KernelRefusal: the errno of the init function; EBUSY, the name of one
            of its drivers is taken.

        Source: kernel/module/main.c do_init_module(). Rule: R-MOD-2.
        """
        spec = module.spec
        self._services.clock.wait(spec.init_ms)
        if spec.init_errno:
            raise KernelRefusal(spec.init_errno, "R-MOD-2")
        if spec.vanishes:
            return
        for driver in spec.drivers:
            self._buses[driver.bus].check_free(driver.name)
        self.loaded[spec.name] = module
        self._hold(module)
        self._notify(Change.ADDED, module)
        self._start(module)
        self._emit("add", module)

    def _hold(self, module: Module) -> None:
        """Take references to the modules whose symbols a module uses.

        Source: kernel/module/main.c ref_module().
        """
        for name in module.spec.depends:
            needed = self.loaded.get(name)
            if needed is not None:
                needed.holders[module.name] = module
                module.used.append(needed)

    def _start(self, module: Module) -> None:
        """Run the init function: register drivers, add devices."""
        if module.name in self._functions:
            self._functions[module.name].init(module)
        self._services.clock.later(
            module.spec.late_ms, lambda: self._register_drivers(module)
        )
        module.devices = [self._add_device(one) for one in module.spec.devices]

    def _register_drivers(self, module: Module) -> None:
        if self.find(module.name) is not module:
            return  # unloaded before its drivers registered
        for spec in module.spec.drivers:
            driver = Driver(spec, module)
            module.drivers.append(driver)
            self._buses[spec.bus].register_driver(driver)

    # ---- unload

    def unload(self, name: str) -> None:
        """Remove a module, as ``delete_module(2)`` does.

        Its drivers release their devices first, last bound first. Bound devices do
        not keep a module loaded.

        :raises KernelRefusal: ENOENT, not loaded; EWOULDBLOCK, in use; EBUSY, it is
            coming or going.

        Source: kernel/module/main.c delete_module(); observed on 6.12.
        Rule: R-MOD-4.
        """
        module = self.loaded.get(name)
        if module is None and name not in self._in_transition:
            raise KernelRefusal(ENOENT, "R-MOD-4")
        if module is not None and module.refcnt:
            raise KernelRefusal(EWOULDBLOCK, "R-MOD-4")
        with self._transition(name):
            if module is not None:
                self._go(module)

    def _go(self, module: Module) -> None:
        """Run a module's exit function and drop the module.

        Source: kernel/module/main.c free_module().
        """
        name = module.name
        for device in module.devices:
            self._buses[device.bus_name].remove_device(device)
        for driver in reversed(module.drivers):
            self._buses[driver.spec.bus].unregister_driver(driver)
        if name in self._functions:
            self._functions[name].exit()
        for needed in module.used:
            del needed.holders[name]
        del self.loaded[name]
        self._notify(Change.REMOVED, module)
        self._emit("remove", module)

    def _notify(self, change: Change, module: Module) -> None:
        self._services.notifier.notify(change, Kind.MODULE, f"/module/{module.name}")

    def _emit(self, action: str, module: Module) -> None:
        subsystem = "SUBSYSTEM", "module"
        self._services.uevents.emit(action, f"/module/{module.name}", subsystem)
