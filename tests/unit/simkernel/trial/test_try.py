"""``simkernel try`` on the simulated kernel, with modules that tests make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from simkernel.cli import cli
from simkernel.errors import UsageError
from simkernel.testing import Sim
from tests.unit.simkernel.trial.driver_files import VARIANT, module_file

ACME = ("--driver", "acme-vfio-pci")
PLAIN = VARIANT.removeprefix("vfio_")


def attempt(*words: object) -> Result:
    """Run the command; its errors are raised."""
    line = ["try", *map(str, words)]
    return CliRunner().invoke(cli, line, catch_exceptions=False)


def document(*words: object) -> dict[str, Any]:
    """Return the JSON document of a trial."""
    found: dict[str, Any] = json.loads(attempt("--json", *words).stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the module directory of a kernel: one driver of the host, one rival."""
    made = tmp_path / "6.12.0-acme"
    made.mkdir()
    (made / "modules.alias").write_text(
        "alias pci:v00001B36d00007F01sv*sd*bc*sc*i* acme_net\n"
        "alias vfio_pci:v00001B36d00007F02sv*sd*bc*sc*i* rival_vfio_pci\n"
    )
    (made / "modules.dep").write_text(
        "kernel/drivers/net/acme-net.ko.xz:\nkernel/drivers/vfio/rival-vfio-pci.ko:\n"
    )
    return made


def test_a_driver_gets_its_device(tmp_path: Path, folder: Path) -> None:
    """Found by its alias; only one spelling is its name."""
    done = attempt(module_file(tmp_path), "--modules-dir", folder, *ACME)

    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "acme_vfio_pci (acme-vfio-pci.ko): driver acme-vfio-pci",
        "kernel 6.12.0-acme, fakefs",
        "",
        "DEVICE     ALIAS"
        "                                      MODULE         DRIVER         BY ITSELF",
        f"1b36:7f01  {VARIANT}  acme_vfio_pci  acme-vfio-pci  no",
        "",
        "DRIVER_OVERRIDE  KERNEL               DEVICE",
        "acme-vfio-pci    binds acme-vfio-pci  1b36:7f01",
        "acme_vfio_pci    no driver            1b36:7f01",
    ]


def test_a_rival_is_seen(tmp_path: Path, folder: Path) -> None:
    """Two aliases for one device: the kernel's own variant stands first."""
    both = VARIANT.replace("7F01", "7F02")
    found = document(
        module_file(tmp_path, aliases=(both,)), "--modules-dir", folder, *ACME
    )

    (row,) = found["devices"]
    assert (row["module"], row["driver"]) == ("rival_vfio_pci", "rival_vfio_pci")
    assert not found["ok"]


def test_a_plain_alias_is_an_accident(tmp_path: Path, folder: Path) -> None:
    """udev loads the module, and the driver takes what it should be asked for."""
    found = document(
        module_file(tmp_path, aliases=(PLAIN,)), "--modules-dir", folder, *ACME
    )

    (row,) = found["devices"]
    assert not found["ok"]
    assert (row["driver"], row["found_by"]) == (
        "vfio-pci",
        "vfio_pci:v*d*sv*sd*bc*sc*i*",
    )
    assert (row["loads_by_itself"], row["binds_by_itself"]) == (True, True)


def test_an_alias_in_lower_case_leads_nowhere(tmp_path: Path, folder: Path) -> None:
    """The kernel writes upper case, and nobody folds it."""
    lower = "vfio_pci:v00001b36d00007fabsv*sd*bc*sc*i*"
    path = module_file(tmp_path, aliases=(lower,))
    (row,) = document(path, "--modules-dir", folder, *ACME)["devices"]

    assert (row["module"], row["ok"]) == ("vfio_pci", False)


def test_a_driver_without_vfio_is_told(tmp_path: Path, folder: Path) -> None:
    """It is bound, and no program can open the device."""
    done = attempt(module_file(tmp_path, depends=""), "--modules-dir", folder, *ACME)

    assert done.exit_code == 1
    assert "error: 1b36:7f01: acme-vfio-pci does not give it to VFIO" in done.stdout


