"""Patterns of texts in a scenario, and fields with them."""

from __future__ import annotations

from dataclasses import field
from typing import Any

__all__ = [
    "ADDRESS",
    "ADDRESS_MEANING",
    "CLASS",
    "ERRNO",
    "IDS",
    "ID_OR_ANY",
    "MASKED_CLASS",
    "MODULE",
    "NAME",
    "NETDEV",
    "NODE_NUMBER",
    "OVERRIDE",
    "PATH",
    "REGION",
    "VF_NETDEV",
    "override_field",
    "text_field",
    "texts_field",
]

ADDRESS = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]"
ADDRESS_MEANING = "a PCI address like 0000:3b:00.0 (lower case, function 0-7)"
IDS = r"[0-9a-f]{4}:[0-9a-f]{4}"
ID_OR_ANY = r"(?:[0-9a-f]{4}|\*):(?:[0-9a-f]{4}|\*)"
CLASS = r"[0-9a-f]{6}"
MASKED_CLASS = r"[0-9a-f]{6}(?:/[0-9a-f]{6})?"
NAME = r"[^/\0\n]{1,255}"
MODULE = r"[A-Za-z0-9_]{1,55}"
PATH = r"(?:/(?!\.\.?(?:/|$))[^/\0]+)+"
ERRNO = r"E[A-Z0-9_]+"
NETDEV = r"[^/\s:{}]{0,15}"
VF_NETDEV = r"(?:[^/\s:{}]|\{index\})*"
NODE_NUMBER = r"\d{1,4}:\d{1,7}"
REGION = r"0x[0-9a-f]{1,16} 0x[0-9a-f]{1,16} (?:direct|direct-relaxable|reserved|msi)"
OVERRIDE = r"[^\0\n]{1,4094}"


def text_field(pattern: str, meaning: str, default: str | None = None) -> Any:
    """Declare a field for a text that matches a pattern."""
    metadata = {"pattern": pattern, "meaning": meaning}
    if default is None:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


def override_field() -> Any:
    """Declare a field for ``driver_override`` at boot."""
    return field(
        default=None, metadata={"pattern": OVERRIDE, "meaning": "one line of text"}
    )


def texts_field(pattern: str, meaning: str) -> Any:
    """Declare a field for a list of texts that match a pattern."""
    return field(default=(), metadata={"pattern": pattern, "meaning": meaning})
