"""Bindings that persist across boots.

``records`` are the persistent devices, ``texts`` the content of udev rules, units and
driverctl files, ``mechanism`` their paths. ``persist`` writes and removes them.
"""
