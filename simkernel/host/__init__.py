"""A booted scenario: the kernel, the files beside it, and background actions."""
