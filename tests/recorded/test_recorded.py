"""The simulated kernel answers as real ones did, to every program that was recorded.

``simkernel verify --record tests/data/recorded`` makes the files.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simkernel.conformance.judge import Judge
from simkernel.conformance.model_player import ModelPlayer
from simkernel.conformance.record import Recording, Replay
from simkernel.fronts.vm.scenario.choose import load_for
from simkernel.fronts.vm.scenario.reduced import reduced

FILES = sorted((Path(__file__).parents[1] / "data" / "recorded").iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".jsonl")[0])
def test_model_answers_as_the_real_kernel_did(path: Path) -> None:
    """Every errno, text, file, link and directory, after every operation."""
    recording = Recording.read(path)
    assert recording.programs
    name = recording.scenario
    scenario = reduced(load_for(name, recording.settings, recording.release))
    judge = Judge(ModelPlayer(), Replay(recording))

    for operations, _ in recording.programs:
        finding = judge.run(name, scenario, operations)
        assert finding is None, str(finding)
