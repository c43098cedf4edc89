"""The file of recorded operations."""

from __future__ import annotations

import json
from errno import ENOENT
from pathlib import Path

import pytest

from simkernel.errors import UsageError
from simkernel.fronts.tracing.trace import Trace


def test_trace_reports_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    """Before any program runs."""
    with pytest.raises(UsageError, match="cannot write"):
        Trace(tmp_path / "none" / "trace.jsonl")


def test_operation_records_how_its_block_ended(tmp_path: Path) -> None:
    """With its data, or with the errno that it raises."""
    path = tmp_path / "trace.jsonl"
    with Trace(path) as trace:
        with trace.operation("read", "/sys/a", pid=7, comm="cat") as details:
            details["data"] = b"x\xff"
        with (
            pytest.raises(FileNotFoundError),
            trace.operation("open", "/sys/b", pid=7, comm="cat"),
        ):
            raise FileNotFoundError(ENOENT, "none")
    trace.record("open", "/sys/c")

    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["op"], one["data"], one["errno"]) for one in found] == [
        ("read", "x\\xff", None),
        ("open", None, "ENOENT"),
    ]
