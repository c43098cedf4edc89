"""The module system calls of the kmod commands, on the simulated kernel."""

from __future__ import annotations

from errno import ENOEXEC

from simkernel.errors import KernelRefusal
from simkernel.kmod import elf
from simkernel.model.kernel import Kernel

__all__ = ["KernelSyscalls"]


class KernelSyscalls:
    """``finit_module(2)`` and ``delete_module(2)`` of a simulated kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def init_module(self, image: bytes, parameters: str) -> None:
        """Insert the module that a file holds.

        :raises KernelRefusal: ENOEXEC, no module; else as :meth:`Modules.load`.
        """
        name = elf.module_name(image)
        if name is None:
            raise KernelRefusal(ENOEXEC, "R-MOD-1")
        self._kernel.modules.load(name, parameters)

    def delete_module(self, name: str, *, force: bool) -> None:
        """Remove a module.

        :raises KernelRefusal: as :meth:`Modules.unload`.
        """
        self._kernel.modules.unload(name)
