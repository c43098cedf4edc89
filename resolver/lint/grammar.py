"""The grammar of modpost's aliases, for the buses of VFIO.

Pure: text in, values out.

Source: Linux, scripts/mod/file2alias.c: do_pci_entry(), do_cdx_entry(),
do_fsl_mc_entry(), do_css_entry(), do_ap_entry().
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["FORMS", "PciPattern", "parse_pci", "wrong"]

FORMS: Final = {
    "pci": "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X*",
    "cdx": "cdx:v%04Xd%04Xsv%04Xsd%04Xc%08X",
    "fsl-mc": "fsl-mc:v%08Xd%s",
    "css": "css:t%01X",
    "ap": "ap:t%02X*",
}
"""Bus to the format that modpost prints.

A field without a value is ``*``; no alias ends in two of them.
"""

_PCI_FIELDS: Final = (("v", 8), ("d", 8), ("sv", 8), ("sd", 8), ("bc", 2), ("sc", 2))
_DIGITS: Final = "[0-9A-F]"


def _field(name: str, width: int) -> str:
    return rf"{name}(\*|{_DIGITS}{{{width}}})"


_PCI: Final = "".join(_field(*one) for one in _PCI_FIELDS)
_PATTERNS: Final = {
    "pci": re.compile(rf"(?:vfio_)?pci:{_PCI}i(?:(\*)|({_DIGITS}{{2}})\*)"),
    "cdx": re.compile(
        "(?:vfio_)?cdx:"
        + "".join(_field(name, 4) for name in ("v", "d", "sv", "sd"))
        + _field("c", 8)
    ),
    "fsl-mc": re.compile(rf"(?:vfio_)?fsl-mc:v{_DIGITS}{{8}}d[a-z0-9._-]+"),
    "css": re.compile(rf"(?:vfio_)?css:t{_DIGITS}"),
    "ap": re.compile(rf"(?:vfio_)?ap:t{_DIGITS}{{2}}\*"),
}
_LOOSE: Final = re.compile(r"(sv|sd|bc|sc|v|d|i)([0-9A-F*?\[\]]*)")
_NAMES: Final = [name for name, _ in _PCI_FIELDS] + ["i"]


class PciPattern(NamedTuple):
    """The fields of a PCI alias: hexadecimal digits or ``*``."""

    vendor: str
    device: str
    sub_vendor: str
    sub_device: str
    base_class: str
    sub_class: str
    interface: str

    @property
    def is_anything(self) -> bool:
        """Whether it matches every PCI device."""
        return all(one == "*" for one in self)

    def overlaps(self, other: PciPattern) -> bool:
        """Return whether a device can match both."""
        pairs = zip(self, other, strict=True)
        return all(a == b or "*" in (a, b) for a, b in pairs)


def parse_pci(pattern: str) -> PciPattern | None:
    """Return the fields of a PCI alias; ``None`` if malformed."""
    found = _PATTERNS["pci"].fullmatch(pattern)
    if found is None:
        return None
    vendor, device, sub_vendor, sub_device, base, sub, anything, one = found.groups()
    return PciPattern(
        vendor, device, sub_vendor, sub_device, base, sub, anything or one
    )


def wrong(pattern: str) -> str | None:
    """Return the difference from modpost's format, if any is known."""
    bus, colon, fields = pattern.partition(":")
    bus = bus.removeprefix("vfio_")
    form = _PATTERNS.get(bus)
    if not colon or form is None or form.fullmatch(pattern):
        return None
    if form.fullmatch(f"{pattern}*"):
        return "no * at its end"
    if re.fullmatch(form.pattern.replace(_DIGITS, "[0-9A-Fa-f]"), pattern):
        return "hexadecimal digits in lower case"
    return (_pci_wrong(fields) if bus == "pci" else "") or "it has another format"


def _pci_wrong(fields: str) -> str:
    found = _LOOSE.findall(fields)
    if "".join(name + value for name, value in found) != fields:
        return ""
    names = [name for name, _ in found]
    if names != _NAMES:
        missing = [one for one in _NAMES if one not in names]
        if missing:
            return f"field {missing[0]} is missing"
        return f"the fields are {' '.join(names)}, not {' '.join(_NAMES)}"
    widths = dict(_PCI_FIELDS)
    for name, value in found:
        if name in widths and value != "*" and len(value) != widths[name]:
            return f"{name}{value} has {len(value)} digits, not {widths[name]}"
    return ""
