"""The simulated kernel inside one Python process, through pyfakefs.

``run.py`` starts a program, ``filesystem.py`` puts the host together, ``nodes.py``
and ``streams.py`` are its files, ``processes.py`` and ``programs.py`` answer for
``subprocess``.
"""
