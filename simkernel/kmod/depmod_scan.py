"""Find and read the module files of a tree, as depmod does."""

from __future__ import annotations

from collections.abc import Iterator

from simkernel.kmod.depmod_order import ModuleFile
from simkernel.kmod.elf import ModuleImage
from simkernel.kmod.files import Files, is_directory
from simkernel.kmod.module_file import read_module_file
from simkernel.kmod.names import has_module_suffix, path_to_module_name

__all__ = ["read_module", "scan"]


def scan(files: Files, directory: str) -> list[ModuleFile]:
    """Return the modules below ``/lib/modules/<release>``.

    Of several files with one name, the last in ``updates/`` wins, otherwise the first.
    The directories ``build`` and ``source`` are skipped. A file that is no module
    counts as a module without content.

    :raises OSError: ``directory`` cannot be read.

    Source: tools/depmod.c depmod_modules_search_file(), without configuration.
    """
    chosen: dict[str, str] = {}
    for path in _module_paths(files, directory):
        name = path_to_module_name(path)
        from_updates = path.startswith(f"{directory}/updates/")
        if name not in chosen or from_updates:
            chosen[name] = path
    return [read_module(files, path, directory) for path in chosen.values()]


def _module_paths(files: Files, directory: str) -> Iterator[str]:
    # Module files below a directory, in the order in which it lists them.
    for name in files.listdir(directory):
        path = f"{directory}/{name}"
        if name in ("build", "source"):
            continue
        if is_directory(files, path):
            yield from _module_paths(files, path)
        elif has_module_suffix(name):
            yield path


def read_module(files: Files, path: str, directory: str) -> ModuleFile:
    """Read one module file.

    :param directory: ``/lib/modules/<release>``; paths below it are kept relative.
    """
    relative = path.removeprefix(f"{directory}/")
    name = path_to_module_name(path)
    try:
        image = ModuleImage(read_module_file(files, path))
    except OSError:
        return ModuleFile(path=relative, name=name, info=(), exports=(), needs=())
    try:
        info = image.modinfo()
    except OSError:
        info = []
    return ModuleFile(
        path=relative,
        name=name,
        info=tuple(info),
        exports=tuple(image.exported_symbols()),
        needs=tuple(image.undefined_symbols()),
    )
