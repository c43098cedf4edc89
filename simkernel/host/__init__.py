"""A booted scenario: its kernel, its files, and its udev."""
