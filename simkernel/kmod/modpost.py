"""Generate the aliases of a driver's id table.

Source: scripts/mod/file2alias.c, a function ``do_<bus>_entry`` for each bus; order
observed on modules built with GCC. Rule: R-ALIAS-3.
"""

from __future__ import annotations

from collections.abc import Iterable

from simkernel.model.core.driver_spec import ANY_ID, DriverSpec, PciId

__all__ = ["aliases"]


def aliases(drivers: Iterable[DriverSpec]) -> tuple[str, ...]:
    """Return the aliases of all tables, in ``.modinfo`` order.

    That is the reverse order of the table. An entry that no alias can express, such as
    a class mask with partial bytes, has none.
    """
    made: list[str | None] = []
    for driver in drivers:
        made += [_pci_alias(entry) for entry in driver.ids]
        made += [_other_alias(driver.bus, entry) for entry in driver.match]
    return tuple(text for text in reversed(made) if text is not None)


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


def _other_alias(bus: str, entry: str) -> str | None:
    if bus == "platform":
        return f"platform:{entry}"
    if bus == "amba":
        return f"amba:d{_nibbles(entry)}"
    if bus == "fsl-mc":
        vendor, _, kind = entry.partition(":")
        return f"fsl-mc:v{int(vendor, 16):08X}d{kind}"
    if bus == "cdx":
        return _cdx_alias(entry)
    if bus == "css":
        return f"css:t{int(entry, 16):01X}"
    if bus == "ap":
        return f"ap:t{int(entry, 16):02X}*"
    return None


def _nibbles(entry: str) -> str:
    """Return a masked number with ``?`` for unmasked digits.

    A partially masked digit becomes a bracket with all possible digits.
    """
    value, _, mask = entry.partition("/")
    text = ""
    for digit, fixed in zip(value, mask or "f" * len(value), strict=True):
        bits, kept = int(digit, 16), int(fixed, 16)
        fitting = [f"{one:X}" for one in range(16) if not (one ^ bits) & kept]
        text += {16: "?", 1: fitting[0]}.get(len(fitting), f"[{''.join(fitting)}]")
    return text


def _cdx_alias(entry: str) -> str:
    """``vfio 10ee:8084`` with up to three more fields; ``*`` for any."""
    prefix, _, rest = entry.rpartition(" ")
    fields = (rest.split(":") + ["*"] * 5)[:5]
    texts = [
        "*" if field == "*" else f"{int(field, 16):0{width}X}"
        for field, width in zip(fields, (4, 4, 4, 4, 8), strict=True)
    ]
    letters = zip(("v", "d", "sv", "sd", "c"), texts, strict=True)
    start = "vfio_cdx:" if prefix == "vfio" else "cdx:"
    return start + "".join(f"{letter}{text}" for letter, text in letters)
