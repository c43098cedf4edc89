"""modprobe where modules really come and go."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from simkernel.kmod import depmod
from simkernel.model.modules.spec import ModuleSpec

MakeHost = Callable[[Mapping[str, bytes]], Any]
SPECS = [
    ModuleSpec(name="core", path="kernel/core.ko"),
    ModuleSpec(name="bus", path="kernel/bus.ko", depends=("core",)),
    ModuleSpec(
        name="driver", path="kernel/driver.ko", depends=("bus",), aliases=("pci:v1*",)
    ),
    ModuleSpec(name="other", path="kernel/other.ko", aliases=("pci:v1*",)),
    ModuleSpec(name="image", path="kernel/image.ko", builtin=True),
]


@pytest.fixture
def host(make_host: MakeHost, release: str) -> Any:
    """Return a host with three modules on top of each other, and another."""
    tree = depmod.generate(SPECS, release)
    return make_host(
        {f"/lib/modules/{release}/{path}": tree[path] for path in tree}
        | {"/etc/modprobe.d/empty.conf": b""}
    )


def test_dependencies_are_loaded_first(host: Any) -> None:
    """What a module needs is loaded before it."""
    result = host.run("modprobe", "driver")

    assert (result.returncode, list(host.loaded)) == (0, ["core", "bus", "driver"])


def test_path_of_the_command_does_not_matter(host: Any) -> None:
    """Messages carry the name without directory."""
    result = host.run("/sbin/modprobe", "nosuch")

    assert result.stderr.startswith(b"modprobe: FATAL: Module nosuch not found")


def test_removal_takes_along_what_became_unused(host: Any) -> None:
    """A dependency goes if it is unused when its turn comes, the deepest one first."""
    host.run("modprobe", "driver")
    result = host.run("modprobe", "-r", "-v", "driver")

    assert result.stdout == b"rmmod driver\nrmmod bus\n"
    assert list(host.loaded) == ["core"]


def test_removal_with_holders_goes_upwards_first(host: Any) -> None:
    """--remove-holders unloads the users of a module before it.

    The module then goes as an unused dependency of its user already, and kmod 30
    fails to unload it once more.
    """
    host.run("modprobe", "driver")
    result = host.run("modprobe", "-rv", "--remove-holders", "bus")

    assert result.stdout == b"rmmod driver\nrmmod bus\nrmmod bus\n"
    assert (result.returncode, list(host.loaded)) == (1, ["core"])


def test_module_in_use_is_not_removed(host: Any) -> None:
    """A module with users stays; the command ends at once."""
    host.run("modprobe", "driver")
    result = host.run("modprobe", "-r", "core", "driver")

    assert (result.returncode, len(host.loaded)) == (1, 3)
    assert result.stderr == b"modprobe: FATAL: Module core is in use.\n"


def test_all_goes_on_after_a_module_in_use(host: Any) -> None:
    """With -a each name is tried, and one failure makes the exit code."""
    host.run("modprobe", "driver")
    result = host.run("modprobe", "-ra", "core", "driver")

    assert (result.returncode, list(host.loaded)) == (1, ["core"])
    assert result.stderr == b"modprobe: WARNING: Module core is in use.\n"


def test_waiting_for_a_module_in_use_ends_in_failure(host: Any) -> None:
    """-w asks the kernel, and reports what it says when the time is over."""
    host.run("modprobe", "driver")
    host.loaded["driver"].opened = 1
    result = host.run("modprobe", "-r", "-w", "10", "driver")

    assert result.returncode == 1
    assert result.stderr == (
        b"modprobe: ERROR: could not remove 'driver': "
        b"Resource temporarily unavailable\n"
    )


def test_failing_remove_command_is_reported(host: Any) -> None:
    """The status of a remove command counts."""
    host.files["/etc/modprobe.d/empty.conf"] = b"remove other false\n"
    result = host.run("modprobe", "-r", "other")

    assert result.returncode == 1
    assert result.stderr == (
        b"modprobe: FATAL: Error running remove command for other\n"
    )


def test_circle_of_soft_dependencies_crashes_the_removal(host: Any) -> None:
    """The real command runs out of stack; a shell calls that status 139."""
    host.files["/etc/modprobe.d/empty.conf"] = (
        b"softdep core post: other\nsoftdep other post: core\n"
    )
    host.run("modprobe", "core")
    result = host.run("modprobe", "-r", "core")

    assert (result.returncode, list(host.loaded)) == (139, ["core", "other"])


def test_ordinary_user_may_look_but_not_load(host: Any) -> None:
    """Without privilege the system calls fail, dry runs work."""
    result = host.run("modprobe", "core", uid=1000)
    dry = host.run("modprobe", "-n", "core", uid=1000)

    assert (result.returncode, dry.returncode, host.loaded) == (1, 0, {})
    assert result.stderr == (
        b"modprobe: ERROR: could not insert 'core': Operation not permitted\n"
    )


def test_module_that_is_coming_is_not_in_the_kernel_yet(host: Any) -> None:
    """It is tried again, and the kernel's EEXIST is no failure."""
    host.run("modprobe", "core")
    host.loaded["core"].state = "coming"
    result = host.run("modprobe", "-v", "core")

    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"insmod ")


