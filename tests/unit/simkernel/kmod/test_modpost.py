"""Aliases against those of modules that a real build and depmod made."""

from __future__ import annotations

from pathlib import Path

import pytest

from simkernel.host.boot import boot_host
from simkernel.kmod import modpost
from simkernel.model.core.driver_spec import DriverSpec, PciId
from simkernel.scenario.render import load

DATA = Path(__file__).parents[3] / "data"

# The tables of the module that tests/data/alltables-modules.alias was made of: all
# forms that an entry can have, in the order of its source.
TABLES = [
    [PciId(vendor=0x1111, device=1), PciId(vendor=0x1111, device=2),
     PciId(vendor=0x1111, device=3)],
    [PciId(vendor=0xABCD, device=0xEF01, subvendor=0x2345, subdevice=0x6789),
     PciId(class_=0x010802, class_mask=0xFFFFFF),
     PciId(class_=0x020000, class_mask=0xFFFF00),
     PciId(class_=0x030000, class_mask=0xFF0000),
     PciId(class_=0x0C0330, class_mask=0xFFFFF0),  # cuts a byte: no alias
     PciId(device=0x55, subvendor=0, subdevice=0),
     PciId()],
    [PciId(override_only=True),
     PciId(vendor=0x15B3, device=0x101E, override_only=True),
     PciId(vendor=0x8086, subvendor=0x8086, class_=0x038000, class_mask=0xFFFF00,
           override_only=True),
     PciId(vendor=0x1234, device=0x5678)],
]  # fmt: skip


def lines(name: str) -> list[tuple[str, str]]:
    """Return pattern and module of each alias in a file of the tests' data."""
    found = []
    for line in (DATA / name).read_text().splitlines():
        if line.startswith("alias "):
            _, pattern, module = line.split()
            found.append((pattern, module))
    return found


def test_every_form_of_a_pci_entry_is_written_as_modpost_does() -> None:
    """The alias of each form of entry, among them the one that has none."""
    built = {text for text, _ in lines("alltables-modules.alias") if "pci:" in text}

    made = [
        alias
        for table in TABLES
        for alias in modpost.aliases([DriverSpec(name="alltables", ids=tuple(table))])
    ]

    assert built == set(made)
    assert len(built) == len(made)


@pytest.mark.parametrize("table", TABLES)
def test_aliases_stand_in_reverse_order_of_the_table(table: list[PciId]) -> None:
    """A table's aliases stand in the module as the compiler leaves them: reversed."""
    made = modpost.aliases([DriverSpec(name="alltables", ids=tuple(table))])
    built = [text for text, _ in lines("alltables-modules.alias") if text in made]

    assert built == list(made)


@pytest.mark.parametrize(
    "scenario",
    [
        "mlx5_vfio_pci",
        "hisi_acc_vfio_pci",
        "pds_vfio_pci",
        "nvgrace_gpu_vfio_pci",
        "qat_vfio_pci",
        "virtio_vfio_pci",
        "vfio_pci",
    ],
)
def test_variants_of_the_scenarios_have_the_aliases_of_the_built_modules(
    scenario: str,
) -> None:
    """Name, aliases and their order are those of the module in a real kernel."""
    (module,) = [
        one for one in boot_host(load(scenario)).modules if one.name == scenario
    ]
    built = [text for text, name in lines("vfio-aliases.txt") if name == scenario]

    assert built == list(module.aliases)
