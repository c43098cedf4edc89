"""Read ``modules.builtin.modinfo``."""

from __future__ import annotations

import errno

from simkernel.kmod.errno_text import error_text
from simkernel.kmod.files import read_text
from simkernel.kmod.library import Library
from simkernel.kmod.process import Severity

__all__ = ["builtin_info"]


def builtin_info(library: Library, name: str) -> list[tuple[str, str]]:
    """Return the pairs in the first block of a built-in module.

    :raises OSError: ENOENT, the kernel has no such file; ENOSYS, the file does not
        mention the module.

    Source: libkmod-builtin.c kmod_builtin_get_modinfo().
    """
    content = read_text(library.files, f"{library.directory}/modules.builtin.modinfo")
    pairs: list[tuple[str, str]] = []
    for text in content.removesuffix("\0").split("\0") if content else []:
        module, dot, rest = text.partition(".")
        if not dot:
            library.process.log_library(
                Severity.ERROR,
                ("libkmod-builtin", 193, "kmod_builtin_iter_next"),
                "kmod_builtin_iter_next: unexpected string without modname prefix",
            )
            break
        if module == name:
            key, equals, value = rest.partition("=")
            pairs.append((key, value if equals else key))
        elif pairs:
            break
    if not pairs:
        raise OSError(errno.ENOSYS, error_text(errno.ENOSYS))
    return pairs
