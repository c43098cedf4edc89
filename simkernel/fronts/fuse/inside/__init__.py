"""The process inside the namespaces: mounts, init, seccomp.

It runs in a Python process of its own and imports the standard library only, so it
starts within milliseconds. It contains no rule of the kernel: requests to the kernel go
to the process outside.
"""
