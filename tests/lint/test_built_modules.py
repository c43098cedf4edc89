"""``resolver lint`` on modules that the kernel's own build has made."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel

pytestmark = pytest.mark.real

BROKEN = {
    "asks_vfio_pci": "softdep-missing",
    "by_hand_vfio_pci": "alias-without-id",
    "conflict_vfio_pci": "softdep-conflict",
    "dashed_vfio_pci": "driver-name-dash",
    "in_both_vfio_pci": "alias-in-both",
    "lower_case_vfio_pci": "alias-grammar",
    "masked_vfio_pci": "id-without-alias",
    "match_all_vfio_pci": "alias-match-all",
    "no_core_vfio_pci": "core-unused",
    "passthrough": "driver-name-without-vfio",
    "plain_vfio_pci": "alias-plain",
    "renamed_vfio_pci": "driver-name-unrelated",
    "silent_vfio_pci": "alias-none",
    "too_wide_vfio_pci": "id-too-wide",
    "twice_vfio_pci": "alias-duplicate",
    "typo_vfio_pci": "id-unknown",
    "wanting_vfio_pci": "softdep-unknown",
    "wide_vfio_pci": "alias-wide",
}
"""Module to the check that is meant for it."""
TOGETHER = {
    ("good_vfio_pci", "twin_vfio_pci"): {
        ("good_vfio_pci", "alias-tie"),
        ("twin_vfio_pci", "alias-tie"),
    },
    ("closer_vfio_pci", "good_vfio_pci"): {("good_vfio_pci", "alias-shadowed")},
}
"""Modules that are only wrong beside each other."""


def lint(*words: object) -> dict[str, object]:
    """Return the document, without what is said of every module of one's own."""
    command = [sys.executable, "-I", "-m", "resolver", "lint", "--format", "json"]
    command += ["--disable", "unsigned", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    document: dict[str, object] = json.loads(done.stdout)
    assert done.returncode == document["exit_code"]
    return document


def found(document: dict[str, object]) -> set[tuple[str, str]]:
    """Return module and check of each finding."""
    findings = document["findings"]
    assert isinstance(findings, list)
    return {(one["module"], one["id"]) for one in findings}


def test_variants_of_the_tree_are_well(kernel: InstalledKernel, in_tree: Path) -> None:
    """What Linux ships gives neither an error nor a warning."""
    files = sorted(in_tree.glob("*.ko"))
    document = lint("--modules-dir", kernel.modules, *files)

    modules = document["modules"]
    assert isinstance(modules, list)
    assert {(one["module"], *one["drivers"]) for one in modules} == {
        ("mlx5_vfio_pci", "mlx5_vfio_pci"),
        ("pds_vfio_pci", "pds_vfio_pci"),
        ("qat_vfio_pci", "qat_vfio_pci"),
        ("virtio_vfio_pci", "virtio_vfio_pci"),
    }
    assert found(document) == set()


def test_what_is_right_is_left_alone(kernel: InstalledKernel, broken: Path) -> None:
    """The module that the broken ones were made from has nothing wrong."""
    good = broken / "good_vfio_pci.ko"

    assert found(lint("--modules-dir", kernel.modules, good)) == set()
    assert found(lint(good)) == set()


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_is_found(
    kernel: InstalledKernel, broken: Path, name: str
) -> None:
    """By the check that is meant for it, and by no other."""
    document = lint("--modules-dir", kernel.modules, broken / f"{name}.ko")

    assert found(document) == {(name, BROKEN[name])}


@pytest.mark.parametrize("names", TOGETHER, ids=" ".join)
def test_modules_are_compared_with_each_other(
    kernel: InstalledKernel, broken: Path, names: tuple[str, ...]
) -> None:
    """Who is in whose way, and only that."""
    files = [broken / f"{name}.ko" for name in names]

    assert found(lint("--modules-dir", kernel.modules, *files)) == TOGETHER[names]


def test_every_source_is_looked_at(broken: Path) -> None:
    """No module is built and then forgotten."""
    named = {*BROKEN, *(name for names in TOGETHER for name in names)}

    assert {one.stem for one in broken.glob("*.ko")} == named


def test_module_of_another_release_is_told(
    kernel: InstalledKernel, of_another_kernel: Path
) -> None:
    """It may be loaded, and it may not."""
    document = lint("--modules-dir", kernel.modules, of_another_kernel)

    assert found(document) == {("good_vfio_pci", "other-release")}
