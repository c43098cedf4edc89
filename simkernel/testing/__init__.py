"""The test kit: simulated hosts for the tests of your tool.

``sim.py`` is the host in a test, ``kernel.py`` its kernel, ``snapshot.py`` a copy of
its trees. ``controls.py`` acts on the kernel model. ``tier.py`` and its neighbours
run programs. :mod:`simkernel.pytest_plugin` provides the fixture.
"""

from simkernel.testing.kernel import SimKernel
from simkernel.testing.sim import Sim
from simkernel.testing.snapshot import Snapshot

__all__ = ["Sim", "SimKernel", "Snapshot"]
