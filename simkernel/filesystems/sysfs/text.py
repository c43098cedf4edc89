"""Parsers for the text of writes.

:mod:`simkernel.model.core.kstrtox` parses single numbers.
"""

from __future__ import annotations

import re
from errno import EINVAL

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import PAGE_SIZE
from simkernel.model.core.kstrtox import c_string

__all__ = [
    "device_name",
    "name_hash",
    "override",
    "pci_id_fields",
    "synthetic_uevent",
]

_BLANKS = b" \t\n\v\f\r"
_ACTIONS = ("add", "remove", "change", "move", "online", "offline", "bind", "unbind")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PAIR = re.compile(rb"([A-Za-z0-9]+)=([A-Za-z0-9]+)")


def device_name(data: bytes) -> str:
    """Return the device name in a write to ``bind`` and the like.

    The name ends at the first NUL, without one trailing newline. Blanks belong to it.

    Source: lib/string_helpers.c sysfs_streq(). Rule: R-NAME-1.
    """
    return c_string(data).removesuffix(b"\n").decode("latin-1")


def override(data: bytes) -> bytes | None:
    """Return the ``driver_override`` of a write; None: cleared.

    :raises KernelRefusal: EINVAL, a page or more.

    Source: drivers/base/driver.c driver_set_override(). Rules: R-OVERRIDE-1, 2.
    """
    if len(data) >= PAGE_SIZE - 1:
        raise KernelRefusal(EINVAL, "R-OVERRIDE-2")
    return c_string(data).split(b"\n", 1)[0] or None


def pci_id_fields(data: bytes, most: int) -> tuple[int, ...]:
    """Return the numbers of a write to ``new_id`` or ``remove_id``.

    :param most: number of fields that the file parses; it ignores others.
    :raises KernelRefusal: EINVAL, fewer than two numbers.

    Source: drivers/pci/pci-driver.c new_id_store(): sscanf of ``%x``; lib/vsprintf.c
    vsscanf(). Rule: R-NEWID-1.
    """
    rest = c_string(data)
    fields: list[int] = []
    while len(fields) < most:
        rest = rest.lstrip(_BLANKS)
        value, rest = _scan_hex(rest)
        if value is None:
            break
        fields.append(value if len(fields) == 6 else value & 0xFFFFFFFF)
    if len(fields) < 2:
        raise KernelRefusal(EINVAL, "R-NEWID-1")
    return tuple(fields)


def _scan_hex(text: bytes) -> tuple[int | None, bytes]:
    """Parse one ``%x``: return the number, or None, and the rest.

    A ``0x`` without digits is 0.

    Source: lib/vsprintf.c vsscanf().
    """
    digits = re.match(rb"(?:0[xX])?([0-9a-fA-F]*)", text)
    if digits is None or not digits[0]:
        return None, text
    return int(digits[1] or b"0", 16), text[digits.end() :]


def synthetic_uevent(data: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    """Return action and variables of a write to a ``uevent`` file.

    :raises KernelRefusal: EINVAL, an unknown action, or arguments that are not
        ``UUID [KEY=VALUE]...``.

    Source: lib/kobject_uevent.c kobject_synth_uevent(). Rule: R-UEV-3.
    """
    text = data[:-1] if data[-1:] in (b"\n", b"\0") else data
    action, blank, arguments = text.partition(b" ")
    if action.decode("latin-1") not in _ACTIONS or (blank and not arguments):
        raise KernelRefusal(EINVAL, "R-UEV-3")
    if not arguments:
        return action.decode(), (("SYNTH_UUID", "0"),)
    uuid, *pairs = arguments.split(b" ")
    if not _UUID.fullmatch(uuid):
        raise KernelRefusal(EINVAL, "R-UEV-3")
    variables = [("SYNTH_UUID", uuid.decode())]
    for pair in pairs:
        found = _PAIR.fullmatch(pair)
        if found is None:
            raise KernelRefusal(EINVAL, "R-UEV-3")
        variables.append((f"SYNTH_ARG_{found[1].decode()}", found[2].decode()))
    return action.decode(), tuple(variables)


def name_hash(name: str) -> int:
    """Return the hash by which kernfs orders the names in a directory.

    Source: fs/kernfs/dir.c kernfs_name_hash(), include/linux/stringhash.h and
    hash.h hash_long() on 64 bits. Rule: R-MOD-11.
    """
    value = 0
    for byte in name.encode():
        value = (value + (byte << 4) + (byte >> 4)) * 11 & 0xFFFFFFFFFFFFFFFF
    value = (value * 0x61C8864680B583EB & 0xFFFFFFFFFFFFFFFF) >> 32 & 0x7FFFFFFF
    return min(value + 2 if value < 2 else value, 0x7FFFFFFE)
