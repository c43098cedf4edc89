"""Loading and unloading, as the system calls do it."""

from __future__ import annotations

from errno import EBUSY, EEXIST, EINVAL, ENODEV, ENOENT, ERANGE, EWOULDBLOCK

import pytest

from simkernel.errors import KernelRefusal
from simkernel.model.core.driver_spec import DriverSpec
from simkernel.model.core.notifier import Change, Kind, Notice, Observer
from simkernel.model.kernel import Kernel
from simkernel.model.modules.spec import DeviceSpec, ModuleSpec, ParameterSpec
from tests.bench import NIC, bench, device, refusal_of


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nosuch", (ENOENT, "R-MOD-1")),
        ("host_nic", (EEXIST, "R-MOD-1")),
        ("helper", (ENOENT, "R-MOD-1")),
        ("vfio_pci", (ENOENT, "R-MOD-1")),
        ("no_start", (ENODEV, "R-MOD-2")),
    ],
)
def test_load_refuses(name: str, expected: tuple[int, str]) -> None:
    """Unknown, loaded, built in, without its symbols, or failing: each its errno."""
    kernel = bench("host_nic")
    before = list(kernel.modules.loaded)

    assert expected == refusal_of(lambda: kernel.modules.load(name))
    assert before == list(kernel.modules.loaded)
    assert expected == refusal_of(lambda: kernel.modules.load(name))


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
    assert held.value.rule == opened.value.rule == "R-MOD-4"


def test_unload_of_what_is_not_loaded_is_enoent() -> None:
    """Built-in modules are not loaded either."""
    for name in ("nosuch", "helper"):
        with pytest.raises(KernelRefusal) as refusal:
            bench().modules.unload(name)
        assert (refusal.value.errno, refusal.value.rule) == (ENOENT, "R-MOD-4")


def _spec(name: str, **settings: object) -> ModuleSpec:
    path = f"kernel/{name}.ko"
    return ModuleSpec(name=name, path=path, **settings)  # type: ignore[arg-type]


def _kernel(*specs: ModuleSpec, builtin: list[ModuleSpec] | None = None) -> Kernel:
    kernel = Kernel("6.12.0")
    kernel.modules.boot(builtin or [])
    kernel.modules.available.update({one.name: one for one in specs})
    kernel.uevents.start()
    return kernel


def _driver(name: str, **settings: object) -> DriverSpec:
    return DriverSpec(name=name, bus="platform", **settings)  # type: ignore[arg-type]


class _Notices(Observer):
    def __init__(self, kernel: Kernel) -> None:
        self.seen: list[Notice] = []
        kernel.notifier.subscribe(self)

    def changed(self, notice: Notice) -> None:
        self.seen.append(notice)


def test_module_comes_with_its_drivers_and_devices() -> None:
    """And goes with them: devices first, then drivers in reverse, then itself."""
    devices = (
        DeviceSpec(bus="platform", name="one", id="a"),
        DeviceSpec(bus="platform", name="two", id="b"),
    )
    kernel = _kernel(_spec("m", drivers=(_driver("a"), _driver("b")), devices=devices))
    notices = _Notices(kernel)

    kernel.modules.load("m")
    module = kernel.modules.loaded["m"]
    come = [(one.action, one.devpath) for one in kernel.uevents.events]
    assert module.devices == list(kernel.buses["platform"].devices.values())
    assert [one.name for one in module.drivers] == ["a", "b"]
    assert {one.module for one in module.drivers} == {module}
    bound = [one.driver.name for one in module.devices if one.driver]
    assert bound == ["a", "b"]
    assert kernel.uevents.events[-1].variables == (("SUBSYSTEM", "module"),)
    kernel.uevents.events.clear()
    kernel.modules.unload("m")
    gone = [(one.action, one.devpath) for one in kernel.uevents.events]

    path = "/devices/platform"
    drivers = "/bus/platform/drivers"
    assert come == [
        ("add", f"{drivers}/a"),
        ("add", f"{drivers}/b"),
        ("add", f"{path}/one"),
        ("bind", f"{path}/one"),
        ("add", f"{path}/two"),
        ("bind", f"{path}/two"),
        ("add", "/module/m"),
    ]
    assert gone == [
        ("unbind", f"{path}/one"),
        ("remove", f"{path}/one"),
        ("unbind", f"{path}/two"),
        ("remove", f"{path}/two"),
        ("remove", f"{drivers}/b"),
        ("remove", f"{drivers}/a"),
        ("remove", "/module/m"),
    ]
    assert [one for one in notices.seen if one.kind is Kind.MODULE] == [
        (Change.ADDED, Kind.MODULE, "/module/m"),
        (Change.REMOVED, Kind.MODULE, "/module/m"),
    ]
    assert kernel.uevents.events[-1].variables == (("SUBSYSTEM", "module"),)
    assert kernel.modules.find("m") is None


