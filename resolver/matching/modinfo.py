"""The fields in which a module describes itself.

They are in the section ``.modinfo`` of its file, in ``modules.builtin.modinfo`` for all
built-in modules, and in the output of modinfo(8).

Pure: content in, fields out.

Source: Linux, include/linux/moduleparam.h, ``__MODULE_INFO``; kmod, tools/modinfo.c.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

__all__ = [
    "Field",
    "has_signature",
    "printed_modules",
    "section_fields",
    "split_builtin",
]

_SIGNATURE = b"~Module signature appended~\n"


class Field(NamedTuple):
    """One field of a module."""

    key: str
    """``alias``, ``depends``, ``license``, ..."""
    value: str
    line: int = 0
    """Line of the text, from 1; 0 where there are no lines."""


def has_signature(data: bytes) -> bool:
    """Return whether a module is signed.

    :param data: content of the ``.ko`` file, unpacked.

    Source: Linux, include/linux/module_signature.h, ``MODULE_SIG_STRING``.
    """
    return data.endswith(_SIGNATURE)


def section_fields(data: bytes) -> list[Field]:
    """Return the fields of a section ``.modinfo``.

    :param data: ``key=value`` records, each with a NUL.
    """
    found = []
    for record in data.split(b"\0"):
        key, is_set, value = record.decode("utf-8", "backslashreplace").partition("=")
        if is_set:
            found.append(Field(key, value))
    return found


def split_builtin(record: bytes) -> tuple[bytes, bytes, bytes]:
    """Split a record of ``modules.builtin.modinfo``.

    :return: module, key and value.
    """
    module, _, setting = record.partition(b".")
    key, _, value = setting.partition(b"=")
    return module, key, value


def printed_modules(text: str) -> Iterator[list[Field]]:
    """Yield the fields of each module that modinfo(8) has printed.

    A module starts at its ``filename:``. Indented lines continue a value, mostly a
    signature, and are skipped.
    """
    fields: list[Field] = []
    for number, line in enumerate(text.splitlines(), 1):
        key, is_field, value = line.partition(":")
        if not is_field or line[:1].isspace():
            continue
        if key == "filename" and fields:
            yield fields
            fields = []
        fields.append(Field(key, value.strip(), number))
    yield fields
