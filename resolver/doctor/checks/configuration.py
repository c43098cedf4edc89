"""Was the kernel built with VFIO?

Pure: facts in, findings out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from resolver.doctor.facts import Facts, KernelConfig
from resolver.doctor.finding import Finding

__all__ = ["check"]

_NEEDED: Final = ("VFIO", "VFIO_PCI")
_WAYS_IN: Final = ("VFIO_CONTAINER", "VFIO_DEVICE_CDEV")
"""How programs get at a device; kernels from before both have the first always.

Source: Linux, drivers/vfio/Kconfig.
"""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what the kernel's configuration lacks."""
    config = facts.config
    if config is None:
        where = ", ".join(facts.config_paths)
        yield Finding(
            id="config-unknown",
            severity="note",
            message=f"how the kernel was configured is not known: there is no {where}",
            advice=("install the kernel's configuration file for more to be checked",),
        )
        return
    if missing := _missing(config):
        names = ", ".join(f"CONFIG_{name}" for name in missing)
        yield Finding(
            id="config-without-vfio",
            severity="problem",
            message=f"the kernel was built without {names} ({config.path})",
            advice=("boot a kernel that has it; distributions' usual kernels do",),
        )


def _missing(config: KernelConfig) -> list[str]:
    missing = [name for name in _NEEDED if not config.is_on(name)]
    known = [name for name in _WAYS_IN if name in config.settings]
    if known and not missing and not any(config.is_on(name) for name in known):
        missing.append(" or CONFIG_".join(_WAYS_IN))
    return missing
