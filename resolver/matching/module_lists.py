"""Names of modules, and the lists in a module directory.

Pure: content of files in, names and paths out.
"""

from __future__ import annotations

__all__ = ["builtin_modules", "module_name", "module_paths", "name_of_file"]


def module_name(text: str) -> str:
    """Return a module name as the kernel has it: with ``_`` for ``-``.

    Source: Linux, scripts/Makefile.lib, ``modname``.
    """
    return text.strip().replace("-", "_")


def name_of_file(path: str) -> str:
    """Return the name of the module in a ``.ko`` file, compressed or not."""
    return module_name(path.rpartition("/")[2].partition(".ko")[0])


def builtin_modules(data: bytes) -> frozenset[str]:
    """Return the names of the built-in modules.

    :param data: content of ``modules.builtin``: one ``kernel/.../name.ko`` a line.
    """
    lines = data.decode("ascii", "replace").split("\n")
    return frozenset(name_of_file(line.strip()) for line in lines if line.strip())


def module_paths(data: bytes) -> dict[str, str]:
    """Return module names to paths below the module directory.

    :param data: content of ``modules.dep``: the path before the colon, then the paths
        of the modules that it needs.

    Source: kmod, tools/depmod.c, output_deps().
    """
    found: dict[str, str] = {}
    for line in data.decode("utf-8", "surrogateescape").splitlines():
        path, is_entry, _ = line.partition(":")
        if is_entry:
            found.setdefault(name_of_file(path), path)
    return found
