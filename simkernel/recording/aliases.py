"""Find the module aliases that match the devices of a host.

Reads ``modules.alias`` and ``modules.builtin.modinfo``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from simkernel.kmod.pattern import matches
from simkernel.recording.host_files import HostReader

__all__ = ["fitting_aliases"]


def fitting_aliases(
    host: HostReader, folder: str, modaliases: Iterable[str]
) -> dict[str, list[str]]:
    """Return the aliases that match a device, by module.

    :param folder: the module directory.
    :param modaliases: of the devices; each is also matched with the prefix ``vfio_``.
    """
    wanted = set(modaliases)
    wanted |= {f"vfio_{one}" for one in wanted}
    by_bus: dict[str, list[str]] = {}
    for one in wanted:
        by_bus.setdefault(one.partition(":")[0], []).append(one)
    found: dict[str, list[str]] = {}
    for pattern, module in (*_listed(host, folder), *_builtin(host, folder)):
        candidates = by_bus.get(pattern.partition(":")[0], ())
        if any(matches(pattern, one) for one in candidates):
            found.setdefault(module, []).append(pattern)
    return found


def _listed(host: HostReader, folder: str) -> Iterator[tuple[str, str]]:
    """Yield pattern and module of each line of ``modules.alias``."""
    for line in host.lines(f"{folder}/modules.alias"):
        words = line.split()
        if len(words) == 3 and words[0] == "alias":
            yield words[1], words[2].replace("-", "_")


def _builtin(host: HostReader, folder: str) -> Iterator[tuple[str, str]]:
    """Yield pattern and module of each built-in alias."""
    data = host.data(f"{folder}/modules.builtin.modinfo") or b""
    for record in data.decode("utf-8", "replace").split("\0"):
        key, _, pattern = record.partition("=")
        module, _, kind = key.partition(".")
        if kind == "alias":
            yield pattern, module.replace("-", "_")
