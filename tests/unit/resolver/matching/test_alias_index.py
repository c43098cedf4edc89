"""The index finds what a search through all entries finds."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from resolver.matching.alias_files import AliasEntry, read_modules_alias
from resolver.matching.alias_index import AliasLookup
from resolver.matching.generic import describes_all
from resolver.matching.glob import matches, wildcards


def entry(pattern: str, module: str = "m") -> AliasEntry:
    """Return an entry of modules.alias."""
    return AliasEntry(pattern, module, "modules.alias", 1)


patterns = st.lists(st.text("ab:*?[]", min_size=1, max_size=6), max_size=8)


@given(patterns=patterns, text=st.text("ab:", max_size=6))
def test_best_is_the_first_with_the_fewest_stars(
    patterns: list[str], text: str
) -> None:
    """The index finds what a search finds; patterns for all devices rank last."""
    entries = [entry(pattern, f"m{n}") for n, pattern in enumerate(patterns)]
    expected = [e for e in entries if matches(e.pattern, text)]
    expected.sort(key=lambda e: (describes_all(e.pattern), wildcards(e.pattern)))
    lookup = AliasLookup(entries)
    assert [e for _, e in lookup.matching(text)] == expected
    assert lookup.best(text) == (expected[0] if expected else None)


def test_pattern_without_colon_is_tried_on_every_bus() -> None:
    """A wildcard before the colon may stand for any bus."""
    lookup = AliasLookup([entry("vfio_[pq]ci:v1"), entry("vfio_pci:v2")])
    assert lookup.best("vfio_pci:v1") is not None
    assert lookup.best("vfio_qci:v1") is not None
    assert lookup.best("vfio_qci:v2") is None


def test_every_variant_is_found_for_its_device(variant_aliases: bytes) -> None:
    """Each in-tree alias wins over the generic one for a device of its kind."""
    lookup = AliasLookup(read_modules_alias(variant_aliases, "x").entries)
    for one in lookup.entries:
        text = one.pattern.replace("*", "00")
        assert lookup.best(text) == one


def test_stock_kernel_has_the_generic_driver_for_any_pci_device(debian: Path) -> None:
    """Without variants the match-all alias of vfio_pci is what there is."""
    data = (debian / "modules.alias").read_bytes()
    lookup = AliasLookup(read_modules_alias(data, "x").entries)
    found = lookup.best("vfio_pci:v00008086d00001572sv00008086sd00000000bc02sc00i00")
    assert found is not None
    assert found.module == "vfio_pci"
