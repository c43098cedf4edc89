"""PCI functions and their bus."""