def test_lost_file_of_a_dependency_is_reported(host: Any, release: str) -> None:
    """The module is then tried without dependencies, and the kernel refuses it."""
    del host.files[f"/lib/modules/{release}/kernel/core.ko"]
    result = host.run("modprobe", "bus")

    lines = result.stderr.decode().splitlines()
    assert lines[0].startswith(
        "modprobe: ERROR: ../libkmod/libkmod-module.c:191 kmod_module_parse_depline()"
    )
    assert lines[0].endswith("error=No such file or directory")
    assert lines[-1].startswith(
        "modprobe: ERROR: could not insert 'bus': Unknown symbol"
    )


def test_every_match_of_an_alias_is_loaded_and_the_last_one_counts(host: Any) -> None:
    """A failure before the last match is only printed."""
    host.files["/etc/modprobe.d/empty.conf"] = b"install driver false\n"
    result = host.run("modprobe", "pci:v1")

    assert (result.returncode, list(host.loaded)) == (0, ["core", "bus", "other"])
    assert b"could not insert 'driver'" in result.stderr


def test_install_command_may_call_modprobe(host: Any) -> None:
    """The inner modprobe loads, with the options that the outer one handed on."""
    host.files["/etc/modprobe.d/empty.conf"] = (
        b"install other /sbin/modprobe -i other && echo done >/dev/null\n"
    )
    result = host.run("modprobe", "-v", "other")

    assert list(host.loaded) == ["other"]
    assert [line.split()[0] for line in result.stdout.splitlines()] == [
        b"insmod",
        b"install",
    ]


def test_error_of_the_kernel_is_put_into_words(host: Any) -> None:
    """Any errno becomes the text of glibc."""

    def refuse(image: bytes, parameters: str) -> None:
        raise OSError(errno.EKEYREJECTED, "")

    host.init_module = refuse
    result = host.run("modprobe", "core")

    assert result.stderr == (
        b"modprobe: ERROR: could not insert 'core': Key was rejected by service\n"
    )


def test_exports_of_a_file_are_listed(host: Any, release: str) -> None:
    """--show-exports prints checksum and name, --dump-modversions needs a section."""
    path = f"/lib/modules/{release}/kernel/core.ko"

    assert host.run("modprobe", "--show-exports", path).stdout == (
        b"0x00000000\tcore_interface\n"
    )
    assert host.run("modprobe", "--dump-modversions", path).returncode == 1


def test_syslog_takes_the_messages_of_the_tool_only(host: Any) -> None:
    """Complaints about the configuration still go to standard error."""
    host.files["/etc/modprobe.d/empty.conf"] = b"bogus\n"
    result = host.run("modprobe", "-s", "nosuch")

    assert result.returncode == 1
    assert result.stderr.count(b"\n") == 1
    assert b"ignoring bad line starting with 'bogus'" in result.stderr
