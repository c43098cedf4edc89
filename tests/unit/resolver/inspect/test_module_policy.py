"""Lines of modprobe.d and the kernel command line that keep a module out."""

from __future__ import annotations

import pytest

from resolver.inspect.modprobe_d import statements
from resolver.inspect.module_policy import (
    command_line_prohibition,
    module_options,
    prohibition_in,
)


def find(text: str, module: str = "mlx5_vfio_pci") -> tuple[str, str, bool] | None:
    """Return text, place and certainty of what one file says."""
    files = [("/etc/modprobe.d/a.conf", text.encode())]
    found = prohibition_in(statements(files), module)
    return found and (found.text, found.where, found.is_certain)


def test_blacklist_names_file_and_line() -> None:
    """Dashes and underscores are the same, blanks do not matter."""
    assert find("# comment\n\n  blacklist\tmlx5-vfio-pci\n") == (
        "blacklist mlx5-vfio-pci",
        "/etc/modprobe.d/a.conf line 3",
        True,
    )


@pytest.mark.parametrize("command", ["/bin/true", "/bin/false", "/usr/bin/false", ":"])
def test_install_line_that_does_nothing_is_a_prohibition(command: str) -> None:
    """People keep modules out with commands that load none."""
    found = find(f"install mlx5_vfio_pci {command}\n")
    assert found is not None
    assert found[2]


def test_install_line_with_another_command_may_load_the_module() -> None:
    """Only trying tells."""
    found = find("install mlx5_vfio_pci modprobe --ignore-install mlx5_vfio_pci\n")
    assert found is not None
    assert not found[2]


def test_continued_line_is_one_line() -> None:
    """Its number is that of its first part."""
    found = find("options a b=1\nblacklist \\\n mlx5_vfio_pci\n")
    assert found == ("blacklist mlx5_vfio_pci", "/etc/modprobe.d/a.conf line 2", True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "blacklist mlx5_core\n",
        "#blacklist mlx5_vfio_pci\n",
        "options mlx5_vfio_pci a=1\n",
        "blacklist\n",
        "Blacklist mlx5_vfio_pci\n",
    ],
)
def test_other_lines_prohibit_nothing(text: str) -> None:
    """Keywords are case-sensitive, and names must be the module's."""
    assert find(text) is None


def test_kernel_command_line_may_blacklist() -> None:
    """modprobe reads it, too."""
    line = b"ro quiet modprobe.blacklist=nouveau,mlx5-vfio-pci\n"
    found = command_line_prohibition(line, "mlx5_vfio_pci")
    assert found is not None
    assert found.where == "the kernel command line"
    assert command_line_prohibition(line, "vfio_pci") is None


def test_the_kernel_has_a_list_of_its_own() -> None:
    """In ``module_blacklist=`` a dash is no underscore, as the kernel compares."""
    line = b"quiet module_blacklist=vfio-pci,mlx5_vfio_pci\n"
    found = command_line_prohibition(line, "mlx5_vfio_pci")
    assert found is not None
    assert found.where == "the kernel command line"
    assert command_line_prohibition(line, "vfio_pci") is None


def test_options_come_from_files_and_command_line() -> None:
    """Dashes are underscores, a bool may have no value, the command line wins."""
    files = [("/a", b"options vfio-pci ids=1 \\\n disable_denylist=1\noptions a b=0\n")]
    found = module_options(statements(files), ["quiet", "a.b", "root=x.y"])
    assert found == {
        "vfio_pci.ids": "Y",
        "vfio_pci.disable_denylist": "Y",
        "a.b": "Y",
    }
