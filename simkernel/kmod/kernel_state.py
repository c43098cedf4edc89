"""Read the state of modules from ``/sys/module``."""

from __future__ import annotations

import errno

from simkernel.kmod.errno_text import error_text
from simkernel.kmod.files import read_text
from simkernel.kmod.library import Library
from simkernel.kmod.module import InitState, KmodModule
from simkernel.kmod.process import Severity

__all__ = ["holders", "init_state", "is_in_kernel", "reference_count"]


def init_state(library: Library, module: KmodModule) -> InitState | None:
    """Return the state of a module; ``None``: not loaded.

    Source: libkmod-module.c kmod_module_get_initstate().
    """
    if library.is_builtin(module):
        return InitState.BUILTIN
    directory = f"/sys/module/{module.name}"
    try:
        text = read_text(library.files, f"{directory}/initstate")
    except OSError:
        return InitState.COMING if library.files.exists(directory) else None
    try:
        return InitState(text.removesuffix("\n"))
    except ValueError:
        return None


def is_in_kernel(library: Library, module: KmodModule) -> bool:
    """Tell whether a module is ready for use, loaded or built in."""
    return init_state(library, module) in (InitState.LIVE, InitState.BUILTIN)


def reference_count(library: Library, module: KmodModule) -> int:
    """Return the use count of a module, or a negative errno.

    Source: libkmod-module.c kmod_module_get_refcnt().
    """
    path = f"/sys/module/{module.name}/refcnt"
    try:
        text = read_text(library.files, path)
    except OSError as exc:
        return -(exc.errno or errno.EIO)
    try:
        return int(text[:31].split()[0])
    except (ValueError, IndexError):
        library.log(
            Severity.ERROR,
            (1967, "kmod_module_get_refcnt"),
            f"could not read integer from '{path}': 'Invalid argument'",
        )
        return -errno.EINVAL


def holders(library: Library, module: KmodModule) -> list[KmodModule]:
    """Return the modules that use a module, in directory order.

    Source: libkmod-module.c kmod_module_get_holders().
    """
    path = f"/sys/module/{module.name}/holders"
    try:
        names = library.files.listdir(path)
    except OSError as exc:
        library.log(
            Severity.ERROR,
            (1998, "kmod_module_get_holders"),
            f"could not open '{path}': {error_text(exc.errno or errno.EIO)}",
        )
        return []
    return [library.module_from_name(name) for name in names]
