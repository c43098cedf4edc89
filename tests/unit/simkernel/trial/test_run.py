"""``simkernel try`` on the simulated kernel, with generated modules."""

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
    """Run the command; raise its errors."""
    line = ["try", *map(str, words)]
    return CliRunner().invoke(cli, line, catch_exceptions=False)


def document(*words: object) -> dict[str, Any]:
    """Return the JSON document of a trial."""
    found: dict[str, Any] = json.loads(attempt("--json", *words).stdout)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the module directory of a kernel with a host driver and a rival."""
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


def test_variant_driver_binds_its_device(tmp_path: Path, folder: Path) -> None:
    """resolver finds it by its alias; the kernel accepts one spelling of its name."""
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


def test_rival_of_the_kernel_wins_a_tie(tmp_path: Path, folder: Path) -> None:
    """Of two equal aliases, that of the kernel's own variant driver comes first."""
    both = VARIANT.replace("7F01", "7F02")
    found = document(
        module_file(tmp_path, aliases=(both,)), "--modules-dir", folder, *ACME
    )

    (row,) = found["devices"]
    assert (row["module"], row["driver"]) == ("rival_vfio_pci", "rival_vfio_pci")
    assert not found["ok"]


def test_plain_alias_binds_without_a_request(tmp_path: Path, folder: Path) -> None:
    """udev loads the module, and the driver binds without ``driver_override``."""
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


def test_alias_in_lower_case_matches_nothing(tmp_path: Path, folder: Path) -> None:
    """The kernel writes modaliases in upper case, and matching is case-sensitive."""
    lower = "vfio_pci:v00001b36d00007fabsv*sd*bc*sc*i*"
    path = module_file(tmp_path, aliases=(lower,))
    (row,) = document(path, "--modules-dir", folder, *ACME)["devices"]

    assert (row["module"], row["ok"]) == ("vfio_pci", False)


def test_driver_without_vfio_registration_fails(tmp_path: Path, folder: Path) -> None:
    """The driver binds, but programs cannot open the device."""
    done = attempt(module_file(tmp_path, depends=""), "--modules-dir", folder, *ACME)

    assert done.exit_code == 1
    error = "error: 1b36:7f01: acme-vfio-pci does not register the device with VFIO"
    assert error in done.stdout


def test_alias_without_a_device_fails(tmp_path: Path, folder: Path) -> None:
    """A malformed alias is an error, even if another alias works."""
    wrong = "vfio_pci:v00001B36d15B37F01sv*sd*bc*sc*i*"
    done = attempt(
        module_file(tmp_path, aliases=(wrong, VARIANT)), "--modules-dir", folder, *ACME
    )

    assert done.exit_code == 1
    assert f"error: {wrong}: not bound to acme-vfio-pci: cannot derive" in done.stdout


def test_module_without_alias_fails(tmp_path: Path, folder: Path) -> None:
    """resolver cannot find the driver of a module without alias."""
    done = attempt(module_file(tmp_path, aliases=()), "--modules-dir", folder, *ACME)

    assert done.exit_code == 1
    assert "nothing to try" in done.stdout


def test_several_modules_share_a_host(tmp_path: Path, folder: Path) -> None:
    """Each module has its own device."""
    files = [
        module_file(tmp_path, name, aliases=(VARIANT.replace("7F01", number),))
        for name, number in (("one-vfio-pci", "7F11"), ("two-vfio-pci", "7F12"))
    ]
    words = ["--modules-dir", folder]
    words += ["--driver", "one-vfio-pci=one", "--driver", "two_vfio_pci=two"]
    found = document(*files, *words)

    modules = [row["module"] for row in found["devices"]]
    assert modules == ["one_vfio_pci", "two_vfio_pci"]


def test_tested_host_driver_replaces_generated_one(
    tmp_path: Path, folder: Path
) -> None:
    """The host has no second driver for the device."""
    saved = tmp_path / "saved.yaml.j2"
    base = module_file(tmp_path, "acme", aliases=(PLAIN,), depends="")
    words = ("--modules-dir", folder, "--save", saved)
    words += ("--driver", "acme=acme", "--driver", "acme_vfio_pci=acme-vfio")
    found = document(module_file(tmp_path), base, *words)

    (row,) = found["devices"]
    assert row["module"] == "acme_vfio_pci"
    assert "acme_net" not in saved.read_text("utf-8")


def test_saved_file_is_a_scenario(tmp_path: Path, folder: Path) -> None:
    """simkernel boots it, and resolver binds its device."""
    saved = tmp_path / "saved.yaml.j2"
    attempt(
        module_file(tmp_path, description="{% raw %} {{ 1 }} {# #}"),
        *("--modules-dir", folder, "--save", saved, *ACME),
    )

    with Sim(saved, via="fakefs") as sim:
        assert sim.driver_of("0000:20:01.1") == "acme_net"
        assert sim.run(["resolver", "bind", "0000:20:01.1"]).returncode == 0
        assert sim.driver_of("0000:20:01.1") == "acme-vfio-pci"


def test_physical_generates_physical_functions(tmp_path: Path, folder: Path) -> None:
    """The device is function 0 of its slot."""
    found = document(
        module_file(tmp_path), "--physical", "--modules-dir", folder, *ACME
    )

    (row,) = found["devices"]
    assert (row["device"], row["ok"]) == ("0000:20:01.0", True)


@pytest.mark.parametrize(
    ("name", "depends", "message"),
    [
        ("vfio-pci", "vfio_pci_core", "vfio_pci is a VFIO core module"),
        ("acme", "", "not a VFIO PCI driver: no vfio_pci: alias"),
    ],
)
def test_module_that_is_no_variant_driver_is_refused(
    tmp_path: Path, folder: Path, name: str, depends: str, message: str
) -> None:
    """The error gives the reason."""
    path = module_file(tmp_path, name, aliases=(PLAIN,), depends=depends)

    with pytest.raises(UsageError, match=message):
        attempt(path, "--modules-dir", folder, "--driver", name)


@pytest.mark.parametrize(
    ("driver", "message"),
    [
        ("acme-vfio_pic=acme", "no FILE is module acme_vfio_pic; did you mean acme_v"),
        ("acme", "several modules, so the driver's module is unknown"),
    ],
)
def test_driver_of_an_unknown_module_is_refused(
    tmp_path: Path, driver: str, message: str
) -> None:
    """A misspelled module does not lead to a guessed driver name."""
    files = [module_file(tmp_path), module_file(tmp_path, "other-vfio-pci")]

    with pytest.raises(UsageError, match=message):
        attempt(*files, "--driver", driver)


def test_vm_refuses_another_module_directory(tmp_path: Path) -> None:
    """The guest has the modules of its own kernel."""
    done = attempt(module_file(tmp_path), "--via", "vm", "--modules-dir", tmp_path)

    assert done.exit_code == 2
    assert "does not apply to --via vm" in done.output
