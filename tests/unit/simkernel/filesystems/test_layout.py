"""Which files there are, and how they hang together."""

from __future__ import annotations

from errno import EAGAIN, EINVAL, ERANGE

import pytest

from simkernel.errors import KernelRefusal
from simkernel.filesystems.devtmpfs import devtmpfs
from simkernel.filesystems.node import Attribute, CharacterDevice, Directory, Link
from simkernel.filesystems.procfs import procfs
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.filesystems.sysfs.text import name_hash
from simkernel.filesystems.tree import Tree
from simkernel.model.kernel import Kernel
from tests.bench import GPU, NIC, bench, device, host_of


def _names(tree: Tree, path: str) -> list[str]:
    node = tree.lookup(path)
    assert isinstance(node, Directory)
    return sorted(node.names())


def _target(tree: Tree, path: str) -> str:
    node = tree.lookup(path)
    assert isinstance(node, Link)
    return node.target


def _on_vfio(name: str) -> Kernel:
    kernel = bench("vfio_pci")
    device(kernel, name).driver_override = b"vfio-pci"
    kernel.pci.attach_device(device(kernel, name))
    return kernel


def test_bus_directory() -> None:
    """PCI has what every bus has, and three files more."""
    expected = (
        "devices drivers drivers_autoprobe drivers_probe rescan resource_alignment "
        "slots uevent"
    )

    assert expected.split() == _names(sysfs(bench()), "bus/pci")


def test_driver_directory_and_links_both_ways() -> None:
    """Driver and device point at each other, and the driver at its module."""
    tree = sysfs(bench("host_nic"))
    base = "bus/pci/drivers/host_nic"

    expected = f"{NIC} 0000:02:00.0 bind module new_id remove_id uevent unbind"
    assert sorted(expected.split()) == _names(tree, base)
    assert _target(tree, f"{base}/module") == "../../../../module/host_nic"
    assert f"../../../../devices/pci0000:01/{NIC}" == _target(tree, f"{base}/{NIC}")
    assert (
        _target(tree, f"devices/pci0000:01/{NIC}/driver")
        == "../../../bus/pci/drivers/host_nic"
    )


def test_module_directory() -> None:
    """A loaded module shows its state, a built-in one only what it declares."""
    tree = sysfs(bench("host_nic"))

    loaded = (
        "coresize drivers holders initsize initstate notes parameters refcnt sections "
        "srcversion taint uevent version"
    )
    assert loaded.split() == _names(tree, "module/host_nic")
    assert _names(tree, "module/host_nic/drivers") == ["pci:host_nic"]
    assert _names(tree, "module/tuned") == ["parameters", "uevent"]
    assert tree.lookup("module/helper") is None


@pytest.mark.parametrize(("release", "expected"), [("6.1.0", False), ("6.12.0", True)])
def test_driver_that_is_built_in_makes_its_module(release: str, expected: bool) -> None:
    """Older kernels have neither the module's directory nor the driver's link to it."""
    tree = sysfs(host_of("vfio_pci", release=release).kernel)

    assert expected == (tree.lookup("module/pcieportdrv") is not None)
    assert expected == ("module" in _names(tree, "bus/pci/drivers/pcieport"))


def test_holders_are_links_to_the_users() -> None:
    """Who uses a module is listed with it."""
    tree = sysfs(bench("vfio_pci"))

    assert _target(tree, "module/vfio/holders/vfio_pci") == "../../vfio_pci"


def test_names_are_ordered_by_the_kernels_hash() -> None:
    """The order of holders as a real kernel listed them."""
    listed = "vfio_pci_core vfio_iommu_type1 vfio_pci"
    watched = "scsi_mod libata sg sr_mod"

    for names in (listed.split(), watched.split()):
        assert names == sorted(sorted(names), key=name_hash)


def test_iommu_group_lists_its_members() -> None:
    """Functions of one group share a directory of links."""
    tree = sysfs(bench())

    expected = ["devices", "reserved_regions", "type"]
    assert expected == _names(tree, "kernel/iommu_groups/7")
    assert _names(tree, "kernel/iommu_groups/7/devices") == [NIC, GPU]
    assert tree.lookup("kernel/iommu_groups/07") is None


@pytest.mark.parametrize(
    ("cmdline", "release", "expected"),
    [
        ("quiet iommu=pt", "6.12.0", b"identity\n"),
        ("iommu.passthrough=1", "6.12.0", b"identity\n"),
        ("quiet", "6.12.0", b"DMA-FQ\n"),
        ("quiet intel_iommu=strict", "6.12.0", b"DMA\n"),
        ("quiet", "5.10.0", b"DMA\n"),
    ],
)
def test_type_of_a_group_follows_the_command_line(
    cmdline: str, release: str, expected: bytes
) -> None:
    """What the kernel was told at the start decides for every group."""
    kernel = bench(release=release)
    kernel.cmdline = cmdline
    tree = sysfs(kernel)
    node = tree.lookup("kernel/iommu_groups/7/type")
    assert isinstance(node, Attribute)

    assert expected == tree.read(node)


