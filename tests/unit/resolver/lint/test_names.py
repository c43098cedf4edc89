"""Names of vendors and devices in pci.ids."""

from __future__ import annotations

from resolver.lint.names import Names

PCI_IDS = b"""\
# comment
0001  SafeNet
15b3  Mellanox Technologies
\t1017  MT27800 Family
\t\t15b3 0006  a card
\t101e  ConnectX VF
8086  Intel Corporation
\t101e  82540EP
C 02  Network controller
\t00  Ethernet controller
"""


def test_names_of_devices() -> None:
    """The vendor's own devices count, not those of the next one."""
    names = Names(PCI_IDS)

    assert names.of("15b3", "101e") == "Mellanox Technologies ConnectX VF"
    assert names.of("8086", "101e") == "Intel Corporation 82540EP"
    assert names.of("15b3", "0006") == "Mellanox Technologies, unlisted device"
    assert names.of("0001", "1017") == "SafeNet, unlisted device"
    assert names.of("dead", "101e") == ""
    assert names.has("15b3", "1017")
    assert not names.has("0001", "1017")
    assert not Names().is_there
    assert Names().of("15b3", "101e") == ""
