"""Output of the commands for ``--version`` and ``--help``."""

from __future__ import annotations

from typing import Final

__all__ = ["VERSION", "usage"]

VERSION: Final = "kmod version 30\n+ZSTD +XZ -ZLIB +LIBCRYPTO -EXPERIMENTAL"
"""Version and features of Debian 12's kmod, which the commands imitate."""


def usage(name: str) -> str:
    """Return a pointer to the manual instead of all options."""
    return f"Usage:\n\t{name} [options] ...\nThis is a simulation of {name}(8)."
