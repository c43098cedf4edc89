"""What the kernel does to certain functions when it adds them."""

from __future__ import annotations

from simkernel.host.boot import boot_host
from simkernel.scenario.render import parse

_TEXT = """
kernel: {release: 6.12.0}
devices:
  - {address: "0000:01:00.0", id: "10de:2684", class: "030000"}
  - {address: "0000:01:00.1", id: "10de:22ba", class: "040300"}
  - {address: "0000:01:00.2", id: "10de:0001", class: "020000"}
  - {address: "0000:02:00.0", id: "10de:0002", class: "030000"}
  - {address: "0000:02:00.1", id: "8086:0003", class: "040300"}
"""


def test_sound_function_of_a_graphics_card_may_be_suspended() -> None:
    """Beside a card of these vendors only, and not while the card is not there."""
    bus = boot_host(parse(_TEXT)).kernel.pci
    found = [name for name, one in bus.devices.items() if one.power]
    assert found == ["0000:01:00.1"]

    bus.unplug("0000:01:00.0")
    for name in ("0000:01:00.0", "0000:01:00.1"):
        bus.stop_and_remove(bus.devices[name])
    bus.rescan()

    assert bus.devices["0000:01:00.1"].power == {}
