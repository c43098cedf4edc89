"""Pictures of a host: its IOMMU groups, devices and drivers."""
