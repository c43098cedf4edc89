"""The recorded programs, run unmodified on the simulated kernel.

Each program in ``tests/data/golden/guest`` ran as root on a real kernel; its
transcript is beside it. Here it runs on the scenario ``golden_lab``.
"""

from __future__ import annotations

import lzma
import subprocess
import sys
from pathlib import Path

import pytest

from simkernel.conformance.transcript import Difference, compare, parse

DATA = Path(__file__).parent.parent / "data" / "golden"
BATCHES = (
    "b01_bind",
    "b02_override",
    "b03_ids",
    "b04_devattrs",
    "b06_sriov",
    "b07_platform",
    "b09_uevents",
)

PORT_SERVICES = ("pci_express", "pci_bus", "slots")
"""Subsystems of a root port's own services, which the model does not have."""
SAMPLES = ("other buses without driver_override", "modalias sampling")
"""Sections that list whatever the recording guest happened to have."""
OTHER_DEVICES = ("0000:04:00.0", "/virtio8/", "/sys/bus/platform/")
"""Devices of the recording guest that are not the bench's."""


def _comparable(lines: list[str]) -> list[dict[str, object]]:
    return [record for record in parse(lines) if record["sec"] not in SAMPLES]


def known(difference: Difference) -> str:
    """Return why a difference is there on purpose, empty if it is not."""
    path = difference.record.get("path", "")
    if any(name in path for name in OTHER_DEVICES):
        return "a device that the bench does not have"
    lists_all = path in ("/sys/bus/pci/devices", "/sys/bus/platform/devices")
    if lists_all or path.endswith("/devices_deferred"):
        return "a file or device that the bench does not have"
    if difference.field == "state" and _bench_only(difference.real) == _bench_only(
        difference.simulated
    ):
        return "the state of a device that the bench does not have"
    if difference.field == "uevents" and _without_port_services(
        difference.real
    ) == _without_port_services(difference.simulated):
        return "events of a root port's own services"
    return ""


def _bench_only(state: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in state.items() if key not in OTHER_DEVICES}


def _without_port_services(events: list[dict[str, str]] | None) -> list[dict[str, str]]:
    return [
        event
        for event in events or []
        if event["SUBSYSTEM"] not in PORT_SERVICES
        and not (event["ACTION"] == "change" and event.get("DRIVER") == "pcieport")
    ]


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
    assert (done.returncode, done.stderr) == (0, "")

    packed = (DATA / release / f"{batch}.jsonl.xz").read_bytes()
    real = lzma.decompress(packed).decode().splitlines()
    simulated = (tmp_path / f"{batch}.jsonl").read_text().splitlines()
    compared, differences = compare(_comparable(real), _comparable(simulated))
    unknown = [one for one in differences if not known(one)]
    print(
        f"{batch} on {release}: {len(real)} operations, {compared} fields compared, "
        f"{len(differences) - len(unknown)} known differences, {len(unknown)} unknown"
    )

    assert "\n".join(map(str, unknown)) == ""
