"""Kernel modules: what their files declare, and the loaded ones."""
