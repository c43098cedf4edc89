"""What keeps a module from being loaded, on captured hosts and on live ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from resolver.inspect.module_loading import find_prohibition, parameter_of
from resolver.linux import Host
from simkernel.kmod import depmod
from tests.modprobe_lines import COMMAND_LINES, LINES, MODULES

RELEASE = "6.6.6-zz"
TREE = depmod.generate(MODULES, RELEASE)


def captured(root: Path, files: dict[str, str]) -> Host:
    """Return a captured host with all modules and some files."""
    lists = {
        f"lib/modules/{RELEASE}/{name}": data
        for name, data in TREE.items()
        if name.startswith("modules.")
    }
    for name, data in {**lists, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return Host.below(str(root))


def verdict(host: Host, module: str) -> str:
    """Return the verdict about a module in the words of the table."""
    found = find_prohibition(host, module)
    if found is None:
        return "loads"
    place = found.where.rpartition(" line ")[2]
    return f"{'no' if found.is_certain else 'runs'} {place}"


@pytest.mark.parametrize(("text", "module", "expected"), LINES)
def test_lines_of_people(text: str, module: str, expected: str, tmp_path: Path) -> None:
    """Each line has the effect of the table."""
    host = captured(tmp_path, {"etc/modprobe.d/a.conf": text})
    assert verdict(host, module) == expected


@pytest.mark.parametrize(("text", "module", "expected"), COMMAND_LINES)
def test_kernel_command_lines(
    text: str, module: str, expected: str, tmp_path: Path
) -> None:
    """modprobe reads some words of the kernel command line."""
    host = captured(tmp_path, {"proc/cmdline": f"{text}\n"})
    assert verdict(host, module).replace(" the kernel command line", "") == expected


@pytest.mark.parametrize("name", ["vfio_pci", "vfio_pci_core"])
def test_the_kernel_refuses_modules_of_its_own_list(name: str, tmp_path: Path) -> None:
    """Also those that the module needs."""
    host = captured(tmp_path, {"proc/cmdline": f"module_blacklist={name}"})
    found = find_prohibition(host, "vfio_pci")
    assert found is not None
    assert (found.module, found.where) == (name, "the kernel command line")


def test_files_with_other_names_do_not_count(tmp_path: Path) -> None:
    """Neither do directories; a link to nothing hides a file of its name."""
    line = "blacklist vfio_pci\n"
    host = captured(
        tmp_path,
        {
            "etc/modprobe.d/.x.conf": line,
            "etc/modprobe.d/x.conf~": line,
            "etc/modprobe.d/y.conf/z.conf": line,
            "lib/modprobe.d/masked.conf": line,
        },
    )
    (tmp_path / "etc/modprobe.d/masked.conf").symlink_to("/dev/null")
    assert find_prohibition(host, "vfio_pci") is None


def test_alias_files_count(tmp_path: Path) -> None:
    """They have the same grammar as ``*.conf``."""
    host = captured(tmp_path, {"etc/modprobe.d/x.alias": "blacklist vfio_pci\n"})
    assert verdict(host, "vfio_pci") == "no 1"


def test_a_host_without_lists_is_judged_by_its_lines(tmp_path: Path) -> None:
    """The module is assumed to be there, and soft dependencies to be built in."""
    path = tmp_path / "etc/modprobe.d/x.conf"
    path.parent.mkdir(parents=True)
    host = Host.below(str(tmp_path))
    path.write_text("install vfio_pci /bin/false\n")
    assert verdict(host, "vfio_pci") == "no 1"
    path.write_text("install vfio_pci /bin/false\nsoftdep vfio_pci pre: irqbypass\n")
    assert verdict(Host.below(str(tmp_path)), "vfio_pci") == "loads"


def test_parameters_come_from_lines_and_command_line(tmp_path: Path) -> None:
    """The command line wins."""
    host = captured(
        tmp_path,
        {
            "etc/modprobe.d/a.conf": "options vfio enable_unsafe_noiommu_mode=0\n",
            "proc/cmdline": "vfio.enable_unsafe_noiommu_mode=1\n",
        },
    )
    assert parameter_of(host, "vfio", "enable_unsafe_noiommu_mode") == "Y"
