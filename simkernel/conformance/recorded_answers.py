"""Recorded answers of a real kernel, and an executor that replays them.

A file is for one scenario: JSON lines, compressed with xz. The first line names
scenario and kernel, the second has the initial state, each other one a program with
its answers. States are normalized.
"""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from simkernel.conformance.executor import Answer, State, advance, changes
from simkernel.conformance.normalize import Normalizer
from simkernel.conformance.operations import Operation, from_json, to_json
from simkernel.errors import UsageError
from simkernel.scenario.schema import Scenario

__all__ = ["SCHEMA", "RecordedAnswers", "RecordedExecutor"]

SCHEMA = "simkernel-recording/1"
"""Name of the format."""


@dataclass(slots=True, kw_only=True)
class RecordedAnswers:
    """Programs on one scenario with a real kernel's answers."""

    scenario: str
    settings: Mapping[str, str] = field(default_factory=dict)
    release: str
    """Release of the kernel, as ``uname -r`` prints it."""
    version: str = ""
    """Version of its source, such as ``6.12.117``."""
    start: State = field(default_factory=dict)
    programs: list[tuple[tuple[Operation, ...], list[Answer]]] = field(
        default_factory=list
    )

    def add(
        self,
        normalizer: Normalizer,
        start: State,
        operations: Sequence[Operation],
        answers: Sequence[Answer],
    ) -> None:
        """Record a program with its answers.

        :param start: the initial state, the same for each program.
        """
        state = dict(start)
        self.start = before = normalizer.state(state)
        kept = []
        for operation, answer in zip(operations, answers, strict=True):
            advance(state, answer)
            after = normalizer.state(state) if answer.changed else before
            seen = normalizer.answer(operation, answer)
            kept.append(replace(seen, changed=changes(before, after), rule=None))
            before = after
        self.programs.append((tuple(operations), kept))

    def write(self, path: Path) -> None:
        """Write the file."""
        lines = [json.dumps(one, sort_keys=True) + "\n" for one in self._documents()]
        path.write_bytes(
            lzma.compress("".join(lines).encode(), preset=9 | lzma.PRESET_EXTREME)
        )

    def _documents(self) -> Iterable[dict[str, Any]]:
        yield {
            "schema": SCHEMA,
            "scenario": self.scenario,
            "settings": dict(self.settings),
            "release": self.release,
            "version": self.version,
        }
        yield {"start": self.start}
        for operations, answers in self.programs:
            pairs = zip(operations, answers, strict=True)
            yield {"steps": [_step(*pair) for pair in pairs]}

    @classmethod
    def read(cls, path: Path) -> RecordedAnswers:
        """Read a file.

        :raises UsageError: the file has another format.
        """
        lines = lzma.decompress(path.read_bytes()).decode().splitlines()
        head, start, *programs = map(json.loads, lines)
        if head.pop("schema", None) != SCHEMA:
            raise UsageError(f"{path}: not a {SCHEMA} file")
        return cls(
            **head,
            start=start["start"],
            programs=[_program(one["steps"]) for one in programs],
        )


def _step(operation: Operation, answer: Answer) -> dict[str, Any]:
    made = {"operation": to_json(operation), "errno": answer.errno}
    return made | {"value": answer.value, "changed": dict(answer.changed)}


def _program(
    steps: Sequence[dict[str, Any]],
) -> tuple[tuple[Operation, ...], list[Answer]]:
    operations = tuple(from_json(one.pop("operation")) for one in steps)
    return operations, [Answer(**one) for one in steps]


class RecordedExecutor:
    """Replays recorded answers; other programs are an error."""

    def __init__(self, recording: RecordedAnswers) -> None:
        self._recording = recording

    def reset(self, scenario: Scenario) -> State:
        """Return the recorded initial state."""
        return dict(self._recording.start)

    def execute(self, operations: Sequence[Operation]) -> list[Answer]:
        """Return the answers of a recorded program.

        :raises UsageError: the program was not recorded.
        """
        for recorded, answers in self._recording.programs:
            if recorded == tuple(operations):
                return answers
        raise UsageError(f"{self._recording.scenario}: this program was not recorded")
