"""A simulated kernel inside one Python process, with pyfakefs.

``run.py`` runs one program, ``host.py`` keeps a host for many. ``filesystem.py`` builds
its file system from the live files of ``nodes.py``. ``patches`` replaces parts of the
standard library, and ``programs`` simulates the programs that ``subprocess`` starts.
"""
