"""The kernel's state seen as files: directories, attributes, links.

Nodes are computed when they are looked at. A write becomes one operation of the
model; how the text of a write is read stands here, what it does stands there.
"""
