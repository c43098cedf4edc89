"""Load the aliases of a real kernel, and look devices up in them."""

from __future__ import annotations

import ctypes
import ctypes.util
import tempfile
from collections.abc import Iterable
from pathlib import Path

from benchmarks.harness import MissingPeerError, Result, best_times
from benchmarks.kernel_files import RELEASE, device_modaliases, write_module_files
from resolver.matching.alias_files import read_modules_alias
from resolver.matching.alias_index import AliasLookup
from simkernel.kmod import depmod
from simkernel.model.modules.spec import ModuleSpec

LOAD_TARGET_S = 0.003


def measure() -> Iterable[Result]:
    """Compare with reading every line, and with libkmod."""
    with tempfile.TemporaryDirectory() as name:
        directory = write_module_files(Path(name))
        yield _loading(directory / "modules.alias")
        yield _looking_up(directory)


def _loading(path: Path) -> Result:
    def ours() -> AliasLookup:
        return AliasLookup(read_modules_alias(path.read_bytes(), "").entries)

    def every_line() -> list[list[bytes]]:
        lines = path.read_bytes().split(b"\n")
        return [words for line in lines if (words := line.split())]

    seconds, peer = best_times(20, ours, every_line)
    return Result(
        subject="load the VFIO aliases of 27,473 lines",
        ours=f"{seconds * 1e3:.2f} ms",
        peer=f"split every line: {peer * 1e3:.1f} ms",
        ratio=seconds / peer,
        target="<= 3 ms",
        is_ok=seconds <= LOAD_TARGET_S,
    )


def _looking_up(directory: Path) -> Result:
    texts = [f"vfio_{text}" for text in device_modaliases(3000)]
    lookup = AliasLookup(
        read_modules_alias((directory / "modules.alias").read_bytes(), "").entries
    )
    libkmod = _Libkmod(_indexes(directory))
    encoded = [text.encode() for text in texts]
    if not libkmod.finds(encoded[0]):
        raise MissingPeerError("libkmod does not read the indexes")

    def ours() -> None:
        for text in texts:
            lookup.best(text)

    def peer() -> None:
        for text in encoded:
            libkmod.finds(text)

    rates = [len(texts) / seconds for seconds in best_times(20, ours, peer)]
    return Result(
        subject="look-ups of vfio_pci: modaliases",
        ours=f"{rates[0]:,.0f}/s",
        peer=f"libkmod through ctypes: {rates[1]:,.0f}/s",
        ratio=rates[0] / rates[1],
        target=">= 1.00",
        is_ok=rates[0] >= rates[1],
    )


# libkmod reads binary indexes only; depmod would make them from module files that
# are not here.
def _indexes(directory: Path) -> Path:
    aliases: dict[str, list[str]] = {}
    for line in (directory / "modules.alias").read_text().splitlines():
        if line.startswith("alias "):
            _, pattern, module = line.split()
            aliases.setdefault(module, []).append(pattern)
    specs = [
        ModuleSpec(name=name, path=f"kernel/{name}.ko", aliases=tuple(patterns))
        for name, patterns in aliases.items()
    ]
    target = directory.parent / "indexes" / RELEASE
    target.mkdir(parents=True)
    for path, data in depmod.generate(specs, RELEASE).items():
        if path.startswith("modules."):
            (target / path).write_bytes(data)
    return target


class _Libkmod:
    # kmod_module_new_from_lookup(), as C programs call it.

    def __init__(self, directory: Path) -> None:
        name = ctypes.util.find_library("kmod")
        if name is None:
            raise MissingPeerError("there is no libkmod.so.2")
        self._library = ctypes.CDLL(name)
        self._library.kmod_new.restype = ctypes.c_void_p
        self._library.kmod_new.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        no_configuration = (ctypes.c_char_p * 1)(None)
        self._context = ctypes.c_void_p(
            self._library.kmod_new(str(directory).encode(), no_configuration)
        )
        self._library.kmod_load_resources(self._context)

    def finds(self, text: bytes) -> bool:
        found = ctypes.c_void_p(None)
        self._library.kmod_module_new_from_lookup(
            self._context, text, ctypes.byref(found)
        )
        is_found = bool(found)
        self._library.kmod_module_unref_list(found)
        return is_found
