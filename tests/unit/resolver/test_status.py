"""Recorded devices and their current state."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from resolver.cli import run
from simkernel.scenario.render import load
from tests.simulated import Session, session

VF = "0000:3b:00.2"


STATES: dict[str, Callable[[Session], object]] = {
    "as wanted": lambda host: None,
    "gone": lambda host: host.host.kernel.hot_unplug(VF),
    "in between": lambda host: host.run("python", "-c", UNBIND),
}
UNBIND = f"open('/sys/bus/pci/drivers/mlx5_vfio_pci/unbind', 'w').write('{VF}')"


@pytest.mark.parametrize("state", STATES)
def test_status_says_how_a_device_differs(state: str) -> None:
    """From what resolver left, and from what it found."""
    with session(load("mlx5_vfio_pci")) as host:
        host.run("resolver", "bind", VF)
        STATES[state](host)
        found = json.loads(host.run("resolver", "status", "--json").stdout)
        table = host.run("resolver", "status").stdout.splitlines()
    (device,) = found["devices"]
    assert device["state"] == state
    assert device["wanted_driver"] == "mlx5_vfio_pci"
    assert device["record"] == f"/run/resolver/{VF}.json"
    assert " ".join(table[0].split()) == "DEVICE ID PREVIOUS WANTED CURRENT STATE"
    assert table[1].startswith(f"{VF}  15b3:101e  mlx5_core  mlx5_vfio_pci")
    assert table[1].endswith(state)


def test_status_without_records_says_so() -> None:
    """Data is none, talk is some."""
    with session(load("mlx5_vfio_pci")) as host:
        done = host.run("resolver", "status")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "no device is recorded\n"


def test_status_of_a_damaged_record_is_a_row(
    captured: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what is wrong with it; a captured host can be asked, too."""
    captured.write(f"run/resolver/{VF}.json", b"{")
    assert run(["--root", str(captured.root), "status"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].endswith("damaged")
    assert "it is not JSON" in err
