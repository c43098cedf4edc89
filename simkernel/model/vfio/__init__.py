"""The VFIO core: devices, groups, nodes and uevents."""
