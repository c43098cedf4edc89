"""Whether a guest that has a device can be migrated."""

from __future__ import annotations

import pytest

from resolver.device import Binding, Device
from resolver.matching import modalias
from resolver.matching.alias_files import AliasEntry
from resolver.matching.alias_index import Aliases, AliasLookup
from resolver.matching.generic import GENERIC_PATTERN
from resolver.matching.migration import migration_of
from resolver.matching.select import Choice, choose

MLX5 = "pci:v000015B3d0000101Esv000015B3sd00000003bc02sc00i00"
GRACE = "pci:v000010DEd00002342sv000010DEsd00000000bc03sc02i00"
NIC = "pci:v00008086d00001572sv00008086sd00000000bc02sc00i00"
ALIASES = {
    "vfio_pci": GENERIC_PATTERN,
    "mlx5_vfio_pci": "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*",
    "nvgrace_gpu_vfio_pci": "vfio_pci:v000010DEd00002342sv*sd*bc*sc*i*",
    "vendor_vfio_pci": "vfio_pci:v00008086d00001572sv*sd*bc*sc*i*",
}


def chosen(text: str, *modules: str) -> Choice:
    """Return the choice on a kernel that has these modules."""
    entries = [AliasEntry(ALIASES[one], one, "modules.alias", 1) for one in modules]
    return choose(modalias.parse(text), Aliases(AliasLookup(entries)))


def device(text: str, driver: str | None, vfio: str | None = None) -> Device:
    """Return a device on a driver."""
    return Device(
        bus="pci",
        name="0000:3b:00.2",
        modalias=text,
        binding=Binding(driver, None),
        vfio_device=vfio,
    )


@pytest.mark.parametrize(
    ("text", "driver", "vfio", "modules", "seen", "expected"),
    [
        (MLX5, "mlx5_core", None, ["vfio_pci", "mlx5_vfio_pci"], None, "after bind"),
        (MLX5, "mlx5_vfio_pci", "vfio0", ["vfio_pci", "mlx5_vfio_pci"], None, "yes"),
        (MLX5, "mlx5_vfio_pci", "vfio0", ["vfio_pci", "mlx5_vfio_pci"], True, "yes"),
        (MLX5, "mlx5_vfio_pci", "vfio0", ["vfio_pci", "mlx5_vfio_pci"], False, "no"),
        (MLX5, "vfio-pci", "vfio0", ["vfio_pci", "mlx5_vfio_pci"], None, "after bind"),
        (MLX5, "vfio-pci", "vfio0", ["vfio_pci"], None, "not in this kernel"),
        (MLX5, "mlx5_core", None, ["vfio_pci"], None, "not in this kernel"),
        (GRACE, "nvidia", None, ["vfio_pci", "nvgrace_gpu_vfio_pci"], None, "no"),
        (MLX5, "mlx5_vfio_pci", "vfio0", ["mlx5_vfio_pci"], False, "no"),
        (GRACE, "nvidia", "vfio1", ["vfio_pci"], True, "yes"),
        (NIC, "i40e", None, ["vfio_pci"], None, "no"),
        (NIC, "i40e", None, ["vfio_pci", "vendor_vfio_pci"], None, "after bind"),
        (NIC, None, None, ["vfio_pci"], None, "no"),
    ],
)
def test_migration_follows_the_driver(
    text: str,
    driver: str | None,
    vfio: str | None,
    modules: list[str],
    seen: bool | None,
    expected: str,
) -> None:
    """The kernel's own word goes before what is known of drivers."""
    found = migration_of(device(text, driver, vfio), None, chosen(text, *modules), seen)
    assert found == expected


def test_device_without_a_choice_cannot_be_migrated() -> None:
    """No VFIO driver is known for it."""
    assert migration_of(device(NIC, "i40e"), None, None, None) == "no"
