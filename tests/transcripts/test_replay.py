"""The recorded programs, run unmodified on the simulated kernel.

Each program in ``tests/data/golden/guest`` ran as root on a real kernel; its
transcript is beside it. Here it runs on the scenario ``golden_lab``.
"""

from __future__ import annotations

import lzma
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from simkernel.conformance.transcript import compare, parse
from tests.transcripts.known import reason

DATA = Path(__file__).parent.parent / "data" / "golden"
BATCHES = (
    "b00_inventory",
    "b01_bind",
    "b02_override",
    "b03_ids",
    "b04_devattrs",
    "b06_sriov",
    "b07_platform",
    "b08_modules",
    "b09_uevents",
)

MESSAGES = {
    "b08_modules": "umount: /lib/modules/6.12.117+deb12-amd64: not mounted.\n",
}
"""What a program prints besides; on the bench no other tree covers the modules."""
BUILD_FOLDER = "/root/modules"
"""Where the bench has the modules that were built; transcripts say ``KO``."""
SAMPLES = ("other buses without driver_override", "modalias sampling")
"""Sections that list whatever the recording guest happened to have."""


def _comparable(lines: list[str]) -> list[dict[str, object]]:
    return [record for record in parse(lines) if record["sec"] not in SAMPLES]


@pytest.mark.parametrize("release", ["linux-6.12.117-debian"])
@pytest.mark.parametrize("batch", BATCHES)
def test_program_meets_what_it_met_on_the_real_kernel(
    release: str, batch: str, tmp_path: Path
) -> None:
    """Results, texts, states and uevents of every operation are the real kernel's."""
    program = DATA / "guest" / f"{batch}.py"
    command = [sys.executable, "-m", "simkernel", "run", "golden_lab", "--"]
    done = subprocess.run(
        [*command, "python", str(program), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, MESSAGES.get(batch, ""))

    packed = (DATA / release / f"{batch}.jsonl.xz").read_bytes()
    real = lzma.decompress(packed).decode().splitlines()
    text = (tmp_path / f"{batch}.jsonl").read_text()
    simulated = text.replace(BUILD_FOLDER, "KO").splitlines()
    compared, differences = compare(_comparable(real), _comparable(simulated))
    reasons = [reason(one) for one in differences]
    unknown = [
        one for one, why in zip(differences, reasons, strict=True) if why is None
    ]
    print(
        f"{batch} on {release}: {len(real)} operations, {compared} fields compared, "
        f"{len(differences) - len(unknown)} known differences, {len(unknown)} unknown"
    )
    for why, count in Counter(filter(None, reasons)).most_common():
        print(f"    {count:3} {why}")

    assert "\n".join(map(str, unknown)) == ""
