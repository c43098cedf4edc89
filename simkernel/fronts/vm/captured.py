"""One command in a guest, whose output is kept instead of shown."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping, Sequence

from simkernel.fronts.vm.guest import Guest

__all__ = ["run_captured"]


def run_captured(
    guest: Guest, argv: Sequence[str], *, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in ``/`` and without standard input.

    :raises GuestError: the guest is gone.
    """
    guest.call(
        "run", argv=list(argv), cwd="/", environment=dict(environment), terminal=None
    )
    output = {1: b"", 2: b""}
    while True:
        for document in guest.receive()[0]:
            event = document.get("event")
            if event == "output":
                output[document["stream"]] += base64.b64decode(document["data"])
            elif event == "stdin":
                guest.send("feed", data="")
            elif event == "ended":
                out, err = (one.decode(errors="replace") for one in output.values())
                code = int(document["code"])
                return subprocess.CompletedProcess(list(argv), code, out, err)
