"""Checks of alias entries for who writes a VFIO driver.

``reading`` gets modules from files, ``judgement`` has the ``checks`` judge them, and
``text``, ``document``, ``sarif`` and ``junit`` say what came of it. The host is read
and never changed, but for a cache of what module files say.
"""
