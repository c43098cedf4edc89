"""The order of writes, and what takes them back."""

from __future__ import annotations

import itertools

import pytest

from resolver.changes.plan import Step, plan_bind, plan_move
from resolver.device import Binding

NAME = "0000:3b:00.2"
DRIVERS = (None, "mlx5_core", "mlx5_vfio_pci", "vfio-pci")
BINDINGS = [Binding(*pair) for pair in itertools.product(DRIVERS, DRIVERS)]


def carried_out(binding: Binding, steps: tuple[Step, ...]) -> Binding:
    """Return where a device is after some steps, by the rules of the PCI bus."""
    driver, override = binding
    for step in steps:
        directory = step.path.split("/")[-2]
        if step.action == "override":
            override = step.text.strip() or None
        elif step.action == "unbind":
            assert driver == directory, "unbinding from a driver that has it not"
            driver = None
        elif step.action == "bind":
            assert driver is None, "binding a bound device"
            assert override == directory, "the override does not name the driver"
            driver = directory
        elif step.action == "probe":
            assert driver is None, "probing a bound device does nothing"
            driver = override
    return Binding(driver, override)


def short(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    """Return action and text of each step."""
    return [(step.action, step.text) for step in steps]


def test_override_comes_before_the_device_is_taken_from_its_driver() -> None:
    """A write that fails then costs nothing."""
    plan = plan_bind("pci", NAME, Binding("mlx5_core", None), "mlx5_vfio_pci")
    assert short(plan.steps) == [
        ("override", "mlx5_vfio_pci\n"),
        ("unbind", NAME),
        ("probe", NAME),
    ]
    assert [step.path for step in plan.steps] == [
        f"bus/pci/devices/{NAME}/driver_override",
        "bus/pci/drivers/mlx5_core/unbind",
        "bus/pci/drivers_probe",
    ]
    assert plan.undo == (
        Step(
            action="override",
            path=f"bus/pci/devices/{NAME}/driver_override",
            text="mlx5_core\n",
        ),
        Step(action="unbind", path="bus/pci/drivers/mlx5_vfio_pci/unbind", text=NAME),
        Step(action="bind", path="bus/pci/drivers/mlx5_core/bind", text=NAME),
        Step(
            action="override",
            path=f"bus/pci/devices/{NAME}/driver_override",
            text="\n",
        ),
    )


@pytest.mark.parametrize("override", [None, "vfio-pci"])
def test_device_that_is_there_already_is_left_alone(override: str | None) -> None:
    """Bound to the right driver, kept for it or for none: nothing is written."""
    assert plan_bind("pci", NAME, Binding("vfio-pci", override), "vfio-pci").steps == ()


def test_override_for_another_driver_is_corrected() -> None:
    """The device is not rebound for it."""
    plan = plan_bind("pci", NAME, Binding("vfio-pci", "mlx5_vfio_pci"), "vfio-pci")
    assert short(plan.steps) == [("override", "vfio-pci\n")]


@pytest.mark.parametrize("before", BINDINGS)
@pytest.mark.parametrize("driver", DRIVERS[1:])
def test_bind_and_its_undo_are_inverse(before: Binding, driver: str) -> None:
    """From wherever a device is, to the driver and back."""
    plan = plan_bind("pci", NAME, before, driver)
    there = carried_out(before, plan.steps)
    assert there.driver == driver
    assert carried_out(there, plan.undo) == before


@pytest.mark.parametrize("now", BINDINGS)
@pytest.mark.parametrize("target", BINDINGS)
def test_a_device_can_be_moved_from_anywhere_to_anywhere(
    now: Binding, target: Binding
) -> None:
    """Also to a driver that its override does not name."""
    assert carried_out(now, plan_move("pci", NAME, now, target)) == target


@pytest.mark.parametrize("binding", BINDINGS)
def test_a_device_that_is_where_it_shall_be_is_not_touched(binding: Binding) -> None:
    """Nothing is written for nothing."""
    assert plan_move("pci", NAME, binding, binding) == ()


@pytest.mark.parametrize("before", BINDINGS)
def test_a_failure_after_any_step_can_be_taken_back(before: Binding) -> None:
    """Wherever the steps stopped, there is a way back."""
    steps = plan_bind("pci", NAME, before, "mlx5_vfio_pci").steps
    for done in range(len(steps) + 1):
        stopped = carried_out(before, steps[:done])
        assert carried_out(stopped, plan_move("pci", NAME, stopped, before)) == before


def test_clearing_an_override_writes_a_newline() -> None:
    """Nothing at all, or the text that an empty one reads as, would do harm."""
    steps = plan_move("pci", NAME, Binding(None, "x"), Binding(None, None))
    assert short(steps) == [("override", "\n")]
