"""``/sys``, computed at each look-up.

These modules parse the text of a write; the model carries out the operation.
"""
