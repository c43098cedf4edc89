"""Runs a program on two kernels, and finds the first difference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from errno import errorcode

from simkernel.conformance.executor import Answer, Executor, KernelLost, State, advance
from simkernel.conformance.normalize import Normalizer
from simkernel.conformance.observation_scope import ObservationScope
from simkernel.conformance.operations import Operation, to_line
from simkernel.conformance.recorded_answers import RecordedAnswers
from simkernel.scenario.schema import Scenario

__all__ = ["Comparison", "Counts", "Difference", "Finding"]

_MAX_SHOWN = 12
"""Differences of one operation that a message lists; it counts the others."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference after an operation."""

    what: str
    """``errno``, ``value``, or the path of a file."""
    model: str | None
    """The simulated kernel's answer; None: no such file."""
    kernel: str | None
    """The real kernel's answer; None: no such file."""

    def __str__(self) -> str:
        """Return three lines for a person."""
        return (
            f"{self.what}\n        model   {_shown(self.model)}"
            f"\n        kernel  {_shown(self.kernel)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A program on which two kernels differ, with its first differences."""

    scenario: str
    operations: tuple[Operation, ...]
    """The kernels differ after the last one; empty: they differ at the start."""
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        """Return the program and both answers for a person."""
        lines = [f"scenario {self.scenario}, {len(self.operations)} operations:"]
        lines += [f"    {to_line(one)}" for one in self.operations]
        lines += (
            ["  differs in:"] if self.operations else ["  differs at the start in:"]
        )
        lines += [f"    {one}" for one in self.differences[:_MAX_SHOWN]]
        if len(self.differences) > _MAX_SHOWN:
            lines.append(f"    and {len(self.differences) - _MAX_SHOWN} more")
        return "\n".join(lines)


@dataclass(slots=True)
class Counts:
    """Numbers of compared programs and operations."""

    programs: int = 0
    operations: int = 0
    refused: int = 0
    """Operations that both kernels refused with the same errno."""
    rules: Counter[str] = field(default_factory=Counter)
    """Rules behind refusals on which both kernels agreed, by id."""


class Comparison:
    """Runs programs on two kernels and compares their answers.

    :param model: the simulated kernel.
    :param kernel: the real one.
    """

    def __init__(self, model: Executor, kernel: Executor) -> None:
        self._model = model
        self._kernel = kernel
        self.counts = Counts()
        self.recording: RecordedAnswers | None = None
        """Collects the real kernel's answers to the programs; None: not recorded."""

    def run(
        self, name: str, scenario: Scenario, operations: Sequence[Operation]
    ) -> Finding | None:
        """Run a program from the start of a scenario, and count it.

        :param name: the scenario's name in the finding.
        :return: None if the kernels agree in every errno, text and state.
        """
        normalizer = Normalizer(ObservationScope.of(scenario))
        self.counts.programs += 1
        with ThreadPoolExecutor(max_workers=1) as beside:
            # The guest stays in this thread: QEMU ends with the thread that started it.
            simulation = beside.submit(_execute, self._model, scenario, operations)
            try:
                real_start, real = _execute(self._kernel, scenario, operations)
            except KernelLost as lost:
                return self._loss(name, scenario, operations, lost)
        start, simulated = simulation.result()
        if self.recording is not None:
            self.recording.add(normalizer, real_start, operations, real)
        states = start, real_start
        different = _state_differences(normalizer, *states)
        if different:
            return _finding(name, (), different)
        for index, pair in enumerate(zip(simulated, real, strict=True)):
            different = self._compare_step(normalizer, operations[index], states, *pair)
            if different:
                return _finding(name, operations[: index + 1], different)
        return None

    def replay(
        self, name: str, scenario: Scenario, operations: Sequence[Operation]
    ) -> Finding | None:
        """Run a program as :meth:`run` does, without counting it."""
        return Comparison(self._model, self._kernel).run(name, scenario, operations)

    def _loss(
        self,
        name: str,
        scenario: Scenario,
        operations: Sequence[Operation],
        lost: KernelLost,
    ) -> Finding:
        """Return the program up to the operation that crashed the kernel.

        Runs the program again, one operation at a time, to find that operation.
        """
        last = len(operations)
        try:
            self._kernel.reset(scenario)
            for last in range(1, len(operations) + 1):
                self._kernel.execute(operations[last - 1 : last])
        except KernelLost as again:
            lost = again
        different = Difference("the kernel", "still runs", str(lost))
        return _finding(name, operations[:last], [different])

    def _compare_step(
        self,
        normalizer: Normalizer,
        operation: Operation,
        states: tuple[State, State],
        simulated: Answer,
        real: Answer,
    ) -> list[Difference]:
        """Compare one operation, and apply its changes to both states."""
        for state, answer in zip(states, (simulated, real), strict=True):
            advance(state, answer)
        self.counts.operations += 1
        different = _answer_differences(
            normalizer.answer(operation, simulated), normalizer.answer(operation, real)
        )
        if simulated.changed or real.changed:
            different += _state_differences(normalizer, *states)
        if not different and simulated.errno:
            self.counts.refused += 1
            if simulated.rule is not None:
                self.counts.rules[simulated.rule] += 1
        return different


def _execute(
    executor: Executor, scenario: Scenario, operations: Sequence[Operation]
) -> tuple[State, list[Answer]]:
    return executor.reset(scenario), executor.execute(operations)


def _answer_differences(model: Answer, kernel: Answer) -> list[Difference]:
    """Compare errno, then value, of one operation."""
    if model.errno != kernel.errno:
        names = _errno_name(model.errno), _errno_name(kernel.errno)
        return [Difference("errno", *names)]
    if model.value != kernel.value:
        return [Difference("value", model.value, kernel.value)]
    return []


def _state_differences(
    normalizer: Normalizer, model_state: State, kernel_state: State
) -> list[Difference]:
    """Return the paths at which two states differ after normalization."""
    model, kernel = normalizer.state(model_state), normalizer.state(kernel_state)
    if model == kernel:
        return []
    return [
        Difference(path, model.get(path), kernel.get(path))
        for path in sorted(model.keys() | kernel.keys())
        if model.get(path) != kernel.get(path)
    ]


def _finding(
    name: str, operations: Sequence[Operation], different: Sequence[Difference]
) -> Finding:
    return Finding(
        scenario=name, operations=tuple(operations), differences=tuple(different)
    )


def _errno_name(number: int) -> str:
    return errorcode.get(number, str(number)) if number else "done"


def _shown(text: str | None) -> str:
    return "-" if text is None else repr(text)
