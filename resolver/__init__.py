"""Find, bind and give back the best VFIO driver of a PCI device."""
