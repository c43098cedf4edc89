"""Which driver is chosen, and the reasons given."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.errors import NotFoundError
from resolver.matching import intree, modalias
from resolver.matching.alias_files import AliasEntry, read_modules_alias
from resolver.matching.alias_index import Aliases, AliasLookup
from resolver.matching.select import choose

VF = modalias.parse("pci:v000015B3d0000101Esv000015B3sd00000003bc02sc00i00")
NIC = modalias.parse("pci:v00008086d00001572sv00008086sd00000000bc02sc00i00")
GENERIC = "vfio_pci:v*d*sv*sd*bc*sc*i*"
VARIANT = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"


def aliases(*entries: tuple[str, str]) -> Aliases:
    """Return what a kernel with these lines in modules.alias says."""
    found = (
        AliasEntry(pattern, module, "modules.alias", number)
        for number, (pattern, module) in enumerate(entries, 1)
    )
    return Aliases(AliasLookup(found))


def test_fewest_wildcards_win_over_file_order() -> None:
    """The generic driver comes first in the file and is not chosen."""
    choice = choose(VF, aliases((GENERIC, "vfio_pci"), (VARIANT, "mlx5_vfio_pci")))
    assert (choice.name, choice.source) == ("mlx5_vfio_pci", "modules.alias")
    assert choice.alias == VARIANT
    assert choice.modalias == VF.vfio
    assert not choice.is_ambiguous


def test_candidates_carry_their_reasons() -> None:
    """Every alias that matches is listed, best first, with what became of it."""
    choice = choose(VF, aliases((GENERIC, "vfio_pci"), (VARIANT, "mlx5_vfio_pci")))
    assert [(c.entry.module, c.wildcards, c.reason) for c in choice.candidates] == [
        ("mlx5_vfio_pci", 5, "chosen: no other has fewer wildcards"),
        ("vfio_pci", 7, "7 wildcards; the chosen one has 5"),
    ]


def test_tie_goes_to_the_first_line_and_is_said() -> None:
    """Two modules that fit as closely are ambiguous."""
    choice = choose(VF, aliases((VARIANT, "first_vfio"), (VARIANT, "second_vfio")))
    assert choice.name == "first_vfio"
    assert choice.is_ambiguous
    assert "second_vfio matches as closely as first_vfio" in choice.notes[-1]


def test_same_module_twice_is_no_tie() -> None:
    """A module that describes the device twice competes with nobody."""
    choice = choose(VF, aliases((VARIANT, "mlx5_vfio_pci"), (VARIANT, "mlx5_vfio_pci")))
    assert not choice.is_ambiguous


def test_no_match_gives_the_generic_driver_of_the_bus() -> None:
    """The driver that takes any PCI device is called vfio-pci."""
    choice = choose(NIC, aliases())
    assert (choice.name, choice.source, choice.alias) == ("vfio-pci", "generic", None)
    assert choice.module == "vfio_pci"
    assert (choice.modalias, choice.candidates) == (NIC.vfio, ())
    assert choice.sure_driver == "vfio-pci"
    assert choose(VF, aliases((VARIANT, "m"))).sure_driver is None
    assert not choice.is_ambiguous


def test_other_buses_have_their_own_prefix_and_generic_driver() -> None:
    """The bus's modalias with vfio_ before it is looked up."""
    device = modalias.parse("cdx:v10EEd8084sv0000sd0000c000000")
    found = choose(device, aliases(("vfio_cdx:v10EEd*sv*sd*c*", "my_cdx")))
    assert found.name == "my_cdx"
    assert choose(device, aliases()).name == "vfio-cdx"


def test_bus_without_any_vfio_driver_is_an_error() -> None:
    """There is nothing to fall back to on, say, USB."""
    with pytest.raises(NotFoundError) as caught:
        choose(modalias.parse("usb:v0781p5567"), aliases())
    assert caught.value.message == (
        "no VFIO driver found: no alias matches usb:v0781p5567, and bus 'usb' has no "
        "generic driver"
    )
    assert caught.value.hint == "name a driver with --driver NAME"


def test_variant_that_the_kernel_lacks_is_said() -> None:
    """A person learns that the generic driver is not all there could be."""
    choice = choose(VF, aliases((GENERIC, "vfio_pci")))
    assert choice.name == "vfio_pci"
    assert "skipped mlx5_vfio_pci" in choice.notes[-1]


