"""The API: what a session has bound, it gives back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import resolver
from resolver.errors import NotFoundError, NotUndoneError, RefusedError
from resolver.session import Session
from simkernel.scenario.render import load
from tests import simulated

VF = "0000:3b:00.2"
EXAMPLE = Path(__file__).parents[3] / "examples" / "python_api.py"


@pytest.fixture
def host() -> Iterator[simulated.Session]:
    with simulated.session(load("mlx5_vfio_pci", {})) as place:
        yield place


def test_a_block_gives_everything_back(host: simulated.Session) -> None:
    """Driver, override and records are as before the block."""
    before = host.tree()
    with Session() as session:
        first = session.bind(VF)
        session.bind("3b:00.3", driver="vfio-pci")
        session.unbind("3b:00.4")
        assert first.driver == host.driver(VF) == "mlx5_vfio_pci"
        assert host.driver("0000:3b:00.3") == "vfio-pci"
        assert host.driver("0000:3b:00.4") is None
        assert [one.state for one in session.statuses()] == ["as wanted"] * 3
    changed = simulated.difference(before, host.tree())
    assert changed["removed"] == {}
    devices = "/sys/bus/pci/devices"
    assert not [p for p in changed["changed"] if p.startswith(devices)]  # type: ignore[attr-defined]  # paths
    assert [host.driver(f"0000:3b:00.{n}") for n in (2, 3, 4)] == ["mlx5_core"] * 3
    assert host.names("/run/resolver") == []


def test_an_exception_gives_everything_back_too(host: simulated.Session) -> None:
    """What went wrong in the block is what comes out of it."""

    def fail() -> None:
        with Session() as session:
            session.bind(VF)
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert host.driver(VF) == "mlx5_core"


def test_what_was_bound_before_stays_so(host: simulated.Session) -> None:
    """A session gives back what it found, not what resolver once found."""
    host.run("resolver", "bind", "--driver", "vfio-pci", VF)
    with Session() as session:
        session.bind(VF)
        assert host.driver(VF) == "mlx5_vfio_pci"
    assert host.driver(VF) == "vfio-pci"
    assert host.run("resolver", "restore", VF).exit_code == 0
    assert host.driver(VF) == "mlx5_core"


def test_what_is_bound_already_is_left_alone(host: simulated.Session) -> None:
    """A device that the session did not change is not given back."""
    host.run("resolver", "bind", VF)
    with Session() as session:
        assert not session.bind(VF).changed
    assert host.driver(VF) == "mlx5_vfio_pci"


def test_many_devices_are_bound_and_given_back(host: simulated.Session) -> None:
    """Words name many; each has its own result."""
    with Session() as session:
        found = session.bind_all(["3b:00.[2-5]", "0000:ff:00.0"])
        assert len(found) == 5
        assert isinstance(found["0000:ff:00.0"], NotFoundError)
        assert host.driver("0000:3b:00.5") == "mlx5_vfio_pci"
    assert host.driver("0000:3b:00.5") == "mlx5_core"


def test_all_or_none(host: simulated.Session) -> None:
    """One that cannot be bound keeps the others from it."""
    with Session() as session:
        session.bind_all([VF, "0000:ff:00.0"], is_atomic=True)
        assert host.driver(VF) == "mlx5_core"


def test_devices_and_explanations_are_read_only(host: simulated.Session) -> None:
    """Looking around writes nothing."""
    session = Session()
    names = [one.name for one in session.devices("vfs:ens1np0")]
    assert names == [f"0000:3b:00.{n}" for n in (2, 3, 4, 5)]
    assert len(session.devices()) == 6
    assert session.explain(VF).choice.module == "mlx5_vfio_pci"
    assert session.bind(VF, is_dry_run=True).changed
    assert "config-unknown" in [one.id for one in session.examine()]
    assert host.writes == 0


def test_what_cannot_be_given_back_is_named(host: simulated.Session) -> None:
    """A device that went away is a problem; the others are back all the same."""
    session = Session()
    session.bind(VF)
    session.bind("3b:00.3")
    host.host.kernel.hot_unplug("0000:3b:00.3")
    with pytest.raises(NotUndoneError) as caught:
        session.give_back()
    assert host.driver(VF) == "mlx5_core"
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("0000:3b:00.3")


def test_device_is_kept_when_giving_back_fails(host: simulated.Session) -> None:
    """Locks that cannot be taken are an error; the next call tries again."""
    session = Session()
    session.bind(VF)
    os.rename("/run/resolver", "/run/elsewhere")
    Path("/run/resolver").write_text("")
    with pytest.raises(NotUndoneError) as caught:
        session.give_back()
    assert len(caught.value.problems) == 1
    assert host.driver(VF) == "mlx5_vfio_pci"

    Path("/run/resolver").unlink()
    os.rename("/run/elsewhere", "/run/resolver")
    session.give_back()
    assert host.driver(VF) == "mlx5_core"


def test_persistent_devices_outlast_the_session() -> None:
    """Who makes a binding persistent does not want it undone at the end."""
    with simulated.session(load("booting_host", {})) as host:
        with Session() as session:
            session.bind(VF, is_persistent=True, user="107")
        assert host.driver(VF) == "mlx5_vfio_pci"
        assert Session().unpersist(VF).files
        with pytest.raises(NotFoundError):
            Session().unpersist(VF)


def test_refusals_are_exceptions() -> None:
    """What the command reports with exit code 3 is raised."""
    with simulated.session(load("blacklisted_variant", {})), Session() as session:
        with pytest.raises(RefusedError) as caught:
            session.bind(VF)
        assert caught.value.rule == "module-prohibited"


def test_everything_public_is_described() -> None:
    """Each name of the package, and each method of a session, says what it is."""
    for name in resolver.__all__:
        assert getattr(resolver, name).__doc__, name
    for name, method in vars(Session).items():
        assert name.startswith("_") or method.__doc__, name


@pytest.mark.real
def test_the_example_runs() -> None:
    """examples/python_api.py says what it does, and does it."""
    done = subprocess.run(
        ["simkernel", "run", "mlx5_vfio_pci", "--", "python", str(EXAMPLE), VF],
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        f"{VF} (15b3:101e) would get mlx5_vfio_pci",
        f"{VF} has mlx5_vfio_pci, group 2",
        f"{VF} has mlx5_core again",
    ]
