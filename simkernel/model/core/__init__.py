"""The driver core: devices, drivers, buses, probing, uevents, IOMMU groups."""