def test_notes_about_missing_files_come_with_the_choice() -> None:
    """Without modules.alias the choice says so."""
    notes = ("no such file",)
    assert choose(NIC, Aliases(AliasLookup(()), notes=notes)).notes == notes


def test_intree_table_agrees_with_the_aliases_as_built(variant_aliases: bytes) -> None:
    """Every PCI variant of Linux 6.12 is in the table with all its aliases."""
    built = {
        (entry.pattern, entry.module)
        for entry in read_modules_alias(variant_aliases, "x").entries
        if entry.module not in ("vfio_pci", "vfio_cdx")
    }
    table = {(entry.pattern, entry.module) for entry in intree.lookup().entries}
    assert built <= table


def test_intree_table_counts_only_for_modules_that_are_built_in() -> None:
    """The source says which file or directory proved it."""
    found = intree.builtin_entries(
        builtin={"mlx5_vfio_pci", "ext4"},
        resident={"mlx5_vfio_pci", "qat_vfio_pci"},
        listed={"pds_vfio_pci"},
    )
    assert {(entry.module, entry.source) for entry in found} == {
        ("mlx5_vfio_pci", "modules.builtin"),
        ("qat_vfio_pci", "/sys/module"),
    }
    assert found[0] == AliasEntry(VARIANT, "mlx5_vfio_pci", "modules.builtin", 0)
    assert len(found) == 6


def test_intree_table_is_silent_about_modules_that_speak_for_themselves() -> None:
    """Where the kernel wrote a module's aliases down, the table adds none."""
    assert (
        intree.builtin_entries(
            builtin={"mlx5_vfio_pci"}, resident=(), listed={"mlx5_vfio_pci"}
        )
        == ()
    )


def test_virtio_variant_is_chosen_although_modprobe_lists_the_generic_one_first(
    debian: Path, variant_aliases: bytes
) -> None:
    """In modules.order vfio_pci stands before every variant; that is not the order."""
    data = (debian / "modules.alias").read_bytes() + variant_aliases
    lookup = AliasLookup(read_modules_alias(data, "x").entries)
    device = modalias.parse("pci:v00001AF4d00001041sv00001AF4sd00000001bc02sc00i00")
    choice = choose(device, Aliases(lookup))
    assert choice.name == "virtio_vfio_pci"
    assert choice.candidates[-1].entry.module == "vfio_pci"


@pytest.mark.parametrize("pattern", [GENERIC, "vfio_pci:*", "vfio_pci:v*", "*"])
@pytest.mark.parametrize("others", [[], [(GENERIC, "vfio_pci")]])
def test_foreign_alias_for_every_device_never_wins(
    pattern: str, others: list[tuple[str, str]]
) -> None:
    """The bus's own driver goes first, listed or built in; the tie is reported."""
    choice = choose(NIC, aliases((pattern, "poweroff_pci"), *others))
    assert choice.module == "vfio_pci"
    assert choice.source == ("modules.alias" if others else "generic")
    assert choice.is_ambiguous
    assert "poweroff_pci matches as closely as vfio_pci" in choice.notes[-1]
    assert [c.entry.module for c in choice.candidates] == ["vfio_pci", "poweroff_pci"]


@pytest.mark.parametrize("pattern", ["vfio_pci:*", "*", "vfio_pci:v*d*sv*sd*bc*"])
def test_variant_wins_over_every_alias_for_every_device(pattern: str) -> None:
    """However few wildcards that alias has."""
    choice = choose(VF, aliases((pattern, "poweroff_pci"), (VARIANT, "mlx5_vfio_pci")))
    assert choice.module == "mlx5_vfio_pci"
    assert not choice.is_ambiguous
    assert choice.candidates[-1].entry.module == "poweroff_pci"


def test_alias_for_a_class_is_closer_than_one_for_every_device() -> None:
    """It has an id, if only that of a class."""
    network = "vfio_pci:v*d*sv*sd*bc02sc*i*"
    choice = choose(NIC, aliases((GENERIC, "vfio_pci"), (network, "net_vfio_pci")))
    assert choice.module == "net_vfio_pci"
