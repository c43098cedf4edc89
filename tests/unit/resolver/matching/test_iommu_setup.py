"""How to turn on an IOMMU; CPU vendors and hypervisors in /proc/cpuinfo."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolver.matching import iommu_setup
from resolver.matching.iommu_setup import Machine, setup_steps

INTEL_ON = (
    "add intel_iommu=on to the kernel command line (with GRUB: to "
    "GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or "
    "grub2-mkconfig -o /boot/grub2/grub.cfg), and reboot"
)


def _tables(*names: str) -> frozenset[str]:
    return frozenset(names)


@pytest.mark.parametrize(
    ("machine", "unconfigured", "expected"),
    [
        (
            Machine(),
            "",
            (
                "turn on VT-d, AMD-Vi or the SMMU in the firmware setup",
                "on Intel also add intel_iommu=on to the kernel command line, "
                "and reboot",
            ),
        ),
        (
            Machine(cpu="Intel"),
            "",
            ("turn on VT-d in the firmware setup", INTEL_ON),
        ),
        (
            Machine(cpu="Intel", firmware_tables=_tables("DMAR", "FACP")),
            "",
            (INTEL_ON,),
        ),
        (
            Machine(
                cpu="Intel",
                command_line=("quiet", "intel_iommu=on"),
                firmware_tables=_tables("FACP"),
            ),
            "",
            ("turn on VT-d in the firmware setup (ACPI table DMAR is missing)",),
        ),
        (
            Machine(
                cpu="AMD",
                command_line=("amd_iommu=off", "iommu=off", "intel_iommu=off"),
                firmware_tables=_tables("IVRS"),
            ),
            "/boot/config-6.12",
            (
                "boot a kernel with CONFIG_AMD_IOMMU=y (not set in /boot/config-6.12)",
                "remove iommu=off and intel_iommu=off and amd_iommu=off from the "
                "kernel command line, and reboot",
            ),
        ),
        (
            Machine(cpu="AMD"),
            "",
            ("turn on AMD-Vi (often called IOMMU) in the firmware setup",),
        ),
        (
            Machine(cpu="Arm", firmware_tables=_tables("DMAR")),
            "x",
            (
                "turn on the SMMU in the firmware setup (ACPI table IORT is missing)",
                "boot a kernel with CONFIG_ARM_SMMU_V3=y (not set in x)",
            ),
        ),
        (
            Machine(firmware_tables=_tables("FACP"), command_line=("iommu=off",)),
            "",
            (
                "remove iommu=off from the kernel command line, and reboot",
                "on Intel also add intel_iommu=on to the kernel command line, "
                "and reboot",
            ),
        ),
        (
            Machine(cpu="Intel", is_guest=True),
            "x",
            (
                "add a virtual IOMMU to this virtual machine on its host, or do "
                "without isolation: add 'options vfio enable_unsafe_noiommu_mode=1' "
                "to /etc/modprobe.d",
            ),
        ),
    ],
)
def test_steps_follow_from_the_machine(
    machine: Machine, unconfigured: str, expected: tuple[str, ...]
) -> None:
    """Firmware, kernel, command line: only what is missing."""
    assert expected == setup_steps(machine, unconfigured)
    if not unconfigured:
        assert expected == setup_steps(machine)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor\n", ("Intel", True)),
        (b"vendor_id\t: AuthenticAMD\nflags\t\t: fpu\n", ("AMD", False)),
        (b"vendor_id\t: HygonGenuine\nflags\t\t: hypervisors\n", ("AMD", False)),
        (b"CPU implementer\t: 0x41\n", ("Arm", False)),
        (b"model\t: hypervisor\nvendor_id\t: GenuineTMx86\n", ("", False)),
        (b"\xff\nflags: hypervisor\nflags: fpu\n", ("", True)),
        (b"flags: fpu\nflags: hypervisor\n", ("", False)),
        (b"", ("", False)),
    ],
)
def test_cpu_says_vendor_and_hypervisor(
    data: bytes, expected: tuple[str, bool]
) -> None:
    """/proc/cpuinfo shows the vendor, and whether this is a guest."""
    assert expected == (iommu_setup.cpu_vendor(data), iommu_setup.is_virtual(data))
    assert iommu_setup.is_virtual(data) is expected[1]


@given(st.binary())
def test_any_content_of_cpuinfo_is_read(data: bytes) -> None:
    """No content raises an error."""
    iommu_setup.cpu_vendor(data)
    iommu_setup.is_virtual(data)
