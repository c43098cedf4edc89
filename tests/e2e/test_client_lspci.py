"""lspci on the fuse tier: it shows what is there, and knows nothing of variants."""

from __future__ import annotations

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse
from tests.programs import needs

pytestmark = [
    pytest.mark.real,
    needs_fuse,
    needs("lspci"),
    pytest.mark.scenario("mlx5_vfio_pci", vfs=2, via="fuse"),
]

VF = "3b:00.2"


def _lspci(sim: Sim, *options: str) -> str:
    done = sim.run(["lspci", *options], check=True)
    assert done.stderr == ""
    return done.stdout


def _value(text: str, field: str) -> str:
    (line,) = (one for one in text.splitlines() if one.strip().startswith(field))
    return line.partition(": ")[2]


def test_devices_are_the_simulated_ones_and_no_others(sim: Sim) -> None:
    """The machine's own cannot be seen, by way of ``/proc/bus/pci`` neither."""
    assert _lspci(sim, "-n", "-D").splitlines() == [
        "0000:3a:00.0 0604: 8086:347a",
        "0000:3b:00.0 0200: 15b3:101d",
        "0000:3b:00.2 0200: 15b3:101e",
        "0000:3b:00.3 0200: 15b3:101e",
    ]
    assert sim.run(["lspci", "-A", "linux-proc"]).returncode != 0


def test_configuration_space_is_decoded(sim: Sim) -> None:
    """``-vvv`` walks the capabilities, ``-xxxx`` reads all 4096 bytes."""
    text = _lspci(sim, "-vvv", "-s", VF)
    assert "Capabilities: [40] Express (v2) Endpoint" in text
    assert "FLReset+" in text
    assert _value(text, "IOMMU group") == "2"
    assert _lspci(sim, "-xxxx", "-s", VF).splitlines()[-2].startswith("ff0: 00 ")


def test_driver_is_shown_but_no_variant_among_the_modules(sim: Sim) -> None:
    """It looks for ``pci:`` aliases; a variant's begin with ``vfio_pci:``."""
    before = _lspci(sim, "-nnk", "-s", VF)
    sim.run(["resolver", "bind", VF], check=True)
    after = _lspci(sim, "-nnk", "-s", VF)

    assert _value(before, "Kernel driver in use") == "mlx5_core"
    assert _value(after, "Kernel driver in use") == "mlx5_vfio_pci"
    assert _value(before, "Kernel modules") == "mlx5_core"
    assert _value(after, "Kernel modules") == "mlx5_core"
    explained = sim.run(["resolver", "explain", VF], check=True).stdout
    assert "module     mlx5_vfio_pci: loaded" in explained


def test_unplugged_function_is_gone_from_the_list(sim: Sim) -> None:
    """Each call looks anew."""
    sim.kernel.unplug("0000:3b:00.0")

    assert "15b3" not in _lspci(sim, "-n")
