"""The PCI bus: functions, matching, SR-IOV, reset, vfio-pci-core."""
