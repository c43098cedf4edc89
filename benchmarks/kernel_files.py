"""The module files that subjects read: of a real kernel, with every variant."""

from __future__ import annotations

import lzma
from pathlib import Path

__all__ = ["RELEASE", "device_modaliases", "write_module_files"]

DATA = Path(__file__).parents[1] / "tests/data"
RELEASE = "6.12.117-amd64"


def write_module_files(directory: Path) -> Path:
    """Write the files of a stock Debian kernel and return their directory."""
    target = directory / "lib/modules" / RELEASE
    target.mkdir(parents=True)
    for file in (DATA / "debian-6.12.117-amd64").glob("*.xz"):
        (target / file.stem).write_bytes(lzma.decompress(file.read_bytes()))
    with (target / "modules.alias").open("ab") as aliases:
        aliases.write((DATA / "vfio-aliases.txt").read_bytes())
    return target


def device_modaliases(count: int) -> list[str]:
    """Return modaliases of PCI devices: one in three has a variant driver."""
    kinds = ("15B3", "101E"), ("8086", "{:04X}"), ("10DE", "{:04X}")
    texts = []
    for number in range(count):
        vendor, device = kinds[number % len(kinds)]
        device = device.format(number & 0xFFFF)
        ids = f"v0000{vendor}d0000{device}sv0000{vendor}sd{number:08X}"
        texts.append(f"pci:{ids}bc02sc00i00")
    return texts
