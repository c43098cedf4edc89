"""Suggestions for misspelled names."""

from __future__ import annotations

import pytest

from resolver.suggest import did_you_mean

NAMES = ("mlx5_vfio_pci", "vfio-pci", "bind", "unbind", "--force", "ens1v0")


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("mlx5_vfio_pc", "mlx5_vfio_pci"),
        ("mlx5-vfio-pci", "mlx5_vfio_pci"),
        ("vfio_pci", "vfio-pci"),
        ("BIND", "bind"),
        ("bidn", "bind"),
        ("--forc", "--force"),
        ("ens1", "ens1v0"),
        ("u", "unbind"),
    ],
)
def test_closest_name_is_suggested(word: str, name: str) -> None:
    """A typo, another case, ``-`` for ``_``, or the start of a name."""
    assert did_you_mean(word, NAMES, "run x") == f"did you mean {name}?"


@pytest.mark.parametrize("word", ["", "zzzzzz", "0000:3b:00.0"])
def test_other_words_get_the_other_hint(word: str) -> None:
    """No name is close, and none is listed."""
    assert did_you_mean(word, NAMES, "run x") == "run x"
    assert did_you_mean(word, ()) == ""
