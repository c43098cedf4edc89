"""The simulated kernel as a mounted file system: any program can run on it.

``run.py`` runs one command, ``host.py`` keeps a host up for many. This process is the
kernel: ``filesystem.py`` answers what is asked of ``/sys``, ``modules.py`` loads
modules. What happens inside the namespaces is in ``inside``, a process of its own that
imports nothing of the kernel.
"""
