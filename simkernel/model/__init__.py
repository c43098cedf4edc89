"""The kernel: buses, devices, drivers, modules, IOMMU groups, uevents. Pure state."""
