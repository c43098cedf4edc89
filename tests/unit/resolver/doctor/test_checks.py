"""What doctor says about a host's facts, and that its document has every id."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from resolver.device import Binding, Device
from resolver.doctor.checks import judge
from resolver.doctor.checks.variants import VARIANTS
from resolver.doctor.facts import Facts, KernelConfig, ModuleFacts, Node, Wanted
from resolver.doctor.finding import Finding
from resolver.inspect.module_policy import Prohibition
from resolver.matching import intree
from resolver.matching.alias_files import FileWarning
from resolver.matching.denylist import DENIED

DOCUMENT = Path(__file__).parents[4] / "docs" / "doctor.md"
CHECKS = Path(__file__).parents[4] / "resolver" / "doctor" / "checks"

CONFIG = KernelConfig(
    "/boot/config-6.12.0", {"VFIO": "m", "VFIO_PCI": "m", "INTEL_IOMMU": "y"}
)


def device(kind: str = "15b3:101e", group: str | None = "2") -> Device:
    return Device(
        bus="pci",
        name="0000:3b:00.2",
        modalias=None,
        binding=Binding(None, None),
        vendor_device=kind,
        iommu_group=group,
    )


HEALTHY = Facts(
    release="6.12.0",
    cpu="Intel",
    iommu_groups=4,
    config=CONFIG,
    wanted=(Wanted(device(), "mlx5_vfio_pci", None),),
    modules={"mlx5_vfio_pci": ModuleFacts("", None, None)},
)


def ids(facts: Facts) -> list[str]:
    return [finding.id for finding in judge(facts)]


def only(facts: Facts) -> Finding:
    (found,) = judge(facts)
    return found


def with_parameter(name: str, value: str) -> Facts:
    return replace(HEALTHY, parameters={name: value})


def with_module(**facts: object) -> Facts:
    module = ModuleFacts("", None, None)._replace(**facts)  # type: ignore[arg-type]  # test helper
    return replace(HEALTHY, modules={"mlx5_vfio_pci": module})


BLACKLIST = Prohibition(
    "blacklist", "blacklist mlx5_vfio_pci", "/x line 1", True, "mlx5_vfio_pci"
)
INSTALL = Prohibition(
    "install", "install mlx5_vfio_pci /x", "/x line 1", False, "mlx5_vfio_pci"
)


def test_a_host_without_fault_has_no_finding() -> None:
    """A host on which everything is as it should be is told nothing."""
    assert ids(HEALTHY) == []


@pytest.mark.parametrize(
    ("severity", "expected", "facts"),
    [
        ("problem", "iommu-off", replace(HEALTHY, iommu_groups=0)),
        (
            "warning",
            "iommu-leaves-out",
            replace(HEALTHY, wanted=(Wanted(device(group=None), "vfio_pci", None),)),
        ),
        (
            "warning",
            "noiommu-mode",
            with_parameter("vfio.enable_unsafe_noiommu_mode", "Y"),
        ),
        (
            "warning",
            "unsafe-interrupts",
            with_parameter("vfio_iommu_type1.allow_unsafe_interrupts", "Y"),
        ),
        (
            "problem",
            "interrupts-not-remapped",
            replace(HEALTHY, command_line=("intremap=off",)),
        ),
        (
            "problem",
            "interrupts-not-remapped",
            replace(HEALTHY, iommu_capabilities=(0xF0, 0x1)),
        ),
        ("note", "config-unknown", replace(HEALTHY, config=None)),
        (
            "problem",
            "config-without-vfio",
            replace(HEALTHY, config=KernelConfig("/c", {"VFIO": "n"})),
        ),
        (
            "problem",
            "config-without-vfio",
            replace(
                HEALTHY,
                config=KernelConfig("/c", {**CONFIG.settings, "VFIO_CONTAINER": "n"}),
            ),
        ),
        (
            "problem",
            "aliases-missing",
            replace(HEALTHY, alias_notes=("/lib/modules/x is not there",)),
        ),
        (
            "warning",
            "aliases-broken",
            replace(HEALTHY, alias_warnings=(FileWarning("/x", 3, "truncated"),)),
        ),
        (
            "warning",
            "variant-missing",
            replace(HEALTHY, wanted=(Wanted(device(), "vfio_pci", "mlx5_vfio_pci"),)),
        ),
        ("problem", "module-prohibited", with_module(prohibition=BLACKLIST)),
        ("warning", "module-prohibited", with_module(prohibition=INSTALL)),
        (
            "note",
            "signed-modules-only",
            replace(with_module(is_signed=True), lockdown="integrity"),
        ),
        (
            "problem",
            "module-unsigned",
            replace(with_module(is_signed=False), lockdown="integrity"),
        ),
        (
            "problem",
            "module-unsigned",
            replace(with_module(is_signed=False), is_signature_enforced=True),
        ),
        (
            "warning",
            "denylisted",
            replace(HEALTHY, wanted=(Wanted(device("8086:37c9"), "vfio_pci", None),)),
        ),
        (
            "warning",
            "container-closed",
            replace(HEALTHY, nodes=(Node("/dev/vfio/vfio", 0o660, 0, 0),)),
        ),
        (
            "warning",
            "node-open-to-all",
            replace(HEALTHY, nodes=(Node("/dev/vfio/7", 0o666, 0, 0),)),
        ),
        (
            "note",
            "node-of-root",
            replace(HEALTHY, nodes=(Node("/dev/vfio/7", 0o600, 0, 0),)),
        ),
        ("note", "kernel-unchecked", replace(HEALTHY, release="7.9.1")),
        ("note", "kernel-unchecked", replace(HEALTHY, release="4.19.0")),
    ],
)
def test_each_fault_is_found_alone(severity: str, expected: str, facts: Facts) -> None:
    """One thing that is wrong leads to one finding, with its severity and advice."""
    found = only(facts)
    assert (expected, severity) == (found.id, found.severity)
    assert found.advice or found.id in ("iommu-leaves-out", "signed-modules-only")


@pytest.mark.parametrize(
    "facts",
    [
        with_parameter("vfio_pci.disable_denylist", "Y"),
        replace(HEALTHY, wanted=(Wanted(device("8086:37c9"), "qat_vfio_pci", None),)),
        replace(HEALTHY, nodes=(Node("/dev/vfio/vfio", 0o666, 0, 0),)),
        replace(HEALTHY, nodes=(Node("/dev/vfio/7", 0o660, 0, 107),)),
        replace(
            HEALTHY,
            nodes=(Node("/dev/vfio/7", 0o600, 0, 0),),
            node_rules=("/etc/udev/rules.d/10-vfio.rules",),
        ),
        replace(HEALTHY, iommu_capabilities=(0x1, 0x8)),
        replace(HEALTHY, release="6.18.0"),
    ],
)
def test_what_is_in_order_is_not_mentioned(facts: Facts) -> None:
    """What somebody has set right, or what holds for one of several, is no finding."""
    assert ids(facts) == []


def advice(**facts: object) -> str:
    host = replace(HEALTHY, iommu_groups=0, **facts)  # type: ignore[arg-type]  # test helper
    return " | ".join(only(host).advice)


def test_iommu_advice_is_for_the_cpu() -> None:
    """Only Intel needs a word on the command line; all need the firmware's switch."""
    assert "intel_iommu=on" in advice()
    assert "VT-d" in advice()
    amd = advice(
        cpu="AMD", config=KernelConfig("/c", {**CONFIG.settings, "AMD_IOMMU": "y"})
    )
    assert ("AMD-Vi" in amd, "intel_iommu" in amd) == (True, False)


