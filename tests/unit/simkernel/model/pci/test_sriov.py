"""Virtual functions, and what their driver and hardware refuse."""

from __future__ import annotations

from dataclasses import replace
from errno import EBUSY, EINVAL, EIO, ENOENT, ENOMEM, ERANGE

import pytest

from simkernel.host.boot import boot_host
from simkernel.model.core.uevent import Uevent
from simkernel.model.kernel import Kernel
from simkernel.model.pci import sriov
from simkernel.model.pci.function import PciDevice
from simkernel.scenario.render import parse
from tests.bench import refusal_of

_TEXT = """
kernel: {{release: 6.12.0}}
modules:
  - name: vfio
    path: kernel/vfio.ko
    builtin: true
  - name: nic
    path: kernel/nic.ko
    parameters: [{{name: enable, type: bool, default: "N"}}, {{name: result}}]
    drivers:
      - {{name: nic, sriov: true, vfio: {vfio}, ids: [{{id: "1af4:0003"}}]}}
      - {{name: plain, ids: [{{id: "1af4:0004"}}]}}
loaded: [nic]
devices:
  - address: "0000:02:00.0"
    id: "1af4:0003"
    subsystem: "1111:2222"
    class: "020000"
    revision: "05"
    iommu_group: 7
    netdev: pf
    reset_methods: [pm]
    sriov: {{total_vfs: 3, offset: 7, stride: 2, vf_device: "0009"{more}}}
  - address: "0000:03:00.0"
    id: "1af4:0004"
    sriov: {{total_vfs: 3, vf_device: "0009"}}
  - {{address: "0000:04:00.0", id: "1af4:0003"}}
"""
PF, PLAIN, NONE = "0000:02:00.0", "0000:03:00.0", "0000:04:00.0"
FIRST, SECOND = "0000:02:00.7", "0000:02:01.1"


def _kernel(*, vfio: bool = False, more: str = "") -> Kernel:
    text = _TEXT.format(vfio=str(vfio).lower(), more=more)
    return boot_host(parse(text)).kernel


def _virtual(kernel: Kernel) -> list[str]:
    state = kernel.pci.devices[PF].sriov
    assert state is not None
    return [one.name for one in state.virtual_functions]


def _set(kernel: Kernel, count: int, name: str = PF) -> None:
    sriov.set_numvfs(kernel.pci, kernel.pci.devices[name], count)


def _spec(kernel: Kernel, **changes: object) -> None:
    driver = kernel.pci.drivers["nic"]
    driver.spec = replace(driver.spec, **changes)  # type: ignore[arg-type]


def test_virtual_functions_come_and_go() -> None:
    """The same number again changes nothing; another one must pass through 0."""
    kernel = _kernel()

    _set(kernel, 2)
    assert _virtual(kernel) == [FIRST, SECOND]
    kernel.uevents.events.clear()
    _set(kernel, 2)
    assert refusal_of(lambda: _set(kernel, 3)) == (EBUSY, "R-SRIOV-4")
    assert refusal_of(lambda: _set(kernel, 1)) == (EBUSY, "R-SRIOV-4")
    assert kernel.uevents.events == []
    assert _virtual(kernel) == [FIRST, SECOND]
    _set(kernel, 0)
    assert _virtual(kernel) == []
    assert FIRST not in kernel.pci.devices
    _set(kernel, 3)
    assert _virtual(kernel) == [FIRST, SECOND, "0000:02:01.3"]


def test_refusals_in_the_order_of_the_kernel() -> None:
    """No capability, too many, no driver with sriov_configure."""
    kernel = _kernel()

    assert refusal_of(lambda: _set(kernel, 1, NONE)) == (ENOENT, "R-SRIOV-1")
    assert refusal_of(lambda: _set(kernel, 4, PLAIN)) == (ERANGE, "R-SRIOV-2")
    assert refusal_of(lambda: _set(kernel, 3, PLAIN)) == (ENOENT, "R-SRIOV-3")
    kernel.pci.release(kernel.pci.devices[PF])
    assert refusal_of(lambda: _set(kernel, 3)) == (ENOENT, "R-SRIOV-3")
    _set(kernel, 0)


@pytest.mark.parametrize(
    ("parameter", "expected"), [("N", (ENOENT, "R-SRIOV-5")), ("Y", None)]
)
def test_driver_parameter_enables_it(
    parameter: str, expected: tuple[int, str] | None
) -> None:
    """As enable_sriov of vfio-pci does."""
    kernel = _kernel()
    _spec(kernel, sriov_enable_parameter="enable")
    kernel.modules.loaded["nic"].parameters["enable"] = parameter

    if expected:
        assert expected == refusal_of(lambda: _set(kernel, 1))
        assert _virtual(kernel) == []
    else:
        _set(kernel, 1)
        assert _virtual(kernel) == [FIRST]


