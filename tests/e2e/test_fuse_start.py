"""Hosts on the fuse tier that do not come up: an error, and nothing is left waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from simkernel.errors import UsageError
from simkernel.fronts.fuse.host import FuseHost
from simkernel.host.host import Host
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

PATIENCE_S = 120


def _refused_at_once() -> Host:
    raise UsageError("no such host")


def _refused_when_mounted() -> Host:
    time.sleep(1)  # what makes the namespaces is ahead, and waits
    raise UsageError("no such host")


@pytest.mark.parametrize("make", [_refused_at_once, _refused_when_mounted])
def test_host_that_cannot_be_made_is_told(
    make: Callable[[], Host], capfd: pytest.CaptureFixture[str]
) -> None:
    """However far the namespaces are; whoever makes them ends without a word."""
    before = _children()
    problems: list[BaseException] = []

    def begin() -> None:
        try:
            with FuseHost(make):
                pass
        except BaseException as problem:
            problems.append(problem)

    thread = threading.Thread(target=begin, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)

    assert [str(one) for one in problems] == ["no such host"]
    assert before == _children()
    assert capfd.readouterr() == ("", "")


def _children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {one for task in tasks for one in (task / "children").read_text().split()}
