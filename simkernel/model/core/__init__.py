"""The driver core, IOMMU groups, and services for all objects."""
