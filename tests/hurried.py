"""A host that is not waited for, to test what follows a wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from resolver.linux import Host

__all__ = ["HurriedHost"]


class HurriedHost(Host):
    """A host whose waits end after one look.

    :ivar waits_s: how long each wait could have lasted, in seconds.
    """

    def __init__(self, **places: Any) -> None:
        super().__init__(**places)
        self.waits_s: list[float] = []

    def slow_attribute(self, path: str, timeout_s: float = 5.0) -> str | None:
        """Wait a moment for an attribute that another process may hold."""
        self.waits_s.append(timeout_s)
        return super().slow_attribute(path, min(timeout_s, 0.1))

    def wait(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Look once."""
        self.waits_s.append(timeout_s)
        return is_done()
