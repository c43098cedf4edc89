"""The way of a write on the fuse tier, as docs/design.md describes it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import simkernel
from simkernel.fronts.fuse.host import FuseHost
from tests.bench import host_of
from tests.fuse import needs_fuse

ROOT = Path(__file__).parent.parent.parent
INSTALLED = Path(simkernel.__file__).parent.parent
"""Folder of the package that runs: the clone, or site-packages of tox."""
WRITE = "echo 0000:3b:00.2 >/sys/bus/pci/drivers_probe"
TREE = "simkernel/filesystems/tree.py"
MOST_FILES = 10


def documented() -> list[str]:
    """Return the files in the numbered list of the section."""
    page = (ROOT / "docs/design.md").read_text()
    section = page.split("\n## One write by a program on the fuse tier\n")[1]
    return re.findall(r"^\d+\. `([^`]+)`", section.split("\n## ")[0], re.MULTILINE)


def files_of(frame: FrameType | None) -> Iterator[str]:
    """Yield the project's files on a call stack, the innermost first."""
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(INSTALLED / "simkernel"):
            yield str(path.relative_to(INSTALLED))
        frame = frame.f_back


@contextmanager
def recorded_stacks(last_file: str) -> Iterator[list[list[str]]]:
    """Record stacks of calls into a file, in threads that start in the block."""
    stacks: list[list[str]] = []

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call" and frame.f_code.co_filename == str(INSTALLED / last_file):
            stacks.append(list(dict.fromkeys(files_of(frame)))[::-1])

    threading.setprofile(profile)
    try:
        yield stacks
    finally:
        threading.setprofile(None)


@pytest.mark.real
@needs_fuse
def test_write_reaches_the_model_through_the_documented_files() -> None:
    """At most ten files, and each file on the call stack is in the list, in order."""
    with (
        recorded_stacks(documented()[-1]) as stacks,
        FuseHost(lambda: host_of("mlx5_vfio_pci")) as host,
    ):
        assert host.wait(host.start(["sh", "-c", WRITE])) == 0

    stack = next(one for one in stacks if TREE in one)
    assert stack[0] == documented()[0]
    assert [file for file in documented() if file in stack] == stack
    assert len(documented()) <= MOST_FILES
