"""Operations that take time, while others come."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from errno import EBUSY, EEXIST, EIO, ENODEV

import pytest

from simkernel.errors import KernelRefusal
from simkernel.model.kernel import Kernel
from simkernel.model.pci import sriov
from tests.bench import NIC, VF, bench, device

PF = "0000:02:00.0"


class _Threads:
    """A kernel whose clock lets one thread at a time go on.

    The time of the first wait begins when every operation has begun.
    """

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.order: list[str] = []
        self._turn = threading.Lock()
        self._begun = threading.Event()
        self._all_begun = threading.Event()
        kernel.clock.run(time.monotonic, self._sleep)

    def _sleep(self, seconds: float) -> None:
        self._begun.set()
        self._turn.release()
        assert self._all_begun.wait(10)
        time.sleep(seconds)
        self._turn.acquire()

    def run(self, *operations: tuple[str, Callable[[], object]]) -> dict[str, object]:
        """Begin operations one after the other; return the result of each."""
        results: dict[str, object] = {}

        def carry_out(name: str, operation: Callable[[], object]) -> None:
            with self._turn:
                try:
                    operation()
                    results[name] = "done"
                except KernelRefusal as refusal:
                    results[name] = refusal.errno
                self.order.append(name)
            self._begun.set()

        threads = [
            threading.Thread(target=carry_out, args=one, daemon=True)
            for one in operations
        ]
        for thread in threads:
            self._begun.clear()
            thread.start()
            assert self._begun.wait(10)
        self._all_begun.set()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()
        return results


def _slow_down(kernel: Kernel, module: str, **settings: int) -> None:
    """Have the drivers of a module take their time, or fail."""
    for driver in kernel.modules.loaded[module].drivers:
        driver.spec = replace(driver.spec, **settings)


def test_other_devices_are_bound_meanwhile() -> None:
    """Operations on other devices do not wait for a probe that takes long."""
    kernel = bench("host_nic")
    nic, other = device(kernel, NIC), device(kernel, PF)
    for each in (nic, other):
        kernel.pci.release(each)
    driver = kernel.pci.drivers["host_nic"]
    threads = _Threads(kernel)
    _slow_down(kernel, "host_nic", probe_ms=200)

    results = threads.run(
        ("bind", lambda: kernel.pci.bind(driver, nic)),
        ("bind the other", lambda: kernel.pci.bind(driver, other)),
        ("read", lambda: kernel.pci.match(driver, nic)),
    )

    assert set(results.values()) == {"done"}
    assert threads.order[0] == "read"


@pytest.mark.parametrize(
    ("second", "result", "driver"),
    [
        ("bind", EBUSY, "host_nic"),
        ("unbind", "done", None),
        ("probe", "done", "host_nic"),
        ("remove", "done", None),
        ("unload", "done", None),
    ],
)
def test_second_operation_waits_for_the_probe(
    second: str, result: object, driver: str | None
) -> None:
    """It then works on the state that the first operation left."""
    kernel = bench("host_nic")
    nic = device(kernel, NIC)
    kernel.pci.release(nic)
    host_nic = kernel.pci.drivers["host_nic"]
    operations: dict[str, Callable[[], object]] = {
        "bind": lambda: kernel.pci.bind(host_nic, nic),
        "unbind": lambda: kernel.pci.unbind(host_nic, nic),
        "probe": lambda: kernel.pci.attach_device(nic),
        "remove": lambda: kernel.pci.stop_and_remove(nic),
        "unload": lambda: kernel.modules.unload("host_nic"),
    }
    threads = _Threads(kernel)
    _slow_down(kernel, "host_nic", probe_ms=200)

    results = threads.run(
        ("first", lambda: kernel.pci.bind(host_nic, nic)),
        ("second", operations[second]),
    )

    assert results == {"first": "done", "second": result}
    assert threads.order == ["first", "second"]
    assert (nic.driver.name if nic.driver else None) == driver
    assert nic.dead == (second == "remove")


def test_bind_waits_for_the_remove_function() -> None:
    """The device is free only when its driver's remove function has returned."""
    kernel = bench("host_nic", "other_nic")
    nic = device(kernel, NIC)
    threads = _Threads(kernel)
    _slow_down(kernel, "host_nic", remove_ms=200)

    results = threads.run(
        ("unbind", lambda: kernel.pci.release(nic)),
        ("bind", lambda: kernel.pci.bind(kernel.pci.drivers["other-nic"], nic)),
    )

    assert set(results.values()) == {"done"}
    assert threads.order == ["unbind", "bind"]
    assert nic.driver is kernel.pci.drivers["other-nic"]


def test_unbind_leaves_the_device_to_the_driver_that_got_it_meanwhile() -> None:
    """R-UNBIND-2: unbind names a driver, whose probe fails while unbind waits."""
    kernel = bench("host_nic", "other_nic")
    nic, pci = device(kernel, NIC), kernel.pci
    pci.release(nic)
    threads = _Threads(kernel)
    _slow_down(kernel, "host_nic", probe_ms=100, probe_errno=EIO)

    results = threads.run(
        ("probe", lambda: pci.attach_device(nic)),
        ("unbind", lambda: pci.unbind(pci.drivers["host_nic"], nic)),
    )

    assert set(results.values()) == {"done"}
    assert nic.driver is pci.drivers["other-nic"]


def test_device_is_removed_once() -> None:
    """Two removals at the same time both succeed."""
    kernel = bench("host_nic")
    nic = device(kernel, NIC)
    threads = _Threads(kernel)
    _slow_down(kernel, "host_nic", remove_ms=200)

    results = threads.run(
        ("first", lambda: kernel.pci.stop_and_remove(nic)),
        ("second", lambda: kernel.pci.stop_and_remove(nic)),
    )

    assert set(results.values()) == {"done"}
    assert NIC not in kernel.pci.devices


def test_one_operation_at_a_time_sets_virtual_functions() -> None:
    """A second number waits until all functions of the first are probed."""
    kernel = bench("host_nic")
    physical = device(kernel, PF)
    threads = _Threads(kernel)
    _slow_down(kernel, "host_nic", probe_ms=50)

    results = threads.run(
        ("two", lambda: sriov.set_numvfs(kernel.pci, physical, 2)),
        ("none", lambda: sriov.set_numvfs(kernel.pci, physical, 0)),
    )

    assert set(results.values()) == {"done"}
    assert (physical.sriov and physical.sriov.virtual_functions) == []
    assert VF not in kernel.pci.devices


def test_module_comes_once() -> None:
    """A second insertion waits and is EEXIST; a removal meanwhile is EBUSY."""
    kernel = bench()
    spec = kernel.modules.available["host_nic"]
    kernel.modules.available["host_nic"] = replace(spec, init_ms=200)
    threads = _Threads(kernel)

    results = threads.run(
        ("first", lambda: kernel.modules.load("host_nic")),
        ("second", lambda: kernel.modules.load("host_nic")),
        ("remove", lambda: kernel.modules.unload("host_nic")),
    )

    assert results == {"first": "done", "second": EEXIST, "remove": EBUSY}
    assert threads.order == ["remove", "first", "second"]


def test_lock_is_free_after_a_refusal() -> None:
    """A failed probe leaves a device that can be bound."""
    kernel = bench("broken")
    nic = device(kernel, NIC)
    with suppress(KernelRefusal):
        kernel.pci.bind(kernel.pci.drivers["broken"], nic)

    assert not nic.is_locked
    with pytest.raises(KernelRefusal) as refusal:
        kernel.pci.unbind(kernel.pci.drivers["broken"], nic)
    assert refusal.value.errno == ENODEV
