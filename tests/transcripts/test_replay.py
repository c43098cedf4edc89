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
from tests.fuse import needs_fuse
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


RECORDED = "linux-6.12.117-debian"
"""Folder of the transcripts."""
SAME_ON_6_1 = ("b01_bind", "b02_override", "b03_ids", "b04_devattrs", "b06_sriov")
"""Batches that a real 6.1.176 answered without any difference to 6.12.117."""


ON_6_1 = ["--set", "release=6.1.176"]
ON_FUSE = ["--via", "fuse"]
FORKING = ("b01_bind", "b04_devattrs", "b09_uevents")
"""Programs that try some operations as another user, in a process of their own: the
fakefs tier has only one."""


@pytest.mark.parametrize(
    ("batch", "options"),
    [
        *((batch, []) for batch in BATCHES if batch not in FORKING),
        *((batch, ON_6_1) for batch in SAME_ON_6_1 if batch not in FORKING),
        *(
            pytest.param(batch, options, marks=[needs_fuse, pytest.mark.real])
            for options, batches in (
                (ON_FUSE, BATCHES),
                ([*ON_FUSE, *ON_6_1], SAME_ON_6_1),
            )
            for batch in batches
        ),
    ],
)
def test_program_meets_what_it_met_on_the_real_kernel(
    batch: str, options: list[str], tmp_path: Path
) -> None:
    """Results, texts, states and uevents of every operation are the real kernel's."""
    simulated = _run(batch, options, tmp_path)
    packed = (DATA / RECORDED / f"{batch}.jsonl.xz").read_bytes()
    real = lzma.decompress(packed).decode().splitlines()

    compared, differences = compare(_comparable(real), _comparable(simulated))
    tier = "fuse" if "fuse" in options else "fakefs"
    reasons = [reason(one, tier) for one in differences]
    unknown = [
        one for one, why in zip(differences, reasons, strict=True) if why is None
    ]
    print(
        f"{batch} {options}: {len(real)} operations, {compared} fields compared, "
        f"{len(differences) - len(unknown)} known differences, {len(unknown)} unknown"
    )
    for why, count in Counter(filter(None, reasons)).most_common():
        print(f"    {count:3} {why}")

    assert "\n".join(map(str, unknown)) == ""


def _run(batch: str, options: list[str], folder: Path) -> list[str]:
    """Run a program on the bench and return the transcript that it writes."""
    program = DATA / "guest" / f"{batch}.py"
    command = [sys.executable, "-m", "simkernel", "run", *options, "golden_lab", "--"]
    done = subprocess.run(
        [*command, "python", str(program), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, MESSAGES.get(batch, ""))
    text = (folder / f"{batch}.jsonl").read_text()
    return text.replace(BUILD_FOLDER, "KO").splitlines()
