"""Recorded answers of a kernel."""

from __future__ import annotations

import lzma
from pathlib import Path

import pytest

from simkernel.conformance.comparison import Comparison
from simkernel.conformance.model_executor import ModelExecutor
from simkernel.conformance.operations import Load, Read, Write
from simkernel.conformance.recorded_answers import RecordedAnswers, RecordedExecutor
from simkernel.conformance.systematic import systematic_programs
from simkernel.errors import UsageError
from simkernel.scenario.render import load

NAME = "vfio_pci"


def test_recording_answers_as_the_kernel_did(tmp_path: Path) -> None:
    """Written and read answers equal the recorded ones."""
    scenario = load(NAME, {})
    recording = RecordedAnswers(scenario=NAME, release="6.12.117-test")
    comparison = Comparison(ModelExecutor(), ModelExecutor())
    comparison.recording = recording
    programs = [operations for _, operations in systematic_programs(scenario)]
    for operations in programs:
        assert comparison.run(NAME, scenario, operations) is None

    recording.write(tmp_path / "one.xz")
    again = RecordedAnswers.read(tmp_path / "one.xz")

    assert recording == again
    comparison = Comparison(ModelExecutor(), RecordedExecutor(again))
    for operations in programs:
        assert comparison.run(NAME, scenario, operations) is None
    with pytest.raises(UsageError, match="was not recorded"):
        RecordedExecutor(again).execute((Load("vfio"),))


def test_other_answer_is_seen(tmp_path: Path) -> None:
    """A model that answers differently is found."""
    scenario = load(NAME, {})
    recording = RecordedAnswers(scenario=NAME, release="6.12.117-test")
    program = (Read("/sys/bus/pci/drivers_autoprobe"), Write("/sys/nothing", b"1"))
    comparison = Comparison(ModelExecutor(), ModelExecutor())
    comparison.recording = recording
    assert comparison.run(NAME, scenario, program) is None
    recording.start["/sys/bus/pci/drivers_autoprobe"] = "0644 0\n"

    finding = Comparison(ModelExecutor(), RecordedExecutor(recording)).run(
        NAME, scenario, program
    )

    assert finding is not None
    assert [one.what for one in finding.differences] == [
        "/sys/bus/pci/drivers_autoprobe"
    ]


def test_other_file_is_refused(tmp_path: Path) -> None:
    """Another format is an error."""
    path = tmp_path / "other.xz"
    path.write_bytes(lzma.compress(b'{"schema": "other/1"}\n{}\n'))

    with pytest.raises(UsageError, match="not a simkernel-recording"):
        RecordedAnswers.read(path)
