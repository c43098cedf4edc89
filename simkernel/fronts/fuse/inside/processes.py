"""What ``/proc`` says of a process."""

from __future__ import annotations

import os
from functools import cache

from simkernel.fronts.fuse.inside.mounts import HIDDEN_PROC

__all__ = ["about"]


def about(process: int, what: str) -> str:
    """Return the path of one of a process's files in ``/proc``."""
    return f"{_proc()}/{process}/{what}"


@cache
def _proc() -> str:
    return HIDDEN_PROC if os.path.isdir(HIDDEN_PROC) else "/proc"
