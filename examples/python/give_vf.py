#!/usr/bin/env python3
"""Bind a virtual function to vfio-pci. Stands for the tool that you test.

If a step fails, the tool rolls back the steps before it.
"""

import subprocess
import sys
from pathlib import Path

SYSFS = "/sys/bus/pci"


def write(path: Path, text: str) -> None:
    """Write to a kernel file with one write, so that an error is the kernel's."""
    with path.open("wb", buffering=0) as stream:
        stream.write(text.encode())


def driver_of(device: Path) -> str:
    """Return the name of a device's driver, or an empty text."""
    link = device / "driver"
    return link.resolve().name if link.exists() else ""


def give(address: str) -> str:
    """Bind a function to vfio-pci and return the name of its IOMMU group."""
    device = Path(SYSFS, "devices", address)
    if not (device / "physfn").exists():
        raise SystemExit(f"{address} is not a virtual function")
    before = driver_of(device)
    subprocess.run(["modprobe", "vfio_pci"], check=True)
    write(device / "driver_override", "vfio-pci")
    try:
        if before:
            write(device / "driver/unbind", address)
        write(Path(SYSFS, "drivers_probe"), address)
        if driver_of(device) != "vfio-pci":
            raise OSError("the kernel bound no driver")
    except OSError:
        write(device / "driver_override", "\n")
        if before and not driver_of(device):
            write(Path(SYSFS, "drivers", before, "bind"), address)
        raise
    return (device / "iommu_group").resolve().name


def main() -> int:
    """Bind the function on the command line; return 1 if that fails."""
    try:
        print(f"/dev/vfio/{give(sys.argv[1])}")
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"give_vf: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
