"""Modules that another process loads, and drivers that register late."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resolver.changes.load_module import load_driver
from resolver.errors import FailedError
from resolver.inspect.devices import find_driver
from resolver.linux import Host
from tests.hurried import HurriedHost
from tests.unit.resolver.changes.test_bind import BOUND, VF, binding, host, on_modules

MODULE = "late_vfio"


class LoadingHost(Host):
    """A host on which another process finishes a load in the first wait."""

    def __init__(self, finish: Callable[[], object], **places: Any) -> None:
        super().__init__(**places)
        self._finish = finish

    def wait(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Finish the load, and look once."""
        assert not is_done()
        self._finish()
        return is_done()


def places(captured: Any) -> dict[str, Any]:
    """Return the places of a captured host, with a module whose init runs."""
    captured.device(VF)
    (captured.module(MODULE) / "initstate").write_text("coming\n")
    root = captured.root
    return {"sys": f"{root}/sys", "proc": f"{root}/proc", "run": f"{root}/run"}


def test_module_whose_init_runs_has_no_driver_yet(captured: Any) -> None:
    """It is no module without driver."""
    assert find_driver(Host(**places(captured)), "pci", MODULE, None) is None


def test_load_by_another_process_is_waited_for(captured: Any) -> None:
    """No modprobe of our own is needed then: there is none on this host."""

    def finish() -> None:
        captured.driver("late-vfio", module=MODULE)
        (captured.module(MODULE) / "initstate").write_text("live\n")

    loading = LoadingHost(finish, **places(captured))
    assert load_driver(loading, "pci", MODULE, None) == "late-vfio"


def test_load_that_does_not_end_is_an_error(captured: Any) -> None:
    """The time limit is that of the command."""
    hurried = HurriedHost(**places(captured))
    with pytest.raises(FailedError, match="init of module late_vfio has not ended"):
        load_driver(hurried, "pci", MODULE, None, 7)
    assert hurried.waits_s == [7]


def test_driver_that_registers_late_is_waited_for() -> None:
    """A module may register its driver after its init, as from a work queue."""
    from resolver.cli import run

    with host(**on_modules("mlx5_vfio_pci", drivers={}, late_ms=300)):
        assert run(["bind", VF]) == 0
        assert binding() == BOUND
        assert Path(f"/sys/bus/pci/devices/{VF}/vfio-dev").exists()
        assert not [one for one in os.listdir("/run/resolver") if "lock" in one]
