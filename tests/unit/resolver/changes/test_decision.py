"""What ``bind`` does with a device, and its reasons."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from resolver.changes.decision import Decision, choose_for, decide, module_state
from resolver.device import Binding, Device
from resolver.errors import NotFoundError, RefusedError, UsageError
from resolver.inspect.devices import read_device
from resolver.matching.alias_files import AliasEntry
from resolver.matching.alias_index import Aliases, AliasLookup
from resolver.matching.select import Choice
from resolver.options import Options

NAME = "0000:3b:00.2"
VARIANT = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"
ALIASES = Aliases(
    AliasLookup([AliasEntry(VARIANT, "mlx5_vfio_pci", "modules.alias", 1)])
)
DEVICE = Device(
    bus="pci",
    name=NAME,
    modalias="pci:v000015B3d0000101Esv000015B3sd00000003bc02sc00i00",
    binding=Binding(None, None),
)
NO_DRIVER = Options()


def _decide(captured: Any, options: Options = NO_DRIVER) -> Decision:
    device = read_device(captured.host, "pci", NAME)
    return decide(captured.host, ALIASES, device, options)


@pytest.mark.parametrize(
    ("device", "message", "hint"),
    [
        (
            dataclasses.replace(DEVICE, device_class="060400"),
            "device is a bridge, and VFIO binds no bridges",
            "",
        ),
        (
            dataclasses.replace(DEVICE, bus="mdev", modalias=None),
            "cannot choose a driver: bus 'mdev' has no modaliases",
            "pass --driver NAME",
        ),
        (
            dataclasses.replace(DEVICE, modalias="nonsense"),
            "cannot choose a driver: malformed modalias 'nonsense': not of the form "
            "BUS:FIELDS",
            "pass --driver NAME",
        ),
    ],
)
def test_device_without_choice(device: Device, message: str, hint: str) -> None:
    """The user can name a driver all the same."""
    with pytest.raises(NotFoundError) as caught:
        choose_for(ALIASES, device)
    assert (caught.value.message, caught.value.hint) == (message, hint)
    chosen = choose_for(ALIASES, device, "my-vfio")
    assert (chosen.name, chosen.source) == ("my-vfio", "user")


def test_driver_is_the_best_match_or_the_one_requested() -> None:
    """A name that could leave its directory is refused."""
    assert choose_for(ALIASES, DEVICE).name == "mlx5_vfio_pci"
    with pytest.raises(UsageError, match="it is a path"):
        choose_for(ALIASES, DEVICE, "../x")


@pytest.mark.parametrize(
    ("source", "is_builtin", "is_loaded", "expected"),
    [
        ("modules.builtin", False, False, "built in"),
        ("modules.builtin.modinfo", False, True, "built in"),
        ("modules.alias", True, False, "built in"),
        ("modules.alias", False, True, "loaded"),
        ("modules.alias", False, False, "not loaded"),
        ("user", False, False, "not loaded"),
    ],
)
def test_state_of_the_module(
    captured: Any,
    source: str,
    is_builtin: bool,
    is_loaded: bool,
    expected: str,
) -> None:
    """The source of the alias may show that it is built in."""
    if is_builtin or is_loaded:
        captured.module("my_vfio", is_builtin=is_builtin)
    choice = Choice(name="my-vfio", source=source)  # type: ignore[arg-type]

    assert expected == module_state(captured.host, choice)


def test_registered_driver_is_bound_without_loading(captured: Any) -> None:
    """Its name is known."""
    captured.device(driver="mlx5_core")
    captured.driver("mlx5_core", "mlx5_core")
    captured.driver("mlx5-vfio-pci", "mlx5_vfio_pci")

    decision = _decide(captured)

    assert decision.driver == "mlx5-vfio-pci"
    assert (decision.module_state, decision.prohibition) == ("loaded", None)
    assert (decision.is_kept, decision.must_load) == (False, False)
    assert (decision.errors, decision.notes, decision.refusal) == ((), (), None)
    assert decision.choice.name == "mlx5_vfio_pci"
    assert decision.device.name == NAME
    decision.require()


def test_module_that_is_not_loaded_is_loaded_first(captured: Any) -> None:
    """Its driver is unknown until then."""
    captured.device()

    decision = _decide(captured)

    assert (decision.driver, decision.must_load) == (None, True)
    assert decision.module_state == "not loaded"
    assert decision.choice.module == "mlx5_vfio_pci"


def test_loaded_module_without_driver_is_an_error(captured: Any) -> None:
    """It is noted, and raised by bind."""
    captured.device()
    (captured.module("mlx5_vfio_pci") / "drivers").mkdir()

    decision = _decide(captured)

    message = "module mlx5_vfio_pci is loaded, but has no driver for bus 'pci'"
    assert [one.message for one in decision.errors] == [message]
    assert decision.notes[0] == message
    assert decision.refusal is None
    with pytest.raises(NotFoundError, match=message):
        decision.require()


def test_device_on_the_best_driver_is_checked_for_the_iommu_only(
    captured: Any,
) -> None:
    """Its network interface is no reason to refuse."""
    captured.device(driver="mlx5_vfio_pci", group=None, interface="eth0")
    captured.driver("mlx5_vfio_pci", "mlx5_vfio_pci")

    decision = _decide(captured)

    assert [one.rule for one in decision.errors] == ["no-iommu-group"]
    assert decision.refusal is decision.errors[0]
    with pytest.raises(RefusedError):
        decision.require()


def test_group_member_on_a_host_driver_refuses_vfio_drivers(
    captured: Any,
) -> None:
    """A driver without VFIO may leave the group to the host."""
    captured.device()
    captured.device("0000:3b:00.3", driver="mlx5_core")
    for name in ("mlx5_core", "mlx5_vfio_pci", "other", "my-vfio"):
        captured.driver(name, name.replace("-", "_"))

    def rules(driver: str | None = None, *, forced: bool = False) -> list[str]:
        options = Options(driver=driver, is_forced=forced)
        decision = _decide(captured, options)
        return [one.rule for one in decision.errors if isinstance(one, RefusedError)]

    assert rules() == rules("my-vfio") == ["group-shared"]
    assert rules("other") == rules(forced=True) == []


def test_notes_say_what_the_group_hides(captured: Any) -> None:
    """Only if the driver changes."""
    captured.device()
    captured.device("0000:3b:00.3", driver="mlx5_core", group=41)
    captured.driver("mlx5_core", "mlx5_core")
    captured.driver("mlx5_vfio_pci", "mlx5_vfio_pci")
    captured.write("proc/cmdline", "quiet pcie_acs_override=downstream\n")

    assert _decide(captured).notes == (
        "pcie_acs_override=downstream splits IOMMU groups: the hardware does not "
        "isolate them",
        "other functions of its slot stay on the host: 0000:3b:00.3 on mlx5_core",
    )


def test_device_that_stays_needs_no_notes(captured: Any) -> None:
    """The driver does not change."""
    captured.device(driver="mlx5_vfio_pci")
    captured.driver("mlx5_vfio_pci", "mlx5_vfio_pci")
    captured.write("proc/cmdline", "quiet pcie_acs_override=downstream\n")

    assert _decide(captured).notes == ()


def test_driver_of_the_vendor_keeps_the_device(captured: Any) -> None:
    """A VFIO device shows that it is one; --driver and --force change it."""
    path = captured.device(driver="nvidia")
    captured.driver("nvidia", "nvidia")
    captured.driver("mlx5_vfio_pci", "mlx5_vfio_pci")
    assert not _decide(captured).is_kept
    (path / "vfio-dev" / "vfio0").mkdir(parents=True)

    decision = _decide(captured)

    assert (decision.is_kept, decision.driver) == (True, "nvidia")
    assert (decision.module_state, decision.prohibition) == ("loaded", None)
    assert (decision.errors, decision.must_load) == ((), False)
    assert decision.choice.name == "mlx5_vfio_pci"
    assert decision.device.name == NAME
    assert decision.notes == (
        "nvidia is the VFIO driver of its vendor: pass --driver to change it",
    )
    for options in (Options(driver="mlx5_vfio_pci"), Options(is_forced=True)):
        other = _decide(captured, options)
        assert (other.is_kept, other.driver) == (False, "mlx5_vfio_pci")
