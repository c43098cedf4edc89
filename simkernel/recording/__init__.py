"""``simkernel record``: a real host as a scenario.

``host`` reads files, ``functions`` and ``modules`` gather facts, ``devices``,
``drivers`` and ``configuration`` turn them into parts of a scenario, ``capture`` puts
these together. Nothing on the host is changed, and no program is needed.
"""