def test_resource_alignment_keeps_one_line() -> None:
    """It is empty at first, and again after an empty line."""
    tree = sysfs(bench())
    node = tree.lookup("bus/pci/resource_alignment")
    assert isinstance(node, Attribute)
    texts = [tree.read(node)]
    for data in (b"20@0000:01:00.0\nmore", b"", b"\n"):
        tree.write(node, data)
        texts.append(tree.read(node))

    assert texts == [b"", b"20@0000:01:00.0\n", b"20@0000:01:00.0\n", b""]


def test_vfio_nodes_come_and_go_with_the_device() -> None:
    """Group node, device node and class entries appear together."""
    kernel = _on_vfio(GPU)
    tree, dev = sysfs(kernel), devtmpfs(kernel)

    assert _names(dev, "vfio") == ["7", "devices", "vfio"]
    node = dev.lookup("vfio/7")
    assert isinstance(node, CharacterDevice)
    assert node.mode == 0o600
    assert _names(dev, "vfio/devices") == ["vfio0"]
    assert _names(tree, f"devices/pci0000:01/{GPU}/vfio-dev") == ["vfio0"]
    assert _names(tree, "class/vfio") == ["7"]

    kernel.pci.release(device(kernel, GPU))

    assert _names(dev, "vfio") == ["vfio"]
    assert _names(tree, "class/vfio") == []


def test_device_without_iommu_gets_a_group_while_bound_if_that_is_allowed() -> None:
    """The artificial group is named, its node says noiommu, and both go again."""
    kernel = bench("vfio_pci", iommu=False)
    gpu = device(kernel, GPU)
    gpu.driver_override = b"vfio-pci"
    kernel.pci.attach_device(gpu)
    assert gpu.driver is None

    kernel.modules.loaded["vfio"].set_parameter("enable_unsafe_noiommu_mode", b"1")
    kernel.pci.attach_device(gpu)
    tree, dev = sysfs(kernel), devtmpfs(kernel)

    assert _names(dev, "vfio") == ["noiommu-0", "vfio"]
    assert "name" in _names(tree, "kernel/iommu_groups/0")
    assert "iommu_group" in _names(tree, f"devices/pci0000:01/{GPU}")

    kernel.pci.release(gpu)

    assert _names(dev, "vfio") == ["vfio"]
    assert _names(tree, "kernel/iommu_groups") == []


def test_old_kernels_have_no_vfio_dev() -> None:
    """The class came with 6.1; the group's node is older."""
    found = {}
    for release in ("5.19.0", "6.1.0"):
        kernel = bench("vfio_pci", release=release)
        device(kernel, GPU).driver_override = b"vfio-pci"
        kernel.pci.attach_device(device(kernel, GPU))
        path = f"devices/pci0000:01/{GPU}/vfio-dev"
        found[release] = (
            "7" in _names(devtmpfs(kernel), "vfio"),
            sysfs(kernel).lookup(path) is not None,
        )

    assert found == {"5.19.0": (True, False), "6.1.0": (True, True)}


def test_old_kernels_read_and_show_less() -> None:
    """5.10 has fewer files, knows no ``true``, and says ERANGE of large numbers."""
    found = {}
    for release in ("5.10.223", "6.1.176"):
        kernel = bench("host_nic", release=release)
        tree = sysfs(kernel)
        path = "devices/pci0000:02/0000:02:00.0"
        answers = [_answer(tree, f"{path}/sriov_numvfs", b"65536")]
        answers += [_answer(tree, f"{path}/sriov_drivers_autoprobe", b"true")]
        newer = {"power_state", "sriov_vf_total_msix"} & set(_names(tree, path))
        found[release] = (answers, sorted(newer))

    assert found == {
        "5.10.223": ([ERANGE, EINVAL], []),
        "6.1.176": ([EINVAL, 0], ["power_state", "sriov_vf_total_msix"]),
    }


def _answer(tree: Tree, path: str, data: bytes) -> int:
    node = tree.lookup(path)
    assert isinstance(node, Attribute)
    try:
        tree.write(node, data)
    except KernelRefusal as refusal:
        return refusal.errno or 0
    return 0


def test_dev_vfio_is_there_only_with_the_module() -> None:
    """No vfio, no directory."""
    assert devtmpfs(bench()).lookup("vfio") is None


def test_proc_modules_lists_the_newest_first() -> None:
    """Each line has name, size, references, users and state."""
    tree = procfs(bench("vfio_pci"))
    node = tree.lookup("modules")
    assert isinstance(node, Attribute)

    lines = tree.read(node).decode().splitlines()

    assert lines == [
        "vfio_pci 12288 0 - Live 0x0000000000000000",
        "vfio 12288 1 vfio_pci, Live 0x0000000000000000",
    ]


def test_network_interface_goes_with_its_driver() -> None:
    """An interface is there while a host driver holds the function."""
    kernel = bench("host_nic")
    tree = sysfs(kernel)
    assert _names(tree, "class/net") == ["eth0"]

    kernel.pci.release(device(kernel, NIC))

    assert _names(tree, "class/net") == []


def test_kernel_log_has_been_read() -> None:
    """A reader of the log is told to come again."""
    tree = devtmpfs(bench())
    node = tree.lookup("kmsg")
    assert isinstance(node, Attribute)

    with pytest.raises(KernelRefusal) as refusal:
        tree.read(node)

    assert refusal.value.errno == EAGAIN
