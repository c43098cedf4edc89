"""The simulated kernel gives the recorded answers of real kernels.

``simkernel verify --record tests/data/recorded`` writes the files.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simkernel.conformance.comparison import Comparison
from simkernel.conformance.model_executor import ModelExecutor
from simkernel.conformance.recorded_answers import RecordedAnswers, RecordedExecutor
from simkernel.fronts.vm.scenario.select_kernel import load_for
from simkernel.fronts.vm.scenario.support import supported_part

FILES = sorted((Path(__file__).parents[1] / "data" / "recorded").iterdir())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name.split(".jsonl")[0])
def test_model_answers_as_the_real_kernel_did(path: Path) -> None:
    """Every errno, text, file, link and directory, after every operation."""
    recording = RecordedAnswers.read(path)
    assert recording.programs
    name = recording.scenario
    scenario = supported_part(load_for(name, recording.settings, recording.release))
    comparison = Comparison(ModelExecutor(), RecordedExecutor(recording))

    for operations, _ in recording.programs:
        finding = comparison.run(name, scenario, operations)
        assert finding is None, str(finding)
