"""The first process of the guest: prepares it, starts the agent, outlives it."""

from __future__ import annotations

import os

from simkernel.fronts.vm.inside import system
from simkernel.fronts.vm.inside.agent import serve
from simkernel.fronts.vm.inside.root import build_root

__all__ = ["main"]


def main() -> None:
    """Run the agent, and end the guest with it.

    A problem is written to the console, where the host finds it.
    """
    try:
        build_root()
        agent = os.fork()
        if agent == 0:
            _run_agent()
        while os.wait()[0] != agent:  # orphans end here too
            pass
    except BaseException:
        _tell()
    system.power_off()


def _run_agent() -> None:
    try:
        serve()
    except BaseException:
        _tell()
    os._exit(1)


def _tell() -> None:
    """Write the exception that is being handled to the console."""
    import traceback  # which takes long to import, and is hardly ever needed

    traceback.print_exc()
