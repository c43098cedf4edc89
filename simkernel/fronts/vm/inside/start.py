"""The first process of the guest: prepares it, starts the agent, outlives it."""

from __future__ import annotations

import os
import traceback

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
        traceback.print_exc()
    system.power_off()


def _run_agent() -> None:
    try:
        serve()
    except BaseException:
        traceback.print_exc()
    os._exit(1)
