"""Spellings of module names."""

from __future__ import annotations

import pytest

from simkernel.kmod.names import (
    has_module_suffix,
    normalize_alias,
    normalize_module_name,
    path_to_module_name,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a-b", "a_b"), ("a-[b-c]-d", "a_[b-c]_d"), ("[[-]x-", "[[-]x_"), ("", "")],
)
def test_alias_keeps_dashes_in_brackets(text: str, expected: str) -> None:
    """Dashes become underscores elsewhere."""
    assert normalize_alias(text) == expected


@pytest.mark.parametrize("text", ["a]", "[a", "[a]]", "]["])
def test_alias_with_half_a_bracket_is_refused(text: str) -> None:
    """A bracket without partner is an error."""
    with pytest.raises(ValueError, match="unmatched bracket"):
        normalize_alias(text)


def test_module_name_ends_at_the_first_dot() -> None:
    """Suffixes are cut off, whatever they are."""
    assert normalize_module_name("vfio-pci.ko.xz") == "vfio_pci"
    assert path_to_module_name("/a/b.c/vfio-pci.ko") == "vfio_pci"


def test_suffix_needs_a_name_before_it() -> None:
    """Plain, xz and zstd are known, gzip is not."""
    found = [has_module_suffix(name) for name in ("a.ko", "a.ko.xz", "a.ko.gz", ".ko")]

    assert found == [True, True, False, False]