@pytest.mark.parametrize(
    ("result", "refusal", "count"),
    [
        ("-22", (EINVAL, "R-SRIOV-5"), 0),
        ("-1", (1, "R-SRIOV-5"), 0),
        ("1", None, 0),
        ("2", None, 0),
        ("0", None, 1),
    ],
)
def test_driver_returns_errno_or_number(
    result: str, refusal: tuple[int, str] | None, count: int
) -> None:
    """A positive number is success, but the driver enabled nothing itself."""
    kernel = _kernel()
    _spec(kernel, sriov_result_parameter="result")
    kernel.modules.loaded["nic"].parameters["result"] = result

    if refusal:
        assert refusal == refusal_of(lambda: _set(kernel, 1))
    else:
        _set(kernel, 1)
    assert count == len(_virtual(kernel))


def test_ids_of_a_virtual_function_come_from_the_capability() -> None:
    """It is in a group of its own, resets by flr, and has no capability."""
    kernel = _kernel(more=', vf_netdev: "vf{index}"')
    physical = kernel.pci.devices[PF]

    _set(kernel, 2)

    first, second = (kernel.pci.devices[name] for name in (FIRST, SECOND))
    expected = replace(
        physical.function,
        address=first.function.address,
        device=9,
        iommu_label=first.function.address,
        iommu_number=None,
        sriov=None,
        reset_methods=("flr",),
        netdev="vf0",
    )
    assert expected == first.function
    assert second.function.netdev == "vf1"
    assert (first.physfn, first.parent) == (physical, physical.parent)
    assert first.reset_methods == ("flr",)
    groups = [one.iommu_group for one in (physical, first, second)]
    assert [one.number for one in groups if one] == [7, 2, 3]


def test_subsystem_id_of_virtual_functions() -> None:
    """The capability's, if it has one; else the physical function's."""
    for more, expected in ((', vf_subdevice: "3333"', 0x3333), ("", 0x2222)):
        kernel = _kernel(more=more)
        _set(kernel, 1)
        assert expected == kernel.pci.devices[FIRST].function.subdevice


def test_functions_without_iommu_have_virtual_functions_without() -> None:
    """No group is made for them."""
    kernel = _kernel()
    physical = kernel.pci.devices[PF]
    physical.function = replace(physical.function, iommu_label=None)

    _set(kernel, 1)

    assert kernel.pci.devices[FIRST].iommu_group is None


def test_uevents_of_virtual_functions() -> None:
    """R-SRIOV-6, R-SRIOV-7: each is added, changed, probed; then the PF is changed."""
    kernel = _kernel()
    kernel.uevents.events.clear()

    _set(kernel, 2)
    made, kernel.uevents.events[:] = _brief(kernel.uevents.events), []
    _set(kernel, 0)

    assert made == [
        f"add {FIRST}",
        f"change {FIRST}",
        f"add {SECOND}",
        f"change {SECOND}",
        f"change {PF}",
    ]
    assert _brief(kernel.uevents.events) == [f"remove {FIRST}", f"remove {SECOND}"]


def _brief(events: list[Uevent]) -> list[str]:
    return [f"{one.action} {one.devpath.rpartition('/')[2]}" for one in events]


@pytest.mark.parametrize(("vfio", "expected"), [(True, b"nic"), (False, None)])
def test_vfio_driver_captures_its_virtual_functions(
    vfio: bool, expected: bytes | None
) -> None:
    """R-VFIO-5: their override names the driver of the physical function."""
    kernel = _kernel(vfio=vfio)
    assert kernel.pci.devices[PF].driver is kernel.pci.drivers["nic"]

    _set(kernel, 1)

    assert expected == kernel.pci.devices[FIRST].driver_override


def test_function_that_does_not_answer() -> None:
    """R-SRIOV-9, R-SRIOV-10: EIO; and ENOMEM if it did not at the last read."""
    kernel = _kernel()
    device = kernel.pci.devices[PF]
    _set(kernel, 1)
    function = kernel.pci.unplug(PF)
    assert not kernel.pci.answers(kernel.pci.devices[FIRST])
    _set(kernel, 0)
    assert _registers(device) == (0xFFFF, 0xFFFF)

    assert refusal_of(lambda: _set(kernel, 1)) == (EIO, "R-SRIOV-9")
    sriov.restore(kernel.pci, device)
    assert _registers(device) == (0xFFFF, 0xFFFF)
    kernel.pci.plug(function)
    assert refusal_of(lambda: _set(kernel, 1)) == (ENOMEM, "R-SRIOV-10")
    assert _virtual(kernel) == []
    sriov.restore(kernel.pci, device)
    assert _registers(device) == (7, 2)
    _set(kernel, 1)
    assert _virtual(kernel) == [FIRST]


def test_restore_of_a_function_without_capability_does_nothing() -> None:
    """Every function is restored after a reset."""
    kernel = _kernel()

    sriov.restore(kernel.pci, kernel.pci.devices[NONE])

    assert kernel.pci.devices[NONE].sriov is None


def _registers(device: PciDevice) -> tuple[int, int]:
    assert device.sriov is not None
    return device.sriov.offset, device.sriov.stride
