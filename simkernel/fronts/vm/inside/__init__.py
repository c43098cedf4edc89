"""What runs inside the guest, started by the kernel as its first process.

It is Python of the host, seen by the guest on the host's file system, with nothing but
the standard library, and of simkernel only this folder. Imports are few: they cost time
in an emulated processor.

``start.py`` is the first process, ``root.py`` the file systems, ``agent.py`` answers
requests that come over ``channel.py``; ``operations.py`` acts on the kernel,
``observation.py`` looks at it, ``command.py`` runs a program.
"""

from __future__ import annotations

__all__ = ["PORT"]

PORT = "simkernel"
"""Name of the port of virtio-serial that connects host and guest."""
