"""Unit tests of the configuration space."""

from __future__ import annotations

import struct

import pytest

from simkernel.filesystems.sysfs.config_space import render
from tests.bench import host_of

FUNCTION_LEVEL_RESET = 1 << 28


@pytest.mark.parametrize(
    ("address", "resets"), [("0000:3b:00.2", True), ("0000:3a:00.0", False)]
)
def test_express_capability_says_whether_the_function_can_be_reset(
    address: str, resets: bool
) -> None:
    """Every virtual function can; a bridge cannot (PCI Express, 7.5.3.3)."""
    kernel = host_of("mlx5_vfio_pci").kernel
    space = render(kernel, kernel.pci.devices[address])

    capability, following, _, devices = struct.unpack_from("<BBHI", space, space[0x34])
    assert (capability, following) == (0x10, 0)
    assert resets == bool(devices & FUNCTION_LEVEL_RESET)
