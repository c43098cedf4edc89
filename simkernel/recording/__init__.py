"""``simkernel record``: write a real host as a scenario.

``host_files`` reads files. ``functions``, ``modules`` and ``aliases`` collect facts.
``devices``, ``drivers`` and ``configuration`` turn them into parts of a scenario, and
``capture`` combines these. The package changes nothing on the host and runs no program.
"""
