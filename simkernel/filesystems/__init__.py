"""The kernel's file systems: trees of /sys, /proc and /dev."""
