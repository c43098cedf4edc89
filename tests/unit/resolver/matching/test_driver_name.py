"""From module and driver names to driver directories."""

from __future__ import annotations

import pytest

from resolver.errors import NotFoundError
from resolver.matching.driver_name import directory_names, pick_driver


def pick(*drivers: str, module: str = "foo_vfio", bound: str | None = None) -> str:
    """Pick among drivers of the PCI bus."""
    return pick_driver(module, drivers, bus="pci", bound=bound)


def test_dashes_become_underscores_and_never_the_other_way() -> None:
    """The exact name is looked for first."""
    assert directory_names("xe-vfio-pci") == ("xe-vfio-pci", "xe_vfio_pci")
    assert directory_names("xe_vfio_pci") == ("xe_vfio_pci",)


def test_only_driver_is_taken_whatever_it_is_called() -> None:
    """A module and its driver need not resemble each other."""
    assert pick("bar-vfio") == "bar-vfio"


def test_driver_that_has_the_device_is_preferred() -> None:
    """A device is not moved between two drivers of one module."""
    assert pick("a-vfio", "foo-vfio", bound="a-vfio") == "a-vfio"


def test_driver_called_like_its_module_is_preferred() -> None:
    """Dashes and underscores are the same there."""
    assert pick("a-vfio", "foo-vfio", bound="e1000e") == "foo-vfio"


def test_only_driver_with_vfio_in_its_name_is_preferred() -> None:
    """The others are for the host."""
    assert pick("a", "b-vfio", "c") == "b-vfio"


def test_drivers_that_fit_as_well_are_all_named() -> None:
    """The error says what to type."""
    with pytest.raises(NotFoundError, match="a-vfio, b-vfio") as caught:
        pick("a-vfio", "b-vfio")
    assert "--driver NAME" in caught.value.hint


def test_module_without_driver_is_an_error() -> None:
    """The module and the bus are named."""
    with pytest.raises(NotFoundError, match=r"foo_vfio is loaded, but .* bus 'pci'"):
        pick()


def test_error_says_how_to_go_on() -> None:
    """The hint names the option, and a driver if there are several."""
    with pytest.raises(NotFoundError) as none:
        pick_driver("m", (), bus="pci", bound=None)
    with pytest.raises(NotFoundError) as several:
        pick_driver("m", ("a", "b"), bus="pci", bound="c")

    assert none.value.message == "module m is loaded, but has no driver for bus 'pci'"
    assert none.value.hint == "name another driver with --driver NAME"
    message = "module m has several drivers for bus 'pci': a, b"
    assert several.value.message == message
    hint = "name one with --driver NAME, such as --driver a"
    assert several.value.hint == hint
