"""What runs inside the namespaces: mounts, the first process, trapped system calls.

It is started as a Python of its own and imports the standard library only, so that it
is up within milliseconds. It holds no kernel rule; what is asked of the kernel goes to
the process outside.
"""
