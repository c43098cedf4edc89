"""A host for the commands: files in a dictionary, and a kernel that loads modules."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from simkernel.kmod import commands
from simkernel.kmod.context import CommandResult, Context
from simkernel.kmod.elf import ModuleImage

RELEASE = "6.12.117+deb12-amd64"


def refusal(number: int) -> OSError:
    """Return the error that a system call gives."""
    return OSError(number, os.strerror(number))


@dataclass
class Loaded:
    """A module in the kernel."""

    size_bytes: int = 12288
    depends: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    foreign_holders: tuple[str, ...] = ()
    opened: int = 0
    state: str = "live"


class FakeHost:
    """Files, loaded modules (the newest last) and the two system calls."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.loaded: dict[str, Loaded] = {}
        self.covered: list[str] = []
        self.sizes_bytes: dict[str, int] = {}

    def run(
        self,
        *argv: str,
        uid: int = 0,
        environment: Mapping[str, str] | None = None,
    ) -> CommandResult:
        """Run a command."""
        context = Context(
            files=self,
            syscalls=self,
            release=RELEASE,
            uid=uid,
            environment=environment or {},
        )
        return commands.run(argv, context)

    def preload(
        self, name: str, *, size_bytes: int, holders: tuple[str, ...], opened: int
    ) -> None:
        """Load a module of which there is no file."""
        self.loaded[name] = Loaded(
            size_bytes=size_bytes, foreign_holders=holders, opened=opened
        )

    def read(self, path: str) -> bytes:
        """Return the content of a file or attribute."""
        if path == "/proc/modules":
            return "".join(self._proc_line(each) for each in self._newest()).encode()
        if path.startswith("/sys/module/"):
            return self._attribute(path)
        if path in self.files and not self._is_covered(path):
            return self.files[path]
        raise refusal(errno.EISDIR if self.exists(path) else errno.ENOENT)

    def listdir(self, path: str) -> list[str]:
        """Return the names in a directory."""
        if path.startswith("/sys/module/"):
            name = path.split("/")[3]
            if name in self.loaded and path.endswith("/holders"):
                return self.holders(name)
        names = {
            each[len(path) + 1 :].partition("/")[0]
            for each in self.files
            if each.startswith(f"{path}/") and not self._is_covered(each)
        }
        if not names:
            raise refusal(errno.ENOTDIR if path in self.files else errno.ENOENT)
        return sorted(names)

    def exists(self, path: str) -> bool:
        """Tell whether a file or directory is there."""
        if path.startswith("/sys/module/"):
            return path.split("/")[3] in self.loaded
        return any(
            (each == path or each.startswith(f"{path}/")) and not self._is_covered(each)
            for each in self.files
        )

    def init_module(self, image: bytes, parameters: str) -> None:
        """Load a module as Linux does, as far as its declarations tell."""
        info = ModuleImage(image).modinfo()
        name = dict(info)["name"]
        if name in self.loaded:
            raise refusal(errno.EEXIST)
        depends = tuple(each for each in dict(info)["depends"].split(",") if each)
        if any(each not in self.loaded for each in depends):
            raise refusal(errno.ENOENT)
        types = [value.split(":") for key, value in info if key == "parmtype"]
        self.loaded[name] = Loaded(
            size_bytes=self.sizes_bytes.get(name, 12288),
            depends=depends,
            parameters=parse_parameters(dict(types), parameters),
        )

    def delete_module(self, name: str, *, force: bool) -> None:
        """Unload an unused module."""
        if name not in self.loaded:
            raise refusal(errno.ENOENT)
        if self.reference_count(name):
            raise refusal(errno.EAGAIN)
        del self.loaded[name]

    def holders(self, name: str) -> list[str]:
        """Return the modules that use a module, by the hash order of this kernel."""
        order = ["vfio_pci_core", "vfio_iommu_type1", "vfio_pci"]
        using = [each for each in self._newest() if name in self.loaded[each].depends]
        using.sort(key=lambda each: order.index(each) if each in order else 9)
        return [*using, *self.loaded[name].foreign_holders]

    def reference_count(self, name: str) -> int:
        """Return the number of users, modules and others."""
        return len(self.holders(name)) + self.loaded[name].opened

    def _newest(self) -> list[str]:
        return list(reversed(self.loaded))

    def _is_covered(self, path: str) -> bool:
        return any(path.startswith(f"{each}/") for each in self.covered)

    def _proc_line(self, name: str) -> str:
        count = self.reference_count(name)
        size = self.loaded[name].size_bytes
        users = "".join(f"{each}," for each in self.holders(name)) or "-"
        return f"{name} {size} {count} {users} Live 0x0000000000000000\n"

    def _attribute(self, path: str) -> bytes:
        _, _, _, name, *rest = path.split("/")
        module = self.loaded.get(name)
        if module is None:
            raise refusal(errno.ENOENT)
        match rest:
            case ["initstate"]:
                return f"{module.state}\n".encode()
            case ["refcnt"]:
                return f"{self.reference_count(name)}\n".encode()
            case ["coresize"]:
                return f"{module.size_bytes}\n".encode()
            case ["parameters", parameter]:
                return f"{module.parameters[parameter]}\n".encode()
            case _:
                raise refusal(errno.ENOENT)


def parse_parameters(types: Mapping[str, str], text: str) -> dict[str, str]:
    """Return the values that integer parameters take; unknown names are ignored."""
    values = {name: "0" if kind == "int" else "" for name, kind in types.items()}
    for word in text.split():
        name, equals, value = word.partition("=")
        if name not in types:
            continue
        if not equals:
            raise refusal(errno.EINVAL)
        if types[name] == "int":
            try:
                number = int(value, 0)
            except ValueError:
                raise refusal(errno.EINVAL) from None
            if not -(2**31) <= number < 2**31:
                raise refusal(errno.ERANGE)
        values[name] = value
    return values


@pytest.fixture
def make_host() -> Callable[[Mapping[str, bytes]], FakeHost]:
    """Return what makes a host with the given files."""
    return FakeHost


@pytest.fixture
def release() -> str:
    """Return the kernel release of the host."""
    return RELEASE
