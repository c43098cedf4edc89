"""Members of an IOMMU group are found by the kernel's list and by their own links."""

from __future__ import annotations

import shutil
from typing import Any

from resolver.inspect.devices import read_device
from resolver.inspect.iommu import hindering, mates_of

FIRST, SECOND = "0000:00:1f.3", "0000:00:1f.4"


def test_members_are_found_without_the_list_of_the_kernel(captured: Any) -> None:
    """A captured host may have the links of its devices only."""
    for name, driver in ((FIRST, "snd_hda_intel"), (SECOND, "i801_smbus")):
        captured.device(name, driver=driver, group=13)
    shutil.rmtree(captured.root / "sys/kernel")
    host = captured.host
    device = read_device(host, "pci", FIRST)
    assert [mate.name for mate in mates_of(host, device)] == [SECOND]
    assert [mate.binding.driver for mate in hindering(host, device)] == ["i801_smbus"]
