"""Names of vendors and devices, from the database ``pci.ids``.

Pure: content of the file in, names out. Each look-up searches the bytes, because
parsing all 40,000 lines takes longer.

Source: pci.ids(5); https://pci-ids.ucw.cz/.
"""

from __future__ import annotations

import re
from typing import Final

__all__ = ["Names"]

_NEXT_VENDOR: Final = re.compile(rb"^[0-9a-fC]", re.MULTILINE)


class Names:
    """The names of PCI vendors and devices.

    :param data: content of the file; empty if the host has none.
    """

    def __init__(self, data: bytes = b"") -> None:
        self._data = b"\n" + data
        self.is_there = bool(data)
        self._vendors: dict[str, tuple[str, bytes]] = {}

    def has(self, vendor: str, device: str) -> bool:
        """Return whether a device is listed.

        :param vendor: four lower-case hexadecimal digits; likewise ``device``.
        """
        return bool(self._device(vendor, device))

    def of(self, vendor: str, device: str) -> str:
        """Return the name of a device; empty if its vendor is unknown."""
        name = self._vendor(vendor)[0]
        if not name:
            return ""
        known = self._device(vendor, device)
        return f"{name} {known}" if known else f"{name}, unlisted device"

    def _device(self, vendor: str, device: str) -> str:
        return _name_after(self._vendor(vendor)[1], f"\n\t{device}  ")

    # The name of the vendor, and the lines of its devices.
    def _vendor(self, vendor: str) -> tuple[str, bytes]:
        if vendor not in self._vendors:
            self._vendors[vendor] = self._find(vendor)
        return self._vendors[vendor]

    def _find(self, vendor: str) -> tuple[str, bytes]:
        at = self._data.find(f"\n{vendor}  ".encode())
        if at < 0:
            return "", b""
        end = self._data.find(b"\n", at + 1)
        following = _NEXT_VENDOR.search(self._data, end + 1) if end >= 0 else None
        part = self._data[at : following.start() if following else len(self._data)]
        return _name_after(part, f"\n{vendor}  "), part


def _name_after(data: bytes, start: str) -> str:
    at = data.find(start.encode())
    if at < 0:
        return ""
    at += len(start)
    end = data.find(b"\n", at)
    name = data[at : end if end >= 0 else len(data)]
    return name.decode("utf-8", "replace").strip()
