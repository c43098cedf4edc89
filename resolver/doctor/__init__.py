"""What keeps a host from giving devices to VFIO, and what to do about it.

``examine`` reads the host, ``checks`` judges what was read, ``report`` says it.
"""
