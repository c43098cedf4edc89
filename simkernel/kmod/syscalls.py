"""The module system calls of the simulated kernel."""

from __future__ import annotations

from errno import ENOEXEC

from simkernel.errors import KernelRefusal
from simkernel.kmod import elf
from simkernel.kmod.foreign import foreign_module
from simkernel.model.kernel import Kernel

__all__ = ["KernelSyscalls"]


class KernelSyscalls:
    """``finit_module(2)`` and ``delete_module(2)``.

    :param takes_unknown: also insert modules that the scenario does not describe.
    """

    def __init__(self, kernel: Kernel, *, takes_unknown: bool = False) -> None:
        self._kernel = kernel
        self._takes_unknown = takes_unknown

    def init_module(self, image: bytes, parameters: str) -> None:
        """Insert the module that a file holds.

        :raises KernelRefusal: ENOEXEC: the file is no module; others as
            :meth:`Modules.load`.
        """
        name = elf.module_name(image)
        if name is None:
            raise KernelRefusal(ENOEXEC, "R-MOD-1")
        known = self._kernel.modules.available
        if self._takes_unknown and name not in known:
            known[name] = foreign_module(name, image)
        self._kernel.modules.load(name, parameters)

    def delete_module(self, name: str, *, force: bool) -> None:
        """Remove a module.

        :raises KernelRefusal: as :meth:`Modules.unload`.
        """
        self._kernel.modules.unload(name)
