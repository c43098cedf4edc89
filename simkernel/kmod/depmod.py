"""Generate the tree below ``/lib/modules/<release>/``.

The input are module specs, never files of a host. ``simkernel.kmod.depmod_indexes``
generates the files that depmod writes.
"""

from __future__ import annotations

import lzma
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from dataclasses import replace
from functools import partial
from typing import Final

from simkernel.errors import UsageError
from simkernel.kmod.depmod_indexes import depmod_makers
from simkernel.kmod.depmod_order import ModuleFile
from simkernel.kmod.elf import write_module
from simkernel.kmod.modinfo_section import builtin_pairs, join_modinfo, loadable_pairs
from simkernel.model.modules.spec import ModuleSpec

__all__ = ["ModuleTree", "export_name", "generate"]

# Every bus for which scripts/mod/file2alias.c of Linux 6.12 generates aliases.
_TABLE_PREFIXES: Final = (
    "acpi*:", "amba:", "ap:", "auxiliary:", "bcma:", "ccw:", "cdx:", "coreboot:",
    "cpu:type:", "css:", "dfl:", "dmi*:", "eisa:", "fsl-mc:", "hdaudio:", "hid:",
    "i2c:", "i3c:", "input:", "ipack:", "isapnp:", "ishtp:", "mcp:", "mdio:", "mei:",
    "mhi:", "mhi_ep:", "mipscdmm:", "of:", "parisc:", "pci:", "pcmcia:", "platform:",
    "pnp:", "rapidio:", "rpmsg:", "scmi_protocol:", "sdio:", "sdw:", "serio:",
    "slim:", "spi:", "ssam:", "ssb:", "tbsvc:", "tee:", "typec:", "ulpi:", "usb:",
    "vchiq:", "vfio_cdx:", "vfio_pci:", "virtio:", "vmbus:", "wmi:", "x86cpu:",
    "zorro:",
)  # fmt: skip


class ModuleTree(Mapping[str, bytes]):
    """Files of a module tree, generated on first access.

    :param makers: path below ``/lib/modules/<release>/`` -> its content or what makes
        it.
    """

    def __init__(self, makers: Mapping[str, bytes | Callable[[], bytes]]) -> None:
        self._files = dict(makers)

    def __getitem__(self, path: str) -> bytes:
        content = self._files[path]
        if not isinstance(content, bytes):
            content = self._files[path] = content()
        return content

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def generate(
    specs: Sequence[ModuleSpec],
    release: str,
    *,
    builtin_table_aliases: bool = True,
    compress: bool = False,
) -> Mapping[str, bytes]:
    """Return every file of ``/lib/modules/<release>/``.

    The order of ``specs`` is the link order: that of ``modules.order`` and
    ``modules.builtin``. Modules outside ``kernel/`` are in no ``modules.order``.

    :param builtin_table_aliases: whether ``modules.builtin.modinfo`` has the aliases
        that built-in modules get from device tables, as since Linux 6.18.
    :param compress: store what is below ``kernel/`` as ``.ko.xz``, as Debian does.
    :returns: path below the directory, without leading slash -> content, made lazily.
    :raises UsageError: two modules have one name, a dependency is a cycle, or a text
        that goes into an index is not ASCII; the last two when a file is read.
    """
    loadable = {spec.name: spec for spec in specs if not spec.builtin}
    builtin = [spec for spec in specs if spec.builtin]
    _refuse_duplicates(specs)
    exporters = {name for spec in loadable.values() for name in spec.depends}
    modules = [
        _describe(spec, release, loadable, exports=spec.name in exporters)
        for spec in loadable.values()
    ]
    if compress:
        modules = [_compressed(module) for module in modules]
    given = {
        "modules.order": _lines(
            spec.path for spec in loadable.values() if spec.path.startswith("kernel/")
        ),
        "modules.builtin": _lines(spec.path for spec in builtin),
        "modules.builtin.modinfo": _builtin_modinfo(
            builtin, table_aliases=builtin_table_aliases
        ),
    }
    images = {module.path: partial(_image, module) for module in modules}
    return ModuleTree({**given, **depmod_makers(modules, given), **images})


def export_name(module: str) -> str:
    """Return the symbol that a module exports to its users."""
    return f"{module}_interface"


def _refuse_duplicates(specs: Sequence[ModuleSpec]) -> None:
    # depmod would keep one of them, by rules that no scenario needs.
    seen: set[str] = set()
    for spec in specs:
        if spec.name in seen:
            raise UsageError(f"module {spec.name!r} is there twice")
        seen.add(spec.name)


def _describe(
    spec: ModuleSpec, release: str, loadable: Collection[str], *, exports: bool
) -> ModuleFile:
    # What depmod will read from the module's file.
    info = loadable_pairs(
        spec,
        depends=[name for name in spec.depends if name in loadable],
        vermagic=f"{release} SMP preempt mod_unload modversions ",
    )
    return ModuleFile(
        path=spec.path,
        name=spec.name,
        info=tuple(info),
        exports=(export_name(spec.name),) if exports else (),
        needs=tuple(export_name(name) for name in spec.depends),
    )


def _compressed(module: ModuleFile) -> ModuleFile:
    # The same module as Debian installs it.
    if not module.path.startswith("kernel/"):
        return module
    return replace(module, path=f"{module.path}.xz")


def _image(module: ModuleFile) -> bytes:
    # The module file as installed; the kernel reads only CRC32 checks.
    data = write_module(
        module.name, module.info, exports=module.exports, needs=module.needs
    )
    if module.path.endswith(".xz"):
        return lzma.compress(data, check=lzma.CHECK_CRC32, preset=0)
    return data


def _lines(texts: Iterable[str]) -> bytes:
    # One text a line.
    return "".join(f"{text}\n" for text in texts).encode()


def _builtin_modinfo(specs: Iterable[ModuleSpec], *, table_aliases: bool) -> bytes:
    # modules.builtin.modinfo: "module.key=value", each ended by NUL.
    pairs: list[tuple[str, str]] = []
    for spec in specs:
        aliases = [
            alias
            for alias in spec.aliases
            if table_aliases or not alias.startswith(_TABLE_PREFIXES)
        ]
        pairs += [
            (f"{spec.name}.{key}", value) for key, value in builtin_pairs(spec, aliases)
        ]
    return join_modinfo(pairs)
