"""Recording of operations: what programs did on a simulated host.

``trace.py`` is the file, ``fuse.py`` and ``fakefs.py`` record on one tier each.
"""
