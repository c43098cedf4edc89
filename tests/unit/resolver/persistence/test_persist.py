"""Bindings that outlast a boot: which files say so, and who is left alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resolver.errors import RefusedError
from resolver.linux import Host
from resolver.persistence import texts
from resolver.persistence.persist import unpersist
from simkernel.scenario.render import load
from tests.simulated import Session, session

VF = "0000:3b:00.2"
KEY = f"pci-{VF}"
RECORD = f"/etc/resolver/persistent/{KEY}.json"
RULE = f"/etc/udev/rules.d/70-resolver-{KEY}.rules"
UNIT = "/etc/systemd/system/resolver-boot@.service"
OVERRIDE = f"/etc/driverctl.d/{KEY}"
GUARD = f"/etc/systemd/system/driverctl@{KEY}.service.d/50-resolver.conf"


@contextmanager
def host(**settings: str) -> Iterator[Session]:
    with session(load("booting_host", settings)) as place:
        yield place


def etc() -> list[str]:
    """Return all files below /etc but those that the scenario has."""
    found = [f"{at}/{name}" for at, _, names in os.walk("/etc") for name in names]
    return sorted(path for path in found if path != "/etc/hostname")


def bind(place: Session, *more: str) -> dict[str, object]:
    done = place.run("resolver", "bind", "--json", "--persist", *more, VF)
    (found,) = json.loads(done.stdout)["devices"]
    assert found["exit_code"] == done.exit_code
    return dict(found)


def test_without_driverctl_a_unit_of_ours_binds_at_boot() -> None:
    """A rule for the one device starts the unit, whose instance is the record."""
    with host() as place:
        found = bind(place)
        assert found["persistent"]["files"] == [UNIT, RECORD, RULE]  # type: ignore[index]  # JSON
        assert sorted([RECORD, RULE, UNIT]) == etc()
        rule, unit = Path(RULE).read_text(), Path(UNIT).read_text()
        record = json.loads(Path(RECORD).read_text())

    assert f'KERNEL=="{VF}"' in rule
    assert f'SYSTEMD_WANTS}}+="resolver-boot@{KEY}.service"' in rule
    assert "ConditionPathExists=/etc/resolver/persistent/%i.json" in unit
    assert " -m resolver boot %i\n" in unit
    assert (record["vendor_device"], record["driver"]) == ("15b3:101e", "mlx5_vfio_pci")


def test_with_driverctl_its_own_file_says_it() -> None:
    """The file is as driverctl writes it, and its unit leaves other devices alone."""
    with host(driverctl="yes") as place:
        bind(place)
        assert sorted([GUARD, OVERRIDE, RECORD]) == etc()
        assert Path(OVERRIDE).read_text() == "mlx5_vfio_pci\n"
        guard = Path(GUARD).read_text()

    uevent = f"/sys/bus/pci/devices/{VF}/uevent"
    assert f"ExecCondition=grep -qxF PCI_ID=15B3:101E {uevent}\n" in guard


def test_nodes_that_are_handed_over_need_our_own_unit() -> None:
    """driverctl gives nobody nodes, so it is not used for it."""
    with host(driverctl="yes") as place:
        bind(place, "--uid", "107", "--gid", "64")
        record = json.loads(Path(RECORD).read_text())

    assert (record["mechanism"], record["uid"], record["gid"]) == ("systemd", 107, 64)


@pytest.mark.parametrize("driverctl", ["no", "yes"])
def test_persisting_twice_changes_nothing(driverctl: str) -> None:
    """What is so already is left as it is, and reported so."""
    with host(driverctl=driverctl) as place:
        bind(place)
        before = {path: Path(path).read_bytes() for path in etc()}
        found = bind(place)
        assert before == {path: Path(path).read_bytes() for path in etc()}

    assert found["persistent"]["files"] == []  # type: ignore[index]  # JSON
    assert found["changed"] is False


@pytest.mark.parametrize("driverctl", ["no", "yes"])
def test_unpersist_leaves_nothing_behind_and_the_device_bound(driverctl: str) -> None:
    """Persistence ends without a rebind, and its files and directories are gone."""
    with host(driverctl=driverctl) as place:
        bind(place)
        done = place.run("resolver", "unpersist", VF)
        assert etc() == []
        assert not Path(GUARD).parent.exists()
        assert place.driver(VF) == "mlx5_vfio_pci"

    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith(f"{VF}: no longer bound at boot")


def test_unpersist_keeps_what_other_devices_need() -> None:
    """The unit is for all devices; it goes with the last one."""
    with host() as place:
        place.kmod("modprobe", "mlx5_vfio_pci")
        Path("/sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs").write_text("0")
        Path("/sys/bus/pci/devices/0000:3b:00.0/sriov_numvfs").write_text("2")
        done = place.run("resolver", "bind", "--persist", VF, "0000:3b:00.3")
        assert done.exit_code == 0, done.stderr
        place.run("resolver", "unpersist", VF)
        other = KEY.replace(".2", ".3")
        kept = [RECORD.replace(KEY, other), RULE.replace(KEY, other), UNIT]
        assert sorted(kept) == etc()
        place.run("resolver", "unpersist", "--all")
        assert etc() == []


def test_unpersist_works_for_a_device_that_is_gone() -> None:
    """A device that was taken out cannot be found, but its address is known."""
    with host() as place:
        bind(place)
        place.host.kernel.hot_unplug(VF)
        done = place.run("resolver", "unpersist", "3b:00.2")
        assert (done.exit_code, etc()) == (0, []), done.stderr


def test_unpersist_of_what_is_not_is_an_error() -> None:
    """Nothing is removed that resolver has not written."""
    with host(driverctl="yes", override="vfio-pci") as place:
        done = place.run("resolver", "unpersist", VF)
        assert etc() == [OVERRIDE]

    assert done.exit_code == 4
    assert f"driverctl unset-override {VF}" in done.stderr


def test_driverctl_told_otherwise_is_never_overwritten() -> None:
    """The administrator's file wins, and the device is back where it was."""
    with host(driverctl="yes", override="vfio-pci") as place:
        found = bind(place)
        assert etc() == [OVERRIDE]
        assert Path(OVERRIDE).read_text() == "vfio-pci\n"
        assert place.driver(VF) == "mlx5_core"
        assert place.names("/run/resolver") == []

    assert (found["exit_code"], found["rule"]) == (3, "persistent-otherwise")


