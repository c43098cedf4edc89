"""What ids an alias stands for, and which device is made for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simkernel.kmod.pattern import matches
from simkernel.scenario.schema.modules import PciIdEntry
from simkernel.trial.alias import parse_alias, unclaimed_ids
from simkernel.trial.host_modules import generated_aliases

MLX5 = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"


def test_an_alias_becomes_an_entry() -> None:
    """As the driver's table has it."""
    entry = parse_alias(MLX5)

    assert entry is not None
    assert entry.id_entry() == PciIdEntry(
        id="15b3:101e", class_="000000/000000", override_only=True
    )


def test_wildcards_get_default_ids() -> None:
    """A device needs all of it."""
    entry = parse_alias(MLX5)

    assert entry is not None
    assert entry.example_device().modalias() == (
        "pci:v000015B3d0000101Esv000015B3sd00000001bc02sc00i00"
    )


@pytest.mark.parametrize(
    "alias",
    [
        "vfio_pci:v000015B3d15B3101Esv*sd*bc*sc*i*",
        "vfio_pci:v000015B3d0000101?sv*sd*bc*sc*i*",
        "platform:acme",
        "",
    ],
)
def test_no_device_is_made_up(alias: str) -> None:
    """Ids have four digits; no device is guessed for what is no PCI alias."""
    assert parse_alias(alias) is None


@pytest.mark.parametrize(
    "alias", ["vfio_pci:v000015b3d0000101esv*sd*bc*sc*i*", "vfio_pci:v15B3d101E*"]
)
def test_handwritten_aliases_are_parsed(alias: str) -> None:
    """The device is made; whether the alias fits it is what the trial shows."""
    entry = parse_alias(alias)

    assert entry is not None
    assert entry.id_entry().id == "15b3:101e"


def test_the_physical_function_is_none_of_the_drivers() -> None:
    """The next number that no entry is for."""
    entries = [
        parse_alias(f"vfio_pci:v000015B3d0000{device}sv*sd*bc*sc*i*")
        for device in ("101E", "101F")
    ]
    found = [one for one in entries if one is not None]

    assert unclaimed_ids(found[0].example_device(), found).device == 0x101C


_IDS = st.one_of(st.just("*"), st.integers(0, 0xFFFF).map(lambda one: f"{one:04x}"))
_CLASSES = st.sampled_from(
    ["000000/000000", "020000/ff0000", "010802/ffffff", "030000/ffff00"]
)


@given(_IDS, _IDS, _IDS, _IDS, _CLASSES, st.booleans())
def test_entries_survive_being_an_alias(
    vendor: str, device: str, subvendor: str, subdevice: str, class_: str, only: bool
) -> None:
    """From a table to an alias and back; the device that is made fits."""
    entry = PciIdEntry(
        id=f"{vendor}:{device}",
        subsystem=f"{subvendor}:{subdevice}",
        class_=class_,
        override_only=only,
    )
    (alias,) = generated_aliases([entry])
    found = parse_alias(alias)

    assert found is not None
    assert generated_aliases([found.id_entry()]) == [alias]
    assert matches(alias, found.example_device().modalias(alias.partition(":")[0]))
