"""Pictures of a host: its devices, IOMMU groups and drivers.

``topology`` collects the content; ``tree``, ``dot`` and ``svg`` draw it.
"""
