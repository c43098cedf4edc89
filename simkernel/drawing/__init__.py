"""Pictures of a host: its devices, IOMMU groups and drivers.

``topology.py`` gathers what is drawn, ``tree.py``, ``dot.py`` and ``svg.py`` draw it.
"""
