"""On what terms devices are changed: what a caller may say beside which and how."""

from __future__ import annotations

from dataclasses import dataclass

from resolver.linux import TIMEOUT_S

__all__ = ["Terms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for one call."""

    is_dry_run: bool = False
    """Only say what would be done; what would be refused is refused."""
    is_forced: bool = False
    """Take a device that is in use, too. What is impossible stays so."""
    timeout_s: float = TIMEOUT_S
    """How long to wait for each write, each module, and another resolver."""
    together: frozenset[str] = frozenset()
    """Names of the devices that the same call binds: no group fails for them."""
