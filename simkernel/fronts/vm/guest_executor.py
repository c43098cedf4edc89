"""Runs programs of operations on a real kernel in a guest.

The guest boots on first use and runs one scenario after another. A lost guest is
replaced by a new one.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from simkernel.conformance.executor import Answer, KernelLost, State
from simkernel.conformance.expected_differences import (
    CONSTANT_FILES,
    not_modelled_patterns,
)
from simkernel.conformance.observation_scope import ObservationScope
from simkernel.conformance.operations import Operation, Read, Write, to_json
from simkernel.fronts.vm.machine.guest import Guest, GuestError
from simkernel.fronts.vm.machine.hardware import Machine
from simkernel.fronts.vm.machine.installed_kernel import InstalledKernel
from simkernel.fronts.vm.modules.directory import ModuleDirectory, module_directory
from simkernel.fronts.vm.scenario.setup import ScenarioSetup
from simkernel.scenario.schema import Scenario

__all__ = ["GuestExecutor"]

_DEBIAN = re.compile(r" Debian (\d+(?:\.\d+)+)-")
_VERSION = re.compile(r"(\d+(?:\.\d+)+)")


class GuestExecutor:
    """Runs programs on an installed kernel. Leaving the context ends the guest.

    :param machines: machines, each with the scenarios whose buses it has. A scenario
        of another machine boots that machine.
    :param progress: receives the current step as text.
    """

    def __init__(
        self,
        kernel: InstalledKernel,
        machines: Sequence[tuple[Machine, Sequence[Scenario]]],
        progress: Callable[[str], None],
    ) -> None:
        self._kernel = kernel
        self._machines = machines
        self._machine: Machine | None = None
        self._progress = progress
        self._guest: Guest | None = None
        self._setup: ScenarioSetup | None = None
        self._directories: dict[str, ModuleDirectory] = {}
        self._is_used = False
        self._added: list[Write] = []
        """Ids written to ``new_id``; they may outlive the scenario."""
        self.version = ""
        """Version of the kernel's source, such as ``6.12.117``; empty before the first
        boot."""
        self.boots = 0
        self.boot_s = 0.0
        """Seconds that all boots took together."""

    def __enter__(self) -> GuestExecutor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def reset(self, scenario: Scenario) -> State:
        """Set a scenario up in the guest; see :class:`Executor`."""
        directory = self._directory(scenario)
        try:
            setup, guest = self._ready(self._machine_for(scenario), directory)
            if self._is_used and not self._cleared(setup, guest):
                setup, guest = self._ready(self._machine_for(scenario), directory)
            self._is_used = True
            setup.apply(scenario, directory)
            roots = ObservationScope.of(scenario).roots()
            words: dict[str, Any] = {
                "roots": roots,
                "skip": not_modelled_patterns(),
                "fixed": [CONSTANT_FILES],
            }
            return dict(guest.call("observe", **words)["state"])
        except GuestError as error:
            self._close()
            raise KernelLost(str(error)) from None

    def execute(self, operations: Sequence[Operation]) -> list[Answer]:
        """Run operations; see :class:`Executor`."""
        if self._guest is None:
            raise KernelLost("the guest has ended")
        words = [to_json(one) for one in operations]
        try:
            made = self._guest.call("execute", operations=words, observe=True)
        except GuestError as error:
            self._close()
            raise KernelLost(str(error)) from None
        answers = [_answer(one) for one in made["answers"]]
        self._added += [
            one
            for one, answer in zip(operations, answers, strict=True)
            if isinstance(one, Write)
            and one.path.endswith("/new_id")
            and not answer.errno
        ]
        return answers

    def _cleared(self, setup: ScenarioSetup, guest: Guest) -> bool:
        """Remove the previous scenario; return whether the guest is still usable."""
        try:
            self._take_ids_back(guest)
            setup.clear()
        except GuestError as error:
            self._progress(f"booting again: {str(error).splitlines()[0]}")
            self._close()
            return False
        return True

    def _take_ids_back(self, guest: Guest) -> None:
        """Remove ids added through ``new_id``, where the driver still exists."""
        words = [
            to_json(Write(one.path.replace("/new_id", "/remove_id"), one.data))
            for one in self._added
        ]
        self._added.clear()
        guest.call("execute", operations=words)

    def _machine_for(self, scenario: Scenario) -> Machine:
        return next(
            machine
            for machine, others in self._machines
            if any(scenario is one for one in others)
        )

    def _ready(
        self, machine: Machine, directory: ModuleDirectory
    ) -> tuple[ScenarioSetup, Guest]:
        """Return a running guest for a machine and its setup; boot it if necessary."""
        if machine is not self._machine:
            self._close()
        if self._guest is None or self._setup is None:
            start = time.monotonic()
            kernel = self._kernel
            self._progress(f"booting {kernel.release}")
            guest = Guest(
                machine,
                image=kernel.image,
                release=kernel.release,
                virtual_clock=True,
            )
            self._machine, self._guest, self._is_used = machine, guest, False
            self._setup = ScenarioSetup(
                guest,
                release=kernel.release,
                simpci=directory.simpci,
                stock=kernel.modules,
            )
            self.version = self._read_version(guest)
            self.boots += 1
            self.boot_s += time.monotonic() - start
        return self._setup, self._guest

    def _read_version(self, guest: Guest) -> str:
        """Return the source version, which differs from Debian's release number."""
        read = to_json(Read("/proc/version"))
        text = guest.call("execute", operations=[read])["answers"][0]["value"]
        found = _DEBIAN.search(text) or _VERSION.search(text)
        return found[1] if found else ""

    def _directory(self, scenario: Scenario) -> ModuleDirectory:
        key = repr(scenario)
        if key not in self._directories:
            self._directories[key] = module_directory(
                scenario, self._kernel, self._progress
            )
        return self._directories[key]

    def _close(self) -> None:
        if self._guest is not None:
            self._guest.close()
        self._guest = self._setup = None


def _answer(made: dict[str, Any]) -> Answer:
    value = made["value"]
    return Answer(
        errno=made["errno"],
        value=None if value is None else str(value),
        changed=made["changed"],
    )
