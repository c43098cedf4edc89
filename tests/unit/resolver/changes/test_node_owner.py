"""Who gets the nodes of a bound device."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from resolver.changes.node_owner import set_owner
from resolver.device import Binding, Device
from resolver.errors import FailedError
from resolver.inspect.devices import read_device
from resolver.linux import Host
from resolver.options import Grant
from simkernel.scenario.render import load, parse
from tests.simulated import Result, Session, session

VF = "0000:3b:00.2"
GROUP = "/dev/vfio/2"
OWN = "/dev/vfio/devices/vfio0"


@contextmanager
def host(**settings: str) -> Iterator[Session]:
    with session(load("booting_host", settings)) as place:
        yield place


def owner(path: str) -> tuple[int, int, int]:
    found = os.stat(path)
    return found.st_uid, found.st_gid, found.st_mode & 0o777


def bind(place: Session, *more: str) -> Result:
    return place.run("resolver", "bind", *more, VF)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--uid", "107"], (107, 0, 0o600)),
        (["--gid", "64"], (0, 64, 0o660)),
        (["--uid", "107", "--gid", "64"], (107, 64, 0o660)),
        (["--uid", "root", "--gid", "root"], (0, 0, 0o660)),
    ],
)
def test_group_and_device_nodes_are_handed_over(
    options: list[str], expected: tuple[int, int, int]
) -> None:
    """A user gets both nodes as they are; a group may read and write them."""
    with host() as place:
        done = bind(place, *options)
        assert (expected, expected) == (owner(GROUP), owner(OWN)), done.stderr


def test_what_was_handed_over_is_in_the_document() -> None:
    """Path, owner and mode of each node."""
    with host() as place:
        done = bind(place, "--json", "--uid", "107")

    (found,) = json.loads(done.stdout)["devices"]
    node = {"uid": 107, "gid": 0, "mode": "0600"}
    assert [{"path": GROUP, **node}, {"path": OWN, **node}] == found["nodes"]


def test_a_device_bound_already_is_handed_over() -> None:
    """To hand nodes over, nothing needs to be bound anew."""
    with host() as place:
        bind(place)
        done = bind(place, "--uid", "107")
        assert owner(GROUP)[0] == 107

    assert "already" in done.stdout


def test_nodes_are_of_root_again_after_restore() -> None:
    """The kernel removes the nodes; nothing of the grant is left."""
    with host() as place:
        bind(place, "--uid", "107")
        place.run("resolver", "restore", VF)
        bind(place)
        assert owner(GROUP) == (0, 0, 0o600)


@pytest.mark.parametrize(
    "options",
    [["--uid", "no-such-user"], ["--gid", "no-such-group"], ["--uid", "4294967295"]],
)
def test_nobody_is_an_error_before_anything_is_done(options: list[str]) -> None:
    """A name that nobody has, and the number that means nobody, are wrong usage."""
    with host() as place:
        done = bind(place, *options)
        assert place.driver(VF) == "mlx5_core"

    assert done.exit_code == 2
    assert "error: unknown " in done.stderr


def test_a_node_that_does_not_appear_is_an_error(tmp_path: Path) -> None:
    """The kernel says that there is a node, and devtmpfs does not have it."""
    (tmp_path / "sys/class/vfio/2").mkdir(parents=True)
    there = Host(sys=f"{tmp_path}/sys", run=f"{tmp_path}/run", dev=f"{tmp_path}/dev")
    binding = Binding("vfio-pci", None)
    device = Device(bus="pci", name=VF, modalias=None, binding=binding, iommu_group="2")
    with pytest.raises(FailedError, match="/dev/vfio/2 did not appear within"):
        set_owner(there, device, Grant(107, None), timeout_s=0.1)


def test_a_grant_that_fails_changes_nothing() -> None:
    """Who is not root gives nothing away; what was not done needs no undoing."""
    with host() as place:
        bind(place)
        device = read_device(Host(), "pci", VF)
        os.setuid(1000)
        try:
            with pytest.raises(FailedError, match="cannot change the owner of /dev/"):
                set_owner(Host(), device, Grant(107, None), timeout_s=1)
        finally:
            os.setuid(0)
        assert owner(GROUP) == (0, 0, 0o600)


NO_IOMMU = """
kernel: {release: 6.12.0, iommu: false}
modules:
  - name: vfio
    path: kernel/vfio.ko
    parameters: [{name: enable_unsafe_noiommu_mode, type: bool, default: "Y"}]
  - name: vfio_pci
    path: kernel/vfio-pci.ko
    depends: [vfio]
    drivers: [{name: vfio-pci, vfio: true, ids: [{override_only: true}]}]
loaded: [vfio_pci]
devices: [{address: "0000:01:00.0", id: "8086:1000"}]
"""


def test_nodes_without_iommu_have_their_own_name() -> None:
    """The group that VFIO makes for such a device has the node noiommu-N."""
    with session(parse(NO_IOMMU)) as place:
        done = place.run("resolver", "bind", "--uid", "107", "01:00.0")
        assert Path("/dev/vfio/noiommu-0").exists(), done.stderr
        assert owner("/dev/vfio/noiommu-0")[0] == 107
