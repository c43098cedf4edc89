"""Commands inside a guest, for tests."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from simkernel.fronts.vm.machine.guest import Guest

__all__ = ["output_of"]


def output_of(guest: Guest, argv: Sequence[str]) -> tuple[int, str]:
    """Return exit code and standard output of a command in a guest."""
    place = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{place}:/usr/sbin:/usr/bin:/sbin:/bin"}
    guest.call("run", argv=argv, cwd="/", environment=environment, terminal=None)
    output = b""
    while True:
        for document in guest.receive()[0]:
            if document.get("event") == "output" and document["stream"] == 1:
                output += base64.b64decode(document["data"])
            if document.get("event") == "ended":
                return int(document["code"]), output.decode()
