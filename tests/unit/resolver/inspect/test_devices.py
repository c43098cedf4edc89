"""Devices, drivers and aliases as a host shows them."""

from __future__ import annotations

from typing import Any

import pytest

from resolver.device import Binding
from resolver.errors import NotFoundError, UsageError
from resolver.inspect.device_words import find_device
from resolver.inspect.devices import all_devices, find_driver
from resolver.inspect.module_loading import find_prohibition
from resolver.inspect.modules import read_aliases

VF = "0000:3b:00.2"
PATTERN = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"


@pytest.mark.parametrize(
    "text",
    [
        *("0000:3b:00.2", "3B:00.2", "pci_0000_3b_00_2", "15b3:101e", "ens1v0"),
        *("/sys/bus/pci/devices/0000:3b:00.2", "/sys/class/net/ens1v0"),
        "/sys/devices/pci0000:00/0000:3b:00.2/net/ens1v0",
    ],
)
def test_device_is_found_by_every_spelling(captured: Any, text: str) -> None:
    """They all lead to the same facts."""
    captured.driver("mlx5_core")
    captured.device(driver="mlx5_core", interface="ens1v0")
    device = find_device(captured.host, text)
    assert (device.bus, device.name, str(device)) == ("pci", VF, f"{VF} (15b3:101e)")
    assert device.binding == Binding("mlx5_core", None)
    assert device.iommu_group == "40"
    assert device.interfaces == ("ens1v0",)
    assert device.device_class == "020000"


def test_interface_of_a_virtio_device_leads_to_the_pci_function(captured: Any) -> None:
    """The device right above the interface is on a bus that VFIO does not know."""
    path = captured.device(kind="1af4:1041") / "virtio0/net/eth0"
    path.mkdir(parents=True)
    (path / "device").symlink_to("../..")
    assert (
        find_device(captured.host, f"/sys/devices/pci0000:00/{VF}/virtio0").name == VF
    )


def test_several_devices_of_a_kind_are_listed(captured: Any) -> None:
    """The user is to say which one; the exit code is that of wrong usage."""
    captured.device("0000:3b:00.2")
    captured.device("0000:3b:00.3")
    captured.device("0000:3b:00.4", "8086:1572")
    with pytest.raises(
        UsageError, match=r"matches 2 devices: 0000:3b:00\.2, 0000:3b:00\.3"
    ):
        find_device(captured.host, "15b3:101e")


@pytest.mark.parametrize(
    "text",
    ["0000:3b:00.7", "8086:1572", "nosuch", "/sys/class/net/nosuch", "/sys/../etc"],
)
def test_unknown_device_is_not_found(captured: Any, text: str) -> None:
    """The exit code is 4, whatever the spelling."""
    captured.device()
    with pytest.raises(NotFoundError) as caught:
        find_device(captured.host, text)
    assert caught.value.exit_code == 4


def test_path_that_leaves_sysfs_is_not_followed(captured: Any) -> None:
    """A link out of a captured host leads nowhere."""
    outside = captured.root.parent / "outside"
    outside.mkdir()
    (outside / "driver_override").write_text("\n")
    (captured.root / "sys/out").symlink_to(outside)
    with pytest.raises(NotFoundError):
        find_device(captured.host, "/sys/out")


@pytest.mark.parametrize(
    ("text", "override"),
    [("(null)", None), ("", None), ("vfio-pci", "vfio-pci"), (" a ", " a ")],
)
def test_override_that_is_not_set_reads_as_none(
    captured: Any, text: str, override: str | None
) -> None:
    """The kernel prints a null pointer for it."""
    captured.device(override=text)
    assert find_device(captured.host, VF).binding.override == override


def test_devices_are_listed_by_name(captured: Any) -> None:
    """Every one of the bus."""
    for name in ("0000:3b:00.3", "0000:3b:00.2", "10000:01:00.0"):
        captured.device(name)
    assert [device.name for device in all_devices(captured.host)] == [
        *("0000:3b:00.2", "0000:3b:00.3", "10000:01:00.0"),
    ]


