"""rmmod, insmod, lsmod, modinfo and depmod on a simulated host."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from simkernel.kmod import commands, depmod
from simkernel.kmod.context import Context
from simkernel.model.modules.spec import ModuleSpec, ParameterSpec

MakeHost = Callable[[Mapping[str, bytes]], Any]
SPECS = [
    ModuleSpec(
        name="plug",
        path="kernel/plug.ko",
        parameters=(ParameterSpec(name="count"), ParameterSpec(name="size")),
    ),
    ModuleSpec(name="user", path="kernel/user.ko", depends=("plug",)),
    ModuleSpec(
        name="image",
        path="kernel/drivers/image.ko",
        builtin=True,
        aliases=("pci:v1*", "char-major-10-1"),
    ),
]


@pytest.fixture
def host(make_host: MakeHost, release: str) -> Any:
    """Return a host with a module, its user, and a built-in module."""
    tree = depmod.generate(SPECS, release)
    files = {f"/lib/modules/{release}/{path}": tree[path] for path in tree}
    return make_host(files | {"/plug.ko": tree["kernel/plug.ko"]})


def test_rmmod_names_the_holders(host: Any) -> None:
    """Users of a module are listed, and it stays."""
    host.run("modprobe", "user")
    result = host.run("rmmod", "plug")

    assert (result.returncode, len(host.loaded)) == (1, 2)
    assert result.stderr == b"rmmod: ERROR: Module plug is in use by: user\n"


def test_rmmod_of_an_opened_module_has_no_names_to_tell(host: Any) -> None:
    """An open device counts as a user without name."""
    host.run("modprobe", "plug")
    host.loaded["plug"].opened = 1

    assert host.run("rmmod", "plug").stderr == (
        b"rmmod: ERROR: Module plug is in use\n"
    )


def test_rmmod_takes_the_module_that_a_file_is_of(host: Any) -> None:
    """A path gives the name, also a relative one."""
    host.run("modprobe", "plug")

    assert (host.run("rmmod", "plug.ko").returncode, host.loaded) == (0, {})


def test_forced_rmmod_leaves_the_decision_to_the_kernel(host: Any) -> None:
    """-f checks nothing beforehand; both texts appear when the kernel refuses."""
    result = host.run("rmmod", "-f", "plug")

    assert result.returncode == 1
    assert result.stderr == (
        b"rmmod: ERROR: ../libkmod/libkmod-module.c:856 kmod_module_remove_module() "
        b"could not remove 'plug': No such file or directory\n"
        b"rmmod: ERROR: could not remove module plug: No such file or directory\n"
    )


def test_insmod_hands_parameters_on(host: Any) -> None:
    """Arguments become parameters, whatever modprobe.d says."""
    host.files["/etc/modprobe.d/a.conf"] = b"options plug size=9\ninstall plug false\n"
    result = host.run("insmod", "/plug.ko", "count=3", "")

    assert (result.returncode, result.stderr) == (0, b"")
    assert host.loaded["plug"].parameters == {"size": "0", "count": "3"}


def test_lsmod_lists_the_newest_first(host: Any) -> None:
    """Name, size, users and their names."""
    host.run("modprobe", "user")

    assert host.run("lsmod").stdout == (
        b"Module                  Size  Used by\n"
        b"user                   12288  0\n"
        b"plug                   12288  1 user\n"
    )


def test_modinfo_of_a_built_in_module(host: Any) -> None:
    """Its name comes first, and the place of its source after the licence."""
    assert host.run("modinfo", "image").stdout.decode().splitlines() == [
        "name:           image",
        "filename:       (builtin)",
        "license:        GPL",
        "file:           drivers/image",
        "alias:          pci:v1*",
        "alias:          char-major-10-1",
    ]


def test_modinfo_of_a_garbage_file(host: Any) -> None:
    """The reason is that of the kernel for such a file."""
    host.files["/bad.ko"] = b"not an elf file at all"
    result = host.run("modinfo", "/bad.ko")

    assert result.returncode == 1
    assert result.stderr == (
        b"modinfo: ERROR: could not get modinfo from 'bad': Exec format error\n"
    )


def test_table_aliases_of_built_in_modules_can_be_left_out(release: str) -> None:
    """Before Linux 6.18 only aliases written by hand are kept."""
    old = depmod.generate(SPECS, release, builtin_table_aliases=False)

    assert old["modules.builtin.modinfo"] == (
        b"image.license=GPL\0image.file=drivers/image\0image.alias=char-major-10-1\0"
    )


def test_alias_of_a_built_in_module_resolves(host: Any) -> None:
    """It is the last source of all, and there is nothing to load."""
    result = host.run("modprobe", "-R", "pci:v1")

    assert result.stdout == b"image\n"
    assert host.run("modprobe", "pci:v1").returncode == 0


def test_depmod_stores_what_the_tree_was_made_with(host: Any, release: str) -> None:
    """On a host that can be written to, depmod makes the same indexes again."""
    directory = f"/lib/modules/{release}/"
    before = dict(host.files)
    for path in before:
        if path.startswith(f"{directory}modules.") and path.endswith((".bin", "alias")):
            del host.files[path]
    host.write = host.files.__setitem__
    result = host.run("depmod")

    assert (result.returncode, result.stderr) == (0, b"")
    assert host.files == before


def test_depmod_on_a_host_that_only_reads(host: Any) -> None:
    """Nothing can be stored; -n prints."""
    refused = host.run("depmod", "-a")
    printed = host.run("depmod", "-n")

    assert (refused.returncode, printed.returncode) == (1, 0)
    assert b"kernel/user.ko: kernel/plug.ko\n" in printed.stdout


def test_depmod_without_the_directory(host: Any) -> None:
    """Two messages, as the real one prints."""
    result = host.run("depmod", "9.9")

    assert result.returncode == 1
    assert result.stderr == (
        b"depmod: ERROR: could not open directory /lib/modules/9.9: "
        b"No such file or directory\n"
        b"depmod: FATAL: could not search modules: No such file or directory\n"
    )


def test_commands_are_known_by_name_and_by_path() -> None:
    """A front asks before it dispatches."""
    known = [commands.is_command(name) for name in ("lsmod", "/sbin/modprobe")]
    unknown = [commands.is_command(name) for name in ("ls", "/opt/modprobe", "")]

    assert (known, unknown) == ([True, True], [False, False, False])
    assert commands.commands() == tuple(sorted(commands.commands()))


def test_other_commands_are_refused(host: Any, release: str) -> None:
    """Running what is none of the commands is an error of the caller."""
    context = Context(files=host, syscalls=host, release=release)

    with pytest.raises(KeyError):
        commands.run(["ls"], context)
