"""The same program on two kernels, and the first thing that they do differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from simkernel.conformance.compare import (
    Difference,
    Finding,
    compare_answers,
    compare_states,
)
from simkernel.conformance.operations import Operation
from simkernel.conformance.player import Answer, KernelLost, Player, State, advance
from simkernel.conformance.record import Recording
from simkernel.conformance.scope import Scope
from simkernel.conformance.view import View
from simkernel.scenario.schema import Scenario

__all__ = ["Judge", "Tally"]


@dataclass(slots=True)
class Tally:
    """What was compared so far."""

    programs: int = 0
    operations: int = 0
    refused: int = 0
    """Operations that both kernels refused, with the same errno."""
    rules: Counter[str] = field(default_factory=Counter)
    """Rules by which the simulated kernel refused what the real one refused too."""


class Judge:
    """Plays programs on two kernels.

    :param model: the simulated kernel.
    :param kernel: the real one.
    """

    def __init__(self, model: Player, kernel: Player) -> None:
        self._model = model
        self._kernel = kernel
        self.tally = Tally()
        self.recording: Recording | None = None
        """Is told what the real kernel answers to the programs that are run."""

    def run(
        self, name: str, scenario: Scenario, operations: Sequence[Operation]
    ) -> Finding | None:
        """Play a program from the start of a scenario.

        :param name: what the scenario is called.
        :return: None, if the kernels agree in every errno, text and state.
        """
        view = View(Scope.of(scenario))
        self.tally.programs += 1
        with ThreadPoolExecutor(max_workers=1) as beside:
            # Not the other way round: a guest ends with the thread that booted it.
            played = beside.submit(_play, self._model, scenario, operations)
            try:
                real_start, real = _play(self._kernel, scenario, operations)
            except KernelLost as lost:
                return self._loss(name, scenario, operations, lost)
        start, simulated = played.result()
        if self.recording is not None:
            self.recording.add(view, real_start, operations, real)
        states = start, real_start
        different = _differences(view, *states)
        if different:
            return _finding(name, (), different)
        for index, pair in enumerate(zip(simulated, real, strict=True)):
            different = self._step(view, operations[index], states, *pair)
            if different:
                return _finding(name, operations[: index + 1], different)
        return None

    def replay(
        self, name: str, scenario: Scenario, operations: Sequence[Operation]
    ) -> Finding | None:
        """Play a program as :meth:`run` does, without counting it."""
        return Judge(self._model, self._kernel).run(name, scenario, operations)

    def _loss(
        self,
        name: str,
        scenario: Scenario,
        operations: Sequence[Operation],
        lost: KernelLost,
    ) -> Finding:
        """Return the program up to the operation that the kernel did not survive.

        It is played again, one operation at a time, to find that one.
        """
        last = len(operations)
        try:
            self._kernel.reset(scenario)
            for last in range(1, len(operations) + 1):
                self._kernel.play(operations[last - 1 : last])
        except KernelLost as again:
            lost = again
        different = Difference("the kernel", "lives on", str(lost))
        return _finding(name, operations[:last], [different])

    def _step(
        self,
        view: View,
        operation: Operation,
        states: tuple[State, State],
        simulated: Answer,
        real: Answer,
    ) -> list[Difference]:
        """Compare one operation, and bring both states to where they are after it."""
        for state, answer in zip(states, (simulated, real), strict=True):
            advance(state, answer)
        self.tally.operations += 1
        different = compare_answers(
            view.answer(operation, simulated), view.answer(operation, real)
        )
        if simulated.changed or real.changed:
            different += _differences(view, *states)
        if not different and simulated.errno:
            self.tally.refused += 1
            if simulated.rule is not None:
                self.tally.rules[simulated.rule] += 1
        return different


def _play(
    player: Player, scenario: Scenario, operations: Sequence[Operation]
) -> tuple[State, list[Answer]]:
    return player.reset(scenario), player.play(operations)


def _differences(view: View, model: State, kernel: State) -> list[Difference]:
    return compare_states(view.of(model), view.of(kernel))


def _finding(
    name: str, operations: Sequence[Operation], different: Sequence[Difference]
) -> Finding:
    return Finding(
        scenario=name, operations=tuple(operations), differences=tuple(different)
    )
