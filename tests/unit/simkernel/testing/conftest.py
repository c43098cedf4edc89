"""A host for tests of the test kit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simkernel.testing import Sim


@pytest.fixture
def nic() -> Iterator[Sim]:
    """Return a host on the fakefs tier."""
    with Sim("mlx5_vfio_pci", {"vfs": 2}, via="fakefs") as host:
        yield host
