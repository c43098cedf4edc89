"""Guests that fail, and a guest that runs several scenarios."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from simkernel.fronts.vm.machine.guest import Guest, GuestError
from simkernel.fronts.vm.machine.hardware import Machine
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.machine.topology import plan_machine
from simkernel.fronts.vm.modules.directory import ModuleDirectory, module_directory
from simkernel.fronts.vm.scenario.setup import ScenarioSetup
from simkernel.scenario.render import load
from simkernel.scenario.schema import Scenario

pytestmark = pytest.mark.real

SCENARIO = "name_mismatch"
DEVICE = "/sys/bus/pci/devices/0000:01:00.0"


class Place:
    """A booted guest and a scenario for it."""

    def __init__(
        self, guest: Guest, kernel: InstalledKernel, tree: ModuleDirectory
    ) -> None:
        self.guest, self.tree = guest, tree
        self.setup = ScenarioSetup(
            guest, release=kernel.release, simpci=tree.simpci, stock=kernel.modules
        )

    def play(self, **operation: str) -> dict[str, object]:
        """Run an operation and return its answer."""
        answer = self.guest.call("execute", operations=[operation])["answers"][0]
        return dict(answer)


@pytest.fixture(scope="module")
def scenario() -> Scenario:
    """Return the scenario that the tests use."""
    return load(SCENARIO)


@pytest.fixture
def place(kernel: InstalledKernel, scenario: Scenario) -> Iterator[Place]:
    """Return a guest of its own for each test."""
    tree = module_directory(scenario, kernel, lambda text: None)
    machine = plan_machine([scenario])
    with Guest(machine, image=kernel.image, release=kernel.release) as guest:
        yield Place(guest, kernel, tree)


def test_guest_that_does_not_boot_in_time(kernel: InstalledKernel) -> None:
    """The message has the limit and the end of the console.

    The kernel panics and stays there. The limit doubles until it is long enough for
    the kernel's first messages.
    """
    machine = Machine(arguments=("rdinit=/no/such/file", "root=nowhere", "panic=0"))
    limit, message = 1, "its console is empty"
    while "its console is empty" in message and limit < 1000:
        limit *= 2
        with pytest.raises(GuestError) as caught:
            Guest(machine, image=kernel.image, release=kernel.release, boot_s=limit)
        message = str(caught.value)

    assert message.startswith(f"the guest did not boot within {limit} s; ")
    assert "the end of its console:\n    [" in message


def test_kernel_that_panics(kernel: InstalledKernel) -> None:
    """The error has the end of the console."""
    machine = Machine(arguments=("rdinit=/no/such/file", "root=nowhere"))
    with pytest.raises(GuestError) as caught:
        Guest(machine, image=kernel.image, release=kernel.release)

    assert str(caught.value).startswith(
        "the guest has ended; the end of its console:\n"
    )
    assert "Kernel panic" in str(caught.value)


def test_qemu_that_does_not_start(tmp_path: Path) -> None:
    """The error has QEMU's message."""
    with pytest.raises(GuestError) as caught:
        Guest(Machine(), image=tmp_path / "no-kernel", release="6.12")

    assert "could not open kernel file" in str(caught.value)


def test_scenario_goes_in_and_out(place: Place, scenario: Scenario) -> None:
    """The guest is as before, so the scenario can be set up again."""
    for _ in range(3):
        assert place.setup.apply(scenario, place.tree) == []
        assert place.play(op="read", path=f"{DEVICE}/vendor")["value"] == "0x1b36\n"
        load_module = place.play(op="load", module="foo_vfio")
        assert load_module["errno"] != 0  # what it needs is not there
        for path, text in (
            ("/sys/bus/pci/drivers_autoprobe", "0"),
            (f"{DEVICE}/driver_override", "foo"),
            ("/sys/bus/pci/drivers/foo/unbind", "0000:01:00.0"),
            ("/sys/bus/pci/devices/0000:00:0a.0/remove", "1"),
        ):
            assert place.play(op="write", path=path, data=text)["errno"] == 0
        assert place.play(op="unload", module="foo")["errno"] == 0
        place.setup.clear()
        assert place.play(op="read", path=f"{DEVICE}/vendor")["errno"] == 2


def test_what_stays_behind_is_noticed(place: Place, scenario: Scenario) -> None:
    """A guest that still has a mount cannot be reused."""
    place.setup.apply(scenario, place.tree)
    place.guest.call(
        "execute", operations=[{"op": "folder", "path": "/mnt", "files": {}}]
    )

    with pytest.raises(GuestError, match="after boot: /proc/self/mounts"):
        place.setup.clear()


def test_refusal_names_the_operation(place: Place, scenario: Scenario) -> None:
    """The error has the operation and the kernel's reason."""
    wrong = replace(scenario, devices=(replace(scenario.devices[1], id="ffff:ffff"),))

    with pytest.raises(GuestError) as caught:
        place.setup.apply(wrong, place.tree)

    assert "the guest's kernel refused: define" in str(caught.value)
    assert str(caught.value).endswith("Invalid argument")


def test_terminal_of_the_command(kernel: InstalledKernel, tmp_path: Path) -> None:
    """The terminal has the same size; keys and a new size reach it."""
    script = """
    stty size; read word; echo got $word
    while [ "$(stty size)" = "30 90" ]; do sleep 0.1; done
    stty size; exit 3
    """
    words = ["run", "--via", "vm", SCENARIO, "--", "sh", "-c", script]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("4H", 30, 90, 0, 0))
        os.execv(sys.executable, [sys.executable, "-m", "simkernel", *words])
    seen = _until(terminal, b"30 90\r\n")
    os.write(terminal, b"hello\r")
    seen += _until(terminal, b"got hello\r\n")
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 40, 120, 0, 0))
    seen += _until(terminal, b"40 120\r\n")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)

    assert os.waitstatus_to_exitcode(status) == 3
    assert b"booting" in seen


def _until(terminal: int, text: bytes) -> bytes:
    """Read from a terminal until a text has come."""
    seen, end = b"", time.monotonic() + 300
    while text not in seen:
        ready, _, _ = select.select([terminal], [], [], max(end - time.monotonic(), 0))
        assert ready, seen
        seen += os.read(terminal, 4096)
    return seen