def test_iommu_advice_heeds_what_the_firmware_and_command_line_say() -> None:
    """Where the ACPI table is there the firmware is not to blame; the word may be."""
    present = advice(firmware_tables=frozenset({"DMAR"}))
    assert ("firmware" in present, "intel_iommu=on" in present) == (False, True)
    assert "ACPI table DMAR is missing" in advice(firmware_tables=frozenset({"APIC"}))
    assert "remove iommu=off" in advice(command_line=("iommu=off",))
    assert "add intel_iommu=on" not in advice(command_line=("intel_iommu=on",))
    assert "virtual machine" in advice(is_guest=True)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"MLX5_VFIO_PCI": "n"}, "ask the distributor of the kernel for CONFIG_MLX5"),
        ({"MLX5_VFIO_PCI": "m"}, "linux-modules-extra-6.12.0"),
        ({}, "its dependencies: CONFIG_MLX5_CORE"),
        ({"MLX5_CORE": "m"}, "Linux 5.18 or later"),
    ],
)
def test_a_missing_variant_is_explained_by_the_configuration(
    settings: dict[str, str], expected: str
) -> None:
    """Not set, not installed, out of reach and not yet there have each their advice."""
    config = KernelConfig("/c", {**CONFIG.settings, **settings})
    wanted = (Wanted(device(), "vfio_pci", "mlx5_vfio_pci"),)
    found = only(replace(HEALTHY, config=config, wanted=wanted))
    assert expected in found.advice[0]


def test_the_worst_comes_first() -> None:
    """Findings are sorted by severity."""
    facts = replace(
        HEALTHY, config=None, iommu_groups=0, nodes=(Node("/dev/vfio/7", 6, 1, 1),)
    )
    assert [one.severity for one in judge(facts)] == ["problem", "warning", "note"]


def test_the_variants_are_those_of_the_table_of_devices() -> None:
    """Each variant whose devices are known is known to the kernel's configuration."""
    assert list(intree.PCI_VARIANTS) == list(VARIANTS)


def test_the_denylist_is_in_no_variant() -> None:
    """Devices on the denylist have no variant driver in Linux."""
    variants = {
        f"{vendor}:{one}".lower()
        for vendor, ones in intree.PCI_VARIANTS.values()
        for one in ones.split()
    }
    assert set() == variants & DENIED.keys()


def test_every_id_is_in_the_document() -> None:
    """docs/doctor.md has a row for each id in the code, and no other."""
    code = "".join(path.read_text() for path in CHECKS.glob("*.py"))
    in_code = re.findall(r'id="([a-z-]+)"', code)
    rows = re.findall(
        r"^\| `([a-z-]+)` \| (problem|warning|note)", DOCUMENT.read_text(), re.M
    )
    assert sorted(set(in_code)) == sorted(name for name, _ in rows)
