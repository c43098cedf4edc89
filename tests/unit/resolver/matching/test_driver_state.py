"""How good a device's driver is: seen by what it has, and what it could have."""

from __future__ import annotations

import json

import pytest

from simkernel.scenario.render import load, parse
from tests.simulated import session

VF = "0000:3b:00.2"


def state(*commands: tuple[str, ...], scenario: str = "mlx5_vfio_pci") -> str:
    """Return the state of a device after commands on a scenario's host."""
    with session(load(scenario, {})) as host:
        for command in commands:
            done = host.run("resolver", *command)
            assert done.exit_code == 0, done.stderr
        (found,) = (
            one
            for one in json.loads(host.run("resolver", "devices", "--json").stdout)[
                "devices"
            ]
            if one["device"] == VF
        )
    return str(found["state"])


@pytest.mark.parametrize(
    ("expected", "commands"),
    [
        ("host", []),
        ("none", [("unbind", VF)]),
        ("vfio, the best driver", [("bind", VF)]),
        ("vfio, not the best driver", [("bind", "--driver", "vfio-pci", VF)]),
    ],
)
def test_the_state_follows_the_driver(
    expected: str, commands: list[tuple[str, ...]]
) -> None:
    """A device on its host driver, on none, on its variant, on the generic driver."""
    assert expected == state(*commands)


NEWER = """
kernel: {release: 6.12.0}
modules:
  - {name: vfio, path: kernel/vfio.ko}
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    depends: [vfio]
    drivers: [{name: vfio-pci, vfio: true, ids: [{override_only: true}]}]
  - name: old_vfio
    path: kernel/old_vfio.ko
    depends: [vfio]
    drivers: [{name: old-vfio, vfio: true, ids: [{id: "15b3:*", override_only: true}]}]
  - name: new_vfio
    path: updates/new_vfio.ko
    depends: [vfio]
    drivers:
      - {name: new-vfio, vfio: true, ids: [{id: "15b3:101e", override_only: true}]}
devices: [{address: "0000:3b:00.2", id: "15b3:101e", class: "020000"}]
"""


def test_a_variant_may_be_outdone() -> None:
    """Another variant describes the device more closely than the one that has it."""
    with session(parse(NEWER)) as host:
        host.run("resolver", "bind", "--driver", "old_vfio", VF)
        (found,) = json.loads(host.run("resolver", "devices", "--json").stdout)[
            "devices"
        ]
        table = host.run("resolver", "devices").stdout

    assert (found["driver"], found["best_module"]) == ("old-vfio", "new_vfio")
    assert found["state"] == "variant, but newer match exists"
    assert table.splitlines()[0].endswith("REMARK")
    assert table.splitlines()[1].endswith("variant, but newer match exists")


def test_nothing_remarkable_needs_no_column() -> None:
    """The table has the remark only where there is one."""
    with session(load("mlx5_vfio_pci", {})) as host:
        assert "REMARK" not in host.run("resolver", "devices").stdout
