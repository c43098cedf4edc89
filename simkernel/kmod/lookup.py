"""Look up modules by alias, name, symbol or built-in name."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from simkernel.kmod.library import Library
from simkernel.kmod.module import KmodModule
from simkernel.kmod.names import normalize_alias, normalize_module_name
from simkernel.kmod.pattern import matches
from simkernel.kmod.process import Severity

__all__ = ["lookup", "lookup_name", "soft_dependencies"]

_Source = Callable[[Library, str], list[KmodModule]]


def lookup(library: Library, text: str) -> list[KmodModule]:
    """Return the modules in the first source with a match.

    The sources: ``alias`` lines, ``modules.dep``, ``modules.symbols``, names in
    ``install`` and ``remove`` lines, ``modules.alias``, ``modules.builtin``, aliases of
    built-ins. Nothing is resolved twice.

    :raises ValueError: ``text`` has a bracket without partner.

    Source: libkmod-module.c kmod_module_new_from_lookup().
    """
    return _first(library, normalize_alias(text), _ALL_SOURCES)


def lookup_name(library: Library, name: str) -> KmodModule | None:
    """Return the module of a name; ``None``: no such module.

    Source: libkmod-module.c kmod_module_new_from_name_lookup().
    """
    found = _first(library, normalize_module_name(name), _NAME_SOURCES)
    return found[0] if found else None


def soft_dependencies(
    library: Library, module: KmodModule
) -> tuple[list[KmodModule], list[KmodModule]]:
    """Return the soft dependencies before and after a module.

    Only the first ``softdep`` line that matches the module counts.

    Source: libkmod-module.c kmod_module_get_softdeps().
    """
    for softdep in library.configuration.softdeps:
        if matches(softdep.name, module.name):
            return _lookup_each(library, softdep.pre), _lookup_each(
                library, softdep.post
            )
    return [], []


def _lookup_each(library: Library, texts: Sequence[str]) -> list[KmodModule]:
    found: list[KmodModule] = []
    for text in texts:
        try:
            found += lookup(library, text)
        except ValueError:
            library.log(
                Severity.ERROR,
                (1567, "lookup_softdep"),
                f"failed to lookup soft dependency '{text}', continuing anyway.",
            )
    return found


def _first(library: Library, name: str, sources: Sequence[_Source]) -> list[KmodModule]:
    for source in sources:
        found = source(library, name)
        if found:
            return found
    return []


def _from_configured_aliases(library: Library, name: str) -> list[KmodModule]:
    return [
        library.module(module, alias)
        for alias, module in library.configuration.aliases
        if matches(alias, name)
    ]


def _from_dependencies(library: Library, name: str) -> list[KmodModule]:
    index = library.index("modules.dep")
    if ":" in name or index is None:
        return []
    line = index.search(name)
    if line is None:
        return []
    module = library.module_from_name(name)
    library.set_dependencies(module, line)
    return [module]


def _from_symbols(library: Library, name: str) -> list[KmodModule]:
    return _from_index(library, "modules.symbols", name) if _is_symbol(name) else []


def _is_symbol(name: str) -> bool:
    return name.startswith("symbol:")


def _from_commands(library: Library, name: str) -> list[KmodModule]:
    # The exact line counts from now on, also if a pattern before it matches.
    for pattern, command in library.configuration.install:
        if pattern == name:
            module = library.module_from_name(name)
            module.install = command
            return [module]
    for pattern, command in library.configuration.remove:
        if pattern == name:
            module = library.module_from_name(name)
            module.remove = command
            return [module]
    return []


def _from_aliases(library: Library, name: str) -> list[KmodModule]:
    return _from_index(library, "modules.alias", name)


def _from_builtins(library: Library, name: str) -> list[KmodModule]:
    index = library.index("modules.builtin")
    if index is None or index.search(name) is None:
        return []
    module = library.module_from_name(name)
    module.builtin = True
    return [module]


def _from_builtin_aliases(library: Library, name: str) -> list[KmodModule]:
    found = _from_index(library, "modules.builtin.alias", name)
    for module in found:
        module.builtin = True
    return found


def _from_index(library: Library, file: str, name: str) -> list[KmodModule]:
    index = library.index(file)
    if index is None:
        return []
    return [library.module(value, name) for value in index.search_wild(name)]


_ALL_SOURCES: tuple[_Source, ...] = (
    _from_configured_aliases,
    _from_dependencies,
    _from_symbols,
    _from_commands,
    _from_aliases,
    _from_builtins,
    _from_builtin_aliases,
)
_NAME_SOURCES: tuple[_Source, ...] = (
    _from_dependencies,
    _from_builtins,
    _from_builtin_aliases,
)
