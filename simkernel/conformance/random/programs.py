"""Random programs on a scenario, drawn by Hypothesis.

The simulated kernel runs along while a program is drawn, so that most steps concern
devices and drivers that exist at that point.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from simkernel.conformance.model_executor import ModelExecutor
from simkernel.conformance.operands import Operands
from simkernel.conformance.operations import Operations
from simkernel.conformance.random import (
    device_steps,
    hotplug_steps,
    module_steps,
    other_steps,
)
from simkernel.conformance.random.steps import Steps, one_kind_of
from simkernel.scenario.schema import Scenario

__all__ = ["draw_programs", "programs"]

_LENGTH = (15, 40)
"""Minimum and maximum number of steps in a program."""
_BATCH = 25
"""Programs drawn per run of Hypothesis."""


def draw_programs(scenario: Scenario, start: int) -> Iterator[Operations]:
    """Yield programs without end.

    :param start: seed; the same seed gives the same programs.
    """
    while True:
        yield from _batch(scenario, start)
        start += 1


def _batch(scenario: Scenario, number: int) -> list[Operations]:
    drawn: list[Operations] = []

    @seed(number)
    @settings(
        max_examples=_BATCH,
        phases=[Phase.generate],
        database=InMemoryExampleDatabase(),
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(programs(scenario))
    def keep(program: Operations) -> None:
        drawn.append(program)

    keep()
    return drawn


def programs(scenario: Scenario) -> st.SearchStrategy[Operations]:
    """Return programs that load some modules, then take random steps."""
    operands = Operands.of(scenario)
    return _programs(scenario, _StepsByState(operands))


@st.composite
def _programs(
    draw: st.DrawFn, scenario: Scenario, strategies: _StepsByState
) -> Operations:
    model = ModelExecutor()
    model.boot(scenario)
    program = list(draw(strategies.start))
    for _ in range(draw(st.integers(*_LENGTH))):
        for operation in program[model.done :]:
            model.carry_out(operation)
        program += draw(strategies.now(model))
    return tuple(program)


class _StepsByState:
    """Step strategies by the devices and drivers that exist; each is built once."""

    def __init__(self, operands: Operands) -> None:
        self._operands = operands
        self._built: dict[tuple[tuple[str, ...], ...], Steps] = {}
        self.start = module_steps.module_loads(operands)

    def now(self, model: ModelExecutor) -> Steps:
        """Return steps mostly on objects that exist, sometimes on missing ones."""
        bus = model.kernel.pci
        operands = self._operands
        endpoints = tuple(one for one in operands.endpoints if one in bus.devices)
        drivers = tuple(one for one in operands.drivers if one in bus.drivers)
        key = (endpoints, drivers)
        if key not in self._built:
            present = replace(
                operands,
                endpoints=endpoints or operands.endpoints,
                drivers=drivers or operands.drivers,
            )
            kinds = [_all_steps(present)] * 5 + [_all_steps(operands)]
            if len(endpoints) < len(operands.endpoints):
                kinds += [hotplug_steps.repairs(operands)] * 2
            self._built[key] = one_kind_of(kinds)
        return self._built[key]


def _all_steps(operands: Operands) -> Steps:
    """Return all kinds of steps; a kind listed twice is drawn twice as often."""
    kinds: list[Steps] = []
    if operands.endpoints and operands.drivers:
        kinds += [device_steps.moves(operands)] * 4
        kinds += [device_steps.bindings(operands)] * 4
        kinds += [device_steps.overrides(operands)] * 2
        kinds += [device_steps.ids(operands)] * 2
    if operands.sriov:
        kinds += [hotplug_steps.sriov(operands)] * 3
    if operands.modules:
        kinds += [module_steps.modules(operands)] * 2
        kinds += [module_steps.parameters(operands)]
    if operands.others:
        kinds += [other_steps.other_buses(operands)] * 3
    if operands.endpoints:
        kinds += [hotplug_steps.presence(operands), device_steps.settings(operands)]
        kinds += [hotplug_steps.rescans(operands)]
    kinds += [other_steps.reads(operands), other_steps.strange_writes(operands)]
    return one_kind_of(kinds)
