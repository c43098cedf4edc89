"""VFIO devices, their nodes, and IOMMU groups."""
