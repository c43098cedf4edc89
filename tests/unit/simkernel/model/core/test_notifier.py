"""Observers hear of every change of the names in the kernel's file systems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from simkernel.errors import KernelRefusal
from simkernel.filesystems.devtmpfs import devtmpfs
from simkernel.filesystems.node import DeviceNode, Directory, Lifetime, Link, Node
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.model.core.notifier import Change, Kind, Notice, Observer
from simkernel.model.kernel import Kernel
from simkernel.model.vfio.nodes import NodeOwner
from tests.bench import GPU, NIC, bench, device

PF = "bus/pci/devices/0000:02:00.0"
WRITES = {
    "driver_override": (f"bus/pci/devices/{GPU}/driver_override", b"vfio-pci"),
    "synthetic uevent": (f"bus/pci/devices/{NIC}/uevent", b"add"),
    "bind that fails": ("bus/pci/drivers/broken/bind", NIC.encode()),
    "unbind": ("bus/pci/drivers/host_nic/unbind", NIC.encode()),
    "probe": ("bus/pci/drivers_probe", GPU.encode()),
    "new_id": ("bus/pci/drivers/host_nic/new_id", b"1af4 0002"),
    "virtual functions": (f"{PF}/sriov_numvfs", b"2"),
    "remove": (f"bus/pci/devices/{NIC}/remove", b"1"),
    "rescan": ("bus/pci/rescan", b"1"),
}
OTHERS: dict[str, Callable[[Kernel], object]] = {
    "load": lambda kernel: kernel.modules.load("other_nic"),
    "load of what is there": lambda kernel: kernel.modules.load("host_nic"),
    "unload": lambda kernel: kernel.modules.unload("host_nic"),
    "hot-unplug": lambda kernel: kernel.hot_unplug("0000:02:00.0"),
}


class _Recorder(Observer):
    def __init__(self) -> None:
        self.notices: list[Notice] = []
        self.operations = 0

    def changed(self, notice: Notice) -> None:
        self.notices.append(notice)

    def operation_ended(self) -> None:
        self.operations += 1

    @property
    def device_came_or_went(self) -> bool:
        return any(
            one.kind is Kind.DEVICE and one.change is not Change.CHANGED
            for one in self.notices
        )


def _names(kernel: Kernel) -> dict[str, tuple[str, Lifetime]]:
    """Return what each path is, with the shortest lifetime of the names in it."""
    roots = {"sys": sysfs(kernel).root, "dev": devtmpfs(kernel).root}
    return {
        path: found
        for top, root in roots.items()
        for path, found in _below(root, f"/{top}", Lifetime.DIRECTORY)
    }


def _below(
    directory: Directory, path: str, lifetime: Lifetime
) -> Iterator[tuple[str, tuple[str, Lifetime]]]:
    for name in list(directory.names()):
        node, place = directory.child(name), f"{path}/{name}"
        shortest = min(lifetime, directory.lifetime(name))
        yield place, (_identity(node), shortest)
        if isinstance(node, Directory):
            yield from _below(node, place, shortest)


def _identity(node: Node | None) -> str:
    if isinstance(node, Link):
        return node.target
    if isinstance(node, DeviceNode):
        return f"{node.major}:{node.minor} {node.uid}:{node.gid} {node.mode:o}"
    return type(node).__name__


def _write(path: str, data: bytes) -> Callable[[Kernel], object]:
    def operate(kernel: Kernel) -> None:
        tree = sysfs(kernel)
        file = tree.resolve(path)
        assert file is not None
        tree.write(file, data)  # type: ignore[arg-type]

    return operate


@pytest.mark.parametrize(
    "operate", [*(_write(*one) for one in WRITES.values()), *OTHERS.values()]
)
@pytest.mark.parametrize("prepare", [*WRITES, None])
def test_every_change_of_names_is_announced(
    prepare: str | None, operate: Callable[[Kernel], object]
) -> None:
    """Each path that came, went or leads elsewhere has a notice of its kind."""
    kernel = bench("host_nic", "broken", "vfio", "vfio_pci")
    if prepare is not None:
        with suppress(KernelRefusal):
            _write(*WRITES[prepare])(kernel)
    before, recorder = _names(kernel), _Recorder()
    kernel.notifier.subscribe(recorder)

    with suppress(KernelRefusal, AssertionError):
        operate(kernel)

    after = _names(kernel)
    lifetimes = {
        (before.get(path) or after[path])[1]
        for path in before.keys() | after.keys()
        if before.get(path) != after.get(path)
    }
    if lifetimes:
        assert recorder.notices
    if any(lifetimes):
        assert recorder.device_came_or_went


@pytest.mark.parametrize("write", ["driver_override", "synthetic uevent"])
def test_write_that_changes_no_name_is_not_announced(write: str) -> None:
    """Observers do no work for a write that leaves every name as it was."""
    kernel, recorder = bench("host_nic"), _Recorder()
    kernel.notifier.subscribe(recorder)

    _write(*WRITES[write])(kernel)

    assert (recorder.notices, recorder.operations) == ([], 1)


def test_new_owner_of_a_node_is_announced() -> None:
    """A cached owner of the node is stale."""
    kernel, recorder = bench("vfio"), _Recorder()
    kernel.notifier.subscribe(recorder)
    node = devtmpfs(kernel).lookup("vfio/vfio")
    assert isinstance(node, DeviceNode)
    assert node.set_owner is not None

    node.set_owner(NodeOwner(1000, 1000, 0o660))

    assert recorder.notices == [Notice(Change.CHANGED, Kind.NODE, "/vfio/vfio")]


def test_binding_is_announced_before_the_probe_ends() -> None:
    """An observer that another thread asks meanwhile has seen the driver link."""
    kernel, seen = bench("host_nic"), list[str | None]()
    nic = device(kernel, NIC)
    kernel.pci.release(nic)

    class Watcher(Observer):
        def changed(self, notice: Notice) -> None:
            if notice.kind is Kind.DEVICE:
                seen.append(nic.driver.name if nic.driver else None)

    kernel.notifier.subscribe(Watcher())
    kernel.pci.bind(kernel.pci.drivers["host_nic"], nic)

    assert seen == ["host_nic", "host_nic"]


def test_observer_hears_nothing_after_it_unsubscribed() -> None:
    """Unsubscribing is final, and possible once."""
    kernel, recorder = bench(), _Recorder()
    kernel.notifier.subscribe(recorder)
    kernel.notifier.unsubscribe(recorder)

    kernel.modules.load("host_nic")
    kernel.notifier.end_operation()

    assert (recorder.notices, recorder.operations) == ([], 0)
    with pytest.raises(ValueError, match="not in list"):
        kernel.notifier.unsubscribe(recorder)
