"""Captured hosts as plain directory trees, and the files of a stock kernel."""

from __future__ import annotations

import lzma
from pathlib import Path
from typing import Any

import pytest

from resolver.linux import Host
from tests.hurried import HurriedHost

DATA = Path(__file__).parents[2] / "data"
RELEASE = "6.12.117-amd64"


class CapturedHost:
    """A directory tree that looks like a host, to be read with ``--root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules = root / "lib/modules" / RELEASE
        for directory in ("sys/bus/pci/devices", "sys/bus/pci/drivers", "sys/module"):
            (root / directory).mkdir(parents=True)
        self.modules.mkdir(parents=True)

    @property
    def host(self) -> Host:
        """The host of the tree."""
        return Host.below(str(self.root))

    @property
    def live_host(self) -> Host:
        """The same tree, taken for the running host."""
        return Host(**self._places())

    @property
    def hurried_host(self) -> HurriedHost:
        """The running host, with waits that end after one look."""
        return HurriedHost(**self._places())

    def _places(self) -> dict[str, Any]:
        root = str(self.root)
        return {
            "sys": f"{root}/sys",
            "proc": f"{root}/proc",
            "modules": (f"{root}/lib/modules",),
            "etc": f"{root}/etc",
            "run": f"{root}/run",
            "modprobe_d": (f"{root}/lib/modprobe.d",),
        }

    def write(self, path: str, text: str | bytes) -> Path:
        """Put a file anywhere in the tree."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return file

    def aliases(self, *lines: str) -> None:
        """Write modules.alias."""
        text = "".join(f"alias {line}\n" for line in lines)
        self.write(f"lib/modules/{RELEASE}/modules.alias", text)

    def driver(self, name: str, module: str | None = None) -> Path:
        """Register a driver, and its module if it is named."""
        path = self.root / "sys/bus/pci/drivers" / name
        path.mkdir(exist_ok=True)
        if module is not None:
            drivers = self.module(module) / "drivers"
            drivers.mkdir(exist_ok=True)
            (drivers / f"pci:{name}").symlink_to(path)
            (path / "module").symlink_to(self.module(module))
        return path

    def module(self, name: str, *, is_builtin: bool = False) -> Path:
        """Load a module."""
        path = self.root / "sys/module" / name
        path.mkdir(exist_ok=True)
        if not is_builtin:
            (path / "initstate").write_text("live\n")
        return path

    def device(
        self,
        name: str = "0000:3b:00.2",
        kind: str = "15b3:101e",
        *,
        driver: str | None = None,
        override: str = "(null)",
        group: int | None = 40,
        interface: str | None = None,
        device_class: str = "020000",
    ) -> Path:
        """Plug a PCI function in."""
        vendor, device = kind.split(":")
        base, sub, programming = (device_class[at : at + 2] for at in (0, 2, 4))
        path = self.root / "sys/devices/pci0000:00" / name
        path.mkdir(parents=True)
        texts = {
            "vendor": f"0x{vendor}",
            "device": f"0x{device}",
            "class": f"0x{device_class}",
            "driver_override": override,
            "modalias": f"pci:v0000{vendor.upper()}d0000{device.upper()}"
            f"sv000015B3sd00000003bc{base}sc{sub}i{programming}",
        }
        for attribute, text in texts.items():
            (path / attribute).write_text(f"{text}\n")
        (path / "subsystem").symlink_to("../../../bus/pci")
        if driver is not None:
            (path / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
        if group is not None:
            groups = self.root / "sys/kernel/iommu_groups" / str(group)
            groups.mkdir(parents=True, exist_ok=True)
            (path / "iommu_group").symlink_to(groups)
        if interface is not None:
            (path / "net" / interface).mkdir(parents=True)
            (path / "net" / interface / "device").symlink_to("../..")
            net = self.root / "sys/class/net"
            net.mkdir(parents=True, exist_ok=True)
            (net / interface).symlink_to(path / "net" / interface)
        (self.root / "sys/bus/pci/devices" / name).symlink_to(path)
        return path


@pytest.fixture
def captured(tmp_path: Path) -> CapturedHost:
    """An empty captured host with one kernel."""
    return CapturedHost(tmp_path / "captured")


@pytest.fixture(scope="session")
def debian(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The module files of a stock Debian kernel, as depmod wrote them."""
    directory = tmp_path_factory.mktemp("debian")
    for file in (DATA / "debian-6.12.117-amd64").glob("*.xz"):
        (directory / file.stem).write_bytes(lzma.decompress(file.read_bytes()))
    return directory


@pytest.fixture(scope="session")
def variant_aliases() -> bytes:
    """The alias lines of every VFIO variant driver in Linux 6.12, as built."""
    return (DATA / "vfio-aliases.txt").read_bytes()