def test_driver_name_that_is_taken_keeps_the_module_out() -> None:
    """R-MOD-2: nothing of the module stays."""
    kernel = _kernel(
        _spec("first", drivers=(_driver("b"),)),
        _spec("second", drivers=(_driver("a"), _driver("b"))),
    )
    kernel.modules.load("first")

    refusal = refusal_of(lambda: kernel.modules.load("second"))

    assert refusal == (EBUSY, "R-DRV-1")
    assert list(kernel.buses["platform"].drivers) == ["b"]
    assert list(kernel.modules.loaded) == ["first"]


def test_module_that_vanishes_is_not_loaded() -> None:
    """Loading succeeds all the same."""
    kernel = _kernel(_spec("m", vanishes=True, drivers=(_driver("a"),)))

    kernel.modules.load("m")

    assert kernel.modules.find("m") is None
    assert kernel.uevents.events == []


def test_init_function_takes_its_time() -> None:
    """In milliseconds; a refusal comes after it."""
    kernel = _kernel(_spec("m", init_ms=20, init_errno=ENODEV))
    sleeps: list[float] = []
    kernel.clock.run(lambda: 0.0, sleeps.append)

    assert refusal_of(lambda: kernel.modules.load("m")) == (ENODEV, "R-MOD-2")
    assert sleeps == [0.02]


def test_drivers_may_register_late() -> None:
    """Unless the module is unloaded before."""
    kernel = _kernel(_spec("m", late_ms=500, drivers=(_driver("a"),)))
    now = [0.0]
    kernel.clock.run(lambda: now[0], lambda seconds: None)
    drivers = kernel.buses["platform"].drivers

    kernel.modules.load("m")
    now[0] = 0.4
    kernel.clock.tick()
    assert list(drivers) == []
    now[0] = 0.5
    kernel.clock.tick()
    assert list(drivers) == ["a"]
    kernel.modules.unload("m")
    kernel.modules.load("m")
    kernel.modules.unload("m")
    now[0] = 2.0
    kernel.clock.tick()
    assert list(drivers) == []


def test_users_of_a_module_are_its_holders() -> None:
    """In load order; a built-in module has none."""
    kernel = _kernel(
        _spec("base"),
        _spec("user", depends=("base", "inside")),
        builtin=[_spec("inside")],
    )

    assert refusal_of(lambda: kernel.modules.load("user")) == (ENOENT, "R-MOD-1")
    kernel.modules.load("base")
    kernel.modules.load("user")
    base, user = (kernel.modules.loaded[name] for name in ("base", "user"))
    assert (base.holders, user.used) == ({"user": user}, [base])
    assert kernel.modules.builtin["inside"].holders == {}
    assert kernel.modules.find("inside") is kernel.modules.builtin["inside"]
    kernel.modules.unload("user")
    assert base.holders == {}
    kernel.modules.unload("base")
    assert refusal_of(lambda: kernel.modules.unload("base")) == (ENOENT, "R-MOD-4")


def test_built_in_module_is_there_from_the_start() -> None:
    """With its drivers; it can be neither loaded nor unloaded."""
    spec = _spec("m", drivers=(_driver("a"),))
    kernel = _kernel(spec, builtin=[spec])

    assert list(kernel.buses["platform"].drivers) == ["a"]
    assert refusal_of(lambda: kernel.modules.load("m")) == (EEXIST, "R-MOD-1")
    assert kernel.modules.loaded == {}


def test_words_of_the_command_line_set_parameters() -> None:
    """The first ``=`` ends the name; dashes in it are underscores."""
    parameters = (
        ParameterSpec(name="a_b", type="charp", default=""),
        ParameterSpec(name="on", type="bool", default="N"),
    )
    kernel = _kernel(_spec("m", parameters=parameters))

    kernel.modules.load("m", " a-b=x=y-z\xe9  on ")

    assert kernel.modules.loaded["m"].parameters == {"a_b": "x=y-z\xe9", "on": "Y"}


def test_vfio_has_its_own_init_and_exit_function() -> None:
    """R-VFIO-2: other modules have none that the model knows."""
    kernel = _kernel(_spec("vfio"), _spec("other"))

    kernel.modules.load("other")
    assert not kernel.vfio.present
    kernel.modules.load("vfio")
    assert kernel.vfio.present
    kernel.modules.unload("other")
    assert kernel.vfio.present
    kernel.modules.unload("vfio")
    assert not kernel.vfio.present
