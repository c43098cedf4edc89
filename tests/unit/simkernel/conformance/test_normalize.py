"""Normalized states."""

from __future__ import annotations

import pytest

from simkernel.conformance.executor import Answer
from simkernel.conformance.normalize import Normalizer
from simkernel.conformance.observation_scope import ObservationScope
from simkernel.conformance.operations import Read, Write
from simkernel.scenario.render import load

PF = "0000:3b:00.0"
GROUPS = "/sys/kernel/iommu_groups"


@pytest.fixture(scope="module")
def normalizer() -> Normalizer:
    """Return the normalizer of a host with one physical function."""
    return Normalizer(ObservationScope.of(load("mlx5_vfio_pci", {})))


def _host(group: int, stranger: int) -> dict[str, str]:
    base = f"/sys/devices/pci0000:3a/0000:3a:00.0/{PF}"
    return {
        f"{GROUPS}/{group}/": "",
        f"{GROUPS}/{group}/devices/{PF}": f"-> ../../../../devices/{PF}",
        f"{GROUPS}/{stranger}/devices/0000:00:1f.2": "-> ../elsewhere",
        f"{base}/iommu_group": f"-> ../../../../kernel/iommu_groups/{group}",
        f"{base}/vfio-dev/vfio0/dev": f"0444 {230 + group}:0\n",
        f"{base}/resource0": "0600",
        f"{base}/irq": f"0444 {group}\n",
        f"/sys/devices/virtual/vfio/{group}/dev": f"0444 {240 + group}:{group}\n",
        f"/dev/vfio/{group}": "character device 0600",
        "/dev/vfio/vfio": "character device 0666",
        "/sys/bus/pci/drivers/pcieport/0000:00:1c.0": "-> ../stranger",
        "/proc/modules": "0444 vfio 40960 1 vfio_pci, Live 0xffff\n9p 1 0 - Live 0x0\n",
    }


def test_numbers_of_groups_do_not_count(normalizer: Normalizer) -> None:
    """Two hosts that differ only in group numbers are equal."""
    assert normalizer.state(_host(5, 7)) == normalizer.state(_host(12, 5))


def test_what_was_seen_stays_the_same(normalizer: Normalizer) -> None:
    """Normalizing twice has no further effect."""
    seen = normalizer.state(_host(5, 7))

    assert seen == normalizer.state(seen)


def test_strangers_and_unknown_files_are_left_out(normalizer: Normalizer) -> None:
    """Foreign devices, their groups, and files outside the model."""
    seen = normalizer.state(_host(5, 7))

    assert not [path for path in seen if "00:1f.2" in path or "00:1c.0" in path]
    assert not [path for path in seen if path.endswith("resource0")]
    assert "vfio SIZE 1 vfio_pci, Live" in seen["/proc/modules"]
    assert "9p" not in seen["/proc/modules"]


def test_what_belongs_to_the_scenario_counts(normalizer: Normalizer) -> None:
    """A missing link, another text or group member is a difference."""
    one = _host(5, 7)
    for path in one:
        other = {key: text for key, text in one.items() if key != path}
        seen = path.endswith("resource0") or "00:1f.2" in path or "00:1c.0" in path
        assert (normalizer.state(one) == normalizer.state(other)) == seen, path


def test_text_that_was_read_is_seen_as_in_the_state(normalizer: Normalizer) -> None:
    """A hardware property is not compared, a byte count is."""
    irq, bind = f"/sys/bus/pci/devices/{PF}/irq", "/sys/bus/pci/drivers_probe"

    answers = [
        normalizer.answer(Read(irq), Answer(value=text)) for text in ("1\n", "2\n")
    ]
    assert answers[0] == answers[1]
    wrote = Answer(value="12")
    assert wrote == normalizer.answer(Write(bind, b"0"), wrote)
