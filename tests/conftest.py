"""What holds for every test: Hypothesis profiles, and unit tests that stay inside.

A unit test that starts a process or reads the real host's kernel files fails, unless
it is marked ``real``.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No test fails because the machine is slow.
settings.register_profile(
    "dev",
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "ci", settings.get_profile("dev"), max_examples=100, derandomize=True
)
settings.register_profile("soak", settings.get_profile("dev"), max_examples=20_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# A shell starts background jobs so, and nohup; tests that interrupt need it as usual.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

_UNIT_TESTS = Path(__file__).parent / "unit"
_HOST_FILES = (
    "/sys/",
    "/lib/modules/",
    "/usr/lib/modules/",
    "/etc/modprobe.d/",
    "/run/resolver/",
    "/dev/vfio/",
    "/proc/modules",
    "/proc/cmdline",
)
_FILE_EVENTS = frozenset({"open", "os.listdir", "os.scandir", "os.mkdir", "os.remove"})
_PROCESS_EVENTS = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork"}
)


class LeftTheTest(BaseException):
    """A unit test reached for the real host; no ``except Exception`` hides it."""


class _Guard:
    """An audit hook, which sees what the simulated file system does not take."""

    is_on = False

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.is_on:
            return
        if event in _PROCESS_EVENTS:
            self._refuse(event, arguments)  # os.fork has none
        elif event in _FILE_EVENTS and isinstance(arguments[0], str | bytes | Path):
            path = os.fsdecode(arguments[0])
            if f"{path}/".startswith(_HOST_FILES):
                self._refuse(event, path)

    def _refuse(self, event: str, what: object) -> None:
        self.is_on = False  # what reports the failure may open files
        raise LeftTheTest(f"{event} {what}: mark the test real, or give it a fake")


_guard = _Guard()
sys.addaudithook(_guard)  # it cannot be removed; it is off outside unit tests


@pytest.fixture(autouse=True)
def _stay_inside(request: pytest.FixtureRequest) -> Iterator[None]:
    """Keep a unit test from the real host."""
    is_unit = _UNIT_TESTS in request.node.path.parents
    _guard.is_on = is_unit and request.node.get_closest_marker("real") is None
    yield
    _guard.is_on = False
