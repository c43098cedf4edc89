"""Runs that are killed between two files: what acts at boot is always complete."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from resolver.linux import Host
from resolver.persistence import mechanism, records
from resolver.persistence.persist import persist, unpersist
from resolver.persistence.records import MechanismName, PersistentRecord

pytestmark = pytest.mark.real

KEY = "pci-0000:3b:00.2"
CHANGES = ("rename", "unlink")
"""Calls after which a file is there, or is not."""


def record(by: MechanismName) -> PersistentRecord:
    return PersistentRecord(
        device="0000:3b:00.2",
        bus="pci",
        vendor_device="15b3:101e",
        driver="mlx5_vfio_pci",
        module="mlx5_vfio_pci",
        mechanism=by,
    )


def host_at(root: Path) -> Host:
    return Host(etc=f"{root}/etc", run=f"{root}/run", proc=f"{root}/proc")


def files(host: Host, by: MechanismName) -> list[tuple[str, bytes]]:
    """Return the files of the device, the one that acts at boot last."""
    made = mechanism.files_of(host, record(by), sys.executable)
    return [(file.path, file.data) for file in made]


def is_complete_or_off(host: Host, by: MechanismName) -> bool:
    """Tell whether what acts at boot is missing, or has all that it needs."""
    *needed, (acting, _) = files(host, by)
    if not os.path.exists(acting):
        return True
    return all(host.read_if_there(path) == data for path, data in needed)


def killed(host: Host, number: int, action: str, by: MechanismName) -> bool:
    """Run in a child that ends just before its n-th change; tell whether it did."""
    child = os.fork()
    if child == 0:
        left = [number]

        def ending(real):  # type: ignore[no-untyped-def]  # any call of os
            def call(path, *more, **named):  # type: ignore[no-untyped-def]
                if "/etc/" in os.fspath(path):
                    left[0] -= 1
                    if left[0] == 0:
                        os._exit(9)
                return real(path, *more, **named)

            return call

        for name in CHANGES:
            setattr(os, name, ending(getattr(os, name)))
        try:
            if action == "persist":
                persist(host, record(by))
            else:
                unpersist(host, KEY)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize("by", ["driverctl", "systemd"])
@pytest.mark.parametrize("action", ["persist", "unpersist"])
def test_whatever_is_killed_can_be_finished(
    tmp_path: Path, action: str, by: MechanismName
) -> None:
    """At every change: nothing half acts at boot, and the next run completes it."""
    number = 0
    while True:
        number += 1
        root = tmp_path / str(number)
        root.mkdir()
        host = host_at(root)
        if action == "unpersist":
            persist(host, record(by))
        if not killed(host, number, action, by):
            break
        assert is_complete_or_off(host, by), number
        persist(host, record(by))
        assert all(host.read_if_there(path) == data for path, data in files(host, by))
        unpersist(host, KEY)
        assert records.recorded(host) == []
        assert not [path for path, _ in files(host, by) if os.path.exists(path)]
    assert number == 4  # three files each
