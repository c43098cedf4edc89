"""A kernel to compare modules with, from its module directory.

Pure: content of files in, values out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from resolver.lint.grammar import parse_pci
from resolver.matching.alias_files import all_aliases, all_builtin_aliases
from resolver.matching.module_lists import builtin_modules, module_name, module_paths

__all__ = ["Kernel", "Texts", "Trust", "kernel_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """The modules and aliases of an installed kernel."""

    release: str
    directory: str
    """Its module directory; its indexes should list every module in it."""
    modules: frozenset[str]
    """Names of the loadable modules."""
    builtin: frozenset[str]
    """Names of the built-in modules."""
    handles: frozenset[str]
    """Aliases without a bus, such as ``crypto-crc32c``."""
    variants: frozenset[tuple[str, str]]
    """Pattern and module of its ``vfio_`` aliases."""
    hosts: dict[tuple[str, str], tuple[str, ...]] = field(repr=False)
    """Vendor and device to the modules whose ``pci:`` aliases name both."""
    families: frozenset[tuple[str, str]] = field(repr=False)
    """Vendor and all digits of the device but the last, of each key of ``hosts``."""
    vermagic: str = ""
    """``vermagic`` of one of its own modules; empty if unknown."""
    is_signed: bool = False
    """Whether its own modules are signed."""
    insists_on_signature: bool = False
    """Whether it refuses unsigned modules."""

    def hosts_of(self, vendor: str, device: str) -> tuple[str, ...]:
        """Return the modules whose ``pci:`` aliases name a device."""
        return self.hosts.get((vendor, device), ())

    def knows_like(self, vendor: str, device: str) -> bool:
        """Return whether drivers exist for a device or its neighbours.

        Vendors number the devices of a family consecutively. Virtual functions often
        have no host driver of their own.
        """
        return (vendor, device[:-1]) in self.families

    def has(self, name: str) -> bool:
        """Return whether modprobe finds a module of this name or alias."""
        known = module_name(name)
        return known in self.modules or known in self.builtin or known in self.handles


class Texts(NamedTuple):
    """The files of a module directory; empty if missing."""

    aliases: bytes
    """``modules.alias``."""
    builtin_info: bytes = b""
    """``modules.builtin.modinfo``."""
    builtin: bytes = b""
    """``modules.builtin``."""
    dep: bytes = b""
    """``modules.dep``."""


class Trust(NamedTuple):
    """The kernel's conditions for loading a module; see ``Kernel``."""

    vermagic: str = ""
    is_signed: bool = False
    insists_on_signature: bool = False


def kernel_of(release: str, directory: str, texts: Texts, trust: Trust) -> Kernel:
    """Return a kernel from the files of its module directory."""
    found = [*all_aliases(texts.aliases), *all_builtin_aliases(texts.builtin_info)]
    pairs = [(pattern, module_name(name)) for _, pattern, name in found]
    variants = frozenset(one for one in pairs if one[0].startswith("vfio_"))
    hosts = _hosts(pairs, {module for _, module in variants})
    return Kernel(
        release=release,
        directory=directory,
        modules=frozenset(module_paths(texts.dep)),
        builtin=builtin_modules(texts.builtin),
        handles=frozenset(module_name(one) for one, _ in pairs if ":" not in one),
        variants=variants,
        hosts=hosts,
        families=frozenset((vendor, device[:-1]) for vendor, device in hosts),
        **trust._asdict(),
    )


def _hosts(
    pairs: Iterable[tuple[str, str]], not_these: Collection[str]
) -> dict[tuple[str, str], tuple[str, ...]]:
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for pattern, module in pairs:
        if not pattern.startswith("pci:v0") or module in not_these:
            continue
        fields = parse_pci(pattern)
        if fields is not None and fields.device != "*":
            key = fields.vendor, fields.device
            if module not in found.get(key, ()):
                found[key] = (*found.get(key, ()), module)
    return found
