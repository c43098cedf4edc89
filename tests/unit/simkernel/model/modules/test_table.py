"""Loading and unloading, as the system calls do it."""

from __future__ import annotations

from errno import EEXIST, EINVAL, ENODEV, ENOENT, ERANGE, EWOULDBLOCK

import pytest

from simkernel.errors import KernelRefusal
from tests.bench import NIC, bench, device


@pytest.mark.parametrize(
    ("name", "parameters", "expected"),
    [
        ("nosuch", "", ENOENT),
        ("host_nic", "", EEXIST),
        ("helper", "", ENOENT),
        ("vfio_pci", "", ENOENT),
        ("no_start", "", ENODEV),
    ],
)
def test_load_refuses(name: str, parameters: str, expected: int) -> None:
    """Unknown, loaded, built in, without its symbols, or failing: each its errno."""
    kernel = bench("host_nic")
    before = list(kernel.modules.loaded)

    with pytest.raises(KernelRefusal) as refusal:
        kernel.modules.load(name, parameters)

    assert expected == refusal.value.errno
    assert before == list(kernel.modules.loaded)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [("debug=x", EINVAL), ("debug", EINVAL), ("debug=99999999999", ERANGE)],
)
def test_bad_parameter_value_refuses_the_module(parameters: str, expected: int) -> None:
    """A value that its type does not take keeps the module out."""
    kernel = bench()

    with pytest.raises(KernelRefusal) as refusal:
        kernel.modules.load("host_nic", parameters)

    assert expected == refusal.value.errno
    assert "host_nic" not in kernel.pci.drivers


def test_parameters_are_taken_and_unknown_ones_ignored() -> None:
    """A bool may stand alone; dashes in a name are underscores."""
    kernel = bench()

    kernel.modules.load("host_nic", "debug=0x10 fast nosuch=1")

    assert kernel.modules.loaded["host_nic"].parameters == {"debug": "16", "fast": "Y"}


def test_bound_devices_do_not_keep_a_module() -> None:
    """Removing the module releases its devices and says nothing."""
    kernel = bench("host_nic")
    assert device(kernel, NIC).driver is not None
    assert kernel.modules.loaded["host_nic"].refcnt == 0

    kernel.modules.unload("host_nic")

    assert device(kernel, NIC).driver is None
    assert "host_nic" not in kernel.pci.drivers


def test_holders_and_mounts_keep_a_module() -> None:
    """A module that another uses, or whose file system is mounted, is in use."""
    kernel = bench("vfio_pci")
    assert list(kernel.modules.loaded["vfio"].holders) == ["vfio_pci"]

    with pytest.raises(KernelRefusal) as held:
        kernel.modules.unload("vfio")
    kernel.modules.loaded["vfio_pci"].pins = 1
    with pytest.raises(KernelRefusal) as opened:
        kernel.modules.unload("vfio_pci")

    assert EWOULDBLOCK == held.value.errno == opened.value.errno


def test_unload_of_what_is_not_loaded_is_enoent() -> None:
    """Built-in modules are not loaded either."""
    for name in ("nosuch", "helper"):
        with pytest.raises(KernelRefusal) as refusal:
            bench().modules.unload(name)
        assert refusal.value.errno == ENOENT
