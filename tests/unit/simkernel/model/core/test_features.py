"""Kernel releases and what changes with them."""

from __future__ import annotations

import dataclasses

import pytest

from simkernel.model.core.features import Features, parse_release

FIRST = {
    "bind_reports_probe_errno": (5, 13),
    "flattens_overflow": (5, 13),
    "bool_takes_true": (5, 18),
    "power_state": (5, 11),
    "reset_method": (5, 15),
    "vf_msix": (5, 13),
    "override_only_ids": (5, 16),
    "new_id_refuses_duplicates": (5, 16),
    "vfio_dev": (6, 1),
    "builtin_table_aliases": (6, 18),
    "driver_makes_module": (6, 12),
    "vfio_runtime_pm": (5, 19),
    "vfio_fs": (6, 10),
    "lazy_dma": (5, 15),
    "add_honours_autoprobe": (7, 0),
}
"""The first release with each feature."""


def test_every_feature_has_a_first_release() -> None:
    """The table is complete."""
    assert set(FIRST) == {one.name for one in dataclasses.fields(Features)}


@pytest.mark.parametrize("name", sorted(FIRST))
def test_feature_begins_with_its_release(name: str) -> None:
    """The release before does not have it, nor does the major one before."""
    major, minor = FIRST[name]
    before = (major, minor - 1) if minor else (major - 1, 99)

    for version, expected in (
        (before, False),
        ((major - 1, 99), False),
        ((major, minor), True),
        ((major, minor + 1), True),
        ((major + 1, 0), True),
    ):
        features = Features.of_release("{}.{}.7-test".format(*version))
        assert expected is getattr(features, name), version


@pytest.mark.parametrize(
    ("release", "expected"),
    [("6.12.117+deb12", (6, 12)), ("6.1", (6, 1)), ("10.20-rc3", (10, 20))],
)
def test_release_has_major_and_minor_number(
    release: str, expected: tuple[int, int]
) -> None:
    """The rest of ``uname -r`` does not count."""
    assert expected == parse_release(release)


@pytest.mark.parametrize("release", ["", "6", "6.x", "v6.12", " 6.12"])
def test_other_text_is_no_release(release: str) -> None:
    """The message shows the text and a valid one."""
    with pytest.raises(ValueError, match=r"must begin like 6\.12, as uname") as caught:
        parse_release(release)
    assert str(caught.value).startswith(repr(release))
