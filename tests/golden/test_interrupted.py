"""A signal at every change of a run: the exit code says what is on the host."""

from __future__ import annotations

import signal
from itertools import count

import pytest

from simkernel.scenario.render import load
from tests.killed import Counter, killed_at
from tests.simulated import session, tree_with_modules

DEVICE = "0000:3b:00.2"
COMMANDS = {
    "bind": ("bind", DEVICE),
    "unbind": ("unbind", DEVICE),
    "restore": ("restore", DEVICE),
    "atomic": ("bind", "--atomic", "3b:00.[23]"),
}


class Interrupter(Counter):
    """Sends a signal instead of killing the process.

    :param place: start of the call at which to send it, instead of a number.
    """

    def __init__(self, at: int = 0, *, place: str = "") -> None:
        super().__init__(at)
        self.place = place

    def next(self, what: str) -> bool:
        """Count a call, and send the signal at the one."""
        self.count += 1
        self.seen.append(what)
        is_there = self.place and what.startswith(self.place)
        if self.count == self.at or (is_there and not self.has_killed):
            self.has_killed = True
            signal.raise_signal(signal.SIGINT)
        return False


@pytest.mark.parametrize("command", COMMANDS)
def test_exit_code_after_a_signal_is_true(command: str) -> None:
    """130 and the host as before, or 0 and the host as wanted; no lock is left."""
    scenario = load("mlx5_vfio_pci")
    words = ("resolver", *COMMANDS[command])
    codes = []
    for at in count(1):
        with session(scenario) as host:
            if command == "restore":
                assert host.run("resolver", "bind", DEVICE).exit_code == 0
            before = host.tree()
            interrupter = Interrupter(at)
            with killed_at(interrupter):
                done = host.run(*words)
            if not interrupter.has_killed:
                break
            after, place = host.tree(), interrupter.seen[at - 1]
            modules = host.modules
            left = [one for one in host.names("/run/resolver") if ".json" not in one]
            assert left == [], place
            if done.exit_code == 130 and command == "restore":
                assert before == after, place
            elif done.exit_code == 130:
                assert after == tree_with_modules(scenario, modules), place
            else:
                assert done.exit_code == 0, (place, done)
                wanted = None if command == "unbind" else "mlx5_vfio_pci"
                assert host.driver(DEVICE) == (
                    "mlx5_core" if command == "restore" else wanted
                ), place
            codes.append(done.exit_code)
    assert 130 in codes
    assert codes == sorted(codes, reverse=True)  # 0 only at the end


@pytest.mark.parametrize(
    ("command", "place"),
    [("bind", "unlink(/run/resolver/pci"), ("atomic", "unlink(/run/resolver/claims")],
)
def test_signal_after_the_change_is_not_reported(command: str, place: str) -> None:
    """While the locks are released, the device is bound: exit code 0."""
    with session(load("mlx5_vfio_pci")) as host:
        interrupter = Interrupter(place=place)
        with killed_at(interrupter):
            done = host.run("resolver", *COMMANDS[command])
        driver = host.driver(DEVICE)
    assert interrupter.has_killed
    assert (done.exit_code, driver) == (0, "mlx5_vfio_pci")
