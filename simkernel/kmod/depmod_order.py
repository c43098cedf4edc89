"""Order and dependencies of modules in depmod."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simkernel.errors import UsageError
from simkernel.kmod.hashorder import MODULE_BUCKETS, bucket_order

__all__ = ["ModuleFile", "sort_modules", "sorted_dependencies", "symbol_owners"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleFile:
    """What depmod reads from one module file."""

    path: str
    """Path below ``/lib/modules/<release>/``, compression suffix included."""
    name: str
    """Name that the path gives: underscores, no suffix."""
    info: tuple[tuple[str, str], ...]
    """Pairs of ``.modinfo``."""
    exports: tuple[str, ...]
    """Symbols that it exports."""
    needs: tuple[str, ...]
    """Symbols that it leaves undefined."""

    @property
    def aliases(self) -> list[str]:
        """Values of its ``alias`` pairs."""
        return [value for key, value in self.info if key == "alias"]

    @property
    def order_path(self) -> str:
        """Path as in ``modules.order``, uncompressed."""
        directory, slash, file = self.path.rpartition("/")
        return f"{directory}{slash}{file[: len(self.name) + len('.ko')]}"


def sort_modules(modules: Sequence[ModuleFile], order: str) -> list[ModuleFile]:
    """Return modules in ``modules.order``, then the rest by hash.

    :param order: content of ``modules.order``.

    Source: tools/depmod.c depmod_modules_sort().
    """
    by_name = {module.name: module for module in modules}
    hashed = [by_name[name] for name in bucket_order(by_name, MODULE_BUCKETS)]
    lines = order.splitlines()
    position = {line: at for at, line in enumerate(lines)}
    last = len(lines)
    return sorted(hashed, key=lambda module: position.get(module.order_path, last))


def symbol_owners(modules: Sequence[ModuleFile]) -> dict[str, ModuleFile]:
    """Return the last module that exports each symbol."""
    return {name: module for module in modules for name in module.exports}


def sorted_dependencies(
    modules: Sequence[ModuleFile], owners: Mapping[str, ModuleFile]
) -> dict[str, list[ModuleFile]]:
    """Return the dependencies of each module, users first.

    :param modules: in the order of ``sort_modules``.
    :raises UsageError: some need each other.

    Source: tools/depmod.c depmod_load_dependencies(),
    mod_get_all_sorted_dependencies().
    """
    direct: dict[str, list[ModuleFile]] = {}
    for module in modules:
        found = (owners.get(name.removeprefix(".")) for name in module.needs)
        direct[module.name] = list(
            {owner.name: owner for owner in found if owner is not None}.values()
        )
    rank = _rank(modules, direct)
    return {
        module.name: sorted(_closure(module, direct), key=lambda each: rank[each.name])
        for module in modules
    }


def _rank(
    modules: Sequence[ModuleFile], direct: Mapping[str, list[ModuleFile]]
) -> dict[str, int]:
    # Depth first from the modules without users, the last of them first.
    # Source: tools/depmod.c depmod_calculate_dependencies().
    users = dict.fromkeys(direct, 0)
    for needed in direct.values():
        for module in needed:
            users[module.name] += 1
    ready = [module for module in modules if users[module.name] == 0]
    rank: dict[str, int] = {}
    while ready:
        module = ready.pop()
        rank[module.name] = len(rank)
        for needed_module in direct[module.name]:
            users[needed_module.name] -= 1
            if users[needed_module.name] == 0:
                ready.append(needed_module)
    if len(rank) < len(modules):
        names = ", ".join(sorted(direct.keys() - rank.keys()))
        raise UsageError(f"modules in dependency cycles, or needed by one: {names}")
    return rank


def _closure(
    module: ModuleFile, direct: Mapping[str, list[ModuleFile]]
) -> list[ModuleFile]:
    # Everything that a module needs, directly or not.
    found: dict[str, ModuleFile] = {}
    waiting = list(direct[module.name])
    while waiting:
        each = waiting.pop()
        if each.name not in found:
            found[each.name] = each
            waiting += direct[each.name]
    return list(found.values())
