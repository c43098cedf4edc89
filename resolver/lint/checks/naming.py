"""Do those find the driver who guess its name from the module's?"""

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
    reason="Who takes the module's name for the driver's does not find a driver with "
    "-.",
    rule="A module's name has _ for -; a driver's name is what its source says. "
    "Nothing leads from the one to the other but /sys/module/NAME/drivers of a loaded "
    "module.",
    source="Linux, scripts/Makefile.lib, modname; drivers/base/module.c; in tree, "
    "xe_vfio_pci registers xe-vfio-pci",
    remedy="Have .name = KBUILD_MODNAME in struct pci_driver.",
)
_UNRELATED: Final = Check(
    id="driver-name-unrelated",
    severity="warning",
    reason="Who guesses the driver's name from the module's, in any way, does not "
    "find it.",
    rule="A module's name comes from its file, a driver's from its source. libvirt "
    "looks for a driver of the module's name, then loads the module and takes its "
    "first one; NVIDIA's DRA driver put - for every _ until its PR 1269; driverctl "
    "takes what it is given.",
    source="Linux, drivers/base/module.c, module_add_driver(); libvirt, "
    "src/util/virpci.c",
    remedy="Have .name = KBUILD_MODNAME in struct pci_driver.",
)
_NO_VFIO: Final = Check(
    id="driver-name-without-vfio",
    severity="warning",
    reason="Tools that tell VFIO drivers by vfio in the name take it for one of the "
    "host.",
    rule="Before Linux 6.1 a device bound to VFIO had no vfio-dev/ to be told by; "
    "tools that know nothing else look at the name of the driver.",
    source="Linux commit 3c28a76124b2; libvirt, src/util/virpci.c",
    remedy="Call the driver NAME_vfio_pci, as those in the kernel's tree are.",
)
_SEVERAL: Final = Check(
    id="driver-several",
    severity="note",
    reason="Who loads the module cannot tell which of its drivers is the VFIO one.",
    rule="/sys/module/NAME/drivers lists all drivers of a module in no order.",
    source="Linux, drivers/base/module.c, module_add_driver(); libvirt takes the first",
    remedy="Give the VFIO driver a module of its own.",
)
_RENAMED: Final = Check(
    id="file-renamed",
    severity="error",
    reason="depmod knows a module by its file's name, the kernel by that which it was "
    "built with: loaded under the one, it is looked for under the other.",
    rule="The aliases in modules.alias lead to the name of the file; /sys/module and "
    "lsmod have the name inside.",
    source="kmod, tools/depmod.c; Linux, scripts/mod/modpost.c, add_header()",
    remedy="Have the build give the file its name: obj-m += NAME.o.",
)
CHECKS: Final = (_RENAMED, _DASHED, _UNRELATED, _NO_VFIO, _SEVERAL)


def check(module: Module, _context: Context) -> Iterator[LintFinding]:
    """Yield what is odd about the names of a variant and of its drivers."""
    if not module.is_variant or module.binary is None:
        return
    file = name_of_file(module.path)
    if file != module.name:
        text = f"the module in {file}.ko was built as {module.name}"
        yield _RENAMED.found(module, "", text)
    drivers = module.binary.drivers
    if len(drivers) > 1:
        text = f"{module.name} registers {', '.join(drivers)}"
        yield _SEVERAL.found(module, "", text)
    for driver in drivers:
        text = f"the driver of {module.name} is called {driver}"
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


# What those find who guess.
def _guesses(module: str, driver: str) -> str:
    dashed = module.replace("_", "-")
    found = "is found" if dashed == driver else "is not there, either"
    texts = [f"/sys/bus/pci/drivers/{module} (the module's name) is not there"]
    if dashed != module:
        texts.append(f"{dashed} (with - for every _) {found}")
    texts.append("libvirt and resolver load the module and look at its drivers")
    return "; ".join(texts)
