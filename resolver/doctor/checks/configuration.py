"""Check that the kernel was built with VFIO.

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
"""Interfaces to a device for programs. Kernels older than both always have the first.

Source: Linux, drivers/vfio/Kconfig.
"""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield the options that the kernel configuration lacks."""
    config = facts.config
    if config is None:
        where = ", ".join(facts.config_paths)
        yield Finding(
            id="config-unknown",
            severity="note",
            message=f"kernel configuration not found in {where}",
            advice=("install the kernel's configuration file to check more",),
        )
        return
    if missing := _missing(config):
        names = ", ".join(f"CONFIG_{name}" for name in missing)
        yield Finding(
            id="config-without-vfio",
            severity="problem",
            message=f"the kernel was built without {names} (see {config.path})",
            advice=(
                "boot a kernel with these options, such as the distribution's default",
            ),
        )


def _missing(config: KernelConfig) -> list[str]:
    missing = [name for name in _NEEDED if not config.is_on(name)]
    known = [name for name in _WAYS_IN if name in config.settings]
    if known and not missing and not any(config.is_on(name) for name in known):
        missing.append(" or CONFIG_".join(_WAYS_IN))
    return missing
