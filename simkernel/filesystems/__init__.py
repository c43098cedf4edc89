"""The kernel's state as files: trees of /sys, /proc and /dev."""
