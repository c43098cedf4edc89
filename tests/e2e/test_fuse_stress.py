"""Four writers and two that list everything, on the fuse tier, for a while.

``SIMKERNEL_STRESS_S`` says how long; what is seen must be true, and whole.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import on_fuse
from tests.fuse import needs_fuse

pytestmark = [pytest.mark.real, needs_fuse]

SECONDS = os.environ.get("SIMKERNEL_STRESS_S", "5")


def test_nothing_stale_and_nothing_torn(tmp_path: Path) -> None:
    """Each writer sees at once what it did; each text is one that was there."""
    program = str(Path(__file__).parent / "stress_program.py")
    words = [sys.executable, program, SECONDS]
    options = ["--set", "pfs=2", "--set", "vfs=4"]
    done = subprocess.run(
        on_fuse(*words, scenario="many_vfs", options=options),
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )

    assert (done.returncode, done.stderr) == (0, "")
    counts = json.loads(done.stdout)
    print(counts)
    assert counts["changes"] >= 4 * 20
    assert counts["files"] >= 2 * 1000
