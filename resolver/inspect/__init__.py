"""Read a host: devices, modules, IOMMU groups, users of devices."""
