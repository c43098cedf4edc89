"""Random operations on the simulated kernel; what must hold after each of them."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simkernel.errors import KernelRefusal
from simkernel.filesystems.node import Attribute, Directory, Link
from simkernel.filesystems.sysfs.root import sysfs
from simkernel.filesystems.walk import walk
from simkernel.host.boot import boot_host
from simkernel.model.kernel import Kernel
from simkernel.scenario.render import load

PCI = "bus/pci"
STEPS = 50
NAMES = [f"0000:01:00.{function}" for function in range(8)] + [
    "0000:01:01.7",
    "0000:01:02.0",
    "0000:00:0a.0",
    "0000:99:00.0",
]
DRIVERS = [
    "simdrv_a",
    "sim-b.explicit",
    "simdrv_all",
    "simdrv_notable",
    "simdrv_class",
    "simdrv_ov",
    "vfio-pci",
    "pcieport",
]
MODULES = [
    "simdrv_a",
    "simdrv_b",
    "simdrv_all",
    "simdrv_notable",
    "simdrv_class",
    "simdrv_ov",
    "vfio",
    "vfio_pci_core",
    "vfio_pci",
    "simplat",
]
DEVICE_WRITES = {
    "driver_override": [b"\n", b"(null)", b"x" * 4095, *(d.encode() for d in DRIVERS)],
    "sriov_numvfs": [b"0", b"1", b"2", b"9", b"x"],
    "sriov_drivers_autoprobe": [b"0", b"1", b"x"],
    "remove": [b"1", b"0", b"x"],
    "enable": [b"1", b"0"],
    "reset": [b"1"],
    "driver/unbind": [name.encode() for name in NAMES],
}
IDS = [
    b"1b36 7a01",
    b"1b36 7a04",
    b"1b36",
    b"ffffffff ffffffff",
    b"1b36 7a03 0 0 0 0 5",
]


class KernelMachine(RuleBasedStateMachine):
    """A host that anybody may write to at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel: Kernel = boot_host(load("golden_lab")).kernel
        self.tree = sysfs(self.kernel)

    @initialize(names=st.lists(st.sampled_from(MODULES), max_size=4))
    def start(self, names: list[str]) -> None:
        """The host has some modules already."""
        for name in names:
            self.load_or_unload(name, load=True)

    def _write(self, path: str, data: bytes) -> None:
        """Write if the file is there; a refusal must leave no trace."""
        node = self.tree.resolve(path)
        if not isinstance(node, Attribute):
            return
        before, events = _state(self.kernel), len(self.kernel.uevents.events)
        try:
            self.tree.write(node, data)
        except KernelRefusal:
            assert before == _state(self.kernel)
            assert events == len(self.kernel.uevents.events)

    @rule(
        file=st.sampled_from(["bind", "unbind"]),
        driver=st.sampled_from(DRIVERS),
        name=st.sampled_from(NAMES),
    )
    def bind_or_unbind(self, file: str, driver: str, name: str) -> None:
        """Somebody binds or unbinds."""
        self._write(f"{PCI}/drivers/{driver}/{file}", name.encode())

    @rule(
        file=st.sampled_from(["new_id", "remove_id"]),
        driver=st.sampled_from(DRIVERS),
        data=st.sampled_from(IDS),
    )
    def change_ids(self, file: str, driver: str, data: bytes) -> None:
        """Somebody adds or removes an id."""
        self._write(f"{PCI}/drivers/{driver}/{file}", data)

    @rule(
        name=st.sampled_from(NAMES),
        write=st.sampled_from(
            [(file, data) for file, texts in DEVICE_WRITES.items() for data in texts]
        ),
    )
    def write_to_device(self, name: str, write: tuple[str, bytes]) -> None:
        """Somebody writes to a file of a device."""
        self._write(f"{PCI}/devices/{name}/{write[0]}", write[1])

    @rule(name=st.sampled_from(NAMES), driver=st.sampled_from(DRIVERS))
    def move(self, name: str, driver: str) -> None:
        """Somebody moves a device to a driver by driver_override."""
        device = f"{PCI}/devices/{name}"
        self._write(f"{device}/driver_override", driver.encode())
        self._write(f"{device}/driver/unbind", name.encode())
        self._write(f"{PCI}/drivers_probe", name.encode())

    @rule(name=st.sampled_from(NAMES))
    def probe(self, name: str) -> None:
        """Somebody has a device probed."""
        self._write(f"{PCI}/drivers_probe", name.encode())

    @rule(data=st.sampled_from([b"0", b"1"]), file=st.sampled_from(["rescan"]))
    def rescan(self, data: bytes, file: str) -> None:
        """Somebody rescans the bus."""
        self._write(f"{PCI}/{file}", data)

    @rule(data=st.sampled_from([b"0", b"1"]))
    def autoprobe(self, data: bytes) -> None:
        """Somebody turns automatic probing on or off."""
        self._write(f"{PCI}/drivers_autoprobe", data)

    @rule(name=st.sampled_from(MODULES), load=st.booleans())
    def load_or_unload(self, name: str, load: bool) -> None:
        """Somebody loads or unloads a module; its needs come first."""
        modules = self.kernel.modules
        try:
            if load:
                for needed in modules.available[name].depends:
                    self.load_or_unload(needed, load=True) if (
                        needed not in modules.loaded
                    ) else None
                modules.load(name)
            else:
                modules.unload(name)
        except KernelRefusal:
            return

    @rule(name=st.sampled_from(NAMES[:8]))
    def vanish(self, name: str) -> None:
        """A device is pulled out."""
        if name in self.kernel.pci.devices:
            self.kernel.hot_unplug(name)

    @rule(module=st.sampled_from(MODULES[:6]), result=st.sampled_from([0, -22, -517]))
    def steer_probe(self, module: str, result: int) -> None:
        """A driver changes its mind about its devices."""
        self._write(f"module/{module}/parameters/probe_rc", str(result).encode())

    # ---- what must hold

    @invariant()
    def drivers_and_devices_agree(self) -> None:
        """A device is bound to at most one driver, and both know of it."""
        for bus in self.kernel.buses.values():
            for name, device in bus.devices.items():
                holders = [d for d in bus.drivers.values() if name in d.devices]
                assert holders == ([device.driver] if device.driver else [])
            for driver in bus.drivers.values():
                for name, device in driver.devices.items():
                    assert bus.devices.get(name) is device

    @invariant()
    def groups_are_a_partition(self) -> None:
        """Each device is in the group that it names, and in no other."""
        groups = self.kernel.iommu.by_number
        members = [name for group in groups.values() for name in group.devices]
        assert len(members) == len(set(members))
        for number, group in groups.items():
            assert number == group.number
            assert group.devices
            assert all(one.iommu_group is group for one in group.devices.values())

    @invariant()
    def vfio_knows_just_its_devices(self) -> None:
        """VFIO devices, indices and group nodes fit together."""
        bound = [
            device
            for device in self.kernel.pci.devices.values()
            if device.driver is not None and device.driver.spec.vfio
        ]
        vfio = self.kernel.vfio
        assert set(map(id, bound)) == set(map(id, vfio.devices.values()))
        assert all(vfio.devices[device.vfio_index or 0] is device for device in bound)
        numbers = {one.iommu_group.number for one in bound if one.iommu_group}
        assert numbers == set(vfio.groups)

    @invariant()
    def virtual_functions_have_their_physical_one(self) -> None:
        """physfn and virtfnN point at each other; neither outlives the other."""
        devices = self.kernel.pci.devices
        for device in devices.values():
            if device.physfn is not None:
                state = device.physfn.sriov
                assert devices.get(device.physfn.name) is device.physfn
                assert state is not None
                assert device in state.virtual_functions
            for virtual in device.sriov.virtual_functions if device.sriov else ():
                assert devices.get(virtual.name) is virtual

    @invariant()
    def modules_hold_what_they_use(self) -> None:
        """A module that is used is loaded, and knows its user."""
        loaded = self.kernel.modules.loaded
        for module in loaded.values():
            for used in module.used:
                assert loaded[used.name].holders[module.name] is module

    @invariant()
    def links_lead_somewhere(self) -> None:
        """No link below the buses, modules and groups dangles."""
        for top in ("bus/pci", "bus/platform", "module", "kernel/iommu_groups"):
            directory = self.tree.lookup(top)
            assert isinstance(directory, Directory)
            for path, node in walk(directory, top):
                if isinstance(node, Link):
                    assert self.tree.resolve(path) is not None, path


def _state(kernel: Kernel) -> object:
    """Return all that a refused write could have changed."""
    return (
        [
            (
                device.name,
                device.driver.name if device.driver else None,
                device.driver_override,
                device.iommu_group.number if device.iommu_group else None,
                device.vfio_index,
                dict(device.settings),
                device.sriov and len(device.sriov.virtual_functions),
                device.sriov and device.sriov.drivers_autoprobe,
            )
            for device in kernel.pci.devices.values()
        ],
        [
            (driver.name, list(driver.dynamic_ids), list(driver.devices))
            for driver in kernel.pci.drivers.values()
        ],
        list(kernel.modules.loaded),
        kernel.pci.autoprobe,
    )


TestKernel = KernelMachine.TestCase
PROFILE = settings.get_current_profile_name()
TestKernel.settings = settings(
    parent=settings.get_profile(PROFILE),
    max_examples=200 if PROFILE == "ci" else settings.default.max_examples,
    stateful_step_count=STEPS,
    deadline=None,
)
