"""A program that unbinds a device, for tests of the test kit."""

from __future__ import annotations

import subprocess

from simkernel.testing import Sim

__all__ = ["VF", "take"]

VF = "0000:3b:00.2"
_TAKE = """
import os, sys
device = sys.argv[1]
try:
    number = os.open(f"/sys/bus/pci/devices/{device}/driver/unbind", os.O_WRONLY)
    os.write(number, device.encode())
except OSError as error:
    print(error.strerror, file=sys.stderr)
    sys.exit(3)
print("taken")
"""


def take(host: Sim, device: str = VF) -> subprocess.CompletedProcess[str]:
    """Run a program that unbinds a device."""
    return host.run(["python", "-c", _TAKE, device])
