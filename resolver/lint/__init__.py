"""Check a VFIO driver's aliases without the hardware.

``reading`` gets modules from files, ``judgement`` runs the ``checks`` on them, and
``text``, ``document``, ``sarif`` and ``junit`` format the report. lint only reads the
host, and keeps a cache of the content of module files.
"""
