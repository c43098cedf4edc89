"""The host: files, processes, locks, time.

The only package that touches ``os`` and what is like it. It knows where things are
and how to read and write them; it decides nothing.
"""

from resolver.linux.host import TIMEOUT_S, Host, discard_stdout

__all__ = ["TIMEOUT_S", "Host", "discard_stdout"]
