"""The host: files, processes, locks, time.

Only this package imports ``os`` and similar modules. It reads and writes the host, and
makes no decisions.
"""

from resolver.linux.host import TIMEOUT_S, Host
from resolver.linux.streams import discard, reserve_standard

__all__ = ["TIMEOUT_S", "Host", "discard", "reserve_standard"]
