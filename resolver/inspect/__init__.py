"""Read a host: devices, modules, IOMMU groups, uses. Changes nothing."""
