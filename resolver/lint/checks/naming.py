"""Check that tools can derive the driver name from the module name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.lint.check import Check, Context, LintFinding
from resolver.lint.module import Module
from resolver.matching.module_lists import module_name, name_of_file

__all__ = ["CHECKS", "check"]

_DASHED: Final = Check(
    id="driver-name-dash",
    severity="warning",
    reason="A tool that takes the module name as driver name does not find a driver "
    "with - in its name.",
    rule="A module name has _ for -; a driver name is as in the source. Only "
    "/sys/module/NAME/drivers of the loaded module leads from one to the other.",
    source="Linux, scripts/Makefile.lib, modname; drivers/base/module.c; in tree, "
    "xe_vfio_pci registers xe-vfio-pci",
    remedy="Set .name = KBUILD_MODNAME in struct pci_driver.",
)
_UNRELATED: Final = Check(
    id="driver-name-unrelated",
    severity="warning",
    reason="A tool that derives the driver name from the module name cannot find the "
    "driver.",
    rule="A module name comes from the file, a driver name from the source. libvirt "
    "looks for a driver with the module's name, then loads the module and takes its "
    "first driver. NVIDIA's DRA driver replaced every _ by - until its PR 1269. "
    "driverctl uses the given name.",
    source="Linux, drivers/base/module.c, module_add_driver(); libvirt, "
    "src/util/virpci.c",
    remedy="Set .name = KBUILD_MODNAME in struct pci_driver.",
)
_NO_VFIO: Final = Check(
    id="driver-name-without-vfio",
    severity="warning",
    reason="Tools that recognize VFIO drivers by vfio in their name take it for a "
    "host driver.",
    rule="Before Linux 6.1, a device bound to VFIO had no vfio-dev/ directory. Tools "
    "then look for vfio in the driver name.",
    source="Linux commit 3c28a76124b2; libvirt, src/util/virpci.c",
    remedy="Name the driver NAME_vfio_pci, as the drivers in the kernel's tree do.",
)
_SEVERAL: Final = Check(
    id="driver-several",
    severity="note",
    reason="A tool that loads the module cannot tell which of its drivers is the VFIO "
    "driver.",
    rule="/sys/module/NAME/drivers lists all drivers of a module, in no fixed order.",
    source="Linux, drivers/base/module.c, module_add_driver(); libvirt takes the first",
    remedy="Move the VFIO driver into its own module.",
)
_RENAMED: Final = Check(
    id="file-renamed",
    severity="error",
    reason="depmod names a module after its file, the kernel by its build-time name. "
    "A tool loads it by one name and looks for it by the other.",
    rule="modules.alias has the file's name; /sys/module and lsmod have the name in "
    "the module.",
    source="kmod, tools/depmod.c; Linux, scripts/mod/modpost.c, add_header()",
    remedy="Let the build name the file: obj-m += NAME.o.",
)
CHECKS: Final = (_RENAMED, _DASHED, _UNRELATED, _NO_VFIO, _SEVERAL)


def check(module: Module, _context: Context) -> Iterator[LintFinding]:
    """Yield faults in the names of a variant driver's module and drivers."""
    if not module.is_variant or module.binary is None:
        return
    file = name_of_file(module.path)
    if file != module.name:
        text = f"module {module.name} is in the file {file}.ko"
        yield _RENAMED.found(module, "", text)
    drivers = module.binary.drivers
    if len(drivers) > 1:
        text = f"{module.name} registers {', '.join(drivers)}"
        yield _SEVERAL.found(module, "", text)
    for driver in drivers:
        text = f"the driver of {module.name} is named {driver}"
        if module_name(driver) != module.name:
            text += f": {_guesses(module.name, driver)}"
            yield _UNRELATED.found(module, driver, text)
        elif driver != module.name:
            text += f": {_guesses(module.name, driver)}"
            yield _DASHED.found(module, driver, text)
        if "vfio" not in driver:
            yield _NO_VFIO.found(
                module, driver, f"{text.partition(':')[0]}, without vfio"
            )


# Where each tool looks for the driver, and whether it is there.
def _guesses(module: str, driver: str) -> str:
    dashed = module.replace("_", "-")
    found = "exists" if dashed == driver else "does not exist either"
    texts = [f"/sys/bus/pci/drivers/{module} (the module name) does not exist"]
    if dashed != module:
        texts.append(f"{dashed} (- for every _) {found}")
    texts.append("libvirt and resolver load the module and read its drivers")
    return "; ".join(texts)
