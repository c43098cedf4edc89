"""The test kit: a consumer's tests on simulated hosts.

``sim.py`` is what a test holds, ``kernel.py`` and ``snapshot.py`` what it asks it for;
``controls.py`` answers beside the kernel model, ``tier.py`` and its neighbours put
programs on it. :mod:`simkernel.pytest_plugin` makes it a fixture.
"""

from simkernel.testing.kernel import SimKernel
from simkernel.testing.sim import Sim
from simkernel.testing.snapshot import Snapshot

__all__ = ["Sim", "SimKernel", "Snapshot"]
