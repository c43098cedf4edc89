"""Read an installed kernel, and the names of PCI devices."""

from __future__ import annotations

from typing import Final

from resolver.errors import UsageError
from resolver.lint.kernel import Kernel, Texts, Trust, kernel_of
from resolver.lint.module import Module
from resolver.lint.names import Names
from resolver.lint.reading import read_file
from resolver.linux import Host
from resolver.matching.module_lists import module_paths

__all__ = ["read_kernel", "read_names"]

_NAMES: Final = ("/usr/share/hwdata/pci.ids", "/usr/share/misc/pci.ids")
"""The path of Fedora and SUSE, and that of Debian."""
_FORCED: Final = b"CONFIG_MODULE_SIG_FORCE=y"
_USUAL: Final = "/vfio-pci-core.ko"


def read_kernel(host: Host, directory: str) -> Kernel:
    """Return the kernel of a module directory.

    :raises UsageError: the directory is not a module directory.
    :raises FailedError: the library to read module files is not installed.
    """
    aliases = host.read_if_there(f"{directory}/modules.alias")
    if aliases is None:
        raise UsageError(
            f"{directory} has no modules.alias",
            hint="run `depmod RELEASE`, or name a directory /lib/modules/RELEASE",
        )
    release = directory.rstrip("/").rpartition("/")[2]
    dep = _data(host, f"{directory}/modules.dep")
    own = _own_module(directory, dep)
    texts = Texts(
        aliases=aliases,
        builtin_info=_data(host, f"{directory}/modules.builtin.modinfo"),
        builtin=_data(host, f"{directory}/modules.builtin"),
        dep=dep,
    )
    trust = Trust(
        vermagic=(own.vermagic or "") if own else "",
        is_signed=bool(own and own.is_signed),
        insists_on_signature=_insists(host, directory, release),
    )
    return kernel_of(release, directory, texts, trust)


def read_names(host: Host) -> Names:
    """Return the host's database of PCI ids; an empty one if it has none."""
    for path in _NAMES:
        data = host.read_if_there(host.at(path))
        if data is not None:
            return Names(data)
    return Names()


# A module that came with the kernel: updates/ and extra/ have later builds.
def _own_module(directory: str, dep: bytes) -> Module | None:
    own = [one for one in module_paths(dep).values() if one.startswith("kernel/")]
    own.sort(key=lambda one: _USUAL not in one)
    for path in own[:1]:
        found = read_file(f"{directory}/{path}")[0]
        return found if isinstance(found, Module) else None
    return None


def _insists(host: Host, directory: str, release: str) -> bool:
    for path in (f"{directory}/config", host.at(f"/boot/config-{release}")):
        data = host.read_if_there(path)
        if data is not None:
            return _FORCED in data.splitlines()
    return False


def _data(host: Host, path: str) -> bytes:
    return host.read_if_there(path) or b""
