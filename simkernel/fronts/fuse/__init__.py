"""A simulated kernel as a FUSE mount, for any program.

``run.py`` runs one command, ``host.py`` keeps a host running for many. This process is
the kernel: ``server`` answers FUSE requests and system calls. ``sandbox`` starts the
process of ``inside``, which makes the namespaces and starts the programs in them.
"""
