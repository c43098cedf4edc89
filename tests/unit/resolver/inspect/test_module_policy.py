"""Commands that load nothing, the kernel command line, and parameters."""

from __future__ import annotations

import pytest

from resolver.inspect.modprobe_d import statements
from resolver.inspect.module_policy import (
    command_line_statements,
    kernel_blacklist,
    loads_nothing,
    module_options,
)


@pytest.mark.parametrize(
    "command",
    ["/bin/true", "/bin/false", "/usr/bin/false", ":", "exit 1", "  ", "true; exit 0",
     "/bin/true $CMDLINE_OPTS", "/bin/false # CIS 1.1", "echo disabled; /bin/false"],
)  # fmt: skip
def test_programs_that_load_nothing(command: str) -> None:
    """People keep modules out with these commands."""
    assert loads_nothing(command)


@pytest.mark.parametrize(
    "command",
    ["modprobe --ignore-install mlx5_vfio_pci", "/bin/true && modprobe -i x",
     "/sbin/vfio-pci-override.sh", "echo $(modprobe -i x)", "true\nmodprobe -i x",
     "true | modprobe -i x", "`modprobe -i x`", "{ modprobe -i x; }", "'modprobe' x"],
)  # fmt: skip
def test_other_commands_may_load_the_module(command: str) -> None:
    """Only trying tells."""
    assert not loads_nothing(command)


def test_modprobe_compares_names_of_the_command_line_as_they_are_written() -> None:
    """A name with a dash has no effect there; parameters are options."""
    line = b'ro quiet modprobe.blacklist=nouveau,mlx5-vfio-pci vfio-pci.ids="1 2"\n'
    found = [(one.keyword, one.name, one.rest) for one in command_line_statements(line)]
    assert found == [
        ("blacklist", "nouveau", ""),
        ("blacklist", "mlx5-vfio-pci", ""),
        ("options", "vfio_pci", 'ids="1 2"'),
    ]


def test_the_kernel_has_a_list_of_its_own() -> None:
    """The last ``module_blacklist=`` counts, and its names are compared exactly."""
    line = b"module_blacklist=a quiet module_blacklist=vfio-pci,mlx5_vfio_pci\n"
    assert sorted(kernel_blacklist(line)) == ["mlx5_vfio_pci", "vfio-pci"]


def test_options_come_from_files_and_command_line() -> None:
    """Dashes are underscores, a bool may have no value, the last line wins."""
    files = [("/a", b"options vfio-pci ids=1 \\\n disable_denylist=1\noptions a b=0\n")]
    configuration = [*statements(files), *command_line_statements(b"quiet a.b r=x.y")]
    assert module_options(configuration) == {
        "vfio_pci.ids": "Y",
        "vfio_pci.disable_denylist": "Y",
        "a.b": "Y",
    }
