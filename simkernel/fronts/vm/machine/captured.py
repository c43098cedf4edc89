"""One command in a guest, whose output is kept instead of shown."""

from __future__ import annotations

import base64
import subprocess
import time
from collections.abc import Mapping, Sequence

from simkernel.fronts.vm.machine.guest import Guest

__all__ = ["run_captured"]


_END_S = 240.0
"""Seconds after which a command hangs: a driver that crashes keeps others waiting."""


def run_captured(
    guest: Guest, argv: Sequence[str], *, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in ``/`` and without standard input.

    :raises GuestError: the guest is gone, or the command does not end; the message
        shows what the kernel said last.
    """
    deadline = time.monotonic() + _END_S
    guest.call(
        "run", argv=list(argv), cwd="/", environment=dict(environment), terminal=None
    )
    output = {1: b"", 2: b""}
    while True:
        for document in guest.receive(deadline)[0]:
            event = document.get("event")
            if event == "output":
                output[document["stream"]] += base64.b64decode(document["data"])
            elif event == "stdin":
                guest.send("feed", data="")
            elif event == "ended":
                out, err = (one.decode(errors="replace") for one in output.values())
                code = int(document["code"])
                return subprocess.CompletedProcess(list(argv), code, out, err)
