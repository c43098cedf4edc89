"""modprobe.d and the kernel command line, where the real commands cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from simkernel.kmod.command_line import kernel_parameters
from simkernel.kmod.config import read_configuration

MakeHost = Callable[[Mapping[str, bytes]], Any]


def test_default_directories_mask_in_order(make_host: MakeHost) -> None:
    """/etc before /run before /usr/local/lib before /lib; then by file name."""
    host = make_host(
        {
            "/lib/modprobe.d/a.conf": b"blacklist lib_a\n",
            "/lib/modprobe.d/z.conf": b"blacklist lib_z\n",
            "/usr/local/lib/modprobe.d/a.conf": b"blacklist local_a\n",
            "/run/modprobe.d/a.conf": b"blacklist run_a\n",
            "/run/modprobe.d/b.conf": b"blacklist run_b\n",
            "/etc/modprobe.d/b.conf": b"blacklist etc_b\n",
            "/etc/modprobe.d/README": b"blacklist no\n",
        }
    )

    found = read_configuration(host, "/lib/modules/x").blacklist

    assert found == ["run_a", "etc_b", "lib_z"]


def test_soft_dependencies_of_modules_are_read_in_their_place(
    make_host: MakeHost,
) -> None:
    """modules.softdep sorts as a file of that name: after l, before n."""
    host = make_host(
        {
            "/lib/modules/x/modules.softdep": b"softdep m pre: own\n",
            "/etc/modprobe.d/l.conf": b"softdep l pre: a\n",
            "/etc/modprobe.d/n.conf": b"softdep n pre: b\n",
        }
    )

    found = read_configuration(host, "/lib/modules/x").softdeps

    assert [each.name for each in found] == ["l", "m", "n"]


def test_kernel_command_line_blacklists_and_sets_options(make_host: MakeHost) -> None:
    """modprobe.blacklist=a,b and module.parameter=value come after all files."""
    host = make_host(
        {
            "/proc/cmdline": b"ro modprobe.blacklist=a,b-c vfio-pci.ids=1:2 a]b.c=1\n",
            "/etc/modprobe.d/z.conf": b"options vfio_pci x=1\n",
        }
    )

    found = read_configuration(host, "/lib/modules/x")

    assert found.blacklist == ["a", "b-c"]
    assert found.options == [("vfio_pci", "x=1"), ("vfio_pci", "ids=1:2")]
    assert [each.line for each in found.complaints] == [489]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.b=1 c.d", [("a", "b=1"), ("c", "d")]),
        ('a.b="x y" c', [("a", 'b="x y"')]),
        ('"a.b=x y" c.d=1', [("a", 'b="x y"'), ("c", "d=1")]),
        ("a=b.c x.y.z=1 .p=1", [("", "p=1")]),
        ('a.b="open c.d=1', []),
        ('a"b.c=1 a.b"c=1 "a b.c=1"', []),
        ("a.b=1\0c.d=2", [("a", "b=1")]),
        ("a.b=c.d=e", [("a", "b=c.d=e")]),
    ],
)
def test_command_line_is_cut_as_libkmod_cuts_it(
    text: str, expected: list[tuple[str, str]]
) -> None:
    """Quotes hold values together; what is ill-formed is left out."""
    assert list(kernel_parameters(text)) == expected
