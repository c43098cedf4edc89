"""Hosts on the fuse tier that fail to start."""

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

TIMEOUT_S = 120


def _refused_at_once() -> Host:
    raise UsageError("no such host")


def _refused_when_mounted() -> Host:
    time.sleep(1)  # meanwhile the namespaces are made
    raise UsageError("no such host")


@pytest.mark.parametrize("make", [_refused_at_once, _refused_when_mounted])
def test_failed_start_is_reported_and_leaves_nothing(
    make: Callable[[], Host], capfd: pytest.CaptureFixture[str]
) -> None:
    """At any point; the process that makes the namespaces ends silently."""
    before = _children()
    problems: list[BaseException] = []

    def begin() -> None:
        try:
            with FuseHost(make):
                pass
        except BaseException as error:
            problems.append(error)

    thread = threading.Thread(target=begin, daemon=True)
    thread.start()
    thread.join(TIMEOUT_S)

    assert [str(one) for one in problems] == ["no such host"]
    assert before == _children()
    assert capfd.readouterr() == ("", "")


def _children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {one for task in tasks for one in (task / "children").read_text().split()}
