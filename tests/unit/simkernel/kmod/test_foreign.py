"""Modules that no scenario describes."""

from __future__ import annotations

from errno import ENOENT

import pytest

from simkernel.errors import KernelRefusal
from simkernel.kmod.elf import write_module
from simkernel.kmod.foreign import foreign_module
from simkernel.kmod.syscalls import KernelSyscalls
from simkernel.model.modules.spec import ParameterSpec
from tests.bench import bench

INFO = [
    ("license", "GPL"),
    ("parmtype", "debug:int"),
    ("parm", "debug:how much is said"),
    ("parmtype", "fast:bool"),
    ("parmtype", "path:charp"),
    ("alias", "pci:v00001AF4d00000001sv*sd*bc*sc*i*"),
    ("depends", "host-nic"),
    ("intree", "Y"),
    ("name", "foreign"),
]


def test_module_is_what_its_file_says() -> None:
    """Dashes in names of what it needs are underscores in the kernel."""
    spec = foreign_module("foreign", write_module("foreign", INFO))

    assert spec.path == "kernel/foreign.ko"
    assert spec.depends == ("host_nic",)
    assert spec.aliases == ("pci:v00001AF4d00000001sv*sd*bc*sc*i*",)
    assert spec.drivers == ()
    assert spec.parameters == (
        ParameterSpec(name="debug", mode=0o444),
        ParameterSpec(name="fast", type="bool", default="N", mode=0o444),
        ParameterSpec(name="path", type="charp", default="(null)", mode=0o444),
    )


def test_unknown_module_is_taken_where_real_ones_are() -> None:
    """Elsewhere it is refused; what it needs must be there in any case."""
    image = write_module("foreign", INFO)
    kernel = bench()
    with pytest.raises(KernelRefusal) as refusal:
        KernelSyscalls(kernel).init_module(image, "")
    assert refusal.value.errno == ENOENT

    calls = KernelSyscalls(kernel, takes_unknown=True)
    with pytest.raises(KernelRefusal) as refusal:
        calls.init_module(image, "")
    assert refusal.value.errno == ENOENT
    kernel.modules.load("host_nic")
    calls.init_module(image, "debug=3")

    assert kernel.modules.loaded["foreign"].parameters["debug"] == "3"
    assert list(kernel.modules.loaded["host_nic"].holders) == ["foreign"]
