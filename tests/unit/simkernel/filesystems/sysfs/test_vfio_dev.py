"""What VFIO changes in the files of devices, groups and its module."""

from __future__ import annotations

import pytest

from simkernel.filesystems.devtmpfs import devtmpfs
from simkernel.filesystems.node import Attribute, Directory, Link
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.filesystems.tree import Tree
from simkernel.model.kernel import Kernel
from tests.bench import GPU, bench, device
from tests.trees import names

DIRECTORY = f"devices/pci0000:01/{GPU}"


def _bound(release: str = "6.12.0") -> Kernel:
    kernel = bench("vfio_pci", release=release)
    gpu = device(kernel, GPU)
    gpu.driver_override = b"vfio-pci"
    kernel.pci.attach_device(gpu)
    return kernel


def _file(tree: Tree, path: str) -> Attribute:
    node = tree.lookup(path)
    assert isinstance(node, Attribute), path
    return node


def _text(kernel: Kernel, path: str) -> str:
    tree = sysfs(kernel)
    return tree.read(_file(tree, path)).decode()


@pytest.mark.parametrize(
    ("release", "expected"), [("5.18.0", "on\n"), ("5.19.0", "auto\n")]
)
def test_function_may_be_suspended_while_vfio_has_it(
    release: str, expected: str
) -> None:
    """What power/control was before does not matter to it, and it is on afterwards."""
    kernel = bench("vfio_pci", release=release)
    assert _text(kernel, f"{DIRECTORY}/power/control") == "on\n"

    kernel = _bound(release)
    assert _text(kernel, f"{DIRECTORY}/power/control") == expected

    kernel.pci.release(device(kernel, GPU))
    assert _text(kernel, f"{DIRECTORY}/power/control") == "on\n"


@pytest.mark.parametrize(
    ("release", "expected"), [("6.9.0", [1, 1, 1]), ("6.10.0", [1, 2, 1])]
)
def test_devices_hold_the_vfio_module_once(release: str, expected: list[int]) -> None:
    """The first device mounts a file system of the module, the last unmounts it."""
    found = [bench("vfio_pci", release=release).modules.loaded["vfio"].refcnt]
    kernel = _bound(release)
    found.append(kernel.modules.loaded["vfio"].refcnt)
    kernel.pci.release(device(kernel, GPU))
    found.append(kernel.modules.loaded["vfio"].refcnt)

    assert found == expected


def test_directories_of_vfio_devices() -> None:
    """A group's device and a function's have uevent, power and links."""
    kernel = _bound()
    tree = sysfs(kernel)
    base = f"{DIRECTORY}/vfio-dev/vfio0"
    up = tree.lookup(f"{base}/device")

    assert isinstance(up, Link)
    assert up.target == f"../../../{GPU}"
    assert _text(kernel, f"{base}/power/control") == "auto\n"
    tree.write(_file(tree, f"{base}/power/control"), b"on")
    assert _text(kernel, f"{base}/power/control") == "on\n"
    group = "devices/virtual/vfio/7"
    assert _text(kernel, f"{group}/power/control") == "auto\n"
    assert "DEVNAME=vfio/7\n" in _text(kernel, f"{group}/uevent")

    before = len(kernel.uevents.events)
    for path in (base, group):
        tree.write(_file(tree, f"{path}/uevent"), b"change")
    sent = [(one.action, one.devpath) for one in kernel.uevents.events[before:]]
    assert sent == [("change", f"/{base}"), ("change", f"/{group}")]


def test_class_has_a_directory_only_while_it_has_devices() -> None:
    """devices/virtual/vfio comes with the first group and goes with the last."""
    kernel = _bound()
    tree = sysfs(kernel)
    assert isinstance(tree.lookup("devices/virtual/vfio"), Directory)

    kernel.pci.release(device(kernel, GPU))

    assert tree.lookup("devices/virtual/vfio") is None


def test_old_kernels_have_no_vfio_dev() -> None:
    """The class came with 6.1; the group's node is older."""
    found = {}
    for release in ("5.19.0", "6.1.0"):
        kernel = bench("vfio_pci", release=release)
        device(kernel, GPU).driver_override = b"vfio-pci"
        kernel.pci.attach_device(device(kernel, GPU))
        path = f"devices/pci0000:01/{GPU}/vfio-dev"
        found[release] = (
            "7" in names(devtmpfs(kernel), "vfio"),
            sysfs(kernel).lookup(path) is not None,
        )

    assert found == {"5.19.0": (True, False), "6.1.0": (True, True)}
