"""A recorded host is, for ``resolver``, the host that it was recorded on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simkernel.testing import Sim
from tests.fuse import needs_fuse
from tests.golden.cases import BENCHES, CASES, Case

SMALLER = {"many_vfs": {"pfs": "3", "vfs": "8"}}
"""Hosts that are large for the sake of other tests."""
ALL = [
    *CASES,
    *(Case(name, settings=SMALLER.get(name, {})) for name in sorted(BENCHES)),
]


def answer(sim: Sim, *words: str) -> Any:
    """Return the document that a command of resolver prints on a host."""
    return json.loads(sim.run(["resolver", *words]).stdout)


def recorded(sim: Sim) -> str:
    """Record a host from within, and return the template."""
    return sim.run(["simkernel", "record"], check=True).stdout


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_recorded_host_answers_alike(case: Case, tmp_path: Path) -> None:
    """Every device has the same driver, group, interfaces and best VFIO driver.

    What a container hides is a matter of where the recorder ran, not of the host.
    """
    with Sim(case.scenario, case.settings, via="fakefs") as sim:
        expected = answer(sim, "devices", "--json")["devices"]
        text = recorded(sim)
    template = tmp_path / "recorded.yaml.j2"
    template.write_text(text, encoding="utf-8")

    with Sim(template, via="fakefs") as sim:
        assert answer(sim, "devices", "--json")["devices"] == expected


@pytest.mark.real
@needs_fuse
def test_every_tier_is_the_same_host() -> None:
    """A program of its own reads the same as one in this process."""
    texts = []
    for via in ("fakefs", "fuse"):
        with Sim("mlx5_vfio_pci", via=via) as sim:
            texts.append(recorded(sim))

    assert texts[0] == texts[1]