def test_an_alias_of_no_device_is_told(tmp_path: Path, folder: Path) -> None:
    """It counts: nothing can be found by it."""
    wrong = "vfio_pci:v00001B36d15B37F01sv*sd*bc*sc*i*"
    done = attempt(
        module_file(tmp_path, aliases=(wrong, VARIANT)), "--modules-dir", folder, *ACME
    )

    assert done.exit_code == 1
    assert f"error: {wrong}: not bound to acme-vfio-pci: no device" in done.stdout


def test_no_alias_is_no_success(tmp_path: Path, folder: Path) -> None:
    """A driver that nobody finds is not well."""
    done = attempt(module_file(tmp_path, aliases=()), "--modules-dir", folder, *ACME)

    assert done.exit_code == 1
    assert "nothing to try" in done.stdout


def test_several_modules_are_tried_together(tmp_path: Path, folder: Path) -> None:
    """Each has a device of its own."""
    files = [
        module_file(tmp_path, name, aliases=(VARIANT.replace("7F01", number),))
        for name, number in (("one-vfio-pci", "7F11"), ("two-vfio-pci", "7F12"))
    ]
    words = ["--modules-dir", folder]
    words += ["--driver", "one-vfio-pci=one", "--driver", "two_vfio_pci=two"]
    found = document(*files, *words)

    modules = [row["module"] for row in found["devices"]]
    assert modules == ["one_vfio_pci", "two_vfio_pci"]


def test_a_host_driver_may_come_along(tmp_path: Path, folder: Path) -> None:
    """It stands in for the one that the kernel has for the device."""
    saved = tmp_path / "saved.yaml.j2"
    base = module_file(tmp_path, "acme", aliases=(PLAIN,), depends="")
    words = ("--modules-dir", folder, "--save", saved)
    words += ("--driver", "acme=acme", "--driver", "acme_vfio_pci=acme-vfio")
    found = document(module_file(tmp_path), base, *words)

    (row,) = found["devices"]
    assert row["module"] == "acme_vfio_pci"
    assert "acme_net" not in saved.read_text("utf-8")


def test_what_is_saved_is_a_scenario(tmp_path: Path, folder: Path) -> None:
    """It runs as any other, and says what it should come to."""
    saved = tmp_path / "saved.yaml.j2"
    attempt(
        module_file(tmp_path, description="{% raw %} {{ 1 }} {# #}"),
        *("--modules-dir", folder, "--save", saved, *ACME),
    )

    with Sim(saved, via="fakefs") as sim:
        assert sim.driver_of("0000:20:01.1") == "acme_net"
        assert sim.run(["resolver", "bind", "0000:20:01.1"]).returncode == 0
        assert sim.driver_of("0000:20:01.1") == "acme-vfio-pci"


def test_physical_functions_can_be_had(tmp_path: Path, folder: Path) -> None:
    """For drivers of devices that are no virtual functions."""
    found = document(
        module_file(tmp_path), "--physical", "--modules-dir", folder, *ACME
    )

    (row,) = found["devices"]
    assert (row["device"], row["ok"]) == ("0000:20:01.0", True)


@pytest.mark.parametrize(
    ("name", "depends", "message"),
    [
        ("vfio-pci", "vfio_pci_core", "VFIO's own"),
        ("acme", "", "no VFIO driver for PCI"),
    ],
)
def test_what_cannot_be_tried_is_told(
    tmp_path: Path, folder: Path, name: str, depends: str, message: str
) -> None:
    """With the reason."""
    path = module_file(tmp_path, name, aliases=(PLAIN,), depends=depends)

    with pytest.raises(UsageError, match=message):
        attempt(path, "--modules-dir", folder, "--driver", name)


def test_the_modules_of_another_kernel_are_not_for_vm(tmp_path: Path) -> None:
    """The real kernel has its own."""
    done = attempt(module_file(tmp_path), "--via", "vm", "--modules-dir", tmp_path)

    assert done.exit_code == 2
    assert "not for --via vm" in done.output
