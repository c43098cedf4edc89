"""``simkernel record``: a real host as a scenario; see :mod:`.capture`."""
