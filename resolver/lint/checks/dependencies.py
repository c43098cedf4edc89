"""Check the declared dependencies of a module."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.grammar import parse_pci
from resolver.lint.kernel import Kernel
from resolver.lint.module import Module
from resolver.matching.module_lists import module_name

__all__ = ["CHECKS", "check"]

_NO_CORE: Final = Check(
    id="core-unused",
    severity="error",
    reason="A driver with vfio_pci: aliases that does not use vfio-pci-core is not a "
    "VFIO driver: the device gets no node in /dev/vfio.",
    rule="vfio_pci_core_register_device() creates the VFIO device. A driver without "
    "the core calls vfio_register_group_dev().",
    source="Linux, drivers/vfio/pci/vfio_pci_core.c; drivers/vfio/vfio_main.c",
    remedy="Call vfio_pci_core_register_device() in the driver's probe function, or "
    "give the driver pci: aliases.",
)
_NOT_LISTED: Final = Check(
    id="core-not-in-depends",
    severity="warning",
    reason="The module uses vfio-pci-core but does not list it in depends=. An "
    "initial RAM disk then lacks it, and the kernel does not check its symbol "
    "versions.",
    rule="modpost takes depends= and symbol versions from Module.symvers. It omits "
    "symbols that are not there, silently with KBUILD_MODPOST_WARN.",
    source="Linux, scripts/mod/modpost.c, add_depends(); kernel/module/version.c, "
    "check_version()",
    remedy="Build against the Module.symvers of a kernel with CONFIG_VFIO_PCI_CORE=m, "
    "and without KBUILD_MODPOST_WARN.",
    needs_kernel=True,
)
_ABSENT: Final = Check(
    id="depends-missing",
    severity="error",
    reason="The kernel lacks a module that this one needs, so it cannot be loaded.",
    rule="modprobe loads the modules that depmod found to provide the symbols. "
    "Without them the kernel refuses the module: Unknown symbol.",
    source="Linux, kernel/module/main.c, simplify_symbols(); depmod(8)",
    remedy="Build the kernel with that module. If it is your module, also pass its "
    "file to lint.",
    needs_kernel=True,
)
_MISSING: Final = Check(
    id="softdep-missing",
    severity="warning",
    reason="The module requests other modules at run time, but declares no soft "
    "dependency.",
    rule="request_module() and symbol_get() leave no trace in depends=. softdep= "
    "declares these modules. Tools that build initial RAM disks read only these two.",
    source="Linux, include/linux/module.h, MODULE_SOFTDEP; modprobe.d(5)",
    remedy='Add MODULE_SOFTDEP("pre: NAME") for each of them.',
)
_UNKNOWN: Final = Check(
    id="softdep-unknown",
    severity="warning",
    reason="modprobe silently skips a soft dependency that the kernel lacks.",
    rule="modprobe goes on if it does not find a module of softdep=.",
    source="kmod, libkmod/libkmod-module.c, kmod_module_get_probe_list(); "
    "modprobe.d(5)",
    remedy="Correct the name, or install the module.",
    needs_kernel=True,
)
_CONFLICT: Final = Check(
    id="softdep-conflict",
    severity="warning",
    reason="A soft dependency loads the host driver for the device. The host driver "
    "then binds every matching device that has no driver.",
    rule="The kernel tries a newly registered driver on all devices without a driver.",
    source="Linux, drivers/base/dd.c, driver_attach()",
    remedy="Remove the soft dependency. If you need the host driver of the physical "
    "function, depend on its module by a symbol.",
    needs_kernel=True,
)
CHECKS: Final = (_NO_CORE, _NOT_LISTED, _ABSENT, _MISSING, _UNKNOWN, _CONFLICT)

_ASKS: Final = {"__request_module": "request_module()", "__symbol_get": "symbol_get()"}
_CORE: Final = "vfio_pci_core"


def check(module: Module, context: Context) -> Iterator[LintFinding]:
    """Yield missing, unknown and conflicting dependencies."""
    if not module.is_variant or module.depends is None:
        return
    yield from _core(module, context.kernel)
    softdeps = [
        module_name(word)
        for text in module.softdeps or ()
        for word in text.split()
        if not word.endswith(":")
    ]
    asked = sorted(_ASKS.keys() & (module.binary.needs if module.binary else ()))
    if asked and not softdeps:
        names = " and ".join(_ASKS[one] for one in asked)
        text = f"{module.name} calls {names} but has no softdep"
        yield _MISSING.found(module, "", text)
    if context.kernel is not None:
        yield from _absent(module, context.kernel, context.together)
        yield from _softdeps(module, softdeps, context.kernel)


def _core(module: Module, kernel: Kernel | None) -> Iterator[LintFinding]:
    announces = any(one.pattern.startswith("vfio_pci:") for one in module.aliases)
    is_listed = _CORE in (module.depends or ())
    is_builtin = kernel is not None and _CORE in kernel.builtin
    if module.uses_core:
        if (
            not is_listed
            and kernel is not None
            and kernel.has(_CORE)
            and not is_builtin
        ):
            text = f"{module.name} uses vfio-pci-core, but depends= does not list it"
            yield _NOT_LISTED.found(module, "", text)
        return
    is_unseen = is_builtin and module.binary is None
    if announces and not (is_listed or is_unseen or module.makes_devices):
        text = f"{module.name} has vfio_pci: aliases but does not use vfio-pci-core"
        yield _NO_CORE.found(module, "", text)


def _absent(
    module: Module, kernel: Kernel, together: Collection[str]
) -> Iterator[LintFinding]:
    for name in module.depends or ():
        if kernel.modules and name not in together and not kernel.has(name):
            text = f"{module.name} needs {name}, which {kernel.release} lacks"
            yield _ABSENT.found(module, name, text)


def _softdeps(
    module: Module, names: list[str], kernel: Kernel
) -> Iterator[LintFinding]:
    for name in names:
        if not kernel.has(name):
            text = f"{module.name} has the softdep {name}, which {kernel.release} lacks"
            yield _UNKNOWN.found(module, name, text)
    hosts: set[str] = set()
    for alias in module.aliases:
        fields = parse_pci(alias.pattern)
        if fields is not None:
            hosts.update(kernel.hosts_of(fields.vendor, fields.device))
    for name in sorted(hosts.intersection(names).difference(module.depends or ())):
        text = f"{module.name} has the softdep {name}, the host driver of the device"
        yield _CONFLICT.found(module, name, text)
