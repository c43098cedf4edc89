"""Added nodes that the kernel model hides."""

from __future__ import annotations

import pytest

from simkernel.errors import ScenarioError
from simkernel.host.boot import boot_host
from simkernel.host.content import read_path
from simkernel.scenario.render import parse

HOST = """
kernel: {release: 6.12.0}
devices: [{address: "0000:01:00.0", id: "1af4:0001", iommu_group: 27}]
"""
FUNCTION = "/sys/devices/pci0000:01/0000:01:00.0"


@pytest.mark.parametrize(
    ("key", "path", "problem"),
    [
        (
            "files",
            "/sys/kernel/iommu_groups/27/reserved_regions",
            "the simulated kernel shows /sys/kernel/iommu_groups/27/reserved_regions "
            "itself; use devices[].reserved_regions",
        ),
        (
            "files",
            f"{FUNCTION}/power_state",
            f"the simulated kernel shows {FUNCTION}/power_state itself",
        ),
        (
            "files",
            f"{FUNCTION}/subsystem_vendor",
            f"the simulated kernel shows {FUNCTION}/subsystem_vendor itself; use "
            "devices[].subsystem",
        ),
        (
            "links",
            f"{FUNCTION}/iommu_group",
            f"the simulated kernel shows {FUNCTION}/iommu_group itself; use "
            "devices[].iommu_group",
        ),
        (
            "files",
            "/sys/bus/pci/devices/0000:01:00.0/label",
            "/sys/bus/pci/devices/0000:01:00.0 is a link; write the path that it leads "
            "to",
        ),
        (
            "files",
            "/proc/modules",
            "the simulated kernel shows /proc/modules itself; use loaded",
        ),
        (
            "files",
            "/proc/2/comm",
            "the simulated kernel shows /proc/2/comm itself; use container",
        ),
    ],
)
def test_hidden_node_is_an_error(key: str, path: str, problem: str) -> None:
    """The error has the key that changes what the kernel shows."""
    with pytest.raises(ScenarioError) as caught:
        boot_host(parse(f"{HOST}{key}: {{{path}: x}}"), source="mine")

    assert str(caught.value) == f"mine: {key}.{path}: {problem}"


def test_existing_directory_is_an_error() -> None:
    """A directory that the kernel shows need not be added."""
    with pytest.raises(ScenarioError, match=r"directories\[0\]: .* shows /sys/bus "):
        boot_host(parse(f"{HOST}directories: [/sys/bus]"))


def test_key_in_the_error_shows_the_region() -> None:
    """Regions of a group are those of its functions, in order of their addresses."""
    text = HOST.replace(
        "27}", '27, reserved_regions: ["0xbdf83000 0xbdf84fff direct"]}'
    )

    path = "/sys/kernel/iommu_groups/27/reserved_regions"
    assert read_path(boot_host(parse(text)), path).splitlines() == [
        "0x00000000bdf83000 0x00000000bdf84fff direct",
        "0x00000000fee00000 0x00000000feefffff msi",
    ]
