"""Kernel modules: their declarations, and the table of loaded ones."""