def test_driver_of_the_exact_name_comes_first(captured: Any) -> None:
    """Whatever modules say."""
    captured.driver("foo-vfio", module="foo_vfio")
    assert find_driver(captured.host, "pci", "foo-vfio", None) == "foo-vfio"


def test_module_leads_to_its_driver(captured: Any) -> None:
    """Also where their names have nothing in common."""
    captured.driver("bar-vfio", module="foo_vfio")
    for name in ("foo_vfio", "foo-vfio", "bar-vfio"):
        assert find_driver(captured.host, "pci", name, None) == "bar-vfio"


def test_driver_that_is_nowhere_is_none(captured: Any) -> None:
    """The module is to be loaded then."""
    assert find_driver(captured.host, "pci", "foo_vfio", None) is None


def test_driver_of_another_bus_does_not_count(captured: Any) -> None:
    """A module may have drivers for several buses."""
    drivers = captured.module("foo_vfio") / "drivers"
    drivers.mkdir()
    (drivers / "platform:foo").mkdir()
    with pytest.raises(NotFoundError, match="no driver for bus 'pci'"):
        find_driver(captured.host, "pci", "foo_vfio", None)


def test_driver_whose_directory_is_missing_is_an_error(captured: Any) -> None:
    """The module names it, and the bus does not have it."""
    drivers = captured.module("foo_vfio") / "drivers"
    drivers.mkdir()
    (drivers / "pci:bar-vfio").symlink_to("/nowhere")
    with pytest.raises(NotFoundError, match="drivers/bar-vfio"):
        find_driver(captured.host, "pci", "foo_vfio", None)


def test_earlier_directory_hides_files_of_later_ones(captured: Any) -> None:
    """An administrator overrides a distribution's file by its name."""
    captured.write("lib/modprobe.d/a.conf", "blacklist foo_vfio\n")
    captured.write("lib/modprobe.d/b.conf", "blacklist bar_vfio\n")
    captured.write("etc/modprobe.d/a.conf", "# nothing\n")
    captured.write("etc/modprobe.d/c.txt", "blacklist foo_vfio\n")
    assert find_prohibition(captured.host, "foo_vfio") is None
    found = find_prohibition(captured.host, "bar_vfio")
    assert found is not None
    assert found.where.endswith("lib/modprobe.d/b.conf line 1")


def test_aliases_of_all_files_are_read_in_their_order(captured: Any) -> None:
    """modules.alias before the built-in ones."""
    captured.aliases(f"{PATTERN} from_file")
    directory = f"lib/modules/{captured.modules.name}"
    captured.write(
        f"{directory}/modules.builtin.modinfo", f"told_vfio.alias={PATTERN}\0"
    )
    captured.write(
        f"{directory}/modules.builtin",
        "kernel/drivers/vfio/pci/mlx5/mlx5-vfio-pci.ko\n",
    )
    aliases = read_aliases(captured.host, str(captured.modules))
    assert [(e.module, e.source) for e in aliases.lookup.entries] == [
        ("from_file", "modules.alias"),
        ("told_vfio", "modules.builtin.modinfo"),
        ("mlx5_vfio_pci", "modules.builtin"),
    ]
    assert aliases.notes == aliases.warnings == ()


def test_sys_module_proves_only_what_the_running_kernel_has(captured: Any) -> None:
    """Another kernel may have the variant as a module, or not at all."""
    captured.aliases()
    captured.module("mlx5_vfio_pci", is_builtin=True)
    captured.module("qat_vfio_pci")
    directory = str(captured.modules)
    running = read_aliases(captured.host, directory, is_running=True)
    assert [(e.module, e.source) for e in running.lookup.entries] == [
        ("mlx5_vfio_pci", "/sys/module")
    ]
    assert read_aliases(captured.host, directory).lookup.entries == ()


def test_missing_modules_alias_is_a_note(captured: Any) -> None:
    """No reason to refuse: the generic driver is still there."""
    aliases = read_aliases(captured.host, str(captured.modules))
    assert aliases.lookup.entries == ()
    assert "modules.alias is missing" in aliases.notes[0]
