"""The part of the vm front that runs in the guest as its first process.

It runs on the host's Python, which the guest reads from the host's file system. It
uses only this folder and the standard library. Imports are few: they are slow on an
emulated processor.

``init.py`` is the first process. ``agent.py`` answers requests that arrive over
``channel.py``: ``operations.py`` changes the kernel's state, ``observation.py``
reads it, ``command.py`` runs a program.
"""

from __future__ import annotations

__all__ = ["PORT"]

PORT = "simkernel"
"""Name of the virtio-serial port between host and guest."""
