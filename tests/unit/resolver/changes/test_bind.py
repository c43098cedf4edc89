"""Binding on a simulated kernel: what changes, what is verified, what is undone."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pyfakefs.helpers import set_uid

from resolver.cli import run
from resolver.errors import FailedError
from resolver.session import Session
from simkernel.fronts.fakefs.host import simulated
from simkernel.host.boot import boot_host
from simkernel.scenario.render import load
from simkernel.scenario.schema import FaultEntry, Scenario
from tests.hurried import HurriedHost

PF = "0000:3b:00.0"
VF = "0000:3b:00.2"
OTHER = "0000:3b:00.3"
RECORD = f"/run/resolver/{VF}.json"


@contextmanager
def host(**changes: Any) -> Iterator[None]:
    """Be on a host with a ConnectX and its virtual functions.

    :param changes: members of the scenario to replace.
    """
    scenario = dataclasses.replace(load("mlx5_vfio_pci", {}), **changes)
    with simulated(boot_host(scenario, source="test")):
        yield


def variant(**changes: Any) -> dict[str, Any]:
    """Return the change of the variant's driver, for ``host``."""
    return on_modules("mlx5_vfio_pci", drivers=changes)


def on_modules(name: str, *, drivers: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the change of one module, for ``host``."""
    modules = []
    for module in base().modules:
        if module.name == name:
            (driver,) = module.drivers
            driver = dataclasses.replace(driver, **drivers)
            module = dataclasses.replace(module, drivers=(driver,), **changes)
        modules.append(module)
    return {"modules": tuple(modules)}


def base() -> Scenario:
    """Return the scenario as it is."""
    return load("mlx5_vfio_pci", {})


def binding(name: str = VF) -> tuple[str | None, str]:
    """Return driver and override of a device, as a shell would read them."""
    path = f"/sys/bus/pci/devices/{name}"
    override = Path(f"{path}/driver_override").read_text().strip()
    if not os.path.islink(f"{path}/driver"):
        return None, override
    return os.readlink(f"{path}/driver").rpartition("/")[2], override


def write(path: str, text: str) -> None:
    """Do what ``echo text > path`` does."""
    descriptor = os.open(path, os.O_WRONLY)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def records() -> list[str]:
    """Return the names of all records."""
    directory = Path("/run/resolver")
    return sorted(p.name for p in directory.iterdir()) if directory.is_dir() else []


FOUND = ("mlx5_core", "(null)")
BOUND = ("mlx5_vfio_pci", "mlx5_vfio_pci")


def test_bind_loads_and_binds_the_variant(capsys: pytest.CaptureFixture[str]) -> None:
    """The line says from where to where, the next one why."""
    with host():
        assert run(["bind", VF]) == 0
        assert binding() == BOUND
        assert os.path.exists("/sys/module/mlx5_vfio_pci")
        assert not os.path.exists("/sys/module/vfio_pci")
        assert os.listdir(f"/sys/bus/pci/devices/{VF}/vfio-dev") == ["vfio0"]
        assert binding(OTHER) == FOUND
    assert capsys.readouterr() == (
        "0000:3b:00.2 (15b3:101e): mlx5_core -> mlx5_vfio_pci\n"
        "    vfio_pci:v000015B3d0000101Esv*sd*bc*sc*i* (modules.alias)\n",
        "",
    )


def test_bridge_is_left_alone_and_offered_no_driver(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """VFIO would refuse it; nothing is written to find that out."""
    with host():
        before = binding("0000:3a:00.0")
        assert run(["bind", "3a:00.0"]) == 4
        after = binding("0000:3a:00.0")
        assert run(["devices", "--json"]) == 0

    printed = capsys.readouterr()
    bridge = json.loads(printed.out)["devices"][0]
    assert before == after == ("pcieport", "(null)")
    assert "device is a bridge" in printed.err
    assert bridge["driver"] == "pcieport"
    assert bridge["best_driver"] is None


def test_bind_again_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0, ``changed`` false, and the record stays the first one."""
    with host():
        run(["bind", VF])
        first = Path(RECORD).read_text()
        capsys.readouterr()
        assert run(["bind", "--json", VF]) == 0
        device = json.loads(capsys.readouterr().out)["devices"][0]
        assert (device["changed"], device["steps"]) == (False, [])
        assert Path(RECORD).read_text() == first


def test_second_bind_keeps_the_first_record() -> None:
    """Restoring goes back to how the device was found, not to the bind between."""
    with host():
        assert run(["bind", VF]) == 0
        assert run(["bind", "--driver", "vfio-pci", VF]) == 0
        assert binding() == ("vfio-pci", "vfio-pci")
        assert run(["restore", VF]) == 0
        assert (binding(), records()) == (FOUND, [])


@pytest.mark.parametrize("name", ["vfio-pci", "vfio_pci"])
def test_driver_can_be_named_by_module_or_driver(name: str) -> None:
    """Users type either."""
    with host():
        assert run(["bind", "--driver", name, VF]) == 0
        assert binding() == ("vfio-pci", "vfio-pci")


def test_device_that_an_administrator_bound_is_left_alone() -> None:
    """Bound to the right driver without override: nothing is written."""
    with host():
        run(["bind", VF])
        run(["restore", VF])
        write(f"/sys/bus/pci/devices/{VF}/driver_override", "mlx5_vfio_pci")
        write("/sys/bus/pci/drivers/mlx5_core/unbind", VF)
        write("/sys/bus/pci/drivers_probe", VF)
        write(f"/sys/bus/pci/devices/{VF}/driver_override", "")
        assert run(["bind", VF]) == 0
        assert (binding(), records()) == (("mlx5_vfio_pci", "(null)"), [])


def test_restore_returns_to_a_driver_that_only_an_override_gave() -> None:
    """vfio-pci takes no device by itself, and the override was cleared since."""
    with host():
        run(["bind", "--driver", "vfio-pci", VF])
        write(f"/sys/bus/pci/devices/{VF}/driver_override", "")
        Path(RECORD).unlink()
        assert run(["bind", VF]) == 0
        assert run(["restore", VF]) == 0
        assert binding() == ("vfio-pci", "(null)")


def test_restore_returns_an_override_that_names_another_driver() -> None:
    """Found on one driver while kept for another: both come back."""
    with host():
        write(f"/sys/bus/pci/devices/{VF}/driver_override", "no such driver")
        assert run(["bind", VF]) == 0
        assert run(["restore", VF]) == 0
        assert binding() == ("mlx5_core", "no such driver")


def test_unbind_leaves_no_driver_and_the_override_as_it_was_found() -> None:
    """And restore brings the driver back."""
    with host():
        run(["bind", VF])
        assert run(["unbind", VF]) == 0
        assert binding() == (None, "(null)")
        assert run(["unbind", VF]) == 0
        assert run(["restore", VF]) == 0
        assert (binding(), records()) == (FOUND, [])


def test_unbind_alone_is_remembered() -> None:
    """Not only what bind changed can be restored."""
    with host():
        assert run(["unbind", VF]) == 0
        assert (binding(), records()) == ((None, "(null)"), [f"{VF}.json"])
        assert run(["restore", "--all"]) == 0
        assert (binding(), records()) == (FOUND, [])


def test_restore_all_restores_everything(capsys: pytest.CaptureFixture[str]) -> None:
    """Once; the second time there is nothing to do."""
    with host():
        assert run(["bind", VF, OTHER]) == 0
        assert run(["restore", "--all"]) == 0
        assert (binding(), binding(OTHER), records()) == (FOUND, FOUND, [])
        capsys.readouterr()
        assert run(["restore", "--all"]) == 0
        assert run(["restore", VF]) == 4
        assert "device has no record" in capsys.readouterr().err


def test_restore_loads_the_driver_that_went_away() -> None:
    """The record knows its module."""
    with host():
        assert run(["bind", "--force", "--driver", "vfio-pci", PF]) == 0
        subprocess.run(["rmmod", "mlx5_core"], check=True)
        assert run(["restore", PF]) == 0
        assert binding(PF) == FOUND


def test_restore_refuses_another_device_at_the_address() -> None:
    """Its record stays."""
    with host():
        run(["bind", VF])
        record = json.loads(Path(RECORD).read_text())
        Path(RECORD).write_text(json.dumps({**record, "vendor_device": "8086:1572"}))
        assert run(["restore", VF]) == 3
        assert (binding(), records()) == (BOUND, [f"{VF}.json"])


def test_record_of_an_earlier_boot_is_dropped() -> None:
    """The boot has put the device back, whatever the record says."""
    with host():
        run(["unbind", VF])
        record = json.loads(Path(RECORD).read_text())
        Path(RECORD).write_text(json.dumps({**record, "boot_id": "earlier"}))
        assert run(["restore", VF]) == 0
        assert (binding(), records()) == ((None, "(null)"), [])


def move(name: str, driver: str) -> None:
    """Do what driverctl and libvirt do."""
    path = f"/sys/bus/pci/devices/{name}"
    write(f"{path}/driver_override", driver)
    write(f"{path}/driver/unbind", name)
    write("/sys/bus/pci/drivers_probe", name)


def test_record_of_a_device_that_was_moved_since_is_refreshed() -> None:
    """Restoring it returns to what the other program chose."""
    with host():
        run(["bind", VF])
        subprocess.run(["modprobe", "vfio-pci"], check=True)
        move(VF, "vfio-pci")
        assert run(["bind", VF]) == 0
        assert binding() == BOUND
        assert run(["restore", VF]) == 0
        assert binding() == ("vfio-pci", "vfio-pci")


def test_record_of_virtual_functions_made_anew_is_refreshed() -> None:
    """The kernel's defaults count, not those of the former function."""
    numvfs = f"/sys/bus/pci/devices/{PF}/sriov_numvfs"
    with host():
        subprocess.run(["modprobe", "vfio-pci"], check=True)
        move(VF, "vfio-pci")
        run(["bind", VF])
        write(numvfs, "0")
        write(numvfs, "2")
        assert binding() == FOUND
        assert run(["bind", VF]) == 0
        assert run(["restore", VF]) == 0
        assert binding() == FOUND


def test_failed_bind_keeps_the_record_of_a_moved_device() -> None:
    """A roll-back changes no record."""
    with host(**variant(probe_errno="EINVAL")):
        run(["bind", "--driver", "vfio-pci", VF])
        before = Path(RECORD).read_text()
        move(VF, "mlx5_core")
        write(f"/sys/bus/pci/devices/{VF}/driver_override", "other")
        assert run(["bind", "--driver", "mlx5_vfio_pci", VF]) == 1
        assert Path(RECORD).read_text() == before


def test_restore_drops_the_record_of_a_device_made_anew(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What resolver changed is gone with the former device."""
    with host():
        run(["bind", VF])
        record = json.loads(Path(RECORD).read_text())
        Path(RECORD).write_text(json.dumps({**record, "inode": 1}))
        run(["status"])
        assert capsys.readouterr().out.splitlines()[-1].endswith("replaced")
        assert run(["restore", VF]) == 0
        assert (binding(), records()) == (BOUND, [])
    assert "created anew" in capsys.readouterr().out


def test_damaged_record_stops_the_bind(capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is touched: how the device was found would be lost."""
    with host():
        Path("/run/resolver").mkdir()
        Path(RECORD).write_bytes(b"\xff{")
        assert run(["bind", VF]) == 1
        assert binding() == FOUND
        assert f"{RECORD} is damaged: it is not UTF-8" in capsys.readouterr().err


def test_probe_that_fails_is_undone(capsys: pytest.CaptureFixture[str]) -> None:
    """The errno of the driver is learnt, driver and override are back, no record."""
    with host(**variant(probe_errno="EINVAL")):
        assert run(["bind", "--json", VF]) == 1
        assert (binding(), records()) == (FOUND, [])
        out, err = capsys.readouterr()
        device = json.loads(out)["devices"][0]
        assert device["undone"] is True
        assert device["error"] == (
            "driver mlx5_vfio_pci failed to probe the device: EINVAL (Invalid "
            "argument); the device is bound to mlx5_core as before"
        )
        assert "dmesg" in err
        assert os.path.exists("/sys/module/mlx5_vfio_pci")


def test_driver_without_vfio_device_is_undone() -> None:
    """Bound is not enough where the kernel shows VFIO devices."""
    with host(**variant(vfio=False)):
        hurried = HurriedHost()
        with pytest.raises(FailedError, match="registered no VFIO device"):
            Session(hurried).bind(VF)
        assert (binding(), records()) == (FOUND, [])
        assert 5 in hurried.waits_s


def test_driver_that_was_asked_for_need_not_be_a_vfio_driver(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is bound, and the user is told."""
    with host(**variant(vfio=False)):
        assert run(["bind", "--driver", "mlx5_vfio_pci", VF]) == 0
        assert binding() == BOUND
        assert (
            "note: mlx5_vfio_pci registered no VFIO device" in capsys.readouterr().out
        )


STARTS = {
    "plain": (lambda: None, FOUND),
    "kept for its driver": (
        lambda: write(f"/sys/bus/pci/devices/{VF}/driver_override", "mlx5_core"),
        ("mlx5_core", "mlx5_core"),
    ),
    "kept for another": (
        lambda: write(f"/sys/bus/pci/devices/{VF}/driver_override", "foo"),
        ("mlx5_core", "foo"),
    ),
    "unbound": (
        lambda: write("/sys/bus/pci/drivers/mlx5_core/unbind", VF),
        (None, "(null)"),
    ),
}


@pytest.mark.parametrize("command", ["bind", "unbind"])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("at_write", range(1, 6))
def test_failure_at_any_write_is_undone(
    command: str, start: str, at_write: int
) -> None:
    """The device is where it was, and no record is left; or all went well."""
    prepare, expected = STARTS[start]
    with counted_after(prepare, FaultEntry(at_write=at_write, errno="EIO")):
        code = run([command, VF])
        if code == 1:
            assert (binding(), records()) == (expected, [])
        else:
            assert code == 0
            assert binding()[0] == ("mlx5_vfio_pci" if command == "bind" else None)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("at_write", range(1, 6))
def test_restore_that_fails_can_be_tried_again(start: str, at_write: int) -> None:
    """The record stays until reading has shown that the device is back."""
    prepare, expected = STARTS[start]

    def bound() -> None:
        prepare()
        assert run(["bind", VF]) == 0

    with counted_after(bound, FaultEntry(at_write=at_write, errno="EIO")):
        code = run(["restore", VF])
        if code != 0:
            assert code == 1
            assert (binding(), records()) == (BOUND, [f"{VF}.json"])
            assert run(["restore", VF]) == 0
        assert (binding(), records()) == (expected, [])


@contextmanager
def counted_after(prepare: Any, *faults: FaultEntry) -> Iterator[None]:
    """Be on a host whose faults count writes only after it was prepared."""
    built = boot_host(base(), source="test")
    with simulated(built):
        prepare()
        done = built.kernel.faults.writes
        moved = dataclasses.replace(
            base(),
            faults=tuple(
                dataclasses.replace(one, at_write=one.at_write + done) for one in faults
            ),
        )
        built.kernel.faults.planned = boot_host(
            moved, source="test"
        ).kernel.faults.planned
        yield


def test_what_cannot_be_undone_is_said_and_remembered(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Exit code 5, every problem on a line, and restore finishes the work."""
    faults = tuple(FaultEntry(at_write=n, errno="EIO") for n in (3, 4, 5))
    with host(faults=faults):
        assert run(["bind", "--json", VF]) == 5
        assert binding()[0] is None
        out, err = capsys.readouterr()
        device = json.loads(out)["devices"][0]
        assert device["undone"] is False
        assert device["problems"][-1] == "the driver was mlx5_core and is none"
        assert err.count("error: not rolled back: ") == len(device["problems"])
        assert run(["restore", VF]) == 0
        assert (binding(), records()) == (FOUND, [])


@pytest.mark.parametrize("at_write", [1, 2, 3])
def test_device_that_vanishes_is_said_to(
    at_write: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it remains to be put back, so device has no record."""
    with host(faults=(FaultEntry(at_write=at_write, remove=VF),)):
        assert run(["bind", VF]) == 1
        assert records() == []
        assert "device was removed" in capsys.readouterr().err


@pytest.mark.parametrize(
    "line",
    [
        "blacklist mlx5_vfio_pci",
        "blacklist mlx5-vfio-pci",
        "install mlx5_vfio_pci /bin/true",
        "install mlx5_vfio_pci /bin/false",
    ],
)
def test_prohibited_variant_is_refused_and_not_replaced(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file and line are named, and the way to the generic driver."""
    with host(modprobe_d={"x.conf": f"# ours\n{line}\n"}):
        assert run(["bind", "--json", VF]) == 3
        assert (binding(), records()) == (FOUND, [])
        out, err = capsys.readouterr()
        device = json.loads(out)["devices"][0]
        assert device["rule"] == "module-prohibited"
        assert (device["module"], device["driver"]) == ("mlx5_vfio_pci", "mlx5_core")
        assert f"/etc/modprobe.d/x.conf line 2: {line}" in device["error"]
        assert "--driver vfio-pci" in err
        assert run(["bind", "--driver", "vfio-pci", VF]) == 0


def test_prohibited_module_that_is_loaded_is_used() -> None:
    """Nothing needs to be loaded, so nothing is prohibited."""
    with host(modprobe_d={"x.conf": "blacklist mlx5_vfio_pci\n"}):
        subprocess.run(["modprobe", "mlx5_vfio_pci"], check=True)
        assert run(["bind", VF]) == 0
        assert binding() == BOUND


@pytest.mark.parametrize("name", ["nosuch", "vfio_pci_core"])
def test_driver_that_is_none_is_not_found(name: str) -> None:
    """No such module, or a module without driver; the device is untouched."""
    with host():
        assert run(["bind", "--driver", name, VF]) == 4
        assert (binding(), records()) == (FOUND, [])


def test_module_whose_driver_has_another_name_is_followed() -> None:
    """Nothing but the module knows the name."""
    with host(**variant(name="bar-vfio")):
        assert run(["bind", VF]) == 0
        assert binding() == ("bar-vfio", "bar-vfio")


@pytest.mark.parametrize(
    ("release", "missing", "source"),
    [
        ("6.18.0", (), "modules.builtin.modinfo"),
        ("6.12.0", (), "modules.builtin"),
        ("6.12.0", ("modules.builtin",), "/sys/module"),
    ],
)
def test_variant_that_is_built_in_is_found(
    release: str,
    missing: tuple[str, ...],
    source: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The choice says which way."""
    kernel = dataclasses.replace(base().kernel, release=release)
    modules = tuple(dataclasses.replace(one, builtin=True) for one in base().modules)
    with host(kernel=kernel, missing=missing, modules=modules, loaded=()):
        assert run(["bind", "--json", VF]) == 0
        device = json.loads(capsys.readouterr().out)["devices"][0]
        assert (device["source"], binding()) == (source, BOUND)


def test_driver_that_takes_the_device_while_it_loads_is_recorded() -> None:
    """An administrator's override binds an unbound device as the module comes."""
    with host():
        write(f"/sys/bus/pci/devices/{VF}/driver_override", "mlx5_vfio_pci")
        write("/sys/bus/pci/drivers/mlx5_core/unbind", VF)
        assert run(["bind", VF]) == 0
        assert (binding(), records()) == (BOUND, [f"{VF}.json"])
        assert run(["restore", VF]) == 0
        assert binding() == (None, "mlx5_vfio_pci")


def test_interrupt_is_undone_and_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C after the device was taken from its driver."""
    with host():
        original = os.write

        def interrupted(descriptor: int, data: bytes) -> int:
            written = original(descriptor, data)
            if binding()[0] is None:
                monkeypatch.setattr(os, "write", original)
                signal.raise_signal(signal.SIGINT)
            return written

        monkeypatch.setattr(os, "write", interrupted)
        assert run(["bind", VF]) == 130
        assert (binding(), records()) == (FOUND, [])
    assert "interrupted" in capsys.readouterr().err


def test_user_without_rights_is_told_to_become_root(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a module is loaded; the exit code is 1, as for any failure undone."""
    with host():
        set_uid(1000)
        assert run(["bind", VF]) == 1
        set_uid(0)
        assert (binding(), records()) == (FOUND, [])
        assert not os.path.exists("/sys/module/mlx5_vfio_pci")
    assert "hint: run as root" in capsys.readouterr().err


def test_misspelled_driver_is_suggested(capsys: pytest.CaptureFixture[str]) -> None:
    """A variant driver's module is suggested before it is loaded."""
    with host():
        assert run(["bind", "--driver", "mlx5_vfio_pc", VF]) == 4
        assert binding() == FOUND
    err = capsys.readouterr().err
    assert "no driver or module mlx5_vfio_pc: " in err
    assert err.endswith("hint: did you mean mlx5_vfio_pci?\n")
