"""The alias strings that the kernel's build makes of a driver's id table.

Source: scripts/mod/file2alias.c do_pci_entry(); order observed on modules built
with GCC. Rule: R-ALIAS-3.
"""

from __future__ import annotations

from collections.abc import Iterable

from simkernel.model.driver import ANY_ID, DriverSpec, PciId

__all__ = ["aliases"]


def aliases(drivers: Iterable[DriverSpec]) -> tuple[str, ...]:
    """Return the aliases of all PCI tables, in the order of ``.modinfo``.

    That is the reverse of the table. An entry whose class mask is not made of whole
    bytes gets none.
    """
    entries = [entry for one in drivers if one.bus == "pci" for entry in one.ids]
    made = (_pci_alias(entry) for entry in reversed(entries))
    return tuple(text for text in made if text is not None)


def _pci_alias(entry: PciId) -> str | None:
    classes = _class_fields(entry)
    if classes is None:
        return None
    prefix = "vfio_pci" if entry.override_only else "pci"
    numbers = (entry.vendor, entry.device, entry.subvendor, entry.subdevice)
    fields = "".join(
        f"{letter}{'*' if number == ANY_ID else f'{number:08X}'}"
        for letter, number in zip(("v", "d", "sv", "sd"), numbers, strict=True)
    )
    return f"{prefix}:{fields}{classes}*".replace("**", "*")


def _class_fields(entry: PciId) -> str | None:
    """Return ``bc..sc..i..``, None if the mask cuts a byte."""
    text = ""
    for letter, shift in (("bc", 16), ("sc", 8), ("i", 0)):
        mask = entry.class_mask >> shift & 0xFF
        if mask not in (0, 0xFF):
            return None
        text += letter + (f"{entry.class_ >> shift & 0xFF:02X}" if mask else "*")
    return text
