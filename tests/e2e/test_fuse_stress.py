"""Four writers and two readers of the whole tree, in parallel.

``SIMKERNEL_STRESS_S`` is the duration in seconds.
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


def test_no_read_is_stale_or_torn(tmp_path: Path) -> None:
    """Each writer sees its own writes at once; each text read was once written."""
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
