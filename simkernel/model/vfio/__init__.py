"""The VFIO core: registered devices, groups, nodes and their uevents."""
