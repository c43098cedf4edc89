"""Random programs on a scenario, drawn by Hypothesis.

The simulated kernel goes along while a program is drawn, so that most of its pieces are
about what is there at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase

from simkernel.conformance.model_player import ModelPlayer
from simkernel.conformance.random.modules import module_loads
from simkernel.conformance.random.piece import Piece, Pieces, chosen
from simkernel.conformance.random.pieces import pieces
from simkernel.conformance.random.presence import repairs
from simkernel.conformance.vocabulary import Vocabulary
from simkernel.scenario.schema import Scenario

__all__ = ["draw", "programs"]

_LENGTH = (15, 40)
"""Least and most pieces of a program."""
_AT_ONCE = 25
"""Programs that are drawn together."""


def draw(scenario: Scenario, start: int) -> Iterator[Piece]:
    """Yield programs without end.

    :param start: the same number gives the same programs.
    """
    while True:
        yield from _batch(scenario, start)
        start += 1


def _batch(scenario: Scenario, number: int) -> list[Piece]:
    drawn: list[Piece] = []

    @seed(number)
    @settings(
        max_examples=_AT_ONCE,
        phases=[Phase.generate],
        database=InMemoryExampleDatabase(),
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(programs(scenario))
    def keep(program: Piece) -> None:
        drawn.append(program)

    keep()
    return drawn


def programs(scenario: Scenario) -> st.SearchStrategy[Piece]:
    """Programs on a scenario: some modules are loaded, then anything is done."""
    words = Vocabulary.of(scenario)
    return _programs(scenario, words, _Kinds(words))


@st.composite
def _programs(
    draw: st.DrawFn, scenario: Scenario, words: Vocabulary, kinds: _Kinds
) -> Piece:
    guide = ModelPlayer()
    guide.boot(scenario)
    program = list(draw(kinds.start))
    for _ in range(draw(st.integers(*_LENGTH))):
        for operation in program[guide.done :]:
            guide.carry_out(operation)
        program += draw(kinds.now(guide))
    return tuple(program)


class _Kinds:
    """Pieces by what is there; each strategy is made once."""

    def __init__(self, words: Vocabulary) -> None:
        self._words = words
        self._made: dict[tuple[tuple[str, ...], ...], Pieces] = {}
        self.start = module_loads(words)

    def now(self, guide: ModelPlayer) -> Pieces:
        """Return pieces about what is there, sometimes about what is not."""
        bus = guide.kernel.pci
        words = self._words
        endpoints = tuple(one for one in words.endpoints if one in bus.devices)
        drivers = tuple(one for one in words.drivers if one in bus.drivers)
        key = (endpoints, drivers)
        if key not in self._made:
            here = replace(
                words,
                endpoints=endpoints or words.endpoints,
                drivers=drivers or words.drivers,
            )
            usual, any_ = pieces(here), pieces(words)
            kinds = [usual] * 5 + [any_]
            if len(endpoints) < len(words.endpoints):
                kinds += [repairs(words)] * 2
            self._made[key] = chosen(kinds)
        return self._made[key]
