"""Traces of the operations of programs on a host.

``trace.py`` is the file, ``fuse.py`` and ``fakefs.py`` record on one tier each.
"""