def test_driverctl_told_the_same_needs_nothing() -> None:
    """What the administrator has set up is used, and stays theirs."""
    with host(driverctl="yes", override="mlx5_vfio_pci") as place:
        found = bind(place)
        assert etc() == [OVERRIDE]

    assert found["persistent"] == {"mechanism": "driverctl", "files": []}


def test_what_somebody_else_has_changed_stays() -> None:
    """driverctl set-override after bind --persist is not ours to remove."""
    with host(driverctl="yes") as place:
        bind(place)
        Path(OVERRIDE).write_text("vfio-pci\n")
        done = place.run("resolver", "unpersist", VF)
        assert etc() == [OVERRIDE]

    assert "changed by another program" in done.stdout


def test_a_host_without_either_is_refused_and_put_back() -> None:
    """Where nothing acts at boot, nothing is bound that was to last."""
    with host(systemd="no") as place:
        found = bind(place)
        assert (etc(), place.driver(VF)) == ([], "mlx5_core")

    assert (found["exit_code"], found["rule"]) == (3, "no-persistence")


@pytest.mark.parametrize(
    ("driverctl", "path"),
    [
        *(("no", path) for path in (UNIT, RECORD, RULE)),
        *(("yes", path) for path in (GUARD, RECORD, OVERRIDE)),
    ],
)
def test_a_file_that_cannot_be_written_undoes_all(driverctl: str, path: str) -> None:
    """Whichever of the files fails, the others are gone and the device is back."""
    with host(driverctl=driverctl) as place:
        Path(path).mkdir(parents=True)
        found = bind(place)
        assert (etc(), place.driver(VF)) == ([], "mlx5_core")
        assert place.names("/run/resolver") == []

    assert (found["exit_code"], found["undone"]) == (1, True)


def test_a_dry_run_writes_nothing() -> None:
    """It says by what the device would be bound at boot, and does nothing."""
    with host() as place:
        done = place.run("resolver", "bind", "--persist", "--dry-run", VF)
        assert etc() == []

    assert "at every boot by systemd" in done.stdout


def test_boot_binds_what_was_made_persistent() -> None:
    """After a boot the unit finds the device on its host driver, and its owner lost."""
    with host() as place:
        bind(place, "--uid", "107")
        place.run("resolver", "restore", VF)
        assert place.driver(VF) == "mlx5_core"
        done = place.run("resolver", "boot", KEY)
        assert place.driver(VF) == "mlx5_vfio_pci"
        assert os.stat("/dev/vfio/2").st_uid == 107

    assert done.exit_code == 0, done.stderr


def test_boot_leaves_another_device_alone() -> None:
    """What has come to the address since is not bound: hardware moves addresses."""
    with host() as place:
        bind(place)
        place.run("resolver", "restore", VF)
        text = Path(RECORD).read_text()
        Path(RECORD).write_text(text.replace("15b3:101e", "15b3:101f"))
        done = place.run("resolver", "boot", "--json", KEY)
        assert place.driver(VF) == "mlx5_core"

    (found,) = json.loads(done.stdout)["devices"]
    assert (done.exit_code, found["rule"]) == (3, "device-changed")


def test_boot_of_what_is_not_persistent_is_not_found() -> None:
    """A unit that is left over does no harm."""
    with host() as place:
        assert place.run("resolver", "boot", KEY).exit_code == 4


def test_atomic_takes_persistence_back() -> None:
    """If another device of the set fails, none is persistent."""
    with host() as place:
        done = place.run(
            "resolver", "bind", "--atomic", "--persist", VF, "0000:3b:00.0"
        )
        assert (etc(), place.driver(VF)) == ([], "mlx5_core")

    assert done.exit_code != 0


def test_unpersist_of_a_captured_host_only_says(tmp_path: Path) -> None:
    """What was copied from a host can be looked at, and is not written to."""
    with host() as place:
        bind(place)
        record = Path(RECORD).read_bytes()
    copy = tmp_path / RECORD[1:]
    copy.parent.mkdir(parents=True)
    copy.write_bytes(record)
    captured = Host.below(str(tmp_path))
    before = sorted(tmp_path.rglob("*"))
    found = unpersist(captured, KEY, is_dry_run=True)
    assert f"{tmp_path}{RECORD}" in found.files
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(RefusedError):
        unpersist(captured, KEY)
    assert sorted(tmp_path.rglob("*")) == before


def test_unit_starts_again_for_a_device_that_is_created_anew() -> None:
    """systemd does not start an active unit. Source: systemd.service(5)."""
    assert "RemainAfterExit" not in texts.boot_unit("/usr/bin/python3")
