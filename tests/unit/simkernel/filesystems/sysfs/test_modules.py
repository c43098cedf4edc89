"""``/sys/module``."""

from __future__ import annotations

import pytest

from simkernel.filesystems.sysfs.root import sysfs
from tests.bench import bench, host_of
from tests.trees import names, target


def test_module_directory() -> None:
    """A loaded module shows its state, a built-in one only what it declares."""
    tree = sysfs(bench("host_nic"))

    loaded = (
        "coresize drivers holders initsize initstate notes parameters refcnt sections "
        "srcversion taint uevent version"
    )
    assert loaded.split() == names(tree, "module/host_nic")
    assert names(tree, "module/host_nic/drivers") == ["pci:host_nic"]
    assert names(tree, "module/tuned") == ["parameters", "uevent"]
    assert tree.lookup("module/helper") is None


@pytest.mark.parametrize(("release", "expected"), [("6.1.0", False), ("6.12.0", True)])
def test_driver_that_is_built_in_makes_its_module(release: str, expected: bool) -> None:
    """Older kernels have neither the module's directory nor the driver's link to it."""
    tree = sysfs(host_of("vfio_pci", release=release).kernel)

    assert expected == (tree.lookup("module/pcieportdrv") is not None)
    assert expected == ("module" in names(tree, "bus/pci/drivers/pcieport"))


def test_holders_are_links_to_the_users() -> None:
    """Who uses a module is listed with it."""
    tree = sysfs(bench("vfio_pci"))

    assert target(tree, "module/vfio/holders/vfio_pci") == "../../vfio_pci"
