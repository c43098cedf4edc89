"""How good a device's driver is: seen by what it has, and what it could have."""

from __future__ import annotations

import json

import pytest

from resolver.device import Binding, Device
from resolver.matching import modalias
from resolver.matching.alias_files import AliasEntry
from resolver.matching.alias_index import Aliases, AliasLookup
from resolver.matching.driver_state import driver_state
from resolver.matching.select import Choice, choose
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


VARIANT = "vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i*"
NEARER = VARIANT.replace("bc*", "bc02")
TEXT = "pci:v000015B3d0000101Esv000015B3sd00000003bc02sc00i00"


def _choice(*lines: tuple[str, str]) -> Choice:
    entries = (AliasEntry(*line, "modules.alias", 1) for line in lines)
    return choose(modalias.parse(TEXT), Aliases(AliasLookup(entries)))


GENERIC = _choice()
NEAR = _choice((VARIANT, "own_vfio"), (NEARER, "new_vfio"))


@pytest.mark.parametrize(
    ("driver", "module", "choice", "is_on_vfio", "expected"),
    [
        (None, None, GENERIC, True, "none"),
        ("mlx5_core", None, GENERIC, False, "host"),
        ("mlx5_core", "mlx5_core", None, False, "host"),
        ("nvidia", None, GENERIC, True, "vfio, by the vendor's driver"),
        ("nvidia", "nvidia", None, True, "vfio, by the vendor's driver"),
        ("vfio-pci", None, None, False, "vfio, no match"),
        ("vfio-cdx", None, None, True, "vfio, no match"),
        ("renamed", "vfio_pci", None, False, "vfio, no match"),
        ("mlx5-vfio-pci", None, None, False, "vfio, no match"),
        ("renamed", "mlx5_vfio_pci", None, False, "vfio, no match"),
        ("vfio-pci", None, GENERIC, False, "vfio, the best driver"),
        ("vfio-pci", "vfio_pci", GENERIC, True, "vfio, the best driver"),
        ("new-vfio", None, NEAR, False, "vfio, the best driver"),
        ("vfio-pci", None, NEAR, True, "vfio, not the best driver"),
        ("renamed", "vfio_pci", NEAR, True, "vfio, not the best driver"),
        ("vfio-pci", "renamed", NEAR, True, "vfio, not the best driver"),
        ("own-vfio", None, NEAR, False, "variant, but newer match exists"),
        ("renamed", "own_vfio", NEAR, True, "variant, but newer match exists"),
        ("other-vfio", None, NEAR, False, "host"),
        ("mlx5_vfio_pci", None, NEAR, False, "variant, but newer match exists"),
    ],
)
def test_state_by_driver_and_choice(
    driver: str | None,
    module: str | None,
    choice: Choice | None,
    is_on_vfio: bool,
    expected: str,
) -> None:
    """The module counts if it is known, else the driver's name with ``_``."""
    device = Device(bus="pci", name=VF, modalias=TEXT, binding=Binding(driver, None))

    assert expected == driver_state(device, module, choice, is_on_vfio=is_on_vfio)
    if is_on_vfio:
        seen = Device(
            bus="pci",
            name=VF,
            modalias=TEXT,
            binding=Binding(driver, None),
            vfio_device="vfio3",
        )
        assert expected == driver_state(seen, module, choice)
